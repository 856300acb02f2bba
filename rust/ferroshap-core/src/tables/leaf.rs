//! The table of one leaf.
//!
//! With A = a ∖ q, k = |A| and β = d − |a|, a pair of patterns is alive if a ∪ q is everything; its background weight adds
//!
//! ```text
//! to each g in A      v · wA(k, β),   wA = (k − 1)! β! / (k + β)!
//! to each g not in a  −v · wB(k, β),  wB = k! (β − 1)! / (k + β)!
//! ```
//!
//! and nothing to the others. Where all patterns are few, sums over q are taken for all a at once: with
//! N[a][k] = Σ h[q] over q ⊇ ~a with |a ∖ q| = k, the "ranked" superset sums,
//!
//! ```text
//! T[a][g] = v (Σ_k N[a][k] wA(k, β) − Σ_k N[a∖g][k] wA(k, β))     g in a; the β of a
//! T[a][g] = −v Σ_k N[a][k] wB(k, β)                               g not in a
//! ```
//!
//! since the alive pairs of a in which q has g are those of a ∖ g with the same A. Unweighted N are exact whole numbers.

use std::collections::HashMap;

/// Up to so many features a path all patterns have a place of their own.
pub(super) const DENSE_FEATURES: usize = 8;

/// One leaf: its features, its value, the background's histogram and, where it is dense, the table.
#[derive(Debug, Clone)]
pub(super) struct LeafTable {
    pub(super) slots: Vec<u32>,
    /// For each feature the mask of the rows that satisfy its edges.
    pub(super) masks: Vec<u32>,
    /// One value, or one an output.
    pub(super) values: Vec<f64>,
    pub(super) patterns: Patterns,
}

/// How a leaf knows the background.
#[derive(Debug, Clone)]
pub(super) enum Patterns {
    /// A weight for each of 2^d patterns, before the tables are made.
    Counts(Vec<f64>),
    /// `[pattern][feature]`, of a leaf of value 1.
    Dense(Vec<f64>),
    /// Weights by pattern, before they are sorted.
    Map(HashMap<u64, f64>),
    /// The occurring patterns in ascending order with their weights, which sum to 1.
    Sparse(Vec<(u64, f64)>),
}

impl LeafTable {
    pub(super) fn new(slots: Vec<u32>, masks: Vec<u32>, values: Vec<f64>, dense_features: usize) -> Self {
        let patterns = match slots.len() {
            d if d <= dense_features => Patterns::Counts(vec![0.0; 1 << d]),
            _ => Patterns::Map(HashMap::new()),
        };
        Self { slots, masks, values, patterns }
    }

    pub(super) fn bytes(&self) -> usize {
        let patterns = match &self.patterns {
            Patterns::Counts(table) | Patterns::Dense(table) => 8 * table.len(),
            Patterns::Map(map) => 16 * map.len(),
            Patterns::Sparse(list) => 16 * list.len(),
        };
        patterns + 8 * (self.slots.len() + self.values.len())
    }

    pub(super) fn patterns(&self) -> usize {
        match &self.patterns {
            Patterns::Counts(table) => table.iter().filter(|w| **w > 0.0).count(),
            Patterns::Dense(table) => table.len() / self.slots.len().max(1),
            Patterns::Map(map) => map.len(),
            Patterns::Sparse(list) => list.len(),
        }
    }

    /// Adds the weight of one background row.
    #[inline]
    pub(super) fn add(&mut self, pattern: u64, weight: f64) {
        match &mut self.patterns {
            Patterns::Counts(counts) => counts[pattern as usize] += weight,
            Patterns::Map(map) => *map.entry(pattern).or_insert(0.0) += weight,
            Patterns::Dense(_) | Patterns::Sparse(_) => {}
        }
    }

    /// Makes the table of the weights added, which are `total` in all.
    pub(super) fn finish(&mut self, total: f64, weights: &mut Weights) {
        let d = self.slots.len();
        self.patterns = match std::mem::replace(&mut self.patterns, Patterns::Dense(Vec::new())) {
            Patterns::Counts(counts) => Patterns::Dense(dense(&counts, d, total, weights)),
            Patterns::Map(map) => {
                let mut list: Vec<(u64, f64)> = map.into_iter().map(|(q, h)| (q, h / total)).collect();
                list.sort_unstable_by_key(|(q, _)| *q);
                Patterns::Sparse(list)
            }
            done => done,
        };
    }
}

/// wA and wB for one number of features: `k` from 0 to d, `β` from 0 to d.
#[derive(Debug, Default)]
pub(super) struct Weights {
    d: usize,
    a: Vec<f64>,
    b: Vec<f64>,
}

impl Weights {
    /// Makes them those of `d` features.
    pub(super) fn set(&mut self, d: usize) {
        if self.d == d && !self.a.is_empty() {
            return;
        }
        let side = d + 1;
        (self.d, self.a, self.b) = (d, vec![0.0; side * side], vec![0.0; side * side]);
        for k in 0..=d {
            // C(k + β, k), a whole number that float64 holds exactly up to 2^53 and rounds once per step beyond
            let mut choose = 1.0;
            for beta in 0..=(d - k) {
                if beta > 0 {
                    choose = choose * (k + beta) as f64 / beta as f64;
                }
                if k > 0 {
                    self.a[k * side + beta] = 1.0 / (k as f64 * choose);
                }
                if beta > 0 {
                    self.b[k * side + beta] = 1.0 / (beta as f64 * choose);
                }
            }
        }
    }

    #[inline]
    pub(super) fn a(&self, k: usize, beta: usize) -> f64 {
        self.a[k * (self.d + 1) + beta]
    }

    #[inline]
    pub(super) fn b(&self, k: usize, beta: usize) -> f64 {
        self.b[k * (self.d + 1) + beta]
    }
}

/// `T[a][g]` of a leaf of value 1 for every pattern. O(d² 2^d).
fn dense(counts: &[f64], d: usize, total: f64, weights: &mut Weights) -> Vec<f64> {
    weights.set(d);
    let size = 1usize << d;
    let mut ranked = vec![0.0; (d + 1) * size];
    ranked[..size].copy_from_slice(counts);
    for g in 0..d {
        for k in (0..=g + 1).rev() {
            for a in (0..size).filter(|a| a >> g & 1 == 0) {
                let with = a | 1 << g;
                let below = if k > 0 { ranked[(k - 1) * size + a] } else { 0.0 };
                let has_g = ranked[k * size + with];
                ranked[k * size + with] = has_g + below;
                ranked[k * size + a] = has_g;
            }
        }
    }
    let sum = |a: usize, weight: &dyn Fn(usize) -> f64| (0..=d).map(|k| ranked[k * size + a] * weight(k)).sum::<f64>();
    let mut table = vec![0.0; size * d];
    for a in 0..size {
        let beta = d - a.count_ones() as usize;
        let outside = sum(a, &|k| if beta > 0 && k + beta <= d { weights.b(k, beta) } else { 0.0 });
        let inside = sum(a, &|k| if k + beta <= d { weights.a(k, beta) } else { 0.0 });
        for g in 0..d {
            table[a * d + g] = if a >> g & 1 == 0 {
                -outside / total
            } else {
                let rest = sum(a & !(1 << g), &|k| if k + beta <= d { weights.a(k, beta) } else { 0.0 });
                (inside - rest) / total
            };
        }
    }
    table
}

/// `T[a]` of a leaf of value 1, summed over the occurring patterns in their order.
pub(super) fn row_of(a: u64, list: &[(u64, f64)], weights: &Weights, out: &mut [f64]) {
    let d = out.len();
    let full = if d == 64 { u64::MAX } else { (1 << d) - 1 };
    let beta = d - a.count_ones() as usize;
    let mut outside = 0.0;
    out.fill(0.0);
    for &(q, h) in list.iter().filter(|(q, _)| a | q == full) {
        let mut alone = a & !q;
        let k = alone.count_ones() as usize;
        if beta > 0 {
            outside += h * weights.b(k, beta);
        }
        let each = h * weights.a(k, beta);
        while alone != 0 {
            out[alone.trailing_zeros() as usize] += each;
            alone &= alone - 1;
        }
    }
    out.iter_mut().enumerate().filter(|(g, _)| a >> g & 1 == 0).for_each(|(_, value)| *value = -outside);
}

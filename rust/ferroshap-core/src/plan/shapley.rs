//! What one leaf adds to its features, for every pattern of a row.
//!
//! With A = a ∖ q, k = |A| and β = d − |a|, a pair of a row's pattern a and a background pattern q is alive if a ∪ q is
//! everything; the weight h[q] then adds
//!
//! ```text
//! to each g in A      v · wA(k, β),   wA = (k − 1)! β! / (k + β)!
//! to each g not in a  −v · wB(k, β),  wB = k! (β − 1)! / (k + β)!
//! ```
//!
//! and nothing to the others (Shapley's formula for v·∏(row or background satisfies g)). For all a at once, with the "ranked"
//! superset sums N[a][k] = Σ h[q] over q ⊇ ~a with |a ∖ q| = k,
//!
//! ```text
//! R1[a] = Σ_k N[a][k] wA(k, β)    R2[a] = Σ_k N[a][k] wA(k, β − 1)    R3[a] = Σ_k N[a][k] wB(k, β)
//! T[a][g] = v (R1[a] − R2[a ∖ g])     g in a
//! T[a][g] = −v R3[a]                  g not in a
//! ```
//!
//! since the alive pairs of a in which q has g are those of a ∖ g with the same A. Sums of whole numbers are exact.

use std::collections::HashMap;
use std::rc::Rc;

use super::units::whole;
use crate::simd::{Line, of_whole};

/// wA and wB for d features, `[β][k]`.
#[derive(Debug, Default)]
pub(crate) struct Weights {
    side: usize,
    a: Vec<f64>,
    b: Vec<f64>,
}

impl Weights {
    /// Makes them those of `d` features.
    pub(crate) fn set(&mut self, d: usize) {
        if self.side == d + 1 {
            return;
        }
        self.side = d + 1;
        (self.a, self.b) = (vec![0.0; self.side * self.side], vec![0.0; self.side * self.side]);
        for k in 0..=d {
            // C(k + β, k), a whole number that float64 holds exactly up to 2^53 and rounds once a step beyond
            let mut choose = 1.0;
            for beta in 0..=(d - k) {
                if beta > 0 {
                    choose = choose * (k + beta) as f64 / beta as f64;
                }
                if k > 0 {
                    self.a[beta * self.side + k] = 1.0 / (k as f64 * choose);
                }
                if beta > 0 {
                    self.b[beta * self.side + k] = 1.0 / (beta as f64 * choose);
                }
            }
        }
    }

    /// wA(k, β) by k.
    #[inline]
    pub(crate) fn of_a(&self, beta: usize) -> &[f64] {
        &self.a[beta * self.side..][..self.side]
    }

    /// wB(k, β) by k; 0 for β = 0, where there is no feature outside.
    #[inline]
    pub(crate) fn of_b(&self, beta: usize) -> &[f64] {
        &self.b[beta * self.side..][..self.side]
    }
}

/// The weights of a number of features for each pattern, `[k][a]`: those of R1, R2 and R3.
#[derive(Debug)]
pub(crate) struct ByPattern {
    of: [Vec<f64>; 3],
}

impl ByPattern {
    fn new(d: usize) -> Self {
        let size = 1 << d;
        let mut weights = Weights::default();
        weights.set(d);
        let mut of = [(); 3].map(|()| vec![0.0; (d + 1) * size]);
        for k in 0..=d {
            for a in 0..size {
                let beta = d - (a as u32).count_ones() as usize;
                if k + beta <= d {
                    of[0][k * size + a] = weights.of_a(beta)[k];
                    of[2][k * size + a] = weights.of_b(beta)[k];
                }
                if beta > 0 && k + beta - 1 <= d {
                    of[1][k * size + a] = weights.of_a(beta - 1)[k];
                }
            }
        }
        Self { of }
    }
}

/// The weights for each number of features that was met.
#[derive(Debug, Default)]
pub(crate) struct PatternWeights {
    of: HashMap<usize, Rc<ByPattern>>,
}

impl PatternWeights {
    /// Those of `features` features.
    pub(crate) fn of(&mut self, features: usize) -> Rc<ByPattern> {
        self.of.entry(features).or_insert_with(|| Rc::new(ByPattern::new(features))).clone()
    }
}

/// What a leaf makes of the background's patterns.
#[derive(Debug, Default)]
pub(crate) struct LeafSums {
    ranked: Vec<f64>,
    /// R1, R2 and R3 by pattern, of value 1.
    pub(crate) sums: [Vec<f64>; 3],
    ranked_counts: Vec<u32>,
    /// The same in units, of a value.
    pub(crate) whole_sums: [Vec<i64>; 3],
    counts: Vec<u32>,
    features: usize,
}

impl LeafSums {
    /// Takes the weights `h`, 2^d of them, of the background's patterns. O(d² 2^d).
    #[inline(always)]
    pub(crate) fn take(&mut self, h: &[f64], weights: &ByPattern) {
        self.features = h.len().trailing_zeros() as usize;
        rank(&mut self.ranked, h, |a, b| a + b);
        for (sum, weights) in self.sums.iter_mut().zip(&weights.of) {
            sum.clear();
            sum.resize(h.len(), 0.0);
            for (n, w) in self.ranked.chunks_exact(h.len()).zip(weights.chunks_exact(h.len())) {
                sum.iter_mut().zip(n.iter().zip(w)).for_each(|(sum, (n, w))| *sum += n * w);
            }
        }
    }

    /// Takes how often the background has each pattern. O(d² 2^d).
    #[inline(always)]
    pub(crate) fn take_counts(&mut self, counts: &[f64]) {
        self.features = counts.len().trailing_zeros() as usize;
        self.counts.clear();
        self.counts.extend(counts.iter().map(|count| *count as u32));
        rank(&mut self.ranked_counts, &self.counts, |a, b| a + b);
    }

    /// Makes the sums of a value, in units, from the counts. O(d 2^d).
    #[inline(always)]
    pub(crate) fn value(&mut self, v: f64, weights: &ByPattern) {
        let size = 1 << self.features;
        for (sum, weights) in self.whole_sums.iter_mut().zip(&weights.of) {
            sum.clear();
            sum.resize(size, 0);
            for (n, w) in self.ranked_counts.chunks_exact(size).zip(weights.chunks_exact(size)) {
                for (sum, (n, w)) in sum.iter_mut().zip(n.iter().zip(w)) {
                    *sum = sum.wrapping_add(i64::from(*n).wrapping_mul(whole(v * w)));
                }
            }
        }
    }

    /// T of a leaf of value `v`: a line a pattern, feature `g` in lane `lanes[g]` (none: left out).
    #[inline(always)]
    pub(super) fn lines(&self, v: f64, lanes: &[Option<u8>], out: &mut [Line]) {
        let [r1, r2, r3] = &self.sums;
        lines(lanes, out, |a| v * -r3[a], |a, without| v * (r1[a] - r2[without]));
    }

    /// T of the value at hand, in units: whole numbers.
    #[inline(always)]
    pub(super) fn lines_of_wholes(&self, lanes: &[Option<u8>], out: &mut [Line]) {
        let [r1, r2, r3] = &self.whole_sums;
        let (outside, inside) = (|a: usize| r3[a].wrapping_neg(), |a: usize, b: usize| r1[a].wrapping_sub(r2[b]));
        lines(lanes, out, |a| of_whole(outside(a)), |a, without| of_whole(inside(a, without)));
    }
}

/// N[k][a], a place a pattern, in place, bit after bit, rank after rank from above. By the features that q misses, q' = ~q, they
/// are subset sums of h: q ⊇ ~a says q' ⊆ a, and then |a ∖ q| = |q'|.
#[inline(always)]
pub(crate) fn rank<T: Copy + Default>(ranked: &mut Vec<T>, h: &[T], add: impl Fn(T, T) -> T + Copy) {
    let size = h.len();
    let d = size.trailing_zeros() as usize;
    ranked.clear();
    ranked.resize((d + 1) * size, T::default());
    ranked.iter_mut().zip(h.iter().rev()).for_each(|(to, x)| *to = *x);
    for g in 0..d {
        for k in (1..=g + 1).rev() {
            let (lower, here) = ranked.split_at_mut(k * size);
            let (lower, here) = (&lower[(k - 1) * size..], &mut here[..size]);
            match g {
                0 if size >= 8 => rank_step::<0, T>(lower, here, add),
                1 if size >= 8 => rank_step::<1, T>(lower, here, add),
                2 if size >= 8 => rank_step::<2, T>(lower, here, add),
                _ => {
                    for (here, lower) in here.chunks_exact_mut(2 << g).zip(lower.chunks_exact(2 << g)) {
                        let (without, with) = here.split_at_mut(1 << g);
                        with.iter_mut().zip(without).zip(&lower[1 << g..]).for_each(|((to, a), b)| *to = add(*a, *b));
                    }
                }
            }
        }
        let (zero, half) = (&mut ranked[..size], 1 << g);
        for pair in zero.chunks_exact_mut(2 * half) {
            let (without, with) = pair.split_at_mut(half);
            with.copy_from_slice(without);
        }
    }
}

/// The step of one of the first three bits in a rank, of which rank `lower` is the one below: eight patterns at a time.
#[inline(always)]
fn rank_step<const G: usize, T: Copy>(lower: &[T], here: &mut [T], add: impl Fn(T, T) -> T + Copy) {
    let ((here, _), (lower, _)) = (here.as_chunks_mut::<8>(), lower.as_chunks::<8>());
    for (here, lower) in here.iter_mut().zip(lower) {
        let old = *here;
        for (j, x) in here.iter_mut().enumerate() {
            *x = if j >> G & 1 != 0 { add(old[j ^ (1 << G)], lower[j]) } else { old[j] };
        }
    }
}

/// A line a pattern: what is added to feature `g`, in lane `lanes[g]`, by whether the pattern has it, or by the pattern and that
/// without it.
#[inline(always)]
fn lines(lanes: &[Option<u8>], out: &mut [Line], outside: impl Fn(usize) -> f64, inside: impl Fn(usize, usize) -> f64) {
    out.fill(Line::default());
    for (g, lane) in lanes.iter().enumerate() {
        let Some(lane) = *lane else { continue };
        for first in (0..out.len()).step_by(2 << g) {
            let (without, with) = out[first..first + (2 << g)].split_at_mut(1 << g);
            for (a, (without, with)) in (first..).zip(without.iter_mut().zip(with)) {
                without.0[lane as usize] = outside(a);
                with.0[lane as usize] = inside(a | 1 << g, a);
            }
        }
    }
}

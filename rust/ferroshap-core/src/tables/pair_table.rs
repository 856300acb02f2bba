//! The table of one leaf, of order 2.
//!
//! With the symbols of `plan/shapley.rs`, and u(i, j) = i! j! / (i + j + 1)!, an alive pair of patterns with A = a ∖ q, k = |A|, and
//! B the features outside of a, β = |B|, adds its weight times
//!
//! ```text
//! to φ_i      i in A: u(k − 1, β)        i in B: −u(k, β − 1)
//! to φ_ij     both in A: u(k − 2, β)     both in B: u(k, β − 2)     one in each: −u(k − 1, β − 1)
//! ```
//!
//! since the leaf is the game [A ⊆ S] [B ∩ S = ∅]: ∏_A t ∏_B (1 − t), differentiated by its variables and integrated over
//! 0 < t < 1. Where all patterns have a place, the sums over those q in which i (and j) is missing are differences, as
//! there: the alive pairs of a with q_i = 1 are those of a ∖ i with the same A, whose own β is one larger.

use crate::plan::rank;

/// What is subtracted from k and from a pattern's own β in the sums of a dense table.
const KINDS: [(usize, usize); 8] = [(0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)];

/// u(i, j), for each number of features that was met.
#[derive(Debug, Default)]
pub(super) struct Beta {
    of: Vec<Option<BetaOf>>,
}

/// u(i, j) for i + j ≤ d.
#[derive(Debug)]
pub(super) struct BetaOf {
    d: usize,
    table: Vec<f64>,
    /// For each of `KINDS`, `[k][a]` over all patterns: u(k − i, β − j). Made for dense tables alone.
    weights: Vec<Vec<f64>>,
}

impl Beta {
    /// Those of `d` features.
    pub(super) fn of(&mut self, d: usize, for_dense: bool) -> &BetaOf {
        if self.of.len() <= d {
            self.of.resize_with(d + 1, || None);
        }
        let made = self.of[d].get_or_insert_with(|| BetaOf::new(d));
        if for_dense && made.weights.is_empty() {
            let beta = |a: usize| d - a.count_ones() as usize;
            let of = |(k, a): (usize, usize), (i, j)| made.at((k, i), (beta(a), j));
            let places = || (0..=d).flat_map(|k| (0..1usize << d).map(move |a| (k, a)));
            made.weights = KINDS.map(|kind| places().map(|at| of(at, kind)).collect()).to_vec();
        }
        made
    }
}

impl BetaOf {
    fn new(d: usize) -> Self {
        let mut table = vec![0.0; (d + 1) * (d + 1)];
        for i in 0..=d {
            let mut choose = 1.0; // C(i + j, i): exact up to 2^53, rounded once a step beyond
            for j in 0..=d - i {
                if j > 0 {
                    choose = choose * (i + j) as f64 / j as f64;
                }
                table[i * (d + 1) + j] = 1.0 / ((i + j + 1) as f64 * choose);
            }
        }
        Self { d, table, weights: Vec::new() }
    }

    /// u(k − i, β − j); 0 where there is no such pair of patterns.
    fn at(&self, (k, i): (usize, usize), (beta, j): (usize, usize)) -> f64 {
        match (k.checked_sub(i), beta.checked_sub(j)) {
            (Some(k), Some(beta)) if k + beta <= self.d => self.table[k * (self.d + 1) + beta],
            _ => 0.0,
        }
    }
}

/// Numbers of a pattern: a value a feature, then an index a pair (i < j): (0, 1), (0, 2), …, (1, 2), ….
fn columns(d: usize) -> usize {
    d + d * d.saturating_sub(1) / 2
}

/// The column of features i ≤ j of d, the same twice: the feature's value.
pub(super) fn column_of(d: usize, i: usize, j: usize) -> usize {
    if i == j { i } else { d + i * (2 * d - i - 1) / 2 + (j - i - 1) }
}

/// The table of one leaf of value 1.
#[derive(Debug, Default)]
pub(super) struct LeafTable {
    d: usize,
    ranked: Vec<f64>,
    /// The sums of `KINDS`, by pattern.
    sums: [Vec<f64>; 8],
    /// The pair of features of each column; the same twice: the feature's value.
    pairs: Vec<(usize, usize)>,
}

impl LeafTable {
    /// Takes the weights of the 2^d patterns of the background, `total` in all. O(d² 2^d).
    #[inline(always)]
    pub(super) fn take(&mut self, weights: &[f64], total: f64, u: &BetaOf) {
        let (d, size) = (u.d, weights.len());
        if self.d != d || self.pairs.is_empty() {
            self.d = d;
            self.pairs.clear();
            self.pairs.extend((0..d).map(|i| (i, i)));
            (0..d).for_each(|i| self.pairs.extend((i + 1..d).map(|j| (i, j))));
        }
        rank(&mut self.ranked, weights, |a, b| a + b);
        for ((sum, factors), (fewer, _)) in self.sums.iter_mut().zip(&u.weights).zip(KINDS) {
            sum.clear();
            sum.resize(size, 0.0);
            // ranks below `fewer` have no share
            for (n, factors) in self.ranked.chunks_exact(size).zip(factors.chunks_exact(size)).skip(fewer) {
                sum.iter_mut().zip(n.iter().zip(factors)).for_each(|(sum, (n, factor))| *sum += n * factor);
            }
            sum.iter_mut().for_each(|sum| *sum /= total);
        }
    }

    /// Writes a column, a number a pattern, into a lane of the lines.
    #[inline(always)]
    pub(super) fn write(&self, column: usize, out: &mut [[f64; 8]], lane: usize) {
        let [n01, n02, n10, n11, n12, n20, n21, n22] = &self.sums;
        let (i, j) = self.pairs[column];
        let (one, other, size) = (1 << i, 1 << j, 1 << self.d);
        if i == j {
            for first in (0..size).step_by(2 * one) {
                for without in first..first + one {
                    let with = without + one;
                    out[without][lane] = -n01[without];
                    out[with][lane] = n10[with] - n11[without];
                }
            }
            return;
        }
        for first in (0..size).step_by(2 * other) {
            for first in (first..first + other).step_by(2 * one) {
                for none in first..first + one {
                    let (of_i, of_j, both) = (none + one, none + other, none + one + other);
                    out[none][lane] = n02[none];
                    out[of_i][lane] = n12[none] - n11[of_i];
                    out[of_j][lane] = n12[none] - n11[of_j];
                    out[both][lane] = n20[both] - n21[of_j] - n21[of_i] + n22[none];
                }
            }
        }
    }
}

/// The columns of one pattern, summed over the occurring patterns of the background in their order.
pub(super) fn row_of(a: u64, d: usize, list: &[(u64, f64)], u: &BetaOf, out: &mut Vec<f64>) {
    let full = if d == 64 { u64::MAX } else { (1 << d) - 1 };
    let beta = d - a.count_ones() as usize;
    let (mut alone, mut both) = (0.0, 0.0); // of the features outside of a
    let mut mixed = vec![0.0; d];
    let pair = |i: usize, j: usize| column_of(d, i, j);
    out.clear();
    out.resize(columns(d), 0.0);
    for &(q, h) in list.iter().filter(|(q, _)| a | q == full) {
        let k = (a & !q).count_ones() as usize;
        alone += h * u.at((k, 0), (beta, 1));
        both += h * u.at((k, 0), (beta, 2));
        let (one, one_of_each, two) =
            (h * u.at((k, 1), (beta, 0)), h * u.at((k, 1), (beta, 1)), h * u.at((k, 2), (beta, 0)));
        for i in bits(a & !q) {
            out[i] += one;
            mixed[i] += one_of_each;
            bits(a & !q & (u64::MAX << i << 1)).for_each(|j| out[pair(i, j)] += two);
        }
    }
    for i in 0..d {
        let in_a = |i: usize| a >> i & 1 != 0;
        if !in_a(i) {
            out[i] = -alone;
        }
        for j in i + 1..d {
            match (in_a(i), in_a(j)) {
                (true, true) => {}
                (true, false) => out[pair(i, j)] = -mixed[i],
                (false, true) => out[pair(i, j)] = -mixed[j],
                (false, false) => out[pair(i, j)] = both,
            }
        }
    }
}

/// The positions of the bits that are set, ascending.
fn bits(mut of: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = of.trailing_zeros() as usize;
        (of != 0).then(|| {
            of &= of - 1;
            at
        })
    })
}

//! The table of one leaf, of order 2.
//!
//! With the symbols of `leaf.rs`, and u(i, j) = i! j! / (i + j + 1)!, an alive pair of patterns with A = a ∖ q, k = |A|, and
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
pub(super) fn columns(d: usize) -> usize {
    d + d * d.saturating_sub(1) / 2
}

/// `[pattern][column]` of a leaf of value 1, `counts` being the weights of the 2^d patterns of the background, `total` in
/// all. O(d² 2^d).
pub(super) fn dense(counts: &[f64], d: usize, total: f64, u: &mut Beta) -> Vec<f64> {
    let (u, size) = (u.of(d, true), 1usize << d);
    let ranked = ranked(counts, d);
    let sums = |weights: &Vec<f64>| -> Vec<f64> {
        let mut out = vec![0.0; size];
        for (ranked, weights) in ranked.chunks_exact(size).zip(weights.chunks_exact(size)) {
            out.iter_mut().zip(ranked).zip(weights).for_each(|((out, n), w)| *out += n * w);
        }
        out.iter_mut().for_each(|out| *out /= total);
        out
    };
    let [n01, n02, n10, n11, n12, n20, n21, n22] = [0, 1, 2, 3, 4, 5, 6, 7].map(|kind| sums(&u.weights[kind]));
    let mut table = Vec::with_capacity(size * columns(d));
    for a in 0..size {
        let has = |i: usize| a >> i & 1 != 0;
        let without = |i: usize| a & !(1 << i);
        table.extend((0..d).map(|i| if has(i) { n10[a] - n11[without(i)] } else { -n01[a] }));
        for i in 0..d {
            table.extend((i + 1..d).map(|j| match (has(i), has(j)) {
                (true, true) => n20[a] - n21[without(i)] - n21[without(j)] + n22[without(i) & !(1 << j)],
                (true, false) => n12[without(i)] - n11[a],
                (false, true) => n12[without(j)] - n11[a],
                (false, false) => n02[a],
            }));
        }
    }
    table
}

/// `[k][a]`: the weight of the patterns q ⊇ ~a with |a ∖ q| = k.
fn ranked(counts: &[f64], d: usize) -> Vec<f64> {
    let size = 1usize << d;
    let mut ranked = vec![0.0; (d + 1) * size];
    ranked[..size].copy_from_slice(counts);
    for g in 0..d {
        let half = 1usize << g;
        for k in (0..=g + 1).rev() {
            for first in (0..size).step_by(2 * half) {
                for a in first..first + half {
                    let below = if k > 0 { ranked[(k - 1) * size + a] } else { 0.0 };
                    let has_g = ranked[k * size + a + half];
                    ranked[k * size + a + half] = has_g + below;
                    ranked[k * size + a] = has_g;
                }
            }
        }
    }
    ranked
}

/// The columns of one pattern, summed over the occurring patterns of the background in their order.
pub(super) fn row_of(a: u64, d: usize, list: &[(u64, f64)], u: &BetaOf, out: &mut [f64]) {
    let full = if d == 64 { u64::MAX } else { (1 << d) - 1 };
    let beta = d - a.count_ones() as usize;
    let (mut alone, mut both) = (0.0, 0.0); // of the features outside of a
    let mut mixed = vec![0.0; d];
    let pair = |i: usize, j: usize| d + i * (2 * d - i - 1) / 2 + (j - i - 1);
    out.fill(0.0);
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

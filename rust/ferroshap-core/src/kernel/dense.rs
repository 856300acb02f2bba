//! A leaf by itself at which most patterns occur: what each adds, from sums over all 2^d at once (`plan/shapley.rs`).

use super::background::MAX_BACKGROUND_PATH;
use crate::plan::LeafTables;
use crate::simd::{Line, of_whole};

/// Most features of such a leaf.
const MOST_FEATURES: usize = 12;

/// It is where the background has at least one of so many patterns: there pairs of patterns take longer.
const ONE_OF: usize = 8;

/// The sums of a leaf.
#[derive(Debug, Default)]
pub(super) struct Dense {
    tables: LeafTables,
    /// Of all patterns.
    weights: Vec<f64>,
    counts: Vec<u32>,
}

impl Dense {
    /// Whether a leaf of `features` features is one, by the patterns that the background has.
    pub(super) fn pays(features: usize, patterns: usize) -> bool {
        features <= MOST_FEATURES && ONE_OF * patterns >= 1 << features
    }

    /// Takes the background's patterns with one weighting of their sums of weights, `[pattern][weighting]`, divided by `total`.
    #[inline(always)]
    pub(super) fn take(&mut self, features: usize, patterns: &[u64], sums: impl Iterator<Item = f64>, total: f64) {
        self.weights.clear();
        self.weights.resize(1 << features, 0.0);
        patterns.iter().zip(sums).for_each(|(q, sum)| self.weights[*q as usize] = sum / total);
        self.tables.take(&self.weights);
    }

    /// What a leaf of value 1 adds for a row's pattern `a`, eight features a line.
    #[inline(always)]
    pub(super) fn shares(&self, features: usize, a: u64) -> [Line; MAX_BACKGROUND_PATH as usize / 8] {
        let [r1, r2, r3] = &self.tables.sums;
        lines(features, a, |a| -r3[a], |a, without| r1[a] - r2[without])
    }

    /// As [`Dense::take`], of counts.
    #[inline(always)]
    pub(super) fn take_counts(&mut self, features: usize, patterns: &[u64], sums: &[f64]) {
        self.counts.clear();
        self.counts.resize(1 << features, 0);
        patterns.iter().zip(sums).for_each(|(q, sum)| self.counts[*q as usize] = *sum as u32);
        self.tables.take_counts(&self.counts);
    }

    /// Makes the sums of a value, in units, from the counts.
    #[inline(always)]
    pub(super) fn value(&mut self, v: f64) {
        self.tables.value(v);
    }

    /// What the value at hand adds for a row's pattern, whole numbers.
    #[inline(always)]
    pub(super) fn wholes(&self, features: usize, a: u64) -> [Line; MAX_BACKGROUND_PATH as usize / 8] {
        let [r1, r2, r3] = &self.tables.whole_sums;
        let inside = |a: usize, without: usize| of_whole(r1[a].wrapping_sub(r2[without]));
        lines(features, a, |a| of_whole(r3[a].wrapping_neg()), inside)
    }
}

#[inline(always)]
fn lines(
    features: usize,
    a: u64,
    outside: impl Fn(usize) -> f64,
    inside: impl Fn(usize, usize) -> f64,
) -> [Line; MAX_BACKGROUND_PATH as usize / 8] {
    let (a, mut out) = (a as usize, [Line::default(); MAX_BACKGROUND_PATH as usize / 8]);
    for (g, x) in out.iter_mut().flat_map(|line| &mut line.0).enumerate().take(features) {
        *x = if a >> g & 1 != 0 { inside(a, a & !(1 << g)) } else { outside(a) };
    }
    out
}

//! A leaf by itself at which most patterns occur: what each adds, from sums over all 2^d at once (`plan/shapley.rs`).

use super::background::MAX_BACKGROUND_PATH;
use crate::plan::{LeafSums, PatternWeights};
use crate::simd::{Line, of_whole};

/// Most features of such a leaf.
const MOST_FEATURES: usize = 12;

/// It is where the background has at least one of so many patterns: there pairs of patterns take longer.
const ONE_OF: usize = 8;

/// The sums of a leaf.
#[derive(Debug, Default)]
pub(super) struct Dense {
    leaf: LeafSums,
    weights: PatternWeights,
    /// Of all patterns.
    patterns: Vec<f64>,
}

impl Dense {
    /// Whether a leaf of `features` features is one, by the patterns that the background has.
    pub(super) fn pays(features: usize, patterns: usize) -> bool {
        features <= MOST_FEATURES && ONE_OF * patterns >= 1 << features
    }

    /// Takes the background's patterns with one weighting of their sums of weights, `[pattern][weighting]`, divided by `total`.
    #[inline(always)]
    pub(super) fn take(&mut self, features: usize, patterns: &[u64], sums: impl Iterator<Item = f64>, total: f64) {
        self.take_patterns(features, patterns, sums.map(|sum| sum / total));
        self.leaf.take(&self.patterns, &self.weights.of(features));
    }

    /// What a leaf of value 1 adds for a row's pattern `a`, eight features a line.
    #[inline(always)]
    pub(super) fn shares(&self, features: usize, a: u64) -> [Line; MAX_BACKGROUND_PATH as usize / 8] {
        let [r1, r2, r3] = &self.leaf.sums;
        lines(features, a, |a| -r3[a], |a, without| r1[a] - r2[without])
    }

    /// As [`Dense::take`], of counts.
    #[inline(always)]
    pub(super) fn take_counts(&mut self, features: usize, patterns: &[u64], sums: &[f64]) {
        self.take_patterns(features, patterns, sums.iter().copied());
        self.leaf.take_counts(&self.patterns);
    }

    #[inline(always)]
    fn take_patterns(&mut self, features: usize, patterns: &[u64], sums: impl Iterator<Item = f64>) {
        self.patterns.clear();
        self.patterns.resize(1 << features, 0.0);
        patterns.iter().zip(sums).for_each(|(q, sum)| self.patterns[*q as usize] = sum);
    }

    /// Makes the sums of a value, in units, from the counts.
    #[inline(always)]
    pub(super) fn value(&mut self, features: usize, v: f64) {
        self.leaf.value(v, &self.weights.of(features));
    }

    /// What the value at hand adds for a row's pattern, whole numbers.
    #[inline(always)]
    pub(super) fn wholes(&self, features: usize, a: u64) -> [Line; MAX_BACKGROUND_PATH as usize / 8] {
        let [r1, r2, r3] = &self.leaf.whole_sums;
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

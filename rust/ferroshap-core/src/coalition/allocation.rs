//! How many pairs of each size: equal counts, sizes that are exhausted all of them.
//!
//! The sizes of a pair are s and M − s; layer s = 1 … ⌊M/2⌋ holds them by the smaller. The Shapley kernel gives layer s the
//! mass 1/(s(M − s)) from each side, and the middle layer of an even M, where both sides are one, that mass once. Equal
//! counts are the leverage scores of the regression (Musco and Witter, "Provably accurate Shapley value estimation via
//! leverage score sampling", ICLR 2025, theorem 1.1).

use super::combinations::count;
use super::random::Stream;

/// The mass of layer s of M players under the Shapley kernel, all layers together 1:
/// Σ_{s=1}^{M−1} 1/(s(M − s)) = 2 H_{M−1} / M.
pub(crate) fn mass(m: usize, s: usize) -> f64 {
    let sides = if 2 * s == m { 1.0 } else { 2.0 };
    let harmonic: f64 = (1..m).map(|i| 1.0 / i as f64).sum();
    sides / (s as f64 * (m - s) as f64) * m as f64 / (2.0 * harmonic)
}

/// How many pairs layer s has, capped at 2⁶³.
pub(crate) fn pairs_of_layer(m: usize, s: usize) -> u64 {
    let known = if 2 * s == m { count(m - 1, s - 1) } else { count(m, s) };
    known.unwrap_or(1 << 63)
}

/// Deals pairs out to the layers. What a larger number of pairs deals out begins with what a smaller one does.
#[derive(Debug)]
pub(crate) struct Allocation {
    /// Pairs that each layer has.
    available: Vec<u64>,
    /// Whether the last layer is the middle of an even number of players, which counts half.
    even: bool,
    /// In which order layers get what does not go round.
    order: Vec<u32>,
}

impl Allocation {
    /// For M players; which layers get one more is drawn from `stream`, so that with few pairs for many layers every layer
    /// comes up for some references.
    pub(crate) fn new(m: usize, stream: Stream) -> Self {
        let layers = m / 2;
        Self {
            available: (1..=layers).map(|s| pairs_of_layer(m, s)).collect(),
            even: m.is_multiple_of(2),
            order: stream.permutation(layers),
        }
    }

    /// Pairs of layer `layer` (from 0) at water level `level`.
    fn filled(&self, layer: usize, level: u64) -> u64 {
        let halved = self.even && layer + 1 == self.available.len();
        self.available[layer].min(if halved { level.div_ceil(2) } else { level })
    }

    fn total(&self, level: u64) -> u64 {
        (0..self.available.len()).fold(0, |sum: u64, layer| sum.saturating_add(self.filled(layer, level)))
    }

    /// Pairs of every layer, `pairs` together or all there are.
    pub(crate) fn counts(&self, pairs: u64) -> Vec<u64> {
        // the highest level that `pairs` reach everywhere
        let (mut level, mut above) = (0, pairs.saturating_mul(2).saturating_add(2));
        while above - level > 1 {
            let middle = level + (above - level) / 2;
            if self.total(middle) <= pairs { level = middle } else { above = middle }
        }
        let mut counts: Vec<u64> = (0..self.available.len()).map(|layer| self.filled(layer, level)).collect();
        let mut left = pairs.saturating_sub(self.total(level));
        for &layer in &self.order {
            let more = self.filled(layer as usize, level + 1) - counts[layer as usize];
            counts[layer as usize] += more.min(left);
            left -= more.min(left);
        }
        counts
    }

    /// Whether a layer with so many pairs has all its pairs.
    pub(crate) fn is_whole(&self, layer: usize, count: u64) -> bool {
        self.available[layer] == count
    }

    /// The share of a layer's pairs that `count` leaves out, 1 − n_s/N_s.
    pub(crate) fn left_out(&self, layer: usize, count: u64) -> f64 {
        if self.is_whole(layer, count) { 0.0 } else { 1.0 - count as f64 / self.available[layer] as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_masses_of_all_layers_sum_to_one() {
        for m in [2, 3, 7, 20, 1001] {
            let sum: f64 = (1..=m / 2).map(|s| mass(m, s)).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{m}: {sum}");
        }
    }

    #[test]
    fn counts_are_level_and_grow_with_the_budget() {
        for m in [2, 3, 4, 5, 10, 21, 100] {
            let allocation = Allocation::new(m, Stream::new(0, 0, 0));
            let all: u64 = if m < 30 { (1 << (m - 1)) - 1 } else { u64::MAX };
            let mut before = vec![0; m / 2];
            for pairs in 1..600.min(all.saturating_add(3)) {
                let counts = allocation.counts(pairs);
                assert_eq!(counts.iter().sum::<u64>(), pairs.min(all));
                assert!(counts.iter().zip(&before).all(|(now, before)| now >= before));
                before = counts;
            }
        }
        let counts = Allocation::new(10, Stream::new(0, 0, 0)).counts(200);
        assert_eq!(counts, [10, 45, 58, 58, 29]); // 145 left for three layers, the middle by half: level 58
    }
}

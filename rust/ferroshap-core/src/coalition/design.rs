//! The coalitions that are evaluated for one reference, in pairs of complements.

use super::allocation::{Allocation, mass};
use super::combinations::{Draw, words};
use super::random::Stream;

/// What makes a design: the same for all references and all rows that have as many players.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Shape {
    /// Players.
    pub(crate) m: usize,
    /// Pairs after each round, growing.
    pub(crate) rounds: Vec<usize>,
}

impl Shape {
    /// Whether layers are balanced by column: better from eight coalitions a player on, worse up to five.
    fn balanced(&self) -> bool {
        2 * self.rounds.last().copied().unwrap_or(0) >= 8 * self.m
    }
}

/// Pairs of coalitions. A pair is its member from layer s (for the middle layer the one with player 0); the complement
/// follows from it. The pairs of a round stand after those of the rounds before, by layer.
#[derive(Debug)]
pub(crate) struct Design {
    m: usize,
    words: usize,
    masks: Vec<u64>,
    sizes: Vec<u32>,
    /// Of each layer (from 0).
    balanced: Vec<bool>,
    rounds: Vec<Round>,
}

/// A design up to the end of a round.
#[derive(Debug)]
pub(crate) struct Round {
    /// Pairs so far.
    pub(crate) pairs: usize,
    /// Of each layer (from 0) the weight of a pair in the regression: the layer's mass over its pairs.
    weights: Vec<f64>,
    /// Of each layer the share of its pairs that is not in the design.
    left_out: Vec<f64>,
}

impl Round {
    /// w of a pair of size s.
    pub(crate) fn weight(&self, s: u32) -> f64 {
        self.weights[s as usize - 1]
    }

    /// 1 − n_s/N_s.
    pub(crate) fn left_out(&self, s: u32) -> f64 {
        self.left_out[s as usize - 1]
    }

    /// Whether it has all coalitions.
    pub(crate) fn is_whole(&self) -> bool {
        self.left_out.iter().all(|&share| share == 0.0)
    }
}

impl Design {
    /// The design of a reference.
    pub(crate) fn new(shape: &Shape, seed: u64, reference: usize) -> Self {
        let (m, words, layers) = (shape.m, words(shape.m), shape.m / 2);
        let stream = |layer| Stream::new(seed, reference as u64, layer as u64);
        let allocation = Allocation::new(m, stream(0));
        let per_round: Vec<Vec<u64>> = shape.rounds.iter().map(|&pairs| allocation.counts(pairs as u64)).collect();
        let at_last = |layer: usize| per_round.last().map_or(0, |counts| counts[layer]);
        let mut draws: Vec<Draw> =
            (1..=layers).map(|s| Draw::new(stream(s), m, s, at_last(s - 1), shape.balanced())).collect();
        let balanced = draws.iter().map(Draw::is_balanced).collect();
        let mut design = Self { m, words, masks: Vec::new(), sizes: Vec::new(), balanced, rounds: Vec::new() };
        let mut done = vec![0; layers];
        for counts in per_round {
            for (layer, draw) in draws.iter_mut().enumerate() {
                for _ in done[layer]..counts[layer] {
                    let at = design.masks.len();
                    design.masks.resize(at + words, 0);
                    draw.next(&mut design.masks[at..]);
                    design.sizes.push(layer as u32 + 1);
                }
            }
            design.rounds.push(Round {
                pairs: design.sizes.len(),
                weights: weights(m, &counts),
                left_out: (0..layers).map(|layer| allocation.left_out(layer, counts[layer])).collect(),
            });
            done = counts;
        }
        design
    }

    /// Players.
    pub(crate) fn m(&self) -> usize {
        self.m
    }

    /// Whether in the coalitions of size s players occur equally often as far as possible.
    pub(crate) fn is_balanced(&self, s: usize) -> bool {
        self.balanced[s - 1]
    }

    /// A round, from 0.
    pub(crate) fn round(&self, round: usize) -> &Round {
        &self.rounds[round]
    }

    /// s/M − 1/2.
    pub(crate) fn off(&self, s: u32) -> f64 {
        f64::from(s) / self.m as f64 - 0.5
    }

    /// Pair by pair the coalition and its size, of as many pairs as a round has.
    pub(crate) fn pairs(&self, round: &Round) -> impl Iterator<Item = (&[u64], u32)> {
        self.masks.chunks_exact(self.words).zip(self.sizes.iter().copied()).take(round.pairs)
    }

    /// The sizes of as many pairs.
    pub(crate) fn sizes(&self, round: &Round) -> impl Iterator<Item = u32> {
        self.sizes[..round.pairs].iter().copied()
    }

    /// The coalition of a pair.
    pub(crate) fn mask(&self, pair: usize) -> &[u64] {
        &self.masks[pair * self.words..][..self.words]
    }
}

/// The weight of a pair of each layer. Where there are fewer pairs than layers, each layer is among those that have one
/// with the same probability, and a pair weighs its layer's mass over that.
fn weights(m: usize, counts: &[u64]) -> Vec<f64> {
    let pairs: u64 = counts.iter().sum();
    let chance = (pairs as f64 / counts.len() as f64).min(1.0);
    counts
        .iter()
        .enumerate()
        .map(|(layer, &n)| mass(m, layer + 1) / if n > 0 { n as f64 } else { 1.0 } / chance)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::combinations::members;
    use super::*;

    #[test]
    fn weights_sum_to_one_and_later_rounds_begin_with_the_earlier_ones() {
        for m in [2, 3, 10, 21, 100] {
            let rounds = vec![100.min((1 << (m.min(20) - 1)) - 1), 400, 1600];
            let design = Design::new(&Shape { m, rounds: rounds.clone() }, 3, 1);
            for (i, &pairs) in rounds.iter().enumerate() {
                let round = design.round(i);
                assert!(round.pairs <= pairs);
                let sum: f64 = design.pairs(round).map(|(_, s)| round.weight(s)).sum();
                assert!((sum - 1.0).abs() < 1e-12, "{m}, {pairs}: {sum}");
            }
            for (set, s) in design.pairs(design.round(2)) {
                assert_eq!(members(set).count(), s as usize);
            }
        }
    }
}

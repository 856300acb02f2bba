//! How many pairs references get, by their weights: the variance Σ ω²σ²/n of a mean is the least for n in proportion to ω.

use super::exact;
use super::ridge::enough;

/// Of what is an integer but for roundings.
const ROUNDINGS: f64 = 1e-6;

/// Weights over their mean.
#[derive(Debug)]
pub(crate) struct Shares(Vec<f64>);

impl Shares {
    /// Of weights whose sum is 1.
    pub(crate) fn new(weights: &[f64]) -> Self {
        Self(weights.iter().map(|weight| weight * weights.len() as f64).collect())
    }

    /// Of equal weights.
    pub(crate) fn equal(references: usize) -> Self {
        Self(vec![1.0; references])
    }

    /// How many references there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Pairs of each of some references that have one design, where one of the mean weight has `usual` pairs of m players: as many
    /// as a regression of its own needs, and the rest in proportion to the least of their weights, so that the budget holds whichever
    /// of them are drawn. All have all, or too few, if the usual one has.
    pub(crate) fn pairs(&self, references: impl Iterator<Item = usize>, usual: usize, m: usize) -> usize {
        let least = enough(m);
        if usual <= least || exact::pairs(m) == Some(usual as u64) {
            return usual;
        }
        let share = references.map(|b| self.0[b]).fold(f64::INFINITY, f64::min);
        least + ((usual - least) as f64 * share + ROUNDINGS) as usize
    }

    /// Pairs of a reference of the mean weight where some have `pairs` together.
    pub(crate) fn usual(&self, pairs: u64, references: &[usize], m: usize) -> u64 {
        let (n, least) = (references.len() as u64, enough(m) as u64);
        let sum: f64 = references.iter().map(|&b| self.0[b]).sum();
        match pairs.checked_sub(n.saturating_mul(least)) {
            Some(more) => least + (more as f64 / sum + ROUNDINGS) as u64,
            None => pairs / n,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_in_proportion_beyond_what_each_needs() {
        let shares = Shares::new(&[0.1, 0.2, 0.7]);
        let of = |usual| [0, 1, 2].map(|b| shares.pairs(std::iter::once(b), usual, 10));
        assert_eq!(of(140), [40 + 30, 40 + 60, 40 + 210]);
        assert_eq!(shares.usual(3 * 140, &[0, 1, 2], 10), 140);
        assert_eq!(of(40), [40; 3]);
        assert_eq!(of(511), [511; 3]);
        // the last two by themselves weigh 2.7 mean weights
        let usual = shares.usual(2 * 140, &[1, 2], 10) as usize;
        assert_eq!(usual, 40 + 74);
        assert!(shares.pairs([1].into_iter(), usual, 10) + shares.pairs([2].into_iter(), usual, 10) <= 280);
        // with one design the least, so that the budget holds whichever of them are drawn
        assert_eq!(shares.pairs([1, 2].into_iter(), 140, 10), 40 + 60);
        // the same for all where weights are, whatever the roundings
        for n in 1..200 {
            let shares = Shares::new(&vec![1.0 / n as f64; n]);
            let all: Vec<usize> = (0..n).collect();
            assert_eq!(shares.usual(123 * n as u64, &all, 10), 123);
            assert!(all.iter().all(|&b| shares.pairs(std::iter::once(b), 123, 10) == 123));
        }
    }
}

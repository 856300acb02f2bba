//! One reference exactly: all coalitions of the players in which the row differs from it.
//!
//! φ_j = Σ_{S ∌ j} s!(d − 1 − s)!/d! (v(S ∪ j) − v(S)). Written by pairs of complements, a coalition S with player 0 adds
//! twice its half difference o(S) = (v(S) − v(S̄))/2 times (s − 1)!(d − s)!/d! to its members and takes
//! s!(d − 1 − s)!/d! times that from the others. Nothing is kept but the sums.

/// A reference whose coalitions are enumerated.
#[derive(Debug)]
pub(crate) struct Enumeration {
    d: usize,
    /// Of coalitions of s players: what a member gets of half a difference, and what the others lose.
    shares: Vec<[f64; 2]>,
    /// Sums, `(K, d)`.
    phi: Vec<f64>,
}

/// Pairs of complements of d players, the empty coalition and the full one aside; `None` for too many to count.
pub(crate) fn pairs(d: usize) -> Option<u64> {
    match d {
        0 => Some(0),
        1..=62 => Some((1 << (d - 1)) - 1),
        _ => None,
    }
}

/// Members of the coalition of pair `pair`, as bits: all coalitions with player 0 but the full one.
#[inline(always)]
pub(crate) fn coalition(pair: u64) -> u64 {
    pair << 1 | 1
}

impl Enumeration {
    /// Of d players with K outputs; at least one player.
    pub(crate) fn new(d: usize, delta: &[f64]) -> Self {
        // c(s) = s!(d − 1 − s)!/d!, from c(0) = 1/d by c(s) = c(s − 1) s/(d − s)
        let mut shares = vec![[0.0; 2]; d + 1];
        let mut before = 1.0 / d as f64;
        for (s, share) in shares.iter_mut().enumerate().take(d).skip(1) {
            let here = before * s as f64 / (d - s) as f64;
            *share = [2.0 * before, -2.0 * here];
            before = here;
        }
        let phi = delta.iter().flat_map(|delta| std::iter::repeat_n(delta / d as f64, d)).collect();
        Self { d, shares, phi }
    }

    /// Takes the outputs of pairs from number `first` on: `(pairs, 2, K)`, a coalition and its complement.
    pub(crate) fn tell(&mut self, first: u64, outputs: &[f64]) {
        let k = self.phi.len() / self.d;
        for (pair, outputs) in (first..).zip(outputs.chunks_exact(2 * k)) {
            let coalition = coalition(pair);
            let shares = self.shares[coalition.count_ones() as usize];
            for (o, phi) in self.phi.chunks_exact_mut(self.d).enumerate() {
                let half = (outputs[o] - outputs[k + o]) / 2.0;
                let given = [half * shares[1], half * shares[0]];
                phi.iter_mut().enumerate().for_each(|(j, phi)| *phi += given[(coalition >> j & 1) as usize]);
            }
        }
    }

    /// The values, `(K, d)`, once all pairs have been told. What rounding left of Σφ − Δ is shared out.
    pub(crate) fn values(&self, delta: &[f64]) -> Vec<f64> {
        let mut out = self.phi.clone();
        for (phi, delta) in out.chunks_exact_mut(self.d).zip(delta) {
            let off = (delta - phi.iter().sum::<f64>()) / self.d as f64;
            phi.iter_mut().for_each(|phi| *phi += off);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{random_game, shapley_of_game};

    #[test]
    fn sums_over_pairs_are_the_definition() {
        for d in 1..9 {
            let (a, b) = (random_game(d, 5, 1), random_game(d, 3, 2));
            let worth = |set: u64| [a(set), b(set)];
            let (full, all) = ((1 << d) - 1, pairs(d).expect("few"));
            let delta: Vec<f64> = (0..2).map(|o| worth(full)[o] - worth(0)[o]).collect();
            let mut sums = Enumeration::new(d, &delta);
            let outputs: Vec<f64> =
                (0..all).flat_map(|p| [worth(coalition(p)), worth(full & !coalition(p))]).flatten().collect();
            let (first, rest) = outputs.split_at(outputs.len() / 8 * 4);
            sums.tell(0, first);
            sums.tell(first.len() as u64 / 4, rest);
            let expected = [shapley_of_game(d, &a), shapley_of_game(d, &b)].concat();
            assert!(sums.values(&delta).iter().zip(&expected).all(|(x, y)| (x - y).abs() < 1e-12));
        }
    }
}

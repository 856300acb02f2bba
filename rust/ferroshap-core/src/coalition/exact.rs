//! One reference exactly: all coalitions of the players in which the row differs from it.
//!
//! φ_j = Σ_{S ∌ j} s!(d − 1 − s)!/d! (v(S ∪ j) − v(S)). Written by pairs of complements, a coalition S with player 0 adds
//! twice its half difference o(S) = (v(S) − v(S̄))/2 times (s − 1)!(d − s)!/d! to its members and takes
//! s!(d − 1 − s)!/d! times that from the others. Nothing is kept but the sums.

use std::iter::repeat_n;

use super::cell::{EIGHT, chosen};
use crate::simd::{Driver, Kernel, Level, Simd};

/// A reference whose coalitions are enumerated.
#[derive(Debug)]
pub(crate) struct Enumeration {
    d: usize,
    /// Of coalitions of s players: what a member gets of half a difference, and what the others lose.
    shares: Vec<[f64; 2]>,
    /// Sums, K times d by eights; what is beyond d is of no player.
    phi: Vec<[f64; EIGHT]>,
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
        let phi = delta.iter().flat_map(|delta| repeat_n([delta / d as f64; EIGHT], d.div_ceil(EIGHT))).collect();
        Self { d, shares, phi }
    }

    /// Takes the outputs of pairs from number `first` on: `(pairs, 2, K)`, a coalition and its complement.
    pub(crate) fn tell(&mut self, first: u64, outputs: &[f64]) {
        Level::in_use().dispatch(Told { sums: self, first, outputs });
    }

    /// The values, `(K, d)`, once all pairs have been told. What rounding left of Σφ − Δ is shared out.
    pub(crate) fn values(&self, delta: &[f64]) -> Vec<f64> {
        let mut out = Vec::with_capacity(delta.len() * self.d);
        for (phi, delta) in self.phi.chunks_exact(self.d.div_ceil(EIGHT)).zip(delta) {
            let phi = &phi.as_flattened()[..self.d];
            let off = (delta - phi.iter().sum::<f64>()) / self.d as f64;
            out.extend(phi.iter().map(|phi| phi + off));
        }
        out
    }
}

/// Adds pairs to sums.
struct Told<'a> {
    sums: &'a mut Enumeration,
    first: u64,
    outputs: &'a [f64],
}

impl Driver for Told<'_> {
    type Out = ();

    fn drive<S: Simd>(self, s: S) {
        s.vectorize(self);
    }
}

impl<S: Simd> Kernel<S> for Told<'_> {
    #[inline(always)]
    fn run(self, _: S) {
        match self.sums.phi.len() {
            1 => self.one::<1>(),
            2 if self.sums.d > EIGHT => self.one::<2>(),
            _ => self.several(),
        }
    }
}

impl Told<'_> {
    /// Of one output whose sums are N eights, which stay in registers.
    #[inline(always)]
    fn one<const N: usize>(self) {
        let mut phi = [[0.0; EIGHT]; N];
        phi.copy_from_slice(&self.sums.phi);
        for (pair, outputs) in (self.first..).zip(self.outputs.as_chunks::<2>().0) {
            add(&self.sums.shares, coalition(pair), (outputs[0] - outputs[1]) / 2.0, &mut phi);
        }
        self.sums.phi.copy_from_slice(&phi);
    }

    #[inline(always)]
    fn several(self) {
        let Enumeration { d, shares, phi } = self.sums;
        let eights = d.div_ceil(EIGHT);
        let k = phi.len() / eights;
        for (pair, outputs) in (self.first..).zip(self.outputs.chunks_exact(2 * k)) {
            for (o, phi) in phi.chunks_exact_mut(eights).enumerate() {
                add(shares, coalition(pair), (outputs[o] - outputs[k + o]) / 2.0, phi);
            }
        }
    }
}

/// Adds half a difference.
#[inline(always)]
fn add(shares: &[[f64; 2]], coalition: u64, half: f64, phi: &mut [[f64; EIGHT]]) {
    let [member, other] = shares[coalition.count_ones() as usize].map(|share| [half * share; EIGHT]);
    let mut bits = coalition;
    for phi in phi {
        let given = chosen(bits, &member, &other);
        (0..EIGHT).for_each(|lane| phi[lane] += given[lane]);
        bits >>= EIGHT;
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

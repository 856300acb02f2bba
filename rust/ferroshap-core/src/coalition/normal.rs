//! The normal equations of a design, centred: with a = z − (s/M) 1 for a coalition z of size s,
//! S = Σ w a a' and r = Σ w a y over pairs, y = (v(z) − v(z̄))/2 − Δ (s/M − 1/2) (kernel regression with the constraint
//! Σφ = Δ taken out; the half difference is the odd part of the game, all that Shapley values depend on).

use nalgebra::DMatrix;

use super::combinations::members;
use super::design::{Design, Round};
use crate::simd::{Driver, Kernel, Level, Simd};

/// S of a design up to the end of a round, M × M; S 1 = 0. From counts of players that occur together, layer by layer:
/// Σ a_i a_j = n_ij − (s/M)(n_i + n_j) + n (s/M)².
pub(crate) fn matrix(design: &Design, round: &Round) -> DMatrix<f64> {
    let mut out = DMatrix::zeros(design.m(), design.m());
    Level::in_use().dispatch(Counts { design, round, out: &mut out });
    out
}

struct Counts<'a> {
    design: &'a Design,
    round: &'a Round,
    out: &'a mut DMatrix<f64>,
}

impl Driver for Counts<'_> {
    type Out = ();

    fn drive<S: Simd>(self, s: S) {
        s.vectorize(self);
    }
}

impl<S: Simd> Kernel<S> for Counts<'_> {
    #[inline(always)]
    fn run(self, _: S) {
        count(self.design, self.round, self.out);
    }
}

#[inline(always)]
fn count(design: &Design, round: &Round, out: &mut DMatrix<f64>) {
    let m = design.m();
    for layer in 1..=m / 2 {
        let sets: Vec<&[u64]> = design.pairs(round).filter(|&(_, s)| s as usize == layer).map(|(set, _)| set).collect();
        if sets.is_empty() {
            continue;
        }
        let words = sets.len().div_ceil(64);
        // which of the sets each player is in
        let mut columns = vec![0_u64; m * words];
        for (i, set) in sets.iter().enumerate() {
            members(set).for_each(|j| columns[j * words + i / 64] |= 1 << (i % 64));
        }
        let single: Vec<f64> = (0..m).map(|j| together(&columns, words, j, j)).collect();
        let (w, share, n) = (round.weight(layer as u32), layer as f64 / m as f64, sets.len() as f64);
        for j in 0..m {
            for i in 0..=j {
                out[(i, j)] +=
                    w * (together(&columns, words, i, j) - share * (single[i] + single[j]) + n * share * share);
            }
        }
    }
    for j in 0..m {
        for i in 0..j {
            out[(j, i)] = out[(i, j)];
        }
    }
}

/// In how many sets both players are.
#[inline(always)]
fn together(columns: &[u64], words: usize, i: usize, j: usize) -> f64 {
    let (a, b) = (&columns[i * words..][..words], &columns[j * words..][..words]);
    let mut n = 0;
    for (a, b) in a.iter().zip(b) {
        n += (a & b).count_ones();
    }
    f64::from(n)
}

/// y of a pair: its half difference without what the constraint gives.
#[inline(always)]
pub(crate) fn target(half: f64, delta: f64, s: u32, m: usize) -> f64 {
    half - delta * (f64::from(s) / m as f64 - 0.5)
}

#[cfg(test)]
mod tests {
    use super::super::combinations::contains;
    use super::super::design::Shape;
    use super::super::lanes::{LANES, Listed, residuals, right_side};
    use super::*;

    #[test]
    fn by_counts_and_by_definition() {
        for (m, pairs) in [(2, 1), (5, 9), (8, 40), (70, 30), (70, 500)] {
            let design = Design::new(&Shape { m, rounds: vec![pairs] }, 1, 0);
            let round = design.round(0);
            let halves: Vec<f64> = (0..2 * round.pairs).map(|i| ((i * 37) % 101) as f64 / 10.0).collect();
            let delta = [1.5, -4.0];
            let (mut s, mut r) = (DMatrix::zeros(m, m), vec![0.0; 2 * m]);
            for (p, (set, size)) in design.pairs(round).enumerate() {
                let share = f64::from(size) / m as f64;
                let a: Vec<f64> = (0..m).map(|j| f64::from(u8::from(contains(set, j))) - share).collect();
                for j in 0..m {
                    for i in 0..m {
                        s[(i, j)] += round.weight(size) * a[i] * a[j];
                    }
                    for o in 0..2 {
                        r[o * m + j] += round.weight(size) * a[j] * (halves[2 * p + o] - delta[o] * (share - 0.5));
                    }
                }
            }
            assert!((matrix(&design, round) - s).abs().max() < 1e-13);
            // outputs in lanes
            let listed = Listed::new(&design, round);
            let mut targets = vec![[0.0; LANES]; round.pairs];
            for (p, &size) in listed.sizes.iter().enumerate() {
                (0..2).for_each(|o| targets[p][o] = target(halves[2 * p + o], delta[o], size, m));
            }
            let found = right_side(&listed, &targets);
            assert!((0..2 * m).all(|at| (found[at % m][at / m] - r[at]).abs() < 1e-12));
            residuals(&listed, &vec![[0.5; LANES]; m], &mut targets);
            let size = f64::from(*listed.sizes.last().expect("some"));
            let last = halves[halves.len() - 1] + 4.0 * (size / m as f64 - 0.5) - 0.5 * size;
            assert!((targets[round.pairs - 1][1] - last).abs() < 1e-12);
        }
    }
}

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
    let mut layers = vec![Vec::new(); m / 2 + 1];
    design.pairs(round).for_each(|(set, s)| layers[s as usize].push(set));
    // Σ w (s/M) n_i and Σ w n (s/M)²
    let (mut shares, mut constant) = (vec![0.0; m], 0.0);
    // of up to 64 sets, which of them each player is in
    let mut within = vec![0_u64; m];
    for (layer, sets) in layers.iter().enumerate() {
        for sets in sets.chunks(64) {
            let (w, share) = (round.weight(layer as u32), layer as f64 / m as f64);
            within.fill(0);
            for (i, set) in sets.iter().enumerate() {
                members(set).for_each(|j| within[j] |= 1 << i);
            }
            for (j, (&one, shares)) in within.iter().zip(&mut shares).enumerate() {
                *shares += w * share * f64::from(one.count_ones());
                for (sum, other) in out.as_mut_slice()[j * m..=j * m + j].iter_mut().zip(&within) {
                    *sum += w * f64::from((one & other).count_ones());
                }
            }
            constant += w * share * share * sets.len() as f64;
        }
    }
    for j in 0..m {
        for i in 0..=j {
            out[(i, j)] += constant - shares[i] - shares[j];
            out[(j, i)] = out[(i, j)];
        }
    }
}

/// y of a pair: its half difference without what the constraint gives, by `off`, s/M − 1/2.
#[inline(always)]
pub(crate) fn target(half: f64, delta: f64, off: f64) -> f64 {
    half - delta * off
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
            for (p, &off) in listed.off.iter().enumerate() {
                (0..2).for_each(|o| targets[p][o] = target(halves[2 * p + o], delta[o], off));
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

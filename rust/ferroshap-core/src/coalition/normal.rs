//! The normal equations of a design, centred: with a = z − (s/M) 1 for a coalition z of size s,
//! S = Σ w a a' and r = Σ w a y over pairs, y = (v(z) − v(z̄))/2 − Δ (s/M − 1/2) (kernel regression with the constraint
//! Σφ = Δ taken out; the half difference is the odd part of the game, all that Shapley values depend on).

use nalgebra::DMatrix;

use super::combinations::members;
use super::design::{Design, Round};

/// S of a design up to the end of a round, M × M; S 1 = 0. From counts of players that occur together, layer by layer:
/// Σ a_i a_j = n_ij − (s/M)(n_i + n_j) + n (s/M)².
pub(crate) fn matrix(design: &Design, round: &Round) -> DMatrix<f64> {
    let m = design.m();
    let mut out = DMatrix::zeros(m, m);
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
        let count = |i: usize, j: usize| -> u32 {
            let of = |player: usize| &columns[player * words..][..words];
            of(i).iter().zip(of(j)).map(|(a, b)| (a & b).count_ones()).sum()
        };
        let single: Vec<f64> = (0..m).map(|j| f64::from(count(j, j))).collect();
        let (w, share, n) = (round.weight(layer as u32), layer as f64 / m as f64, sets.len() as f64);
        for j in 0..m {
            for i in 0..=j {
                out[(i, j)] += w * (f64::from(count(i, j)) - share * (single[i] + single[j]) + n * share * share);
            }
        }
    }
    for j in 0..m {
        for i in 0..j {
            out[(j, i)] = out[(i, j)];
        }
    }
    out
}

/// y of a pair: its half difference without what the constraint gives.
#[inline(always)]
pub(crate) fn target(half: f64, delta: f64, s: u32, m: usize) -> f64 {
    half - delta * (f64::from(s) / m as f64 - 0.5)
}

/// r for every output, `(K, M)`, from half differences `(pairs, K)`. O(pairs · M · K).
pub(crate) fn right_side(design: &Design, round: &Round, halves: &[f64], delta: &[f64]) -> Vec<f64> {
    let (m, k) = (design.m(), delta.len());
    let (mut out, mut shared) = (vec![0.0; k * m], vec![0.0; k]);
    for ((set, s), halves) in design.pairs(round).zip(halves.chunks_exact(k)) {
        let w = round.weight(s);
        for (o, (half, delta)) in halves.iter().zip(delta).enumerate() {
            let wy = w * target(*half, *delta, s, m);
            shared[o] += wy * f64::from(s);
            let out = &mut out[o * m..][..m];
            members(set).for_each(|j| out[j] += wy);
        }
    }
    for (out, shared) in out.chunks_exact_mut(m).zip(shared) {
        out.iter_mut().for_each(|r| *r -= shared / m as f64);
    }
    out
}

/// y − a'φ of every pair and output, `(pairs, K)`, for centred φ `(K, M)`.
pub(crate) fn residuals(design: &Design, round: &Round, halves: &[f64], delta: &[f64], phi: &[f64]) -> Vec<f64> {
    let (m, k) = (design.m(), delta.len());
    let mut out = Vec::with_capacity(round.pairs * k);
    for ((set, s), halves) in design.pairs(round).zip(halves.chunks_exact(k)) {
        for (o, (half, delta)) in halves.iter().zip(delta).enumerate() {
            let phi = &phi[o * m..][..m];
            let fitted: f64 = members(set).map(|j| phi[j]).sum();
            out.push(target(*half, *delta, s, m) - fitted);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::combinations::contains;
    use super::super::design::Shape;
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
            let found = right_side(&design, round, &halves, &delta);
            assert!(found.iter().zip(&r).all(|(a, b)| (a - b).abs() < 1e-12));
            // residuals of φ = 0 are the targets
            let zero = residuals(&design, round, &halves, &delta, &vec![0.0; 2 * m]);
            let (_, size) = design.pairs(round).last().expect("some");
            let last = halves[halves.len() - 1] + 4.0 * (f64::from(size) / m as f64 - 0.5);
            assert!((zero[zero.len() - 1] - last).abs() < 1e-14);
        }
    }
}

//! Standard errors of pooled regressions, from one pass over the pairs.
//!
//! φ is linear in the targets: a pair with a of unit u moves it by ω_u w C_u a times its target, C_u = A⁻¹ K_u with the
//! pooled matrix A. With residuals e against the unit's own regression, the sandwich estimate of the variance is
//! var_j = Σ_u ω_u² h_u Σ_p w² e² (1 − n_s/N_s) (C_u a_p)_j². h = n/(n − parameters) is HC1 (MacKinnon and White, "Some
//! heteroskedasticity-consistent covariance matrix estimators", J. Econometrics 29, 1985), 1 − n_s/N_s the finite-population
//! correction: layers that are enumerated add nothing.
//!
//! In a balanced layer Σ a is nearly 0, so the mean ē of its residuals hardly moves the values; but the coalitions that come
//! from one permutation are not independent. There e² stands for the mean of e² and (e − ē)², which the tests of calibration
//! found to lie on the safe side, where e² alone gives errors up to half too large and (e − ē)² too small ones.

use nalgebra::DMatrix;

use super::combinations::members;
use super::design::{Design, Round};
use crate::simd::{Driver, Kernel, Level, Simd};

/// C with the mean of its rows' entries taken out, so that C a is the sum of the columns of the coalition's members.
pub(crate) fn centred_columns(mut c: DMatrix<f64>) -> DMatrix<f64> {
    let m = c.ncols() as f64;
    let means: Vec<f64> = c.row_iter().map(|row| row.iter().sum::<f64>() / m).collect();
    for mut column in c.column_iter_mut() {
        column.iter_mut().zip(&means).for_each(|(c, mean)| *c -= mean);
    }
    c
}

/// h of n pairs.
pub(crate) fn small_sample(pairs: usize, parameters: f64) -> f64 {
    let n = pairs as f64;
    n / (n - parameters).max(f64::MIN_POSITIVE)
}

/// What stands for e² of every pair and output, `(pairs, K)`.
pub(crate) fn squared(design: &Design, round: &Round, mut residuals: Vec<f64>, k: usize) -> Vec<f64> {
    let layers = design.m() / 2 + 1;
    let (mut sums, mut counts) = (vec![0.0; layers * k], vec![0.0; layers]);
    for ((_, s), e) in design.pairs(round).zip(residuals.chunks_exact(k)) {
        counts[s as usize] += 1.0;
        sums[s as usize * k..].iter_mut().zip(e).for_each(|(sum, e)| *sum += e);
    }
    for ((_, s), e) in design.pairs(round).zip(residuals.chunks_exact_mut(k)) {
        let s = s as usize;
        for (e, sum) in e.iter_mut().zip(&sums[s * k..]) {
            let mean = if design.is_balanced(s) { sum / counts[s] } else { 0.0 };
            *e = (*e * *e + (*e - mean) * (*e - mean)) / 2.0;
        }
    }
    residuals
}

/// Adds what the pairs of a unit add to the variances `(K, M)` of each row, all rows with the same design; `squared`
/// residuals `(pairs, K)` of each row, `scale` = ω² h of each.
pub(crate) fn add_variances(
    design: &Design,
    round: &Round,
    columns: &DMatrix<f64>,
    squared: &[Vec<f64>],
    scale: &[f64],
    variances: &mut [Vec<f64>],
) {
    Level::in_use().dispatch(Variances { design, round, columns, squared, scale, variances });
}

/// Numbers that are summed in registers.
const AT_ONCE: usize = 32;

struct Variances<'a> {
    design: &'a Design,
    round: &'a Round,
    columns: &'a DMatrix<f64>,
    squared: &'a [Vec<f64>],
    scale: &'a [f64],
    variances: &'a mut [Vec<f64>],
}

impl Driver for Variances<'_> {
    type Out = ();

    fn drive<S: Simd>(self, s: S) {
        s.vectorize(self);
    }
}

impl<S: Simd> Kernel<S> for Variances<'_> {
    #[inline(always)]
    fn run(self, _: S) {
        let (m, columns) = (self.design.m(), self.columns.as_slice());
        let (mut squares, mut set_members) = (vec![0.0; m], Vec::with_capacity(m));
        for (p, (set, s)) in self.design.pairs(self.round).enumerate() {
            let weight = self.round.weight(s);
            let factor = weight * weight * self.round.left_out(s);
            if factor == 0.0 {
                continue;
            }
            set_members.clear();
            set_members.extend(members(set));
            sum_columns(columns, m, &set_members, &mut squares);
            for x in &mut squares {
                *x = *x * *x * factor;
            }
            for ((squared, scale), variances) in self.squared.iter().zip(self.scale).zip(&mut *self.variances) {
                let k = variances.len() / m;
                for o in 0..k {
                    let square = scale * squared[p * k + o];
                    for (sum, x) in variances[o * m..][..m].iter_mut().zip(&squares) {
                        *sum += square * x;
                    }
                }
            }
        }
    }
}

/// Sums of some columns of M numbers, each sum in the order of `members`.
#[inline(always)]
fn sum_columns(columns: &[f64], m: usize, members: &[usize], out: &mut [f64]) {
    let whole = m - m % AT_ONCE;
    for at in (0..whole).step_by(AT_ONCE) {
        let mut sums = [0.0; AT_ONCE];
        for &j in members {
            let column = &columns[j * m + at..][..AT_ONCE];
            for lane in 0..AT_ONCE {
                sums[lane] += column[lane];
            }
        }
        out[at..at + AT_ONCE].copy_from_slice(&sums);
    }
    out[whole..].fill(0.0);
    for &j in members {
        for (sum, c) in out[whole..].iter_mut().zip(&columns[j * m + whole..(j + 1) * m]) {
            *sum += c;
        }
    }
}

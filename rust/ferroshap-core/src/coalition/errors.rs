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
    let m = design.m();
    let mut squares = vec![0.0; m];
    for (p, (set, s)) in design.pairs(round).enumerate() {
        let factor = round.weight(s) * round.weight(s) * round.left_out(s);
        if factor == 0.0 {
            continue;
        }
        squares.fill(0.0);
        for j in members(set) {
            squares.iter_mut().zip(columns.column(j).iter()).for_each(|(sum, c)| *sum += c);
        }
        squares.iter_mut().for_each(|x| *x = *x * *x * factor);
        for ((squared, scale), variances) in squared.iter().zip(scale).zip(&mut *variances) {
            let k = variances.len() / m;
            for (e, variances) in squared[p * k..][..k].iter().zip(variances.chunks_exact_mut(m)) {
                let square = scale * e;
                variances.iter_mut().zip(&squares).for_each(|(sum, x)| *sum += square * x);
            }
        }
    }
}

//! Standard errors of pooled regressions, from one pass over the pairs.
//!
//! φ = W ψ + … is linear in the targets: a pair with a of unit u moves it by ω_u w C_u a times its target, C_u = W A⁻¹ K_u with
//! the pooled matrix A and the weight W of all units together (below 1 where some references are enumerated). With residuals e against the unit's own regression, the sandwich estimate of the variance is
//! var_j = Σ_u ω_u² h_u Σ_p w² e² (1 − n_s/N_s) (C_u a_p)_j². h = n/(n − parameters) is HC1 (MacKinnon and White, "Some
//! heteroskedasticity-consistent covariance matrix estimators", J. Econometrics 29, 1985), 1 − n_s/N_s the finite-population
//! correction: layers that are enumerated add nothing.
//!
//! In a balanced layer Σ a is nearly 0, so the mean ē of its residuals hardly moves the values; but the coalitions that come
//! from one permutation are not independent. There e² stands for the mean of e² and (e − ē)², which the tests of calibration
//! found to lie on the safe side, where e² alone gives errors up to half too large and (e − ē)² too small ones.

use nalgebra::DMatrix;

use super::design::Design;
use super::lanes::{LANES, Lanes, Listed};
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

/// What stands for e² of every pair, in the place of residuals.
pub(crate) fn square(design: &Design, listed: &Listed<'_>, residuals: &mut [Lanes]) {
    let layers = design.m() / 2 + 1;
    let (mut sums, mut counts) = (vec![[0.0; LANES]; layers], vec![0.0; layers]);
    for (&s, e) in listed.sizes.iter().zip(&*residuals) {
        counts[s as usize] += 1.0;
        sums[s as usize].iter_mut().zip(e).for_each(|(sum, e)| *sum += e);
    }
    for (s, sums) in sums.iter_mut().enumerate() {
        let balanced = s > 0 && counts[s] > 0.0 && design.is_balanced(s);
        sums.iter_mut().for_each(|sum| *sum = if balanced { *sum / counts[s] } else { 0.0 });
    }
    for (&s, e) in listed.sizes.iter().zip(residuals) {
        for (e, mean) in e.iter_mut().zip(&sums[s as usize]) {
            *e = (*e * *e + (*e - mean) * (*e - mean)) / 2.0;
        }
    }
}

/// Adds what the pairs of a unit add to the variances, `(lanes, M)`, of all rows with this design: of eight lanes at a time
/// the `squares` of residuals; `scale` = ω² h.
pub(crate) fn add_variances(
    listed: &Listed<'_>,
    columns: &DMatrix<f64>,
    squares: &[Vec<Lanes>],
    scale: f64,
    variances: &mut [f64],
) {
    Level::in_use().dispatch(Variances { listed, columns, squares, scale, variances });
}

/// Players whose sums are in registers at once, their columns in the nearest cache.
const WIDE: usize = 32;

/// Pairs whose sums wait to be added.
const PAIRS: usize = 16;

struct Variances<'a> {
    listed: &'a Listed<'a>,
    columns: &'a DMatrix<f64>,
    squares: &'a [Vec<Lanes>],
    scale: f64,
    variances: &'a mut [f64],
}

impl Driver for Variances<'_> {
    type Out = ();

    fn drive<S: Simd>(self, s: S) {
        s.vectorize(self);
    }
}

impl<S: Simd> Kernel<S> for Variances<'_> {
    #[inline(always)]
    fn run(mut self, _: S) {
        let m = self.listed.m;
        for at in (0..m).step_by(WIDE) {
            match m - at {
                0..=8 => self.panel::<8>(at),
                9..=16 => self.panel::<16>(at),
                _ => self.panel::<WIDE>(at),
            }
        }
    }
}

impl Variances<'_> {
    /// Adds to the variances of N players from number `at` on, or of those that are left.
    #[inline(always)]
    fn panel<const N: usize>(&mut self, at: usize) {
        let m = self.listed.m;
        let n = N.min(m - at);
        let mut columns = vec![[0.0; N]; m];
        for (to, from) in columns.iter_mut().zip(self.columns.as_slice().chunks_exact(m)) {
            to[..n].copy_from_slice(&from[at..at + n]);
        }
        let (mut waiting, mut which, mut count) = ([[0.0; N]; PAIRS], [0; PAIRS], 0);
        for (p, (s, set)) in self.listed.pairs().enumerate() {
            let weight = self.listed.round.weight(s);
            let factor = weight * weight * self.listed.round.left_out(s) * self.scale;
            if factor == 0.0 {
                continue;
            }
            let mut sums = [0.0; N];
            for &j in set {
                let column = &columns[j as usize];
                for i in 0..N {
                    sums[i] += column[i];
                }
            }
            for sum in &mut sums {
                *sum = *sum * *sum * factor;
            }
            (waiting[count], which[count]) = (sums, p);
            count += 1;
            if count == PAIRS {
                add_waiting(&waiting, &which, self.squares, &mut *self.variances, m, at, n);
                count = 0;
            }
        }
        add_waiting(&waiting[..count], &which, self.squares, &mut *self.variances, m, at, n);
    }
}

/// Adds the squared sums of some pairs times the squared residuals of every lane.
#[inline(always)]
fn add_waiting<const N: usize>(
    waiting: &[[f64; N]],
    which: &[usize; PAIRS],
    squares: &[Vec<Lanes>],
    variances: &mut [f64],
    m: usize,
    at: usize,
    n: usize,
) {
    for (lane, variances) in variances.chunks_exact_mut(m).enumerate() {
        let (squares, own) = (&squares[lane / LANES], &mut variances[at..at + n]);
        let mut sums = [0.0; N];
        sums[..n].copy_from_slice(own);
        for (x, &p) in waiting.iter().zip(which) {
            let square = squares[p][lane % LANES];
            for i in 0..N {
                sums[i] += square * x[i];
            }
        }
        own.copy_from_slice(&sums[..n]);
    }
}

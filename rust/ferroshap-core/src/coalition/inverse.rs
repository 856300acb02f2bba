//! Inverses of positive definite matrices, many of them small: Cholesky's factor, its inverse, and their product, each a
//! run of additions of one row to another. M³/2 multiplications; the bits are those of one order at every vector level.

use nalgebra::DMatrix;

use crate::simd::{Driver, Kernel, Level, Simd};

/// The inverse of `a`; `None` if a pivot is below `smallest`.
pub(crate) fn inverse(a: &DMatrix<f64>, smallest: f64) -> Option<DMatrix<f64>> {
    let mut out = None;
    Level::in_use().dispatch(Inverse { a, smallest, out: &mut out });
    out
}

struct Inverse<'a> {
    a: &'a DMatrix<f64>,
    smallest: f64,
    out: &'a mut Option<DMatrix<f64>>,
}

impl Driver for Inverse<'_> {
    type Out = ();

    fn drive<S: Simd>(self, s: S) {
        s.vectorize(self);
    }
}

impl<S: Simd> Kernel<S> for Inverse<'_> {
    #[inline(always)]
    fn run(self, _: S) {
        let m = self.a.nrows();
        // column by column; symmetric, so that the entries from the diagonal on of a column are a row too
        let mut l = self.a.as_slice().to_vec();
        for j in 0..m {
            let (done, rest) = l.split_at_mut((j + 1) * m);
            let column = &mut done[j * m + j..];
            if column[0].is_nan() || column[0] < self.smallest {
                return;
            }
            let root = column[0].sqrt();
            column[0] = root;
            column[1..].iter_mut().for_each(|l| *l /= root);
            for (i, other) in rest.chunks_exact_mut(m).enumerate() {
                subtract(&mut other[j + 1 + i..], column[1 + i], &column[1 + i..]);
            }
        }
        // row i of X = L⁻¹: (e_i − Σ_{k<i} L_ik X_k)/L_ii, up to the diagonal
        let mut x = vec![0.0; m * m];
        for i in 0..m {
            let (done, rest) = x.split_at_mut(i * m);
            let row = &mut rest[..=i];
            row[i] = 1.0;
            for (k, before) in done.chunks_exact(m).enumerate() {
                subtract(&mut row[..=k], l[k * m + i], &before[..=k]);
            }
            let pivot = l[i * m + i];
            row.iter_mut().for_each(|x| *x /= pivot);
        }
        // X'X, row by row of X
        let mut out = DMatrix::zeros(m, m);
        for (k, row) in x.chunks_exact(m).enumerate() {
            for (j, column) in out.as_mut_slice().chunks_exact_mut(m).take(k + 1).enumerate() {
                subtract(&mut column[..=k], -row[j], &row[..=k]);
            }
        }
        *self.out = Some(out);
    }
}

/// to − factor · from
#[inline(always)]
fn subtract(to: &mut [f64], factor: f64, from: &[f64]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to -= factor * from;
    }
}

#[cfg(test)]
mod tests {
    use super::super::solve::product;
    use super::*;

    #[test]
    fn the_inverse_times_the_matrix_is_the_identity() {
        for m in [1, 2, 7, 33] {
            let v = DMatrix::from_fn(m, m, |i, j| ((i * 7 + j * 13) % 11) as f64 / 11.0);
            let mut a = product(&v, &v.transpose());
            (0..m).for_each(|j| a[(j, j)] += 1.0);
            let found = inverse(&a, 1e-10).expect("positive definite");
            assert!((product(&a, &found) - DMatrix::<f64>::identity(m, m)).abs().max() < 1e-12);
            assert_eq!(found, found.transpose());
            a[(0, 0)] = -1.0;
            assert!(inverse(&a, 1e-10).is_none());
        }
    }
}

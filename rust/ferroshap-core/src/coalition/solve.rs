//! Symmetric systems: by Cholesky, or of minimum norm where the matrix is singular.

use nalgebra::linalg::Cholesky;
use nalgebra::{DMatrix, Dyn};

use super::inverse::inverse;

/// A pivot below this share of the mean of the diagonal counts as none.
const SMALLEST_PIVOT: f64 = 1e-10;

fn smallest_pivot(a: &DMatrix<f64>) -> f64 {
    SMALLEST_PIVOT * a.trace() / a.nrows() as f64
}

/// The inverse of a symmetric matrix without negative eigenvalues, or on the space that it spans; and whether that is not
/// all of it.
pub(crate) fn inverted(a: DMatrix<f64>) -> (DMatrix<f64>, bool) {
    let smallest = smallest_pivot(&a);
    match inverse(&a, smallest) {
        Some(found) => (found, false),
        None => (pseudo_inverse(a, smallest), true),
    }
}

/// A factored symmetric matrix without negative eigenvalues.
#[derive(Debug)]
pub(crate) enum Factor {
    /// L L'.
    Regular(Cholesky<f64, Dyn>),
    /// The inverse on the space that the matrix spans.
    Singular(DMatrix<f64>),
}

impl Factor {
    /// Factors `a`.
    pub(crate) fn new(a: DMatrix<f64>) -> Self {
        let smallest = smallest_pivot(&a);
        match Cholesky::new(a.clone()) {
            Some(found) if found.l_dirty().diagonal().iter().all(|l| l * l >= smallest) => Self::Regular(found),
            _ => Self::Singular(pseudo_inverse(a, smallest)),
        }
    }

    /// Whether directions were left out.
    pub(crate) fn is_singular(&self) -> bool {
        matches!(self, Self::Singular(_))
    }

    /// Solves for every column, in place.
    pub(crate) fn solve(&self, columns: &mut DMatrix<f64>) {
        match self {
            Self::Regular(found) => found.solve_mut(columns),
            Self::Singular(inverse) => *columns = product(inverse, columns),
        }
    }

    /// The inverse.
    pub(crate) fn inverse(&self) -> DMatrix<f64> {
        match self {
            Self::Regular(found) => found.inverse(),
            Self::Singular(inverse) => inverse.clone(),
        }
    }
}

/// a · b in the order of a's columns. nalgebra's own product uses fused multiply-add where the processor has it, so its
/// bits are not the same everywhere.
pub(crate) fn product(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    let mut out = DMatrix::zeros(a.nrows(), b.ncols());
    for (mut to, from) in out.column_iter_mut().zip(b.column_iter()) {
        for (column, &factor) in a.column_iter().zip(from.iter()) {
            to.iter_mut().zip(column.iter()).for_each(|(to, a)| *to += a * factor);
        }
    }
    out
}

/// Σ v v' / λ over the eigenvectors v with λ above `smallest`.
fn pseudo_inverse(a: DMatrix<f64>, smallest: f64) -> DMatrix<f64> {
    let eigen = a.symmetric_eigen();
    let mut scaled = eigen.eigenvectors.clone();
    for (mut column, &value) in scaled.column_iter_mut().zip(eigen.eigenvalues.iter()) {
        let factor = if value > smallest { 1.0 / value } else { 0.0 };
        column.iter_mut().for_each(|x| *x *= factor);
    }
    product(&scaled, &eigen.eigenvectors.transpose())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regular_and_singular_systems() {
        let a = DMatrix::from_row_slice(3, 3, &[4.0, 1.0, 0.0, 1.0, 3.0, 1.0, 0.0, 1.0, 2.0]);
        let x = DMatrix::from_row_slice(3, 2, &[1.0, -2.0, 0.5, 3.0, 2.0, 0.0]);
        let factor = Factor::new(a.clone());
        assert!(!factor.is_singular());
        let mut b = product(&a, &x);
        factor.solve(&mut b);
        assert!((&b - &x).abs().max() < 1e-14);
        assert!((product(&factor.inverse(), &a) - DMatrix::<f64>::identity(3, 3)).abs().max() < 1e-14);

        // (1, 1, −2)' spans what is missing: the solution of minimum norm has nothing of it
        let v = DMatrix::from_row_slice(3, 2, &[1.0, 1.0, 1.0, -1.0, 1.0, 0.0]);
        let a = product(&v, &v.transpose());
        let factor = Factor::new(a.clone());
        assert!(factor.is_singular());
        let mut b = product(&a, &x);
        factor.solve(&mut b);
        assert!((product(&a, &b) - product(&a, &x)).abs().max() < 1e-13);
        let missing = DMatrix::from_row_slice(1, 3, &[1.0, 1.0, -2.0]);
        assert!(product(&missing, &b).abs().max() < 1e-13);
    }
}

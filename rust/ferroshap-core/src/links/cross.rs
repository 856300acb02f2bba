//! Any smooth secant as a sum of products: adaptive cross approximation with full pivoting (Bebendorf 2000; Townsend and
//! Trefethen 2013) on a grid of Chebyshev points over the range of the margins.
//!
//! Pivots (a_r, b_r) are taken where the residual is largest; with e_r(a, b) the residual before step r,
//!
//! ```text
//! u_r(a) = e_r(a, b_r)        v_r(b) = e_r(a_r, b) / e_r(a_r, b_r)        w(a, b) ≈ Σ_r u_r(a) v_r(b)
//! ```
//!
//! and both factors of any margin follow by elimination with the few numbers u_s(a_r), v_s(b_r). Full pivoting bounds |v| by 1 on
//! the grid, so that elimination loses no digits.

use super::Link;

/// Points of the grid in each direction.
const GRID: usize = 120;

/// The residual, relative to the largest weight, at which terms are enough.
const TOLERANCE: f64 = 2e-15;

/// The pivots of a secant and the numbers that elimination needs.
#[derive(Debug, Clone)]
pub(super) struct Cross {
    link: Link,
    pivots: Vec<Pivot>,
}

#[derive(Debug, Clone)]
struct Pivot {
    a: f64,
    b: f64,
    /// e_r(a_r, b_r)
    residual: f64,
    /// u_s(a_r) and v_s(b_r) of the terms s before.
    u: Vec<f64>,
    v: Vec<f64>,
}

impl Cross {
    /// The terms for margins from `low` to `high`; `None`: more than `most` would be needed.
    pub(super) fn new(link: Link, low: f64, high: f64, most: usize) -> Option<Self> {
        let (middle, half) = (low / 2.0 + high / 2.0, high / 2.0 - low / 2.0);
        let angle = |i: usize| std::f64::consts::PI * (i as f64 + 0.5) / GRID as f64;
        let grid: Vec<f64> = (0..GRID).map(|i| middle + half * angle(i).cos()).collect();
        let mut residuals: Vec<f64> = grid.iter().flat_map(|&a| grid.iter().map(move |&b| link.secant(a, b))).collect();
        let largest = residuals.iter().fold(0.0f64, |most, w| most.max(w.abs()));
        let mut cross = Self { link, pivots: Vec::new() };
        loop {
            let at = (0..residuals.len())
                .fold(0, |best, i| if residuals[i].abs() > residuals[best].abs() { i } else { best });
            if residuals[at].abs() <= TOLERANCE * largest {
                return Some(cross);
            }
            if cross.pivots.len() == most {
                return None;
            }
            let (row, column) = (at / GRID, at % GRID);
            cross.add(grid[row], grid[column]);
            let of_a: Vec<f64> = (0..GRID).map(|i| residuals[i * GRID + column]).collect();
            let of_b: Vec<f64> = (0..GRID).map(|j| residuals[row * GRID + j] / residuals[at]).collect();
            for (i, u) in of_a.iter().enumerate() {
                residuals[i * GRID..][..GRID].iter_mut().zip(&of_b).for_each(|(e, v)| *e -= u * v);
            }
        }
    }

    fn add(&mut self, a: f64, b: f64) {
        let (mut u, mut v) = (vec![0.0; self.pivots.len()], vec![0.0; self.pivots.len()]);
        self.of_row(a, &mut u);
        self.of_background(b, &mut v);
        let residual = self.link.secant(a, b) - u.iter().zip(&v).map(|(u, v)| u * v).sum::<f64>();
        self.pivots.push(Pivot { a, b, residual, u, v });
    }

    pub(super) fn terms(&self) -> usize {
        self.pivots.len()
    }

    pub(super) fn of_row(&self, m: f64, out: &mut [f64]) {
        for (r, pivot) in self.pivots.iter().enumerate() {
            let known: f64 = out.iter().zip(&pivot.v).map(|(u, v)| u * v).sum();
            out[r] = self.link.secant(m, pivot.b) - known;
        }
    }

    pub(super) fn of_background(&self, m: f64, out: &mut [f64]) {
        for (r, pivot) in self.pivots.iter().enumerate() {
            let known: f64 = out.iter().zip(&pivot.u).map(|(v, u)| u * v).sum();
            out[r] = (self.link.secant(pivot.a, m) - known) / pivot.residual;
        }
    }
}

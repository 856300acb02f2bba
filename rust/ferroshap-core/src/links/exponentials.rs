//! The secants of the logistic and the exponential function as sums of products, in closed form.
//!
//! With h = (a − b) / 2 and sinhc(h) = sinh(h) / h = ½ ∫₋₁¹ e^{hs} ds,
//!
//! ```text
//! logistic     w(a, b) = c(a) c(b) sinhc(h)      c(m) = 1 / (2 cosh(m/2))
//! exponential  w(a, b) = c(a) c(b) sinhc(h)      c(m) = e^{m/2}
//! ```
//!
//! and a Gauss–Legendre rule on (−1, 1) turns the integral into Σ_r q_r e^{(a − μ) s_r / 2} e^{−(b − μ) s_r / 2}. All terms are
//! positive, so the sum has the relative accuracy of the rule. μ, the middle of the margins, keeps both factors near 1.

use super::{root_slope, sinhc};
use crate::plan::{Rule, gauss_legendre};

/// Relative error of a secant that is accepted.
const TOLERANCE: f64 = 1e-14;

/// Nodes s and weights of a rule for margins in a range.
#[derive(Debug, Clone)]
pub(super) struct Exponentials {
    middle: f64,
    logistic: bool,
    nodes: Vec<f64>,
    weights: Vec<f64>,
}

impl Exponentials {
    /// The smallest rule of at most `most` nodes for margins from `low` to `high`; `None`: the range is too wide.
    pub(super) fn new(logistic: bool, low: f64, high: f64, most: usize) -> Option<Self> {
        let half = (high - low) / 2.0;
        let rule = (2..=most).map(gauss_legendre).find(|rule| integrates(rule, half))?;
        let nodes = rule.t.iter().map(|t| 2.0 * t - 1.0).collect();
        Some(Self { middle: low + half, logistic, nodes, weights: rule.q })
    }

    pub(super) fn terms(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn of_row(&self, m: f64, out: &mut [f64]) {
        let c = self.root(m);
        for ((u, s), q) in out.iter_mut().zip(&self.nodes).zip(&self.weights) {
            *u = c * q * (s * (m - self.middle) / 2.0).exp();
        }
    }

    pub(super) fn of_background(&self, m: f64, out: &mut [f64]) {
        let c = self.root(m);
        for (v, s) in out.iter_mut().zip(&self.nodes) {
            *v = c * (-s * (m - self.middle) / 2.0).exp();
        }
    }

    fn root(&self, m: f64) -> f64 {
        if self.logistic { root_slope(m) } else { (m / 2.0).exp() }
    }
}

/// Whether the rule integrates e^{hs} for every |h| ≤ `half`: its error grows with h, to the roundings of small ones.
fn integrates(rule: &Rule, half: f64) -> bool {
    [0.25, 0.5, 0.75, 1.0].iter().all(|part| {
        let h = part * half;
        let sum: f64 = rule.t.iter().zip(&rule.q).map(|(t, q)| q * (h * (2.0 * t - 1.0)).exp()).sum();
        (sum / sinhc(h) - 1.0).abs() <= TOLERANCE
    })
}

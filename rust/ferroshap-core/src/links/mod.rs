//! Output spaces: how values of the raw output are rescaled, reference by reference, into values of a function of it.
//!
//! With g the link (margin → what is explained) and w its secant, w(a, b) = (g(a) − g(b)) / (a − b), the rescaled values are
//!
//! ```text
//! φ(x) = Σ_z ω_z w(f(x), f(z)) φ_raw(x, z)          (Lundberg et al. 2020, "loss and probability" of Tree SHAP)
//! ```
//!
//! They add up, for w(f(x), f(z)) Σ φ_raw(x, z) = g(f(x)) − g(f(z)). A secant is smooth, so it is a sum of few products,
//! w(a, b) = Σ_r u_r(a) v_r(b) ([`Factors`]), and each term is a background of other weights, ω_z v_r(f(z)). Where it is
//! none (softmax, very wide ranges) [`PairWeights`] gives the weight of each pair.

mod cross;
mod exponentials;
mod factors;
mod pairs;

pub use factors::Factors;
pub use pairs::PairWeights;

use std::str::FromStr;

use crate::error::{Error, Result};

/// What is explained, as a function of the margin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// The margin itself.
    Identity,
    /// The probability 1 / (1 + e^−m).
    Logistic,
    /// e^m, the mean under a log link.
    Exponential,
    /// log(1 + e^m): the log-loss of a binary label y, but for its term − y m.
    LogisticLoss,
    /// m²: the squared error, but for its terms − 2 y m + y².
    SquaredError,
}

impl FromStr for Link {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Ok(match name {
            "identity" => Link::Identity,
            "logistic" => Link::Logistic,
            "exponential" => Link::Exponential,
            "logistic loss" => Link::LogisticLoss,
            "squared error" => Link::SquaredError,
            _ => return Err(Error::Option(format!("link {name:?} is not known"))),
        })
    }
}

impl Link {
    /// g(m).
    pub fn value(self, m: f64) -> f64 {
        match self {
            Link::Identity => m,
            Link::Logistic => logistic(m),
            Link::Exponential => m.exp(),
            Link::LogisticLoss => m.max(0.0) + (-m.abs()).exp().ln_1p(),
            Link::SquaredError => m * m,
        }
    }

    /// w(a, b) = (g(a) − g(b)) / (a − b), at a = b the slope; correct to roundings for any two finite margins.
    pub fn secant(self, a: f64, b: f64) -> f64 {
        let (low, high) = (a.min(b), a.max(b));
        let wide = high - low;
        match self {
            Link::Identity => 1.0,
            Link::Logistic if wide < 1.0 => sinhc(wide / 2.0) * root_slope(a) * root_slope(b),
            // the smaller tail of the two: 1 − 1 has no digits
            Link::Logistic if low + high > 0.0 => (logistic(-low) - logistic(-high)) / wide,
            Link::Logistic => (logistic(high) - logistic(low)) / wide,
            Link::Exponential if wide < 1.0 => (a / 2.0 + b / 2.0).exp() * sinhc(wide / 2.0),
            Link::Exponential => (high.exp() - low.exp()) / wide,
            // log(1 + e^low) − log(1 + e^high) = log(1 + σ(high) (e^−wide − 1))
            Link::LogisticLoss if wide == 0.0 => logistic(high),
            Link::LogisticLoss if wide < 1.0 => (logistic(high) * (-wide).exp_m1()).ln_1p() / -wide,
            Link::LogisticLoss => (self.value(high) - self.value(low)) / wide,
            Link::SquaredError => a + b,
        }
    }
}

fn logistic(m: f64) -> f64 {
    let tail = (-m.abs()).exp();
    if m < 0.0 { tail / (1.0 + tail) } else { 1.0 / (1.0 + tail) }
}

/// 1 / (2 cosh(m / 2)), the root of the slope of the logistic function.
fn root_slope(m: f64) -> f64 {
    let half = (-m.abs() / 2.0).exp();
    half / (1.0 + half * half)
}

/// sinh(h) / h.
fn sinhc(h: f64) -> f64 {
    if h.abs() < 1e-4 { 1.0 + h * h / 6.0 } else { h.sinh() / h }
}

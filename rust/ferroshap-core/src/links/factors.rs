//! The secant of a link as a sum of few products of a row's factor and a background row's.

use super::Link;
use super::cross::Cross;
use super::exponentials::Exponentials;

/// Most terms: beyond them the weights of pairs cost less.
const MOST_TERMS: usize = 48;

/// The widest range of margins for which the secant of a loss, whose error is relative to the largest, is taken apart.
const WIDEST_LOSS: f64 = 80.0;

/// w(a, b) = Σ_r u_r(a) v_r(b) for margins in a range: to 1e-14 of w for the logistic and the exponential link, to a few
/// 1e-15 of the largest w for losses.
#[derive(Debug, Clone)]
pub struct Factors(Kind);

#[derive(Debug, Clone)]
enum Kind {
    One,
    Sum,
    Exponentials(Exponentials),
    Cross(Cross),
}

impl Factors {
    /// The factors for margins from `low` to `high`; `None`: the range is too wide for few terms.
    pub fn new(link: Link, low: f64, high: f64) -> Option<Self> {
        Some(Self(match link {
            Link::Identity => Kind::One,
            Link::SquaredError => Kind::Sum,
            _ if !(high - low).is_finite() => return None,
            Link::Logistic => Kind::Exponentials(Exponentials::new(true, low, high, MOST_TERMS)?),
            // the factors of both ends must be numbers
            Link::Exponential if high > 300.0 || low < -300.0 => return None,
            Link::Exponential => Kind::Exponentials(Exponentials::new(false, low, high, MOST_TERMS)?),
            Link::LogisticLoss if high - low > WIDEST_LOSS => return None,
            Link::LogisticLoss => Kind::Cross(Cross::new(link, low, high, MOST_TERMS)?),
        }))
    }

    /// How many products.
    pub fn terms(&self) -> usize {
        match &self.0 {
            Kind::One => 1,
            Kind::Sum => 2,
            Kind::Exponentials(e) => e.terms(),
            Kind::Cross(c) => c.terms(),
        }
    }

    /// u_r(m), into as many numbers as there are terms.
    pub fn of_row(&self, m: f64, out: &mut [f64]) {
        match &self.0 {
            Kind::One => out[0] = 1.0,
            Kind::Sum => out.copy_from_slice(&[m, 1.0]),
            Kind::Exponentials(e) => e.of_row(m, out),
            Kind::Cross(c) => c.of_row(m, out),
        }
    }

    /// v_r(m), into as many numbers as there are terms.
    pub fn of_background(&self, m: f64, out: &mut [f64]) {
        match &self.0 {
            Kind::One => out[0] = 1.0,
            Kind::Sum => out.copy_from_slice(&[1.0, m]),
            Kind::Exponentials(e) => e.of_background(m, out),
            Kind::Cross(c) => c.of_background(m, out),
        }
    }
}

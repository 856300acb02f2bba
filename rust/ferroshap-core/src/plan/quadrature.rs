//! Gauss–Legendre rules on (0, 1), correct to the last bit, by operations that give the same bits everywhere.
//!
//! The integrand of a leaf with d features is a polynomial of degree d − 1 in t, so ⌈d/2⌉ points integrate it exactly.
//! Newton's method on the Legendre polynomial runs in double-double arithmetic, because weights that are off by 1e-12
//! (as common float64 implementations are at 50 points) would be the largest error of the whole computation.

/// Abscissae `t` (ascending) and weights `q` of a rule; the weights add up to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Points in (0, 1).
    pub t: Vec<f64>,
    /// The weight of each point.
    pub q: Vec<f64>,
}

/// The rule with `points` points, exact for polynomials of degree `2 points − 1`. O(points²).
pub fn gauss_legendre(points: usize) -> Rule {
    let mut rule = Rule { t: vec![0.5; points], q: vec![1.0; points] };
    for i in 0..points.div_ceil(2) {
        // Root i of P_n counted from the right, x in [0, 1); its mirror image is −x.
        let angle = std::f64::consts::PI * (i as f64 + 0.75) / (points as f64 + 0.5);
        let mut x = Twofold::from(if 2 * i + 1 == points { 0.0 } else { cosine(angle) });
        let mut slope = legendre(points, x).1;
        for _ in 0..4 {
            let (value, derivative) = legendre(points, x);
            x = x.sub(value.div(derivative));
            slope = legendre(points, x).1;
        }
        if 2 * i + 1 == points {
            x = Twofold::from(0.0);
            slope = legendre(points, x).1;
        }
        // Weight on (−1, 1) is 2 / ((1 − x²) P′(x)²), half of it on (0, 1); abscissa (1 ± x) / 2.
        let one = Twofold::from(1.0);
        let weight = one.div(one.sub(x.mul(x)).mul(slope.mul(slope)));
        let half = Twofold::from(0.5);
        rule.t[i] = one.sub(x).mul(half).round();
        rule.t[points - 1 - i] = one.add(x).mul(half).round();
        rule.q[i] = weight.round();
        rule.q[points - 1 - i] = weight.round();
    }
    rule
}

/// P_n(x) and its derivative, by the three-term recurrence.
fn legendre(n: usize, x: Twofold) -> (Twofold, Twofold) {
    let (mut before, mut value) = (Twofold::from(1.0), x);
    if n == 0 {
        return (before, Twofold::from(0.0));
    }
    for j in 2..=n {
        let j = j as f64;
        let next = x.mul(value).mul(Twofold::from(2.0 * j - 1.0)).sub(before.mul(Twofold::from(j - 1.0)));
        (before, value) = (value, next.div(Twofold::from(j)));
    }
    // (x² − 1) P′_n = n (x P_n − P_{n−1})
    let one = Twofold::from(1.0);
    let slope = x.mul(value).sub(before).mul(Twofold::from(n as f64)).div(x.mul(x).sub(one));
    (value, slope)
}

/// cos on [0, π] by its series around π/2: a starting point needs a few digits only, but the same ones on every machine.
fn cosine(angle: f64) -> f64 {
    let y = std::f64::consts::FRAC_PI_2 - angle;
    let (mut term, mut sum) = (y, y);
    for k in 1..12 {
        term *= -y * y / ((2 * k) as f64 * (2 * k + 1) as f64);
        sum += term;
    }
    sum
}

/// An unevaluated sum of two float64, about 32 digits (Dekker 1971).
#[derive(Debug, Clone, Copy)]
struct Twofold {
    high: f64,
    low: f64,
}

impl From<f64> for Twofold {
    fn from(high: f64) -> Self {
        Self { high, low: 0.0 }
    }
}

impl Twofold {
    /// The exact sum of two float64 as high and low part.
    fn two_sum(a: f64, b: f64) -> Self {
        let high = a + b;
        let from_b = high - a;
        Self { high, low: (a - (high - from_b)) + (b - from_b) }
    }

    fn add(self, other: Self) -> Self {
        let high = Self::two_sum(self.high, other.high);
        Self::two_sum(high.high, high.low + (self.low + other.low))
    }

    fn sub(self, other: Self) -> Self {
        self.add(Self { high: -other.high, low: -other.low })
    }

    fn mul(self, other: Self) -> Self {
        let high = self.high * other.high;
        // fused, hence the exact rounding error of the product on every machine
        let error = self.high.mul_add(other.high, -high);
        Self::two_sum(high, error + (self.high * other.low + self.low * other.high))
    }

    fn div(self, other: Self) -> Self {
        let first = self.high / other.high;
        let rest = self.sub(other.mul(Self::from(first)));
        let second = rest.high / other.high;
        let rest = rest.sub(other.mul(Self::from(second)));
        Self::two_sum(first, second).add(Self::from(rest.high / other.high))
    }

    fn round(self) -> f64 {
        self.high + self.low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_integrate_powers_exactly() {
        for points in [1, 2, 3, 7, 16, 50, 150, 256] {
            let rule = gauss_legendre(points);
            for power in [0, 1, points, 2 * points - 1] {
                let integral: f64 =
                    rule.t.iter().zip(&rule.q).map(|(t, q)| q * t.powi(i32::try_from(power).unwrap_or(0))).sum();
                let exact = 1.0 / (power as f64 + 1.0);
                // the sum of the check itself rounds too
                assert!((integral - exact).abs() <= 1e-15, "{points} points, power {power}: {integral} is not {exact}");
            }
        }
    }

    #[test]
    fn three_points_are_the_textbook_ones() {
        let rule = gauss_legendre(3);
        assert_eq!(rule.t, [0.112_701_665_379_258_31, 0.5, 0.887_298_334_620_741_7]);
        assert_eq!(rule.q, [0.277_777_777_777_777_8, 0.444_444_444_444_444_4, 0.277_777_777_777_777_8]);
    }

    #[test]
    fn points_ascend_strictly_inside_the_interval() {
        let rule = gauss_legendre(256);
        assert!(rule.t[0] > 0.0 && rule.t[255] < 1.0);
        assert!(rule.t.windows(2).all(|w| w[0] < w[1]));
    }
}

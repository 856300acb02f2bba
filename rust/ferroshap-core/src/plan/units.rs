//! Values against a background as sums of whole numbers.
//!
//! Against b background rows of equal weight, what a leaf of value v adds for a row is, over the pairs of the row with a background
//! row, a sum of v · wA(k, β) / b and −v · wB(k, β) / b (`plan/shapley.rs`). Each v · w is rounded once, to a whole number of a *unit* that
//! belongs to the model and b; from there on all sums are of whole numbers, which are exact. So whatever counts the pairs, tables of
//! any layout, leaves by themselves, or a walk of every pair, comes to the same bits, and a plan may choose as it goes.
//!
//! The unit is a power of two for which neither a leaf is larger than 2^[`BITS`], about what float64 itself resolves, nor a sum over
//! all pairs, at most 2 b Σ over trees of the largest |leaf|, larger than 2^[`BITS_OF_A_SUM`].

use crate::model::Ensemble;

/// Bits of a leaf's value.
const BITS: i32 = 50;

/// Bits of a sum over all pairs.
const BITS_OF_A_SUM: i32 = 62;

/// Most background rows whose pairs are added as whole numbers: with more of them the unit would show, at 2^−47 of the sum of the
/// largest leaves.
const MOST_ROWS: usize = 1 << 14;

/// What takes a float64 below 2^51 to its nearest whole number: the last bit of the sum is worth 1.
const TO_WHOLE: f64 = 1.5 * (1u64 << 52) as f64;

/// The nearest whole number, |x| < 2^51.
#[inline(always)]
pub(crate) fn whole(x: f64) -> i64 {
    (x + TO_WHOLE).to_bits().wrapping_sub(TO_WHOLE.to_bits()).cast_signed()
}

/// The unit of each output.
#[derive(Debug, Clone)]
pub(crate) struct Units {
    units: Vec<f64>,
    inverse: Vec<f64>,
    rows: f64,
}

impl Units {
    /// Those of a model against `rows` background rows; None: there are too many, or leaves are of no usual size.
    pub(crate) fn new(model: &Ensemble, rows: usize) -> Option<Self> {
        let (sums, largest) = (model.largest_leaves(), model.largest_leaf());
        let usual = |x: &f64| *x == 0.0 || (-900..900).contains(&exponent(*x));
        if rows > MOST_ROWS || !sums.iter().chain(&largest).all(usual) {
            return None;
        }
        // 2 b ≤ 2^(doublings)
        let doublings = 1 + rows.next_power_of_two().trailing_zeros() as i32;
        let exponents = sums.iter().zip(&largest).map(|(sum, leaf)| match *sum {
            0.0 => 0,
            sum => (exponent(sum) + 1 + doublings - BITS_OF_A_SUM).max(exponent(*leaf) + 1 - BITS),
        });
        let (units, inverse) = exponents.map(|e| (power_of_two(e), power_of_two(-e))).unzip();
        Some(Self { units, inverse, rows: rows as f64 })
    }

    /// A leaf's value in units of its output.
    #[inline(always)]
    pub(crate) fn in_units(&self, output: usize, v: f64) -> f64 {
        v * self.inverse[output]
    }

    /// The mean over the background of a sum of pairs.
    #[inline(always)]
    pub(crate) fn mean(&self, output: usize, sum: i64) -> f64 {
        sum as f64 * (self.units[output] / self.rows)
    }
}

/// e of 2^e ≤ x < 2^(e + 1), for a normal x; that of the smallest for the others.
fn exponent(x: f64) -> i32 {
    (x.to_bits() >> 52 & 0x7ff) as i32 - 1023
}

fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::{exponent, power_of_two, whole};

    #[test]
    fn a_number_goes_to_the_nearest_whole_one() {
        let most = (1i64 << 50) - 1;
        for (x, expected) in
            [(0.0, 0), (-0.0, 0), (0.5, 0), (1.5, 2), (-2.4, -2), (most as f64, most), (-most as f64, -most)]
        {
            assert_eq!(whole(x), expected, "{x}");
        }
    }

    #[test]
    fn powers_of_two_have_their_exponents() {
        for e in [-1000, -1, 0, 1, 1000] {
            assert_eq!(exponent(power_of_two(e)), e);
            assert_eq!(power_of_two(e), 2f64.powi(e));
        }
    }
}

//! The one decision rule: every library's comparison, missing value and category in a single form.

use super::arrays::{InputRule, TINY, flags};

/// How a row leaves an inner node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split {
    /// Index into [`Ensemble::used_features`](super::Ensemble::used_features).
    pub slot: u32,
    /// Bits of [`flags`].
    pub flags: u8,
    /// A numeric split sends `x <= threshold` left; NaN: nothing.
    pub threshold: f64,
    /// A categorical split: index of its bit set.
    pub set: Option<u32>,
}

impl Split {
    /// Whether missing values go left.
    #[inline(always)]
    pub fn default_left(&self) -> bool {
        self.flags & flags::DEFAULT_LEFT != 0
    }

    /// Whether only `x <= threshold` and NaN matter.
    pub fn is_plain(&self) -> bool {
        self.set.is_none() && !self.zero_is_missing()
    }

    /// Whether values within ±1e-35 are missing too.
    #[inline(always)]
    pub fn zero_is_missing(&self) -> bool {
        self.flags & flags::ZERO_IS_MISSING != 0
    }

    /// Whether a numeric split sends `x` left; `x` has passed [`InputRule::apply`].
    #[inline(always)]
    pub fn numeric_left(&self, x: f64) -> bool {
        let missing = x.is_nan() || (self.zero_is_missing() && x.abs() <= TINY);
        if missing { self.default_left() } else { x <= self.threshold }
    }
}

/// The bit set of a categorical split together with where the categories outside of it go.
#[derive(Debug, Clone, Copy)]
pub struct CategorySet<'a> {
    /// 32 categories a word; a set bit sends its category left.
    pub words: &'a [u32],
    /// Bits of [`flags`] of the node.
    pub flags: u8,
}

impl CategorySet<'_> {
    /// Whether the category `x` goes left.
    #[inline]
    pub fn left(&self, x: f64, rule: InputRule) -> bool {
        if x.is_nan() {
            return self.flags & flags::DEFAULT_LEFT != 0;
        }
        let tested = if rule.truncate_category_first { x.trunc() } else { x };
        if tested < 0.0 {
            return self.flags & flags::NEGATIVE_LEFT != 0;
        }
        let code = x as u64; // saturates: an infinite code is beyond every set
        match self.words.get((code / 32) as usize) {
            Some(word) => word >> (code % 32) & 1 != 0,
            None => self.flags & flags::OUT_OF_SET_LEFT != 0,
        }
    }
}

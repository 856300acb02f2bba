//! 64 rows of a block at once against a split.

use super::{Compare, Test, code};
use crate::model::InputRule;
use crate::rows::{Columns, Lane};
use crate::simd::{BLOCK, Simd, WORD};

/// Category codes of the categorical columns of a block.
#[derive(Debug)]
pub(crate) struct Codes {
    planes: Vec<[u32; BLOCK]>,
}

impl Codes {
    pub(crate) fn new(planes: usize) -> Self {
        Self { planes: vec![[code::MISSING; BLOCK]; planes] }
    }

    pub(crate) fn fill<T: Lane>(&mut self, columns: &Columns<T>, slots: &[u32], rule: InputRule) {
        for (plane, &slot) in self.planes.iter_mut().zip(slots) {
            for (to, x) in plane.iter_mut().zip(columns.plane(slot)) {
                *to = category_code(x.to_f64(), rule);
            }
        }
    }
}

fn category_code(x: f64, rule: InputRule) -> u32 {
    let tested = if rule.truncate_category_first { x.trunc() } else { x };
    if x.is_nan() {
        code::MISSING
    } else if tested < 0.0 {
        code::NEGATIVE
    } else {
        code::FIRST.saturating_add(x as u32) // saturates: an infinite code is beyond every set
    }
}

/// A lane type's own 64-row comparisons.
pub(crate) trait Comparable: Lane {
    /// A threshold of a split, which [`Test::new`] has rounded down to what a lane holds.
    fn threshold(t: f64) -> Self;
    /// A bit a row: `x <= t`.
    fn le<S: Simd>(s: S, x: &[Self; WORD], t: Self) -> u64;
    /// A bit a row: `!(x > t)`.
    fn ngt<S: Simd>(s: S, x: &[Self; WORD], t: Self) -> u64;
}

impl Comparable for f32 {
    #[inline(always)]
    fn threshold(t: f64) -> Self {
        t as f32
    }
    #[inline(always)]
    fn le<S: Simd>(s: S, x: &[Self; WORD], t: Self) -> u64 {
        s.le_f32(x, t)
    }
    #[inline(always)]
    fn ngt<S: Simd>(s: S, x: &[Self; WORD], t: Self) -> u64 {
        s.ngt_f32(x, t)
    }
}

impl Comparable for f64 {
    #[inline(always)]
    fn threshold(t: f64) -> Self {
        t
    }
    #[inline(always)]
    fn le<S: Simd>(s: S, x: &[Self; WORD], t: Self) -> u64 {
        s.le_f64(x, t)
    }
    #[inline(always)]
    fn ngt<S: Simd>(s: S, x: &[Self; WORD], t: Self) -> u64 {
        s.ngt_f64(x, t)
    }
}

/// The 64 rows of a word of a plane.
#[inline(always)]
pub(crate) fn part<T>(plane: &[T], word: usize) -> &[T; WORD] {
    match plane[WORD * word..].first_chunk() {
        Some(part) => part,
        None => unreachable!("a plane has {BLOCK} rows"),
    }
}

/// A bit a row of a block, for its first `words` words: the row goes left. The kind of split is looked at once, not for every word.
#[inline(always)]
pub(crate) fn left<S: Simd, T: Comparable>(
    s: S,
    test: &Test,
    columns: &Columns<T>,
    codes: &Codes,
    words: usize,
) -> [u64; BLOCK / WORD] {
    // loops, no closures: those may stay calls, without vectors
    let mut out = [0; BLOCK / WORD];
    if let Compare::Category { words: set, last } = &test.compare {
        let (plane, _) = codes.planes[test.plane as usize].as_chunks();
        for (out, codes) in out.iter_mut().zip(plane).take(words) {
            *out = s.test_bits(codes, set, *last);
        }
        return out;
    }
    let (plane, _) = columns.plane(test.plane).as_chunks();
    let parts = out.iter_mut().zip(plane).take(words);
    match &test.compare {
        Compare::LessOrEqual(t) => {
            let t = T::threshold(*t);
            for (out, x) in parts {
                *out = T::le(s, x, t);
            }
        }
        Compare::NotGreater(t) => {
            let t = T::threshold(*t);
            for (out, x) in parts {
                *out = T::ngt(s, x, t);
            }
        }
        Compare::ZeroIsMissing { threshold, tiny, below_tiny, default_left } => {
            for (out, x) in parts {
                let left = T::le(s, x, T::threshold(*threshold));
                let missing = T::ngt(s, x, T::threshold(*tiny)) & !T::le(s, x, T::threshold(*below_tiny));
                *out = if *default_left { left | missing } else { left & !missing };
            }
        }
        Compare::OnlyMissing => {
            for (out, x) in parts {
                *out = !T::le(s, x, T::threshold(f64::INFINITY));
            }
        }
        Compare::Category { .. } => {} // above
    }
    out
}

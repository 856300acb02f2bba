//! The comparisons of a tree, 64 rows at a time, before the recurrence needs them.

use crate::model::InputRule;
use crate::plan::{Compare, MaskSplit, code};
use crate::rows::{Columns, Lane};
use crate::simd::{BLOCK, Kernel, Mask, Simd, WORD};

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
    /// A threshold of the plan, which [`MaskSplit::new`] has rounded down to what a lane holds.
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

/// Fills `masks`: all rows first, then for every split the rows on its left and on its right edge that satisfy every edge
/// above on the same feature.
pub(crate) struct MaskPass<'a, T> {
    pub(crate) splits: &'a [MaskSplit],
    pub(crate) columns: &'a Columns<T>,
    pub(crate) codes: &'a Codes,
    pub(crate) rows: usize,
    pub(crate) masks: &'a mut Vec<Mask>,
}

impl<S: Simd, T: Comparable> Kernel<S> for MaskPass<'_, T> {
    #[inline(always)]
    fn run(self, s: S) {
        let masks = self.masks;
        masks.resize(1 + 2 * self.splits.len(), [0; BLOCK / 8]);
        masks[0] = [u8::MAX; BLOCK / 8];
        let words = self.rows.div_ceil(WORD);
        for (number, split) in self.splits.iter().enumerate() {
            let (above, own) = masks.split_at_mut(1 + 2 * number);
            let (Some(above), [first, second, ..]) = (above.get(split.above as usize), own) else {
                unreachable!("a split comes after those above it")
            };
            let (above, _) = above.as_chunks::<8>();
            let ((first, _), (second, _)) = (first.as_chunks_mut::<8>(), second.as_chunks_mut::<8>());
            // word by word where they stay: a mask that is put together elsewhere and then copied whole waits for its words
            // to arrive in memory
            for (word, ((above, first), second)) in above.iter().zip(first).zip(second).enumerate() {
                let (mut left, mut above) = (0, u64::from_le_bytes(*above));
                if word < words {
                    left = compare(s, split, self.columns, self.codes, word);
                } else {
                    above = 0;
                }
                *first = (left & above).to_le_bytes();
                *second = (!left & above).to_le_bytes();
            }
        }
    }
}

/// The 64 rows of a word of a plane.
#[inline(always)]
fn part<T>(plane: &[T], word: usize) -> &[T; WORD] {
    match plane[WORD * word..].first_chunk() {
        Some(part) => part,
        None => unreachable!("a plane has {BLOCK} rows"),
    }
}

#[inline(always)]
fn compare<S: Simd, T: Comparable>(s: S, split: &MaskSplit, columns: &Columns<T>, codes: &Codes, word: usize) -> u64 {
    let x = || part(columns.plane(split.plane), word);
    match &split.compare {
        Compare::LessOrEqual(t) => T::le(s, x(), T::threshold(*t)),
        Compare::NotGreater(t) => T::ngt(s, x(), T::threshold(*t)),
        Compare::ZeroIsMissing { threshold, tiny, below_tiny, default_left } => {
            let left = T::le(s, x(), T::threshold(*threshold));
            let missing = T::ngt(s, x(), T::threshold(*tiny)) & !T::le(s, x(), T::threshold(*below_tiny));
            if *default_left { left | missing } else { left & !missing }
        }
        Compare::OnlyMissing => !T::le(s, x(), T::threshold(f64::INFINITY)),
        Compare::Category { words, last } => s.test_bits(part(&codes.planes[split.plane as usize], word), words, *last),
    }
}

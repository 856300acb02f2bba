//! The comparisons of a tree, 64 rows at a time, before the recurrence needs them.

use crate::model::{InputRule, TINY};
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
    /// The largest number of this type that is not above `t`: comparing with it decides as comparing with `t` does.
    fn round_down(t: f64) -> Self;
    /// A bit a row: `x <= t`.
    fn le<S: Simd>(s: S, x: &[Self; WORD], t: Self) -> u64;
    /// A bit a row: `!(x > t)`.
    fn ngt<S: Simd>(s: S, x: &[Self; WORD], t: Self) -> u64;
}

impl Comparable for f32 {
    #[inline(always)]
    fn round_down(t: f64) -> Self {
        let nearest = t as f32;
        if f64::from(nearest) > t { nearest.next_down() } else { nearest }
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
    fn round_down(t: f64) -> Self {
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
        self.masks.clear();
        self.masks.push([u8::MAX; BLOCK / 8]);
        for split in self.splits {
            let (mut first, mut second) = ([0; BLOCK / 8], [0; BLOCK / 8]);
            for word in 0..self.rows.div_ceil(WORD) {
                let left = compare(s, split, self.columns, self.codes, word);
                let above = u64::from_le_bytes(bytes(&self.masks[split.above as usize], word));
                first[8 * word..8 * word + 8].copy_from_slice(&(left & above).to_le_bytes());
                second[8 * word..8 * word + 8].copy_from_slice(&(!left & above).to_le_bytes());
            }
            self.masks.push(first);
            self.masks.push(second);
        }
    }
}

#[inline(always)]
fn bytes(mask: &Mask, word: usize) -> [u8; 8] {
    let mut out = [0; 8];
    out.copy_from_slice(&mask[8 * word..8 * word + 8]);
    out
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
        Compare::LessOrEqual(t) => T::le(s, x(), T::round_down(*t)),
        Compare::NotGreater(t) => T::ngt(s, x(), T::round_down(*t)),
        Compare::ZeroIsMissing { threshold, default_left } => {
            let left = T::le(s, x(), T::round_down(*threshold));
            let missing = T::ngt(s, x(), T::round_down(TINY)) & !T::le(s, x(), T::round_down((-TINY).next_down()));
            if *default_left { left | missing } else { left & !missing }
        }
        Compare::OnlyMissing => !T::le(s, x(), T::round_down(f64::INFINITY)),
        Compare::Category { words, last } => s.test_bits(part(&codes.planes[split.plane as usize], word), words, *last),
    }
}

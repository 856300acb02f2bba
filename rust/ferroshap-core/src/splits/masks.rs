//! The masks of a tree's edges, before a kernel needs them.

use super::{Codes, Comparable, Test, left};
use crate::model::{Ensemble, Split};
use crate::rows::Columns;
use crate::simd::{BLOCK, Kernel, Mask, Simd, WORD};

/// One split, and which rows still matter there.
#[derive(Debug, Clone)]
pub(crate) struct MaskSplit {
    test: Test,
    /// Mask of the nearest edge above that tests the same feature; 0: none, all rows.
    above: u32,
}

impl MaskSplit {
    pub(crate) fn new(model: &Ensemble, split: &Split, code_slots: &[u32], above: u32) -> Self {
        Self { test: Test::new(model, split, code_slots), above }
    }

    /// Memory beside the struct itself.
    pub(crate) fn bytes(&self) -> usize {
        self.test.bytes()
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
            let left = left(s, &split.test, self.columns, self.codes, words);
            for (word, ((above, first), second)) in above.iter().zip(first).zip(second).enumerate() {
                let above = if word < words { u64::from_le_bytes(*above) } else { 0 };
                *first = (left[word] & above).to_le_bytes();
                *second = (!left[word] & above).to_le_bytes();
            }
        }
    }
}

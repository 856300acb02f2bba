//! The masks of many blocks of rows, from which a leaf's patterns are read.

use super::background::MAX_BACKGROUND_PATH;
use crate::simd::{BLOCK, Kernel, Mask, Simd};

/// The patterns of a block of rows at one leaf.
pub(super) type Patterns = [u64; BLOCK];

/// The pattern of each row: bit `g` from the mask of feature `g`.
struct PatternPass<'a> {
    features: &'a [u32],
    masks: &'a [Mask],
    rows: usize,
    out: &'a mut Patterns,
}

impl<S: Simd> Kernel<S> for PatternPass<'_> {
    #[inline(always)]
    fn run(self, s: S) {
        let mut indices = [0; BLOCK];
        for (part, features) in self.features.chunks(16).enumerate() {
            s.indices(self.masks, features, self.rows, &mut indices);
            for (pattern, index) in self.out.iter_mut().zip(indices) {
                let bits = u64::from(index) << (16 * part);
                *pattern = if part == 0 { bits } else { *pattern | bits };
            }
        }
    }
}

/// The masks of a tree for many blocks of rows, a mask's blocks side by side, for a leaf reads a few masks of all of them.
#[derive(Debug, Default)]
pub(super) struct MaskMatrix {
    pub(super) blocks: usize,
    masks: Vec<Mask>,
}

impl MaskMatrix {
    /// Begins again.
    pub(super) fn clear(&mut self, blocks: usize) {
        self.blocks = blocks;
        self.masks.clear();
    }

    /// Takes those of a block.
    pub(super) fn put(&mut self, block: usize, masks: &[Mask]) {
        self.masks.resize(masks.len() * self.blocks, [0; BLOCK / 8]);
        self.masks[block..].iter_mut().step_by(self.blocks).zip(masks).for_each(|(to, mask)| *to = *mask);
    }

    /// How many rows are in a mask, about: what is beyond the last one counts too.
    #[inline(always)]
    pub(super) fn satisfied(&self, mask: u32) -> u32 {
        let of_mask = &self.masks[mask as usize * self.blocks..][..self.blocks];
        of_mask.iter().map(|mask| u128::from_le_bytes(*mask).count_ones()).sum()
    }

    /// The patterns of a block's rows at the features with these masks.
    #[inline(always)]
    pub(super) fn patterns<S: Simd>(&self, s: S, block: usize, masks: &[u32], rows: usize, out: &mut Patterns) {
        let mut features = [0; MAX_BACKGROUND_PATH as usize];
        let features = &mut features[..masks.len()];
        features.iter_mut().zip(masks).for_each(|(feature, mask)| *feature = mask * self.blocks as u32);
        PatternPass { features, masks: &self.masks[block..], rows, out }.run(s);
    }
}

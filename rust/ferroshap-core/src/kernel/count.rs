//! The patterns of a tree's shapes are counted over tiles of background rows.

use super::fold::{Counting, Tile, Weighted};
use crate::plan::{Counts, DeepLeaf};
use crate::simd::{BLOCK, Kernel, Mask, Simd};
use crate::splits::{Comparable, MaskPass};

/// What a thread needs to count.
#[derive(Default)]
pub(super) struct CountScratch {
    /// Of each tile.
    masks: Vec<Vec<Mask>>,
    twos: Vec<[u32; 2]>,
}

/// Adds the rows of some tiles to the counts of a tree, each pattern's rows in their order; shape by shape, whose counts stay in the
/// nearest cache meanwhile.
pub(super) struct Count<'a, T> {
    pub(super) tiles: &'a [Tile<T>],
    pub(super) tree: &'a mut Counting,
    pub(super) weighted: &'a Weighted,
    pub(super) scratch: &'a mut CountScratch,
}

impl<S: Simd, T: Comparable> Kernel<S> for Count<'_, T> {
    #[inline(always)]
    fn run(self, s: S) {
        let Count { tiles, tree, weighted, scratch: CountScratch { masks, twos } } = self;
        let splits = &tree.plan.splits[..];
        masks.resize(tiles.len().max(masks.len()), Vec::new());
        for (Tile { columns, codes, length, .. }, masks) in tiles.iter().zip(&mut *masks) {
            MaskPass { splits, columns, codes, rows: *length, masks }.run(s);
        }
        let masks = &masks[..tiles.len()];
        let counted = tree.plan.tables.counted();
        match &mut tree.counts {
            Counts::Covers => {}
            Counts::Rows(counts) => {
                for (bits, counts) in counted.zip(counts) {
                    if 2 * counts.len() <= tiles.len() * BLOCK {
                        count_by_twos(s, tiles, masks, bits, counts, twos);
                    } else {
                        count(s, tiles, masks, bits, counts);
                    }
                }
            }
            Counts::Weights(sums) => {
                for (bits, sums) in counted.zip(sums) {
                    add_weights(s, tiles, masks, bits, sums, weighted);
                }
            }
        }
        for (leaf, reached) in tree.plan.deep.iter().zip(&mut tree.reached) {
            for (tile, masks) in tiles.iter().zip(masks) {
                *reached += weight_of_reached(leaf, masks, tile, weighted);
            }
        }
    }
}

/// Counts the patterns of a shape.
#[inline(always)]
fn count<S: Simd, T>(s: S, tiles: &[Tile<T>], masks: &[Vec<Mask>], bits: &[u32], counts: &mut [u32]) {
    let mut indices = [0; BLOCK];
    for (tile, masks) in tiles.iter().zip(masks) {
        s.indices(masks, bits, tile.length, &mut indices);
        indices[..tile.length].iter().for_each(|index| counts[*index as usize] += 1);
    }
}

/// The same where patterns come often: an addition has to wait for the one before it to the same place, so every other row counts
/// in a place of its own.
#[inline(always)]
fn count_by_twos<S: Simd, T>(
    s: S,
    tiles: &[Tile<T>],
    masks: &[Vec<Mask>],
    bits: &[u32],
    counts: &mut [u32],
    twos: &mut Vec<[u32; 2]>,
) {
    twos.clear();
    twos.resize(counts.len(), [0; 2]);
    let twos = &mut twos[..];
    let mut indices = [0; BLOCK];
    for (tile, masks) in tiles.iter().zip(masks) {
        s.indices(masks, bits, tile.length, &mut indices);
        let (pairs, last) = indices[..tile.length].as_chunks::<2>();
        for [even, odd] in pairs {
            twos[*even as usize][0] += 1;
            twos[*odd as usize][1] += 1;
        }
        last.iter().for_each(|index| twos[*index as usize][0] += 1);
    }
    counts.iter_mut().zip(twos).for_each(|(count, [even, odd])| *count += *even + *odd);
}

/// Adds the weights of the rows to the sums of their patterns in a shape.
#[inline(always)]
fn add_weights<S: Simd, T>(
    s: S,
    tiles: &[Tile<T>],
    masks: &[Vec<Mask>],
    bits: &[u32],
    sums: &mut [f64],
    weighted: &Weighted,
) {
    let weightings = weighted.weightings;
    let mut indices = [0; BLOCK];
    for (tile, masks) in tiles.iter().zip(masks) {
        s.indices(masks, bits, tile.length, &mut indices);
        for (row, &index) in indices[..tile.length].iter().enumerate() {
            let sums = &mut sums[index as usize * weightings..][..weightings];
            sums.iter_mut().zip(weighted.row(tile.start + row)).for_each(|(sum, weight)| *sum += weight);
        }
    }
}

/// The weight, in the first weighting, of a tile's rows that satisfy every edge above a leaf, in their order.
#[inline(always)]
fn weight_of_reached<T>(leaf: &DeepLeaf, masks: &[Mask], tile: &Tile<T>, weighted: &Weighted) -> f64 {
    let all = masks[0];
    let reached = leaf.masks.iter().fold(all, |all, &mask| {
        let mut both = all;
        both.iter_mut().zip(&masks[mask as usize]).for_each(|(both, byte)| *both &= byte);
        both
    });
    let is_reached = |row: &usize| reached[row / 8] >> (row % 8) & 1 != 0;
    (0..tile.length).filter(is_reached).map(|row| weighted.row(tile.start + row)[0]).sum()
}

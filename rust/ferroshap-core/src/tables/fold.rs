//! The background into the histograms of the leaves: blocks of rows, trees over the threads.

use std::marker::PhantomData;

use super::leaf::Weights;
use super::run::{Patterns64, Tile, pattern_words};
use super::{Tables, TreeTables};
use crate::error::Result;
use crate::kernel::{Comparable, MASK_ROWS};
use crate::parallel::{Control, for_each_chunk};
use crate::rows::Rows;
use crate::simd::{Driver, Simd};

/// Background rows that are read before the trees take them: their columns stay in memory meanwhile.
const ROWS_AT_ONCE: usize = 64 * MASK_ROWS;

impl Tables {
    /// Counts every background row in every leaf, then makes the tables. A histogram adds its rows in their order.
    pub(super) fn fold(
        &mut self,
        background: &Rows<'_>,
        weights: Option<&[f64]>,
        threads: usize,
        control: &dyn Control,
    ) -> Result<()> {
        let mut trees = std::mem::take(&mut self.trees);
        let (tables, level) = (&*self, self.level);
        let done = if tables.input.round_to_f32 {
            level.dispatch(Fold::<f32> {
                tables,
                trees: &mut trees,
                background,
                weights,
                threads,
                control,
                lane: PhantomData,
            })
        } else {
            level.dispatch(Fold::<f64> {
                tables,
                trees: &mut trees,
                background,
                weights,
                threads,
                control,
                lane: PhantomData,
            })
        };
        self.trees = trees;
        done
    }
}

struct Fold<'a, 'r, T> {
    tables: &'a Tables,
    trees: &'a mut [TreeTables],
    background: &'a Rows<'r>,
    weights: Option<&'a [f64]>,
    threads: usize,
    control: &'a dyn Control,
    lane: PhantomData<T>,
}

impl<T: Comparable + Sync> Driver for Fold<'_, '_, T> {
    type Out = Result<()>;

    fn drive<S: Simd>(self, s: S) -> Result<()> {
        let Fold { tables, trees, background, weights, threads, control, .. } = self;
        let n = background.len();
        for first in (0..n).step_by(ROWS_AT_ONCE) {
            let tiles: Vec<Tile<T>> = (first..n.min(first + ROWS_AT_ONCE))
                .step_by(MASK_ROWS)
                .map(|start| Tile::new(tables, background, start, MASK_ROWS.min(n - start)))
                .collect();
            for_each_chunk(trees, 1, threads, control, Vec::new, |masks, _, tree, cancel| {
                for tile in &tiles {
                    if cancel.requested() {
                        return;
                    }
                    count(s, tile, &mut tree[0], weights, masks);
                }
            })?;
        }
        let total = weights.map_or(n as f64, |w| w.iter().sum());
        for_each_chunk(trees, 1, threads, control, Weights::default, |scratch, _, tree, cancel| {
            for leaf in &mut tree[0].leaves {
                if cancel.requested() {
                    return;
                }
                leaf.finish(total, scratch);
            }
        })
    }
}

/// Adds the rows of a tile to the histograms of a tree's leaves.
fn count<S: Simd, T: Comparable>(
    s: S,
    tile: &Tile<T>,
    tree: &mut TreeTables,
    weights: Option<&[f64]>,
    masks: &mut Vec<crate::kernel::Mask>,
) {
    tile.masks(s, &tree.splits, masks);
    let mut patterns: Patterns64 = [0; MASK_ROWS];
    for leaf in &mut tree.leaves {
        pattern_words(&leaf.masks, masks, &mut patterns);
        for (row, &pattern) in patterns[..tile.length].iter().enumerate() {
            leaf.add(pattern, weights.map_or(1.0, |w| w[tile.start + row]));
        }
    }
}

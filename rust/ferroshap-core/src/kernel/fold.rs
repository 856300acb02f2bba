//! The background goes into a plan: blocks of rows, trees over the threads.

use std::marker::PhantomData;
use std::ops::Range;

use super::count::{Count, CountScratch};
use crate::error::Result;
use crate::model::InputRule;
use crate::parallel::{Control, for_each_chunk};
use crate::plan::{Builder, Counts, FindMean, Make, PlanModel, TreePlan};
use crate::rows::{Columns, Lane, RowMajor, Rows};
use crate::simd::{BLOCK, Driver, Level, Mask, Simd};
use crate::splits::{Codes, Comparable};

/// Background rows that are read before the trees take them: their columns stay in memory meanwhile.
const ROWS_AT_ONCE: usize = 64 * BLOCK;

/// Bytes of masks of as many tiles as are counted together: they should stay in a core's own cache.
const NEAR_MASKS: usize = 512 << 10;

/// Tables of more bytes are made by the runs that need them: memory that is new to a process costs more than making them again.
const LARGE_TABLES: usize = 128 << 20;

/// Background rows, of whatever kind.
pub(super) trait Background: Sync {
    fn length(&self) -> usize;
    /// The used columns of `range`, by slot.
    fn read<T: Lane>(&self, range: Range<usize>, used: &[u32], rule: InputRule, into: &mut Columns<T>);
}

impl Background for Rows<'_> {
    fn length(&self) -> usize {
        self.len()
    }

    fn read<T: Lane>(&self, range: Range<usize>, used: &[u32], rule: InputRule, into: &mut Columns<T>) {
        into.fill(self, range, used, rule);
    }
}

impl Background for RowMajor {
    fn length(&self) -> usize {
        self.len()
    }

    fn read<T: Lane>(&self, range: Range<usize>, _: &[u32], _: InputRule, into: &mut Columns<T>) {
        into.copy(self, range);
    }
}

/// How a background is folded in.
pub(super) struct Folding<'a> {
    pub(super) model: &'a PlanModel,
    pub(super) weighted: &'a Weighted,
    /// What the sums of weights are divided by.
    pub(super) total: f64,
    /// Leaves are in units, and the tables are of whole numbers.
    pub(super) wholes: bool,
    pub(super) level: Level,
    pub(super) threads: usize,
    pub(super) control: &'a dyn Control,
}

impl Folding<'_> {
    /// The trees with their tables, or what large ones are made from, and Σ_z ω_z of what they add in the first weighting, `(o)`; 0
    /// where leaves are in units.
    pub(super) fn fold<B: Background>(
        &self,
        trees: Vec<TreePlan>,
        background: &B,
    ) -> Result<(Vec<TreePlan>, Vec<f64>)> {
        let counts_rows = self.weighted.counts_rows(background.length());
        let tables: usize = trees.iter().map(|tree| tree.tables.bytes()).sum();
        let counting = |tree| Counting::new(tree, self.weighted.weightings, counts_rows, self.wholes);
        let mut trees: Vec<Counting> = trees.into_iter().map(counting).collect();
        let fold = Fold { folding: self, trees: &mut trees, background };
        if self.model.input.round_to_f32 {
            self.level.dispatch(FoldAs::<f32, B> { fold, lane: PhantomData })?;
        } else {
            self.level.dispatch(FoldAs::<f64, B> { fold, lane: PhantomData })?;
        }
        self.level.dispatch(Finish { folding: self, trees: &mut trees, makes_tables: tables <= LARGE_TABLES })?;
        let mut mean = vec![0.0; self.model.n_outputs];
        for tree in &trees {
            let first = tree.plan.output.unwrap_or(0) as usize;
            mean[first..].iter_mut().zip(&tree.mean).for_each(|(sum, v)| *sum += v);
        }
        Ok((trees.into_iter().map(|tree| tree.plan).collect(), mean))
    }
}

/// Finishes counted trees.
struct Finish<'a> {
    folding: &'a Folding<'a>,
    trees: &'a mut [Counting],
    makes_tables: bool,
}

impl Driver for Finish<'_> {
    type Out = Result<()>;

    fn drive<S: Simd>(self, s: S) -> Result<()> {
        let Self { folding: &Folding { wholes, total, threads, control, .. }, trees, makes_tables } = self;
        for_each_chunk(trees, 1, threads, control, Builder::default, |builder, _, tree, cancel| {
            if cancel.requested() {
                return;
            }
            let Counting { plan, counts, mean, reached } = &mut tree[0];
            let counts = std::mem::replace(counts, Counts::Covers);
            plan.tables.take_counts(counts, if wholes { 1.0 } else { total });
            if makes_tables {
                plan.tables.make_for_good(|recipe, lines| s.vectorize(Make { builder, recipe, lines }));
            } else if let Some(recipe) = plan.tables.recipe() {
                s.vectorize(FindMean { builder, recipe });
            }
            if !wholes {
                // how much of the background reaches each leaf is known from the patterns
                *mean = std::mem::take(&mut builder.mean);
                for (leaf, reached) in plan.deep.iter().zip(reached) {
                    mean.iter_mut().zip(&leaf.values).for_each(|(sum, v)| *sum += v * (*reached / total));
                }
            }
        })
    }
}

/// What the rows of the background add to the sums of their patterns: `of_rows` holds a number a weighting of each row, where
/// they are not all 1.
pub(super) struct Weighted {
    pub(super) weightings: usize,
    pub(super) of_rows: Option<Vec<f64>>,
}

impl Weighted {
    pub(super) fn new(weights: Option<&[f64]>, by: Option<&[f64]>, weightings: usize) -> Self {
        let of_rows = match (weights, by) {
            (None, None) => None,
            (Some(weights), None) => Some(weights.to_vec()),
            (None, Some(by)) => Some(by.to_vec()),
            (Some(weights), Some(by)) => {
                let rows = by.chunks_exact(weightings).zip(weights);
                Some(rows.flat_map(|(factors, weight)| factors.iter().map(move |factor| weight * factor)).collect())
            }
        };
        Self { weightings, of_rows }
    }

    /// Whether so many rows are counted, in 32 bits, in the place of adding their weights up.
    fn counts_rows(&self, rows: usize) -> bool {
        self.of_rows.is_none() && u32::try_from(rows).is_ok()
    }

    pub(super) fn row(&self, row: usize) -> &[f64] {
        self.of_rows.as_ref().map_or(&[1.0], |all| &all[row * self.weightings..][..self.weightings])
    }
}

/// A tree whose groups and leaves count the background.
pub(super) struct Counting {
    pub(super) plan: TreePlan,
    pub(super) counts: Counts,
    /// The mean of what the tree's leaves add, a number a column of their values; in the first weighting.
    mean: Vec<f64>,
    /// The weight, in the first weighting, of the rows that get to each leaf by itself; of none where nobody asks for the mean.
    pub(super) reached: Vec<f64>,
}

impl Counting {
    fn new(plan: TreePlan, weightings: usize, counts_rows: bool, wholes: bool) -> Self {
        let sizes = plan.tables.counted().map(|bits| 1usize << bits.len());
        let counts = if counts_rows {
            Counts::Rows(sizes.map(|size| vec![0; size]).collect())
        } else {
            Counts::Weights(sizes.map(|size| vec![0.0; weightings * size]).collect())
        };
        let reached = vec![0.0; if wholes { 0 } else { plan.deep.len() }];
        Self { plan, counts, mean: Vec::new(), reached }
    }
}

struct Fold<'a, B> {
    folding: &'a Folding<'a>,
    trees: &'a mut [Counting],
    background: &'a B,
}

struct FoldAs<'a, T, B> {
    fold: Fold<'a, B>,
    lane: PhantomData<T>,
}

/// A block of background rows as the comparisons read it.
pub(super) struct Tile<T> {
    pub(super) start: usize,
    pub(super) length: usize,
    pub(super) columns: Columns<T>,
    pub(super) codes: Codes,
}

impl<T: Comparable> Tile<T> {
    fn new(model: &PlanModel) -> Self {
        let columns = Columns::new(model.used_features.len(), BLOCK);
        Self { start: 0, length: 0, columns, codes: Codes::new(model.code_slots.len()) }
    }

    fn fill(&mut self, model: &PlanModel, background: &impl Background, start: usize) {
        (self.start, self.length) = (start, BLOCK.min(background.length() - start));
        background.read(start..start + self.length, &model.used_features, model.input, &mut self.columns);
        self.codes.fill(&self.columns, &model.code_slots, model.input);
    }
}

impl<T: Comparable + Sync, B: Background> Driver for FoldAs<'_, T, B> {
    type Out = Result<()>;

    fn drive<S: Simd>(self, s: S) -> Result<()> {
        let Fold { folding, trees, background } = self.fold;
        let Folding { model, weighted, threads, control, .. } = *folding;
        let n = background.length();
        let mut all: Vec<Tile<T>> = (0..n.min(ROWS_AT_ONCE)).step_by(BLOCK).map(|_| Tile::new(model)).collect();
        for first in (0..n).step_by(ROWS_AT_ONCE) {
            let tiles = &mut all[..(n - first).min(ROWS_AT_ONCE).div_ceil(BLOCK)];
            for_each_chunk(
                tiles,
                1,
                threads,
                control,
                || (),
                |(), index, tile, _| {
                    tile[0].fill(model, background, first + index * BLOCK);
                },
            )?;
            let tiles = &*tiles;
            for_each_chunk(trees, 1, threads, control, CountScratch::default, |scratch, _, tree, cancel| {
                let of_a_tile = (1 + 2 * tree[0].plan.splits.len()) * size_of::<Mask>();
                for tiles in tiles.chunks((NEAR_MASKS / of_a_tile).max(1)) {
                    if cancel.requested() {
                        return;
                    }
                    s.vectorize(Count { tiles, tree: &mut tree[0], weighted, scratch });
                }
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Weighted;

    #[test]
    fn rows_are_counted_where_no_count_is_beyond_32_bits() {
        let equal = Weighted::new(None, None, 1);
        assert!(equal.counts_rows(u32::MAX as usize));
        assert!(!equal.counts_rows(u32::MAX as usize + 1));
        assert!(!Weighted::new(Some(&[1.0]), None, 1).counts_rows(1));
    }
}

//! The background goes into a plan: blocks of rows, trees over the threads.

use std::marker::PhantomData;
use std::ops::Range;

use crate::error::Result;
use crate::model::{Ensemble, InputRule};
use crate::parallel::{Control, for_each_chunk};
use crate::plan::{Builder, DeepLeaf, GroupShape, PlanModel, Source, TreePlan, outputs_of};
use crate::rows::{Columns, Lane, RowMajor, Rows};
use crate::simd::{BLOCK, Driver, INDEXED, Kernel, Level, Mask, Simd};
use crate::splits::{Codes, Comparable, MaskPass};

/// Background rows that are read before the trees take them: their columns stay in memory meanwhile.
const ROWS_AT_ONCE: usize = 64 * BLOCK;

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

/// Trees before a background, with the shapes of their groups.
pub(super) type Shaped = Vec<(TreePlan, Vec<GroupShape>)>;

/// How a background is folded in.
pub(super) struct Folding<'a> {
    pub(super) model: &'a PlanModel,
    pub(super) ensemble: &'a Ensemble,
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
    /// The trees with their tables, and Σ_z ω_z of what they add in the first weighting, `(o)`; 0 where leaves are in units.
    pub(super) fn fold<B: Background>(&self, trees: Shaped, background: &B) -> Result<(Vec<TreePlan>, Vec<f64>)> {
        let weightings = self.weighted.weightings;
        let mut trees: Vec<Counting> =
            trees.into_iter().map(|(plan, shapes)| Counting::new(plan, shapes, weightings, self.wholes)).collect();
        if self.weighted.of_rows.is_none() && u32::try_from(background.length()).is_ok() {
            trees.iter_mut().for_each(Counting::count_rows);
        }
        let fold = Fold { folding: self, trees: &mut trees, background };
        if self.model.input.round_to_f32 {
            self.level.dispatch(FoldAs::<f32, B> { fold, lane: PhantomData })?;
        } else {
            self.level.dispatch(FoldAs::<f64, B> { fold, lane: PhantomData })?;
        }
        self.level.dispatch(Finish { folding: self, trees: &mut trees })?;
        // how much of the background reaches each leaf is known from the patterns
        let mut mean = vec![0.0; self.model.n_outputs];
        for tree in &trees {
            let first = tree.plan.output.unwrap_or(0) as usize;
            mean[first..].iter_mut().zip(&tree.mean).for_each(|(sum, v)| *sum += v);
        }
        Ok((trees.into_iter().map(|tree| tree.plan).collect(), mean))
    }
}

/// Makes the tables of counted trees.
struct Finish<'a> {
    folding: &'a Folding<'a>,
    trees: &'a mut [Counting],
}

impl Driver for Finish<'_> {
    type Out = Result<()>;

    fn drive<S: Simd>(self, s: S) -> Result<()> {
        let Folding { ensemble, wholes, total, threads, control, .. } = *self.folding;
        for_each_chunk(self.trees, 1, threads, control, Builder::default, |builder, index, tree, cancel| {
            if !cancel.requested() {
                let outputs: Vec<u32> = outputs_of(ensemble, &ensemble.trees()[index]).collect();
                tree[0].finish(s, builder, &outputs, wholes, total);
            }
        })
    }
}

/// Makes the table of a group.
struct Fill<'a, 's> {
    builder: &'a mut Builder,
    tree: &'a mut TreePlan,
    shape: &'a GroupShape,
    outputs: &'a [u32],
    source: &'a Source<'s>,
}

impl<S: Simd> Kernel<S> for Fill<'_, '_> {
    #[inline(always)]
    fn run(self, _: S) {
        self.builder.group(&mut self.tree.tables, self.shape, self.outputs, self.source);
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

    fn row(&self, row: usize) -> &[f64] {
        self.of_rows.as_ref().map_or(&[1.0], |all| &all[row * self.weightings..][..self.weightings])
    }
}

/// A tree whose groups and leaves count the background.
struct Counting {
    plan: TreePlan,
    shapes: Vec<GroupShape>,
    /// `[pattern][weighting]` of each group.
    sums: Vec<Vec<f64>>,
    /// Where all rows weigh the same, `[pattern][row is odd]` instead: whole numbers, two of each, because an addition has to
    /// wait for the one before it to the same place.
    counts: Vec<Vec<[u32; 2]>>,
    /// The mean of what the tree's leaves add, a number a column of their values; in the first weighting.
    mean: Vec<f64>,
    /// The weight, in the first weighting, of the rows that get to each leaf by itself; of none where nobody asks for the mean.
    reached: Vec<f64>,
}

impl Counting {
    fn new(plan: TreePlan, shapes: Vec<GroupShape>, weightings: usize, wholes: bool) -> Self {
        let sums = shapes.iter().map(|shape| vec![0.0; weightings << shape.bits.len()]).collect();
        let reached = vec![0.0; if wholes { 0 } else { plan.deep.len() }];
        Self { plan, shapes, sums, counts: Vec::new(), mean: Vec::new(), reached }
    }

    /// To be told before the first row that all rows weigh the same.
    fn count_rows(&mut self) {
        self.counts = self.sums.iter_mut().map(|sums| vec![[0; 2]; std::mem::take(sums).len()]).collect();
    }

    fn finish<S: Simd>(&mut self, s: S, builder: &mut Builder, outputs: &[u32], wholes: bool, total: f64) {
        let plan = &mut self.plan;
        plan.tables.reserve(&self.shapes, outputs.len());
        let counts = std::mem::take(&mut self.counts);
        if wholes {
            for (shape, counts) in self.shapes.iter().zip(counts) {
                let counts: Vec<u32> = counts.iter().map(|[even, odd]| even + odd).collect();
                let source = &Source::Wholes(&counts);
                s.vectorize(Fill { builder, tree: plan, shape, outputs, source });
            }
            return;
        }
        for (sums, counts) in self.sums.iter_mut().zip(counts) {
            *sums = counts.iter().map(|[even, odd]| f64::from(*even) + f64::from(*odd)).collect();
        }
        for (shape, sums) in self.shapes.iter().zip(&self.sums) {
            let source = &Source::Counted(sums, total);
            s.vectorize(Fill { builder, tree: plan, shape, outputs, source });
        }
        self.mean = self.mean(total);
        self.sums = Vec::new();
    }

    /// Σ over the leaves of value and share of the background.
    fn mean(&self, total: f64) -> Vec<f64> {
        let mut mean = Vec::new();
        let mut add = |values: &[f64], share: f64| {
            mean.resize(values.len(), 0.0);
            mean.iter_mut().zip(values).for_each(|(sum, v)| *sum += v * share);
        };
        for (shape, sums) in self.shapes.iter().zip(&self.sums) {
            let of_first = || sums.iter().step_by(self.plan.tables.weightings);
            for leaf in &shape.leaves {
                let reached: f64 =
                    of_first().enumerate().filter(|(at, _)| leaf.is_reached(*at as u32)).map(|(_, c)| c).sum();
                add(&leaf.values, reached / total);
            }
        }
        self.plan.deep.iter().zip(&self.reached).for_each(|(leaf, reached)| add(&leaf.values, reached / total));
        mean
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
struct Tile<T> {
    start: usize,
    length: usize,
    columns: Columns<T>,
    codes: Codes,
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
            for_each_chunk(trees, 1, threads, control, Vec::new, |masks, _, tree, cancel| {
                for tile in tiles {
                    if cancel.requested() {
                        return;
                    }
                    s.vectorize(Count { tile, tree: &mut tree[0], weighted, masks });
                }
            })?;
        }
        Ok(())
    }
}

/// Adds the rows of a tile to the counts of a tree, each pattern's rows in their order.
struct Count<'a, T> {
    tile: &'a Tile<T>,
    tree: &'a mut Counting,
    weighted: &'a Weighted,
    masks: &'a mut Vec<Mask>,
}

impl<S: Simd, T: Comparable> Kernel<S> for Count<'_, T> {
    #[inline(always)]
    fn run(self, s: S) {
        let Count { tile, tree, weighted, masks } = self;
        let (splits, columns, codes) = (&tree.plan.splits[..], &tile.columns, &tile.codes);
        MaskPass { splits, columns, codes, rows: tile.length, masks }.run(s);
        let weights = |row: usize| weighted.row(tile.start + row);
        let mut indices = [0; INDEXED];
        for (shape, counts) in tree.shapes.iter().zip(&mut tree.counts) {
            for quarter in 0..tile.length.div_ceil(INDEXED) {
                s.indices(masks, &shape.bits, quarter, &mut indices);
                let rows = INDEXED.min(tile.length - quarter * INDEXED);
                let (twos, last) = indices[..rows].as_chunks::<2>();
                for [even, odd] in twos {
                    counts[*even as usize][0] += 1;
                    counts[*odd as usize][1] += 1;
                }
                last.iter().for_each(|index| counts[*index as usize][0] += 1);
            }
        }
        for (shape, sums) in tree.shapes.iter().zip(&mut tree.sums).filter(|(_, sums)| !sums.is_empty()) {
            for quarter in 0..tile.length.div_ceil(INDEXED) {
                s.indices(masks, &shape.bits, quarter, &mut indices);
                let rows = quarter * INDEXED..tile.length.min((quarter + 1) * INDEXED);
                let weightings = weighted.weightings;
                for (row, &index) in rows.zip(&indices) {
                    let sums = &mut sums[index as usize * weightings..][..weightings];
                    sums.iter_mut().zip(weights(row)).for_each(|(sum, weight)| *sum += weight);
                }
            }
        }
        for (leaf, reached) in tree.plan.deep.iter().zip(&mut tree.reached) {
            *reached += weight_of_reached(leaf, masks, tile, weighted);
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

//! The background goes into a plan: blocks of rows, trees over the threads.

use std::marker::PhantomData;

use super::deep::{PatternPass, Patterns};
use super::masks::{Codes, Comparable, MaskPass};
use crate::error::{Error, Result};
use crate::model::Ensemble;
use crate::parallel::{Control, for_each_chunk};
use crate::plan::{Builder, GroupShape, Options, Plan, PlanModel, Source, TreePlan, Workload, check_paths, outputs_of};
use crate::rows::{Columns, Rows};
use crate::simd::{BLOCK, Driver, INDEXED, Kernel, Mask, Simd};

/// Background rows that are read before the trees take them: their columns stay in memory meanwhile.
const ROWS_AT_ONCE: usize = 64 * BLOCK;

/// Most different features on one path: a pattern is one word.
pub const MAX_BACKGROUND_PATH: u32 = 64;

impl Plan {
    /// Compiles the interventional game of `model` against `background`: v(S) = Σ_z ω_z f(x_S, z_rest), ω the normalised
    /// `weights` (`None`: all equal). O(background rows × splits) and what the tables cost.
    ///
    /// # Errors
    /// [`Error::Data`] for a background without rows, of another width, or with weights that are negative, not finite or
    /// all zero; [`Error::Plan`] above [`MAX_BACKGROUND_PATH`]; [`Error::Unsupported`] for linear leaves;
    /// [`Error::Cancelled`].
    pub fn interventional(
        model: &Ensemble,
        background: &Rows<'_>,
        weights: Option<&[f64]>,
        options: Options,
        threads: usize,
        control: &dyn Control,
    ) -> Result<Self> {
        Self::folded(model, background, weights, None, options, threads, control)
    }

    /// The same for several weightings of the background at once: `by`, `(b, R)` row-major, are factors of any sign by which the
    /// weights of a row are multiplied, and [`Plan::run_mixed`] adds the R games up as each row wants them. The expected value is
    /// that of the first.
    ///
    /// # Errors
    /// As [`Plan::interventional`], and [`Error::Data`] for factors that are not finite or not `(b, R)`, R at least 1.
    pub fn against_weightings(
        model: &Ensemble,
        background: &Rows<'_>,
        weights: Option<&[f64]>,
        by: &[f64],
        options: Options,
        threads: usize,
        control: &dyn Control,
    ) -> Result<Self> {
        if background.is_empty() || by.is_empty() || !by.len().is_multiple_of(background.len()) {
            let (found, n) = (by.len(), background.len());
            return Err(Error::Data(format!(
                "{found} factors of weights for {n} background rows, expected some for each"
            )));
        }
        if let Some(bad) = by.iter().find(|factor| !factor.is_finite()) {
            return Err(Error::Data(format!("a factor of the weights is {bad}, expected finite numbers")));
        }
        Self::folded(model, background, weights, Some(by), options, threads, control)
    }

    fn folded(
        model: &Ensemble,
        background: &Rows<'_>,
        weights: Option<&[f64]>,
        by: Option<&[f64]>,
        options: Options,
        threads: usize,
        control: &dyn Control,
    ) -> Result<Self> {
        check(model, background, weights)?;
        let load = Workload::new(model, options.expected_rows, Some(background.len()));
        let weightings = by.map_or(1, |by| by.len() / background.len());
        let weighted = Weighted::new(weights, by, weightings);
        let (mut plan, shapes) = Plan::before_background(model, load, weightings, options);
        let total = weights.map_or(background.len() as f64, |w| w.iter().sum());
        let trees = std::mem::take(&mut plan.trees);
        let mut trees: Vec<Counting> =
            trees.into_iter().zip(shapes).map(|(plan, shapes)| Counting::new(plan, shapes, weightings)).collect();
        if weighted.of_rows.is_none() && u32::try_from(background.len()).is_ok() {
            trees.iter_mut().for_each(Counting::count_rows);
        }
        let fold = Fold { model: &plan.model, trees: &mut trees, background, weighted: &weighted, threads, control };
        if plan.model.input.round_to_f32 {
            options.level.dispatch(FoldAs::<f32> { fold, lane: PhantomData })?;
        } else {
            options.level.dispatch(FoldAs::<f64> { fold, lane: PhantomData })?;
        }
        for_each_chunk(&mut trees, 1, threads, control, Builder::default, |builder, index, tree, cancel| {
            if !cancel.requested() {
                let outputs: Vec<u32> = outputs_of(model, &model.trees()[index]).collect();
                tree[0].finish(builder, &outputs, total);
            }
        })?;
        // Σ_z ω_z f(z): how much of the background reaches each leaf is known from the patterns
        let divisor = model.accumulation().divisor();
        let mut expected: Vec<f64> = model.base().iter().map(|base| base / divisor).collect();
        for tree in &trees {
            let first = tree.plan.output.unwrap_or(0) as usize;
            expected[first..].iter_mut().zip(&tree.expected).for_each(|(sum, v)| *sum += v);
        }
        plan.trees = trees.into_iter().map(|tree| tree.plan).collect();
        plan.set_totals(expected, model.rounding_scale());
        Ok(plan)
    }
}

/// What the rows of the background add to the sums of their patterns: `of_rows` holds a number a weighting of each row, where
/// they are not all 1.
struct Weighted {
    weightings: usize,
    of_rows: Option<Vec<f64>>,
}

impl Weighted {
    fn new(weights: Option<&[f64]>, by: Option<&[f64]>, weightings: usize) -> Self {
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
    expected: Vec<f64>,
}

impl Counting {
    fn new(plan: TreePlan, shapes: Vec<GroupShape>, weightings: usize) -> Self {
        let sums = shapes.iter().map(|shape| vec![0.0; weightings << shape.bits.len()]).collect();
        Self { plan, shapes, sums, counts: Vec::new(), expected: Vec::new() }
    }

    /// To be told before the first row that all rows weigh the same.
    fn count_rows(&mut self) {
        self.counts = self.sums.iter_mut().map(|sums| vec![[0; 2]; std::mem::take(sums).len()]).collect();
    }

    fn finish(&mut self, builder: &mut Builder, outputs: &[u32], total: f64) {
        for (sums, counts) in self.sums.iter_mut().zip(std::mem::take(&mut self.counts)) {
            *sums = counts.iter().map(|[even, odd]| f64::from(*even) + f64::from(*odd)).collect();
        }
        for (shape, sums) in self.shapes.iter().zip(&self.sums) {
            builder.group(&mut self.plan.tables, shape, outputs, &Source::Counted(sums, total));
        }
        self.plan.deep.iter_mut().for_each(|leaf| leaf.finish(total));
        self.expected = self.mean(total);
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
        self.plan.deep.iter().for_each(|leaf| add(&leaf.values, leaf.share()));
        mean
    }
}

struct Fold<'a, 'r> {
    model: &'a PlanModel,
    trees: &'a mut [Counting],
    background: &'a Rows<'r>,
    weighted: &'a Weighted,
    threads: usize,
    control: &'a dyn Control,
}

struct FoldAs<'a, 'r, T> {
    fold: Fold<'a, 'r>,
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

    fn fill(&mut self, model: &PlanModel, background: &Rows<'_>, start: usize) {
        (self.start, self.length) = (start, BLOCK.min(background.len() - start));
        self.columns.fill(background, start..start + self.length, &model.used_features, model.input);
        self.codes.fill(&self.columns, &model.code_slots, model.input);
    }
}

impl<T: Comparable + Sync> Driver for FoldAs<'_, '_, T> {
    type Out = Result<()>;

    fn drive<S: Simd>(self, s: S) -> Result<()> {
        let Fold { model, trees, background, weighted, threads, control } = self.fold;
        let n = background.len();
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
        let mut patterns: Patterns = [0; BLOCK];
        for leaf in &mut tree.plan.deep {
            PatternPass { features: &leaf.masks, masks, rows: tile.length, out: &mut patterns }.run(s);
            for (row, &pattern) in patterns[..tile.length].iter().enumerate() {
                leaf.add(pattern, weights(row));
            }
        }
    }
}

/// Raises the error for a background, or a model, that values against one do not come of.
pub(crate) fn check(model: &Ensemble, background: &Rows<'_>, weights: Option<&[f64]>) -> Result<()> {
    check_model(model)?;
    check_rows(model, background, weights)
}

fn check_model(model: &Ensemble) -> Result<()> {
    if model.is_linear() {
        return Err(Error::Unsupported(
            "the model has linear trees (LightGBM's linear_tree), for which values against a background are not supported \
             yet; train without linear_tree"
                .to_owned(),
        ));
    }
    check_paths(model, MAX_BACKGROUND_PATH, " for values against a background")
}

fn check_rows(model: &Ensemble, background: &Rows<'_>, weights: Option<&[f64]>) -> Result<()> {
    let n = background.len();
    if n == 0 {
        return Err(Error::Data("the background has no rows, expected at least one".to_owned()));
    }
    background.check(model.n_features(), n, 1)?;
    if let Some(weights) = weights {
        if weights.len() != n {
            return Err(Error::Data(format!("{} weights for {n} background rows", weights.len())));
        }
        if let Some(bad) = weights.iter().position(|w| !(*w >= 0.0 && w.is_finite())) {
            let found = weights[bad];
            return Err(Error::Data(format!("the weight of background row {bad} is {found}, expected 0 or more")));
        }
        if weights.iter().all(|w| *w == 0.0) {
            return Err(Error::Data("the weights of the background are all zero".to_owned()));
        }
    }
    Ok(())
}

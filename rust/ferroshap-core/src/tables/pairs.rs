//! Interventional interaction values: the background folded into groups of leaves, a look-up a row and group.

use std::marker::PhantomData;
use std::ops::Range;

use super::pair_fold::{MakeTables, Making};
use super::pair_groups::{PairTree, walk};
use super::pair_lookups::{self, LookUpPass, PatternPass, SPARE_PLANES};
use crate::error::Result;
use crate::kernel::check_background as check;
use crate::kernel::{MASK_ROWS, Mask, PairGame, Task, Written, carry_out};
use crate::model::{Ensemble, InputRule};
use crate::parallel::{Cancel, Control, for_each_chunk};
use crate::plan::{PairLayout, Wanted};
use crate::rows::{Columns, Rows};
use crate::simd::{Driver, Indices, Kernel, Level, Line, Simd};
use crate::splits::{Codes, Comparable, MaskPass, MaskSplit, code_slots};

/// Background rows that are read before the trees take them.
const ROWS_AT_ONCE: usize = 64 * MASK_ROWS;

/// How the tables of [`InteractionTables`] are made.
#[derive(Debug, Clone, Copy)]
pub struct TableOptions {
    /// The vector level; values have the same bits at every one.
    pub level: Level,
    /// Up to so many bits all patterns have a place of their own,
    pub dense_bits: usize,
    /// while all of them together take at most so many bytes: the leaves that come later add up their patterns row by row.
    pub dense_bytes: usize,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self { level: Level::in_use(), dense_bits: 8, dense_bytes: 512 << 20 }
    }
}

/// Interventional interaction values of one model against one background, ready to run.
#[derive(Debug, Clone)]
pub struct InteractionTables {
    n_features: usize,
    used_features: Vec<u32>,
    code_slots: Vec<u32>,
    input: InputRule,
    layout: PairLayout,
    trees: Vec<PairTree>,
    level: Level,
}

impl InteractionTables {
    /// Folds `background` with its `weights` (`None`: all equal) into tables for what is `wanted`.
    ///
    /// # Errors
    /// As [`Tables::interventional`](super::Tables::interventional); [`Error::Option`](crate::Error::Option) for a pair
    /// beyond the model's features.
    pub fn interventional(
        model: &Ensemble,
        wanted: Wanted<'_>,
        background: &Rows<'_>,
        weights: Option<&[f64]>,
        threads: usize,
        control: &dyn Control,
    ) -> Result<Self> {
        Self::interventional_with(model, wanted, background, weights, threads, control, TableOptions::default())
    }

    /// The same with the options given.
    ///
    /// # Errors
    /// As [`InteractionTables::interventional`].
    #[allow(clippy::too_many_arguments, reason = "those of the way without options, and them")]
    pub fn interventional_with(
        model: &Ensemble,
        wanted: Wanted<'_>,
        background: &Rows<'_>,
        weights: Option<&[f64]>,
        threads: usize,
        control: &dyn Control,
        TableOptions { level, dense_bits, dense_bytes }: TableOptions,
    ) -> Result<Self> {
        check(model, background, weights)?;
        let (code_slots, mut layout) = (code_slots(model), PairLayout::new(model, wanted)?);
        let mut room = dense_bytes;
        let mut walk = |tree| walk(model, tree, &code_slots, &mut layout, (dense_bits, &mut room));
        let mut trees: Vec<PairTree> = model.trees().iter().map(&mut walk).collect();
        layout.finish(model);
        for tree in &mut trees {
            tree.lookups.iter_mut().for_each(|lookup| lookup.finish(layout.planes()));
        }
        let mut made = Self {
            n_features: model.n_features(),
            used_features: model.used_features().to_vec(),
            code_slots,
            input: model.input(),
            layout,
            trees,
            level,
        };
        let mut trees = std::mem::take(&mut made.trees);
        made.drive(&mut Fold { trees: &mut trees, background, weights, threads, control })?;
        made.trees = trees;
        Ok(made)
    }

    /// Writes the interaction values of `rows` into all of `out`, as
    /// [`InteractionPlan::run`](crate::plan::InteractionPlan::run).
    ///
    /// # Errors
    /// As there.
    pub fn run<W: Written>(&self, rows: &Rows<'_>, out: &mut [W], threads: usize, control: &dyn Control) -> Result<()> {
        rows.check(self.n_features, out.len(), self.row())?;
        self.drive(&mut Explain { rows, task: Some(Task::Write(out)), threads, control })
    }

    /// Adds the sums of |interaction value| over `rows` to `totals`, as
    /// [`InteractionPlan::add_magnitudes`](crate::plan::InteractionPlan::add_magnitudes).
    ///
    /// # Errors
    /// As there.
    pub fn add_magnitudes(
        &self,
        rows: &Rows<'_>,
        totals: &mut [f64],
        threads: usize,
        control: &dyn Control,
    ) -> Result<()> {
        rows.check(self.n_features, rows.len() * totals.len(), self.row())?;
        self.drive(&mut Explain { rows, task: Some(Task::<f64>::Add(totals)), threads, control })
    }

    /// Numbers that a row gets: `f · f · o`, or pairs asked for times `o`.
    pub fn row(&self) -> usize {
        self.layout.row()
    }

    /// Pairs of features that share a path, of those that are asked for.
    pub fn pairs(&self) -> usize {
        self.layout.pairs.len()
    }

    /// Memory of the tables, in bytes.
    pub fn bytes(&self) -> usize {
        self.layout.bytes() + self.trees.iter().map(PairTree::bytes).sum::<usize>()
    }

    /// The vector instructions in use.
    pub fn level(&self) -> Level {
        self.level
    }

    fn drive(&self, work: &mut impl Work) -> Result<()> {
        if self.input.round_to_f32 {
            self.level.dispatch(At::<f32, _> { tables: self, work, lane: PhantomData })
        } else {
            self.level.dispatch(At::<f64, _> { tables: self, work, lane: PhantomData })
        }
    }

    fn tile<T: Comparable>(&self, rows: &Rows<'_>, range: Range<usize>) -> Tile<T> {
        let mut columns = Columns::new(self.used_features.len(), MASK_ROWS);
        columns.fill(rows, range.clone(), &self.used_features, self.input);
        let mut codes = Codes::new(self.code_slots.len());
        codes.fill(&columns, &self.code_slots, self.input);
        Tile { rows: range, columns, codes }
    }
}

/// A block of rows as the comparisons read it.
struct Tile<T> {
    rows: Range<usize>,
    columns: Columns<T>,
    codes: Codes,
}

impl<T: Comparable> Tile<T> {
    fn masks<S: Simd>(&self, s: S, splits: &[MaskSplit], masks: &mut Vec<Mask>) {
        s.vectorize(MaskPass { splits, columns: &self.columns, codes: &self.codes, rows: self.rows.len(), masks });
    }
}

/// What is done at a vector level with a kind of lanes.
trait Work {
    fn at<S: Simd, T: Comparable + Sync>(&mut self, s: S, tables: &InteractionTables) -> Result<()>;
}

struct At<'a, T, W> {
    tables: &'a InteractionTables,
    work: &'a mut W,
    lane: PhantomData<T>,
}

impl<T: Comparable + Sync, W: Work> Driver for At<'_, T, W> {
    type Out = Result<()>;

    fn drive<S: Simd>(self, s: S) -> Result<()> {
        self.work.at::<S, T>(s, self.tables)
    }
}

struct Fold<'a, 'r> {
    trees: &'a mut [PairTree],
    background: &'a Rows<'r>,
    weights: Option<&'a [f64]>,
    threads: usize,
    control: &'a dyn Control,
}

impl Work for Fold<'_, '_> {
    /// Counts every background row in every leaf, then makes the tables. A histogram adds its rows in their order.
    fn at<S: Simd, T: Comparable + Sync>(&mut self, s: S, tables: &InteractionTables) -> Result<()> {
        let (n, weights) = (self.background.len(), self.weights);
        for first in (0..n).step_by(ROWS_AT_ONCE) {
            let starts = (first..n.min(first + ROWS_AT_ONCE)).step_by(MASK_ROWS);
            let tile = |start| tables.tile::<T>(self.background, start..n.min(start + MASK_ROWS));
            let tiles: Vec<Tile<T>> = starts.map(tile).collect();
            let scratch = || (Vec::new(), Vec::new());
            for_each_chunk(
                self.trees,
                1,
                self.threads,
                self.control,
                scratch,
                |(masks, patterns), _, trees, cancel| {
                    let PairTree { splits, counted, alone, .. } = &mut trees[0];
                    for tile in &tiles {
                        if cancel.requested() {
                            return;
                        }
                        let rows = tile.rows.len();
                        tile.masks(s, splits, masks);
                        let of = counted.iter().map(|group| &group.bits[..]);
                        s.vectorize(PatternPass { of, masks, rows, out: patterns });
                        for (group, patterns) in counted.iter_mut().zip(&*patterns) {
                            group.count(patterns, tile.rows.clone(), weights);
                        }
                        alone.iter_mut().for_each(|leaf| leaf.count(masks, tile.rows.clone(), weights));
                    }
                },
            )?;
        }
        let total = weights.map_or(n as f64, |w| w.iter().sum());
        for_each_chunk(self.trees, 1, self.threads, self.control, Making::default, |making, _, trees, cancel| {
            let PairTree { counted, lookups, lines, alone, outputs, .. } = &mut trees[0];
            *lines = vec![Line::default(); lookups.last().map_or(0, |last| last.first + last.size * *outputs)];
            for group in std::mem::take(counted) {
                if cancel.requested() {
                    return;
                }
                s.vectorize(MakeTables { group: &group, lookups, lines, total, making });
            }
            alone.iter_mut().for_each(|leaf| leaf.finish(total));
        })
    }
}

struct Explain<'a, 'r, W> {
    rows: &'a Rows<'r>,
    task: Option<Task<'a, W>>,
    threads: usize,
    control: &'a dyn Control,
}

impl<W: Written> Work for Explain<'_, '_, W> {
    fn at<S: Simd, T: Comparable + Sync>(&mut self, s: S, tables: &InteractionTables) -> Result<()> {
        let game = Game { s, tables, rows: self.rows, lane: PhantomData::<fn() -> T> };
        match self.task.take() {
            Some(task) => carry_out(&game, self.rows.len(), task, self.threads, self.control),
            None => Ok(()),
        }
    }
}

/// The game against the background at one vector level.
struct Game<'a, 'r, S, T> {
    s: S,
    tables: &'a InteractionTables,
    rows: &'a Rows<'r>,
    lane: PhantomData<fn() -> T>,
}

/// What a thread needs.
struct Scratch<V> {
    /// Of the tree in hand and the one that comes after.
    masks: [Vec<Mask>; 2],
    indices: [Vec<Indices>; 2],
    making: pair_lookups::Making,
    /// `[output][eight rows][plane]`, and spare planes.
    sums: Vec<V>,
}

impl<S: Simd, T: Comparable> PairGame for Game<'_, '_, S, T> {
    type Scratch = Scratch<S::V>;

    fn layout(&self) -> &PairLayout {
        &self.tables.layout
    }

    fn scratch(&self, stride: usize) -> Scratch<S::V> {
        let layout = &self.tables.layout;
        let sums = vec![self.s.splat(0.0); (layout.planes() + SPARE_PLANES) * layout.n_outputs * (stride / S::LANES)];
        Scratch {
            masks: Default::default(),
            indices: Default::default(),
            making: pair_lookups::Making::default(),
            sums,
        }
    }

    fn add_up(
        &self,
        scratch: &mut Scratch<S::V>,
        rows: Range<usize>,
        stride: usize,
        out: &mut [f64],
        cancel: &Cancel<'_>,
    ) {
        let (s, layout) = (self.s, &self.tables.layout);
        let Scratch { masks, indices, making, sums } = scratch;
        let (tile, rows) = (self.tables.tile::<T>(self.rows, rows.clone()), rows.len());
        let planes = layout.planes() + SPARE_PLANES;
        let per_output = planes * (stride / S::LANES);
        sums.fill(s.splat(0.0));
        let see = |tree: &PairTree, masks: &mut Vec<Mask>, out: &mut Vec<Indices>| {
            tile.masks(s, &tree.splits, masks);
            s.vectorize(PatternPass { of: tree.bits.iter().map(|bits| &bits[..]), masks, rows, out });
        };
        let ([masks, masks_ahead], [indices, indices_ahead]) = (masks, indices);
        let mut trees = self.tables.trees.iter().peekable();
        trees.peek().iter().for_each(|first| see(first, masks, indices));
        while let Some(tree) = trees.next() {
            if cancel.requested() {
                return;
            }
            let ahead = trees.peek().map(|ahead| {
                see(ahead, masks_ahead, indices_ahead);
                ahead.patterned(indices_ahead)
            });
            let (tree_of, outputs) = (tree.patterned(indices), tree.outputs);
            let sums = &mut sums[tree.first_output * per_output..][..outputs * per_output];
            s.vectorize(LookUpPass { tree: tree_of, ahead, outputs, rows, sums, planes });
            for leaf in &tree.alone {
                leaf.add_up(s, masks, making, rows, (sums, planes));
            }
            std::mem::swap(masks, masks_ahead);
            std::mem::swap(indices, indices_ahead);
        }
        for (out, sums) in out.chunks_exact_mut((layout.planes() * stride).max(1)).zip(sums.chunks_exact(per_output)) {
            s.vectorize(ByPlane { sums, planes, stride, out });
        }
    }
}

/// Brings sums, `[eight rows][plane]`, into the order that they are written from, `[plane][row]`.
struct ByPlane<'a, V> {
    sums: &'a [V],
    /// Spare ones included.
    planes: usize,
    stride: usize,
    out: &'a mut [f64],
}

impl<S: Simd> Kernel<S> for ByPlane<'_, S::V> {
    #[inline(always)]
    fn run(self, s: S) {
        let of_eight = 8 / S::LANES;
        for (plane, out) in self.out.chunks_exact_mut(self.stride).enumerate() {
            for (eight, out) in out.as_chunks_mut::<8>().0.iter_mut().enumerate() {
                for vector in 0..of_eight {
                    let lanes = s.lanes(self.sums[(eight * self.planes + plane) * of_eight + vector]);
                    out[vector * S::LANES..][..S::LANES].copy_from_slice(&lanes[..S::LANES]);
                }
            }
        }
    }
}

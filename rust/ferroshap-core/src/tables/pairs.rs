//! Interventional interaction values: the background folded into leaves, a look-up a row and leaf (`pair_table.rs`).

use std::collections::HashMap;
use std::marker::PhantomData;
use std::ops::Range;

use super::pair_table::{Beta, columns, dense, row_of};
use super::{check, divisor};
use crate::error::Result;
use crate::kernel::{
    Codes, Comparable, MASK_ROWS, Mask, MaskPass, PairGame, Task, Written, carry_out, rows_of_a_block,
};
use crate::model::{Ensemble, InputRule, Node, Tree};
use crate::parallel::{Cancel, Control, for_each_chunk};
use crate::plan::{MaskSplit, PairLayout, Wanted, code_slots};
use crate::rows::{Columns, Rows};
use crate::simd::{Driver, Level, Simd};

/// Up to so many features a path all patterns have a place of their own,
pub(super) const DENSE_FEATURES: usize = 8;

/// while all of them together take at most so many bytes: the leaves that come later add up their patterns row by row.
const DENSE_BYTES: usize = 512 << 20;

/// Background rows that are read before the trees take them.
const ROWS_AT_ONCE: usize = 64 * MASK_ROWS;

/// The plane of a pair that nobody asked for.
const UNASKED: u32 = u32::MAX;

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

#[derive(Debug, Clone)]
struct PairTree {
    splits: Vec<MaskSplit>,
    first_output: usize,
    leaves: Vec<PairLeaf>,
}

#[derive(Debug, Clone)]
struct PairLeaf {
    /// For each feature the mask of the rows that satisfy its edges.
    masks: Vec<u32>,
    /// The plane of each column of the table.
    planes: Vec<u32>,
    /// One value, or one an output.
    values: Vec<f64>,
    patterns: Patterns,
}

/// The background at a leaf, as in `leaf.rs`.
#[derive(Debug, Clone)]
enum Patterns {
    Counts(Vec<f64>),
    Dense(Vec<f64>),
    Map(HashMap<u64, f64>),
    Sparse(Vec<(u64, f64)>),
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
        Self::interventional_at(model, wanted, background, weights, threads, control, Level::in_use())
    }

    /// The same for a given vector level (for tests; the values have the same bits at every level).
    ///
    /// # Errors
    /// As [`InteractionTables::interventional`].
    #[allow(clippy::too_many_arguments, reason = "those of the public way in, and the level")]
    pub fn interventional_at(
        model: &Ensemble,
        wanted: Wanted<'_>,
        background: &Rows<'_>,
        weights: Option<&[f64]>,
        threads: usize,
        control: &dyn Control,
        level: Level,
    ) -> Result<Self> {
        let at = (level, DENSE_FEATURES);
        Self::interventional_with(model, wanted, background, weights, threads, control, at)
    }

    /// The same, with tables of all patterns for paths of at most so many features (for tests).
    ///
    /// # Errors
    /// As [`InteractionTables::interventional`].
    #[allow(clippy::too_many_arguments, reason = "those of the public way in, and what tests choose")]
    pub fn interventional_with(
        model: &Ensemble,
        wanted: Wanted<'_>,
        background: &Rows<'_>,
        weights: Option<&[f64]>,
        threads: usize,
        control: &dyn Control,
        (level, dense_features): (Level, usize),
    ) -> Result<Self> {
        check(model, background, weights)?;
        let (code_slots, mut layout) = (code_slots(model), PairLayout::new(model, wanted)?);
        let mut room = DENSE_BYTES;
        let mut walk = |tree| walk(model, tree, &code_slots, &mut layout, (dense_features, &mut room));
        let trees = model.trees().iter().map(&mut walk).collect();
        layout.finish(model);
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

    /// Rows that a thread explains together.
    pub fn rows_of_a_block(&self) -> usize {
        rows_of_a_block(&self.layout)
    }

    /// Pairs of features that share a path, of those that are asked for.
    pub fn pairs(&self) -> usize {
        self.layout.pairs.len()
    }

    /// Memory of the tables, in bytes.
    pub fn bytes(&self) -> usize {
        self.layout.bytes() + self.trees.iter().flat_map(|tree| &tree.leaves).map(PairLeaf::bytes).sum::<usize>()
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
            for_each_chunk(self.trees, 1, self.threads, self.control, Vec::new, |masks, _, tree, cancel| {
                for tile in &tiles {
                    if cancel.requested() {
                        return;
                    }
                    tile.masks(s, &tree[0].splits, masks);
                    tree[0].leaves.iter_mut().for_each(|leaf| leaf.count(masks, tile.rows.clone(), weights));
                }
            })?;
        }
        let total = weights.map_or(n as f64, |w| w.iter().sum());
        for_each_chunk(self.trees, 1, self.threads, self.control, Beta::default, |u, _, tree, cancel| {
            for leaf in &mut tree[0].leaves {
                if cancel.requested() {
                    return;
                }
                leaf.finish(total, u);
            }
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
#[derive(Default)]
struct Scratch {
    masks: Vec<Mask>,
    /// Rows of one leaf's table by pattern: their places in `made`.
    known: HashMap<u64, usize>,
    made: Vec<f64>,
    u: Beta,
}

impl<S: Simd, T: Comparable> PairGame for Game<'_, '_, S, T> {
    type Scratch = Scratch;

    fn layout(&self) -> &PairLayout {
        &self.tables.layout
    }

    fn scratch(&self, _: usize) -> Scratch {
        Scratch::default()
    }

    fn add_up(&self, scratch: &mut Scratch, rows: Range<usize>, stride: usize, sums: &mut [f64], cancel: &Cancel<'_>) {
        let tile = self.tables.tile::<T>(self.rows, rows);
        let per_output = self.tables.layout.planes() * stride;
        sums.fill(0.0);
        for tree in &self.tables.trees {
            if cancel.requested() {
                return;
            }
            tile.masks(self.s, &tree.splits, &mut scratch.masks);
            for leaf in &tree.leaves {
                let sums = &mut sums[tree.first_output * per_output..][..leaf.values.len() * per_output];
                leaf.add_up(scratch, tile.rows.len(), stride, sums);
            }
        }
    }
}

impl PairLeaf {
    fn bytes(&self) -> usize {
        let patterns = match &self.patterns {
            Patterns::Counts(table) | Patterns::Dense(table) => 8 * table.len(),
            Patterns::Map(map) => 16 * map.len(),
            Patterns::Sparse(list) => 16 * list.len(),
        };
        patterns + 4 * (self.masks.len() + self.planes.len()) + 8 * self.values.len()
    }

    /// The pattern of each row of a block.
    fn patterns(&self, masks: &[Mask]) -> [u64; MASK_ROWS] {
        let mut out = [0; MASK_ROWS];
        for (g, &mask) in self.masks.iter().enumerate() {
            for (eight, byte) in out.chunks_exact_mut(8).zip(masks[mask as usize]) {
                for (bit, pattern) in eight.iter_mut().enumerate() {
                    *pattern |= u64::from(byte >> bit & 1) << g;
                }
            }
        }
        out
    }

    /// Adds background rows.
    fn count(&mut self, masks: &[Mask], rows: Range<usize>, weights: Option<&[f64]>) {
        let patterns = self.patterns(masks);
        for (pattern, row) in patterns.into_iter().zip(rows) {
            let weight = weights.map_or(1.0, |w| w[row]);
            match &mut self.patterns {
                Patterns::Counts(counts) => counts[pattern as usize] += weight,
                Patterns::Map(map) => *map.entry(pattern).or_insert(0.0) += weight,
                Patterns::Dense(_) | Patterns::Sparse(_) => {}
            }
        }
    }

    /// Makes the table of the weights added, which are `total` in all.
    fn finish(&mut self, total: f64, u: &mut Beta) {
        self.patterns = match std::mem::replace(&mut self.patterns, Patterns::Dense(Vec::new())) {
            Patterns::Counts(counts) => Patterns::Dense(dense(&counts, self.masks.len(), total, u)),
            Patterns::Map(map) => {
                let mut list: Vec<(u64, f64)> = map.into_iter().map(|(q, h)| (q, h / total)).collect();
                list.sort_unstable_by_key(|(q, _)| *q);
                Patterns::Sparse(list)
            }
            done => done,
        };
    }

    /// Adds the leaf to the sums of its outputs, `[output][plane][stride]`.
    fn add_up(&self, scratch: &mut Scratch, rows: usize, stride: usize, sums: &mut [f64]) {
        let (d, width) = (self.masks.len(), self.planes.len());
        if d == 0 {
            return;
        }
        let patterns = self.patterns(&scratch.masks);
        let mut starts = [0; MASK_ROWS];
        let table = match &self.patterns {
            Patterns::Dense(table) => {
                starts.iter_mut().zip(patterns).for_each(|(start, pattern)| *start = pattern as usize * width);
                table
            }
            Patterns::Sparse(list) => {
                let Scratch { known, made, u, .. } = scratch;
                known.clear();
                made.clear();
                u.set(d);
                for (start, pattern) in starts[..rows].iter_mut().zip(patterns) {
                    *start = *known.entry(pattern).or_insert_with(|| {
                        let at = made.len();
                        made.resize(at + width, 0.0);
                        row_of(pattern, d, list, u, &mut made[at..]);
                        at
                    });
                }
                made
            }
            Patterns::Counts(_) | Patterns::Map(_) => return, // only while the background is folded
        };
        let per_output = sums.len() / self.values.len();
        for (sums, &value) in sums.chunks_exact_mut(per_output).zip(&self.values) {
            for (eight, starts) in starts[..rows.next_multiple_of(8)].as_chunks::<8>().0.iter().enumerate() {
                let rows = starts.map(|start| &table[start..][..width]);
                for (column, &plane) in self.planes.iter().enumerate().filter(|(_, plane)| **plane != UNASKED) {
                    let to = &mut sums[plane as usize * stride + 8 * eight..][..8];
                    for (to, row) in to.iter_mut().zip(rows) {
                        *to += value * row[column];
                    }
                }
            }
        }
    }
}

/// The splits of a tree, numbered as their nodes come, and its leaves with empty histograms.
fn walk(
    model: &Ensemble,
    tree: &Tree,
    code_slots: &[u32],
    layout: &mut PairLayout,
    (dense_features, room): (usize, &mut usize),
) -> PairTree {
    let mut out = PairTree { splits: Vec::new(), first_output: tree.output.unwrap_or(0) as usize, leaves: Vec::new() };
    let mut pending: Vec<(u32, Vec<(u32, u32)>)> = vec![(tree.root, Vec::new())]; // path: slot, mask of its deepest edge
    while let Some((node, path)) = pending.pop() {
        match model.node(node) {
            Node::Leaf { leaf } => {
                let divisor = divisor(model.accumulation());
                let values = model.leaf(leaf).iter().map(|v| v / divisor).collect();
                let (slots, masks): (Vec<u32>, Vec<u32>) = path.into_iter().unzip();
                let mut planes = slots.clone();
                for (i, &g) in slots.iter().enumerate() {
                    planes.extend(slots[i + 1..].iter().map(|&h| layout.plane(g, h).unwrap_or(UNASKED)));
                }
                let d = slots.len();
                let bytes = if d <= dense_features { (8 * columns(d)) << d } else { usize::MAX };
                let patterns = if bytes <= *room {
                    *room -= bytes;
                    Patterns::Counts(vec![0.0; 1 << d])
                } else {
                    Patterns::Map(HashMap::new())
                };
                out.leaves.push(PairLeaf { masks, planes, values, patterns });
            }
            Node::Inner { split, left } => {
                let at = path.iter().position(|(slot, _)| *slot == split.slot);
                let above = at.map_or(0, |at| path[at].1);
                let number = out.splits.len() as u32;
                out.splits.push(MaskSplit::new(model, &split, code_slots, above));
                for side in [1, 0] {
                    let edge = (split.slot, 1 + 2 * number + side);
                    let mut below = path.clone();
                    match at {
                        Some(at) => below[at] = edge,
                        None => below.push(edge),
                    }
                    pending.push((left + side, below));
                }
            }
        }
    }
    out
}

//! Rows in, values out: blocks of rows over the threads, trees over a block, passes over a tree.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::Range;

use super::deep::{Deep, KnownPass, LeafPass};
use super::interventional::Way;
use super::make::InPassing;
use super::pairs::{MeanPass, Pairs};
use super::patterns::{IndexPass, LookupPass, Mixed, Plain, Wholes};
use super::recurrence::Pass;
use crate::error::{Error, Result};
use crate::parallel::{Cancel, Control, for_each_chunk};
use crate::plan::{Chunk, DeepLeaf, KeptRows, MAX_POINTS, Plan, Points, Program, TreePlan};
use crate::rows::{Columns, Rows};
use crate::simd::{BLOCK, Driver, Indices, Line, Mask, Simd};
use crate::splits::{Codes, Comparable, MaskPass};

/// Rows that are explained together where tables are large, so that a table is read once for all of them.
const ROWS_OF_LARGE_TABLES: usize = 32 * BLOCK;

/// Rows that are explained together at leaves by themselves: a pattern's numbers are made once for all of them.
const ROWS_OF_DEEP_LEAVES: usize = 128 * BLOCK;

/// Most rows that are explained together where a tree's tables are made in passing, and most bytes of their sums.
const ROWS_IN_PASSING: usize = 256 * BLOCK;
const SUMS_IN_PASSING: usize = 64 << 20;

/// Bytes of tables that stay in a core's caches from block to block.
const NEAR_TABLES: usize = 1 << 20;

/// Bytes of sums that a thread may hold for the rows it explains together: they should stay near. Twice a core's own cache was
/// measured to be better than once (50 features, tables of 14 MB: 8 % less time), for each table is read for more rows.
const SUMS_TARGET: usize = 2 << 20;

/// Bytes of `C` and `U` planes that a group of vectors may take: they should stay in the nearest caches.
const ARENA_TARGET: usize = 48 << 10;

/// A number type that values can be written in.
pub trait Written: Copy + Send {
    /// Rounds a value.
    fn from_f64(x: f64) -> Self;
}

impl Written for f64 {
    fn from_f64(x: f64) -> Self {
        x
    }
}

impl Written for f32 {
    fn from_f64(x: f64) -> Self {
        x as f32
    }
}

impl Plan {
    /// Writes the SHAP values of `rows`, `(n, f, o)` row-major in units of the raw output, into `out`.
    /// O(rows × (groups + leaves × points)), whatever the size of the background, memory a thread O(features + depth).
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) where `rows` have another number of columns than the model or `out` another
    /// length, [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn run<W: Written>(&self, rows: &Rows<'_>, out: &mut [W], threads: usize, control: &dyn Control) -> Result<()> {
        self.check_plain()?;
        self.run_with(rows, None, out, threads, control)
    }

    /// The same where the plan has R weightings of its background: each row's values are Σ_r `mix[row][r]` times those of
    /// weighting r, `mix` is `(n, R)` row-major.
    ///
    /// # Errors
    /// As [`Plan::run`], and [`Error::Data`](crate::Error::Data) for a `mix` of another length.
    pub fn run_mixed<W: Written>(
        &self,
        rows: &Rows<'_>,
        mix: &[f64],
        out: &mut [W],
        threads: usize,
        control: &dyn Control,
    ) -> Result<()> {
        if mix.len() != rows.len() * self.weightings {
            let (found, n, of_a_row) = (mix.len(), rows.len(), self.weightings);
            return Err(Error::Data(format!("{found} numbers to mix weightings by, expected {n} rows × {of_a_row}")));
        }
        self.run_with(rows, Some(mix), out, threads, control)
    }

    /// Bytes of the sums of a row's values.
    fn sums_of_a_row(&self) -> usize {
        8 * self.model.n_outputs * (self.model.used_features.len() + 1)
    }

    /// Most rows that a thread explains together with tables that it makes in passing.
    pub(super) fn rows_in_passing(&self) -> usize {
        (SUMS_IN_PASSING / self.sums_of_a_row() / BLOCK * BLOCK).clamp(BLOCK, ROWS_IN_PASSING)
    }

    /// One weighting: rows have nothing to mix.
    pub(super) fn check_plain(&self) -> Result<()> {
        match self.weightings {
            1 => Ok(()),
            r => Err(Error::Option(format!(
                "the plan has {r} weightings of the background: each row needs a number for each, to mix them by"
            ))),
        }
    }

    fn run_with<W: Written>(
        &self,
        rows: &Rows<'_>,
        mix: Option<&[f64]>,
        out: &mut [W],
        threads: usize,
        control: &dyn Control,
    ) -> Result<()> {
        let width = self.model.n_features * self.model.n_outputs;
        rows.check(self.model.n_features, out.len(), width)?;
        if self.model.input.round_to_f32 {
            self.level.dispatch(Run::<f32, W> {
                plan: self,
                rows,
                mix,
                out,
                threads,
                control,
                lane: std::marker::PhantomData,
            })
        } else {
            self.level.dispatch(Run::<f64, W> {
                plan: self,
                rows,
                mix,
                out,
                threads,
                control,
                lane: std::marker::PhantomData,
            })
        }
    }
}

struct Run<'a, 'r, T, W> {
    plan: &'a Plan,
    rows: &'a Rows<'r>,
    mix: Option<&'a [f64]>,
    out: &'a mut [W],
    threads: usize,
    control: &'a dyn Control,
    lane: PhantomData<T>,
}

impl<T: Comparable, W: Written> Driver for Run<'_, '_, T, W> {
    type Out = Result<()>;

    fn drive<S: Simd>(self, s: S) -> Result<()> {
        let Run { plan, rows, mix, out, threads, control, .. } = self;
        let width = plan.model.n_features * plan.model.n_outputs;
        let way = plan.way(rows, threads, control)?;
        let together = way.rows_of_a_task(plan, rows.len(), threads);
        control.begin(together);
        let scratch = || Scratch::<S, T>::new(s, plan, way);
        for_each_chunk(out, together * width, threads, control, scratch, |scratch, index, out, cancel| {
            let start = index * together;
            scratch.explain(rows, mix, start..rows.len().min(start + together), None, cancel);
            for (block, out) in scratch.blocks.iter().zip(out.chunks_mut(BLOCK * width)) {
                block.write(s, plan, out);
            }
        })
    }
}

impl Way<'_> {
    /// Rows that a thread explains together. The values do not depend on it.
    pub(super) fn rows_of_a_task(self, plan: &Plan, rows: usize, threads: usize) -> usize {
        let trees = match self {
            Self::Trees(trees) => trees,
            Self::Pairs(later) => return Pairs::rows_of_a_task(later),
        };
        let tables: usize = trees.iter().map(|tree| tree.tables.bytes()).sum();
        let share = rows.div_ceil(threads.max(1)).next_multiple_of(BLOCK);
        if trees.iter().any(|tree| tree.tables.made().is_none()) {
            return share.clamp(BLOCK, plan.rows_in_passing());
        }
        let deep = trees.iter().any(|tree| !tree.deep.is_empty());
        if deep {
            return share.clamp(BLOCK, ROWS_OF_DEEP_LEAVES);
        }
        let wanted = match tables {
            0 => BLOCK,
            1..NEAR_TABLES => 2 * BLOCK,
            _ => ROWS_OF_LARGE_TABLES,
        };
        wanted.min(SUMS_TARGET / plan.sums_of_a_row() / BLOCK * BLOCK).min(share).max(BLOCK)
    }
}

/// A block of rows: what it reads, and the sums of its values.
pub(super) struct Block<S: Simd, T> {
    pub(super) length: usize,
    columns: Columns<T>,
    codes: Codes,
    masks: Vec<Mask>,
    /// Patterns of the rows in each group of the tree at hand.
    indices: Vec<Indices>,
    /// `[weighting][row]`, what the row mixes weightings by; empty where there is one.
    mix: Vec<[f64; BLOCK]>,
    /// `[output][slot, and one more for splits that add to nothing][vector]`
    pub(super) phi: Vec<S::V>,
}

/// What a thread needs for the rows it explains together.
pub(super) struct Scratch<'a, S: Simd, T> {
    s: S,
    plan: &'a Plan,
    trees: &'a [TreePlan],
    /// In the place of trees.
    pairs: Option<Pairs<'a>>,
    pub(super) blocks: Vec<Block<S, T>>,
    arena: Vec<S::V>,
    in_passing: InPassing,
    deep: Deep,
}

impl<S: Simd, T: Comparable> Block<S, T> {
    const VECTORS: usize = BLOCK / S::LANES;

    fn new(s: S, plan: &Plan) -> Self {
        let slots = plan.model.used_features.len();
        Self {
            length: 0,
            columns: Columns::new(slots, BLOCK),
            codes: Codes::new(plan.model.code_slots.len()),
            masks: Vec::new(),
            indices: Vec::new(),
            mix: Vec::new(),
            phi: vec![s.splat(0.0); plan.model.n_outputs * (slots + 1) * Self::VECTORS],
        }
    }

    /// Begins with `length` rows that have no values yet.
    fn clear(&mut self, s: S, length: usize) {
        self.length = length;
        self.phi.fill(s.splat(0.0));
    }

    fn read(&mut self, plan: &Plan, rows: &Rows<'_>, start: usize) {
        let (model, length) = (&plan.model, self.length);
        self.columns.fill(rows, start..start + length, &model.used_features, model.input);
        self.codes.fill(&self.columns, &model.code_slots, model.input);
    }

    /// Takes the block's part of `(n, R)` numbers.
    fn load_mix(&mut self, mix: &[f64], weightings: usize, start: usize) {
        self.mix.clear();
        self.mix.resize(weightings, [0.0; BLOCK]);
        for (row, numbers) in mix[start * weightings..].chunks_exact(weightings).take(self.length).enumerate() {
            self.mix.iter_mut().zip(numbers).for_each(|(of_rows, number)| of_rows[row] = *number);
        }
    }

    /// The sums of one output.
    fn phi(&mut self, plan: &Plan, output: u32) -> &mut [S::V] {
        let per_output = (plan.model.used_features.len() + 1) * Self::VECTORS;
        &mut self.phi[output as usize * per_output..][..per_output]
    }

    /// Tests the rows at every split of a tree, and finds their patterns in its groups.
    fn test(&mut self, s: S, tree: &TreePlan) {
        let (splits, columns, codes, rows) = (&tree.splits[..], &self.columns, &self.codes, self.length);
        s.vectorize(MaskPass { splits, columns, codes, rows, masks: &mut self.masks });
        let groups = tree.tables.groups.len();
        if self.indices.len() < groups {
            self.indices.resize(groups, [0; BLOCK]);
        }
        s.vectorize(IndexPass { tables: &tree.tables, masks: &self.masks, rows, out: &mut self.indices[..groups] });
    }

    /// Adds the tables of a chunk.
    fn look_up(&mut self, s: S, plan: &Plan, lines: &[Line], chunk: &Chunk, ahead: Option<(&Chunk, Range<usize>)>) {
        let rows = self.length;
        let (indices, mix) = (std::mem::take(&mut self.indices), std::mem::take(&mut self.mix));
        let (indices_of_all, phi) = (&indices[..], self.phi(plan, chunk.output));
        if plan.units.is_some() {
            let mixing = Wholes;
            s.vectorize(LookupPass { chunk, lines, indices: indices_of_all, phi, rows, mixing, ahead });
        } else if mix.is_empty() {
            let mixing = Plain;
            s.vectorize(LookupPass { chunk, lines, indices: indices_of_all, phi, rows, mixing, ahead });
        } else {
            let mixing = Mixed(&mix);
            s.vectorize(LookupPass { chunk, lines, indices: indices_of_all, phi, rows, mixing, ahead });
        }
        (self.indices, self.mix) = (indices, mix);
    }

    /// Adds one column of a leaf by itself.
    fn add_known(
        &mut self,
        s: S,
        plan: &Plan,
        (deep, block): (&Deep, usize),
        leaf: &DeepLeaf,
        (column, output): (usize, u32),
    ) {
        let rows = self.length;
        let mix = std::mem::take(&mut self.mix);
        let phi = self.phi(plan, output);
        if plan.units.is_some() {
            s.vectorize(KnownPass { deep, block, leaf, column, phi, rows, mixing: Wholes });
        } else if mix.is_empty() {
            s.vectorize(KnownPass { deep, block, leaf, column, phi, rows, mixing: Plain });
        } else {
            s.vectorize(KnownPass { deep, block, leaf, column, phi, rows, mixing: Mixed(&mix) });
        }
        self.mix = mix;
    }

    /// Vector by vector: the few rows of one stay in the nearest cache until all their features are written.
    fn write<W: Written>(&self, s: S, plan: &Plan, out: &mut [W]) {
        let (f, o) = (plan.model.n_features, plan.model.n_outputs);
        let slots = plan.model.used_features.len();
        if slots < f {
            out.fill(W::from_f64(0.0));
        }
        for (v, rows) in out.chunks_mut((S::LANES * f * o).max(1)).enumerate() {
            for (output, planes) in self.phi.chunks_exact((slots + 1) * Self::VECTORS).enumerate() {
                for (plane, &feature) in planes.chunks_exact(Self::VECTORS).zip(&plan.model.used_features) {
                    let at = feature as usize * o + output;
                    for (row, value) in rows.chunks_exact_mut(f * o).zip(s.lanes(plane[v])) {
                        row[at] = W::from_f64(value);
                    }
                }
            }
        }
    }
}

impl<'a, S: Simd, T: Comparable> Scratch<'a, S, T> {
    pub(super) fn new(s: S, plan: &'a Plan, way: Way<'a>) -> Self {
        let (trees, pairs) = match (way, &plan.units) {
            (Way::Pairs(later), Some(units)) => (&[][..], Some(Pairs::new(later, units))),
            (Way::Pairs(_), None) => (&[][..], None), // only a plan in units has pairs
            (Way::Trees(trees), _) => (trees, None),
        };
        Self {
            s,
            plan,
            trees,
            pairs,
            blocks: Vec::new(),
            arena: Vec::new(),
            in_passing: InPassing::default(),
            deep: Deep::default(),
        }
    }

    /// Explains some rows for the sake of some outputs (None: all); trees of others are left out. The values are of no use where
    /// `cancel` is requested.
    pub(super) fn explain(
        &mut self,
        rows: &Rows<'_>,
        mix: Option<&[f64]>,
        range: Range<usize>,
        outputs: Option<&[u32]>,
        cancel: &Cancel<'_>,
    ) {
        let (s, plan, trees) = (self.s, self.plan, self.trees);
        self.blocks.resize_with(range.len().div_ceil(BLOCK), || Block::new(s, plan));
        for (start, block) in range.clone().step_by(BLOCK).zip(&mut self.blocks) {
            block.clear(s, BLOCK.min(range.end - start));
            if let Some(pairs) = &mut self.pairs {
                pairs.explain(rows, start..start + block.length, outputs, cancel);
                pairs.put(s, &mut block.phi);
            } else {
                block.read(plan, rows, start);
            }
            if let Some(mix) = mix {
                block.load_mix(mix, plan.weightings, start);
            }
        }
        for tree in trees {
            if cancel.requested() {
                return;
            }
            if tree.output.zip(outputs).is_none_or(|(output, outputs)| outputs.contains(&output)) {
                self.add_tree(tree, cancel);
            }
        }
        if let Some(units) = &plan.units {
            for block in &mut self.blocks {
                s.vectorize(MeanPass { units, outputs: plan.model.n_outputs, phi: &mut block.phi });
            }
        }
    }

    /// Adds a tree: its programs, then its tables, then its leaves by themselves.
    fn add_tree(&mut self, tree: &TreePlan, cancel: &Cancel<'_>) {
        let plan = self.plan;
        for block in &mut self.blocks {
            block.test(self.s, tree);
            for program in &tree.programs {
                for points in &tree.points {
                    if cancel.requested() {
                        return;
                    }
                    pass(self.s, &mut self.arena, block, plan, program, points);
                }
            }
        }
        let blocks = self.blocks.len();
        let lines = self.in_passing.lines(self.s, &tree.tables);
        for (number, chunk) in tree.tables.chunks.iter().enumerate() {
            let next = tree.tables.chunks.get(number + 1).filter(|_| blocks > 2);
            for (at, block) in self.blocks.iter_mut().enumerate() {
                let ahead = next.map(|next| {
                    let lines = next.lookups.iter().map(|lookup| lookup.lines as usize).max().unwrap_or(0);
                    (next, lines * at / blocks..lines * (at + 1) / blocks)
                });
                block.look_up(self.s, plan, lines, chunk, ahead);
            }
        }
        let (deep, Some(kept)) = (&tree.deep, &plan.kept) else { return };
        if deep.iter().any(|leaf| !leaf.slots.is_empty()) {
            self.deep.begin::<S, T>(self.s, plan, tree, kept, blocks);
            self.blocks.iter().enumerate().for_each(|(at, block)| self.deep.put(at, &block.masks));
        }
        for leaf in deep.iter().filter(|leaf| !leaf.slots.is_empty()) {
            if cancel.requested() {
                return;
            }
            self.add_leaf(tree, leaf, kept);
        }
    }

    /// Adds a leaf by itself.
    fn add_leaf(&mut self, tree: &TreePlan, leaf: &DeepLeaf, kept: &KeptRows) {
        let (plan, deep) = (self.plan, &mut self.deep);
        let lengths: Vec<usize> = self.blocks.iter().map(|block| block.length).collect();
        let (weightings, wholes) = (plan.weightings, plan.units.is_some());
        self.s.vectorize(LeafPass { deep, leaf, kept, weightings, wholes, lengths: &lengths });
        for (at, block) in self.blocks.iter_mut().enumerate() {
            for column in 0..leaf.values.len() {
                let output = tree.output.unwrap_or(column as u32);
                block.add_known(self.s, plan, (&self.deep, at), leaf, (column, output));
            }
        }
    }
}

/// A pass of the recurrence over a block.
fn pass<S: Simd, T: Comparable>(
    s: S,
    arena: &mut Vec<S::V>,
    block: &mut Block<S, T>,
    plan: &Plan,
    program: &Program,
    points: &Points,
) {
    const { assert!(MAX_POINTS == 8, "one arm below for each number of points") };
    match points.q.len() {
        1 => groups::<S, T, 1>(s, arena, block, plan, program, points),
        2 => groups::<S, T, 2>(s, arena, block, plan, program, points),
        3 => groups::<S, T, 3>(s, arena, block, plan, program, points),
        4 => groups::<S, T, 4>(s, arena, block, plan, program, points),
        5 => groups::<S, T, 5>(s, arena, block, plan, program, points),
        6 => groups::<S, T, 6>(s, arena, block, plan, program, points),
        7 => groups::<S, T, 7>(s, arena, block, plan, program, points),
        _ => groups::<S, T, 8>(s, arena, block, plan, program, points),
    }
}

/// The same with the number of points known: as many vectors at a time as fit the arena's target.
fn groups<S: Simd, T: Comparable, const K: usize>(
    s: S,
    arena: &mut Vec<S::V>,
    block: &mut Block<S, T>,
    plan: &Plan,
    program: &Program,
    points: &Points,
) {
    let of_a_vector = program.planes * K;
    let fitting = ARENA_TARGET / (of_a_vector * size_of::<S::V>());
    let group = fitting.clamp(1, Block::<S, T>::VECTORS).next_power_of_two().min(16);
    if arena.len() < group * of_a_vector {
        arena.resize(group * of_a_vector, s.splat(0.0));
    }
    let used = block.length.div_ceil(S::LANES);
    let masks = std::mem::take(&mut block.masks);
    let phi = Cell::from_mut(block.phi(plan, program.output)).as_slice_of_cells();
    let (points_of_arena, _) = arena.as_chunks_mut::<K>();
    let arena = Cell::from_mut(points_of_arena).as_slice_of_cells();
    for first_vector in (0..used).step_by(group) {
        let vectors = group.min(used - first_vector);
        s.vectorize(Pass { program, points, masks: &masks, arena, phi, first_vector, vectors });
    }
    block.masks = masks;
}

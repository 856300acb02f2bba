//! Rows in, values out: blocks of rows over the threads, trees over a block, passes over a tree.

use std::cell::Cell;
use std::marker::PhantomData;

use super::masks::{BLOCK, Codes, Comparable, Mask, MaskPass};
use super::recurrence::Pass;
use crate::error::Result;
use crate::parallel::{Cancel, Control, for_each_chunk};
use crate::plan::{MAX_POINTS, Plan, Points, Program, TreePlan};
use crate::rows::{Columns, Rows};
use crate::simd::{Driver, Simd};

/// Rows that are explained together: the unit of work of a thread.
pub const ROWS_OF_A_CHUNK: usize = BLOCK;

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
    /// O(rows × leaves × points), memory a thread O(features + depth).
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) where `rows` have another number of columns than the model or `out` another
    /// length, [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn run<W: Written>(&self, rows: &Rows<'_>, out: &mut [W], threads: usize, control: &dyn Control) -> Result<()> {
        let width = self.model.n_features * self.model.n_outputs;
        rows.check(self.model.n_features, out.len(), width)?;
        if self.model.input.round_to_f32 {
            self.level.dispatch(Run::<f32, W> {
                plan: self,
                rows,
                out,
                threads,
                control,
                lane: std::marker::PhantomData,
            })
        } else {
            self.level.dispatch(Run::<f64, W> {
                plan: self,
                rows,
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
    out: &'a mut [W],
    threads: usize,
    control: &'a dyn Control,
    lane: PhantomData<T>,
}

impl<T: Comparable, W: Written> Driver for Run<'_, '_, T, W> {
    type Out = Result<()>;

    fn drive<S: Simd>(self, s: S) -> Result<()> {
        let Run { plan, rows, out, threads, control, .. } = self;
        let width = plan.model.n_features * plan.model.n_outputs;
        let scratch = || Scratch::<S, T>::new(s, plan);
        for_each_chunk(out, BLOCK * width, threads, control, scratch, |scratch, index, out, cancel| {
            let start = index * BLOCK;
            let length = (rows.len() - start).min(BLOCK);
            scratch.load(plan, rows, start, length);
            for tree in &plan.trees {
                if cancel.requested() {
                    return;
                }
                scratch.explain(plan, tree, length, cancel);
            }
            scratch.write(plan, out, length);
        })
    }
}

/// What a thread needs for a block of rows.
struct Scratch<S: Simd, T> {
    s: S,
    columns: Columns<T>,
    codes: Codes,
    masks: Vec<Mask>,
    arena: Vec<S::V>,
    /// `[output][slot, and one more for splits that add to nothing][vector]`
    phi: Vec<S::V>,
}

impl<S: Simd, T: Comparable> Scratch<S, T> {
    const VECTORS: usize = BLOCK / S::LANES;

    fn new(s: S, plan: &Plan) -> Self {
        let slots = plan.model.used_features.len();
        Self {
            s,
            columns: Columns::new(slots, BLOCK),
            codes: Codes::new(plan.model.code_slots.len()),
            masks: Vec::new(),
            arena: Vec::new(),
            phi: vec![s.splat(0.0); plan.model.n_outputs * (slots + 1) * Self::VECTORS],
        }
    }

    fn load(&mut self, plan: &Plan, rows: &Rows<'_>, start: usize, length: usize) {
        let model = &plan.model;
        self.columns.fill(rows, start..start + length, &model.used_features, model.input);
        self.codes.fill(&self.columns, &model.code_slots, model.input);
        self.phi.fill(self.s.splat(0.0));
    }

    fn explain(&mut self, plan: &Plan, tree: &TreePlan, length: usize, cancel: &Cancel<'_>) {
        let (splits, columns, codes) = (&tree.splits[..], &self.columns, &self.codes);
        self.s.vectorize(MaskPass { splits, columns, codes, rows: length, masks: &mut self.masks });
        for program in &tree.programs {
            for points in &tree.points {
                if cancel.requested() {
                    return;
                }
                self.pass(plan, program, points, length);
            }
        }
    }

    fn pass(&mut self, plan: &Plan, program: &Program, points: &Points, length: usize) {
        const { assert!(MAX_POINTS == 8, "one arm below for each number of points") };
        match points.q.len() {
            1 => self.groups::<1>(plan, program, points, length),
            2 => self.groups::<2>(plan, program, points, length),
            3 => self.groups::<3>(plan, program, points, length),
            4 => self.groups::<4>(plan, program, points, length),
            5 => self.groups::<5>(plan, program, points, length),
            6 => self.groups::<6>(plan, program, points, length),
            7 => self.groups::<7>(plan, program, points, length),
            _ => self.groups::<8>(plan, program, points, length),
        }
    }

    /// A pass over the block, as many vectors at a time as fit the arena's target.
    fn groups<const K: usize>(&mut self, plan: &Plan, program: &Program, points: &Points, length: usize) {
        let of_a_vector = program.planes * K;
        let fitting = ARENA_TARGET / (of_a_vector * size_of::<S::V>());
        let group = fitting.clamp(1, Self::VECTORS).next_power_of_two().min(16);
        if self.arena.len() < group * of_a_vector {
            self.arena.resize(group * of_a_vector, self.s.splat(0.0));
        }
        let per_output = (plan.model.used_features.len() + 1) * Self::VECTORS;
        let phi = &mut self.phi[program.output as usize * per_output..][..per_output];
        let phi = Cell::from_mut(phi).as_slice_of_cells();
        let (points_of_arena, _) = self.arena.as_chunks_mut::<K>();
        let arena = Cell::from_mut(points_of_arena).as_slice_of_cells();
        let used = length.div_ceil(S::LANES);
        for first_vector in (0..used).step_by(group) {
            let vectors = group.min(used - first_vector);
            self.s.vectorize(Pass { program, points, masks: &self.masks, arena, phi, first_vector, vectors });
        }
    }

    fn write<W: Written>(&self, plan: &Plan, out: &mut [W], length: usize) {
        let (f, o) = (plan.model.n_features, plan.model.n_outputs);
        out.fill(W::from_f64(0.0));
        let planes = self.phi.chunks_exact(Self::VECTORS);
        let slots = plan.model.used_features.len() + 1;
        for (index, plane) in planes.enumerate() {
            let (output, slot) = (index / slots, index % slots);
            let Some(&feature) = plan.model.used_features.get(slot) else { continue };
            let at = feature as usize * o + output;
            for (v, &vector) in plane.iter().enumerate().take(length.div_ceil(S::LANES)) {
                let lanes = self.s.lanes(vector);
                for lane in 0..S::LANES.min(length - v * S::LANES) {
                    out[(v * S::LANES + lane) * f * o + at] = W::from_f64(lanes[lane]);
                }
            }
        }
    }
}

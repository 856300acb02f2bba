//! The recurrence with pairs: `plan/interactions.rs` says what a node adds to which sums, and why.
//!
//! As in `recurrence.rs` every loop runs over the vectors of a group with a step's constants in registers, one row a lane, in
//! the same order at every level.

#![allow(clippy::needless_range_loop, reason = "k is the point's number, in several arrays and in the formulas")]

use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::Range;

use super::pair_sums::{PairGame, Task, carry_out};
use super::run::Written;
use crate::error::Result;
use crate::parallel::{Cancel, Control};
use crate::plan::{InteractionPlan, MAX_POINTS, PairLayout, Partner, SplitNode, TreeOfPairs, Visits, WeightedPoints};
use crate::rows::{Columns, Rows};
use crate::simd::{BLOCK, Driver, Kernel, Mask, Simd};
use crate::splits::{Codes, Comparable, MaskPass};

/// Bytes of C and U planes that a group of vectors may take.
const ARENA_TARGET: usize = 24 << 10;

impl InteractionPlan {
    /// Writes the interaction values of `rows`, row-major `(n, f, f, o)` or, where pairs were asked for, `(n, pairs, o)`, in
    /// units of the raw output, into all of `out`. O(rows × leaves × points × path features), memory a thread O(pairs).
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) where `rows` have another number of columns than the model or `out` another
    /// length, [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn run<W: Written>(&self, rows: &Rows<'_>, out: &mut [W], threads: usize, control: &dyn Control) -> Result<()> {
        rows.check(self.model.n_features, out.len(), self.row())?;
        self.drive(rows, control, threads, Task::Write(out))
    }

    /// Adds the sums of |interaction value| over `rows`, `(f, f, o)` or `(pairs, o)`, to `totals`; no row's values are kept.
    ///
    /// # Errors
    /// As [`InteractionPlan::run`].
    pub fn add_magnitudes(
        &self,
        rows: &Rows<'_>,
        totals: &mut [f64],
        threads: usize,
        control: &dyn Control,
    ) -> Result<()> {
        rows.check(self.model.n_features, rows.len() * totals.len(), self.row())?;
        self.drive(rows, control, threads, Task::<f64>::Add(totals))
    }

    fn drive<W: Written>(
        &self,
        rows: &Rows<'_>,
        control: &dyn Control,
        threads: usize,
        task: Task<'_, W>,
    ) -> Result<()> {
        if self.model.input.round_to_f32 {
            self.level.dispatch(Run::<f32, W> { plan: self, rows, task, threads, control, lane: PhantomData })
        } else {
            self.level.dispatch(Run::<f64, W> { plan: self, rows, task, threads, control, lane: PhantomData })
        }
    }
}

struct Run<'a, 'r, T, W> {
    plan: &'a InteractionPlan,
    rows: &'a Rows<'r>,
    task: Task<'a, W>,
    threads: usize,
    control: &'a dyn Control,
    lane: PhantomData<T>,
}

impl<T: Comparable + Sync, W: Written> Driver for Run<'_, '_, T, W> {
    type Out = Result<()>;

    fn drive<S: Simd>(self, s: S) -> Result<()> {
        let Run { plan, rows, task, threads, control, .. } = self;
        let game = Game { s, plan, rows, lane: PhantomData::<fn() -> T> };
        carry_out(&game, rows.len(), task, threads, control)
    }
}

/// The path-dependent game at one vector level.
struct Game<'a, 'r, S, T> {
    s: S,
    plan: &'a InteractionPlan,
    rows: &'a Rows<'r>,
    lane: PhantomData<fn() -> T>,
}

/// What a thread needs for a block of rows.
struct Scratch<S: Simd, T> {
    columns: Columns<T>,
    codes: Codes,
    masks: Vec<Mask>,
    arena: Vec<S::V>,
    /// `[output][plane][vector]`
    sums: Vec<S::V>,
}

impl<S: Simd, T: Comparable> PairGame for Game<'_, '_, S, T> {
    type Scratch = Scratch<S, T>;

    fn layout(&self) -> &PairLayout {
        &self.plan.layout
    }

    fn scratch(&self, stride: usize) -> Scratch<S, T> {
        let (model, layout) = (&self.plan.model, &self.plan.layout);
        Scratch {
            columns: Columns::new(model.used_features.len(), BLOCK),
            codes: Codes::new(model.code_slots.len()),
            masks: Vec::new(),
            arena: Vec::new(),
            sums: vec![self.s.splat(0.0); layout.planes() * layout.n_outputs * (stride / S::LANES)],
        }
    }

    fn add_up(
        &self,
        scratch: &mut Scratch<S, T>,
        rows: Range<usize>,
        stride: usize,
        sums: &mut [f64],
        cancel: &Cancel<'_>,
    ) {
        let (s, model) = (self.s, &self.plan.model);
        let length = rows.len();
        scratch.columns.fill(self.rows, rows, &model.used_features, model.input);
        scratch.codes.fill(&scratch.columns, &model.code_slots, model.input);
        scratch.sums.fill(s.splat(0.0));
        let block = Block { s, plan: self.plan, vectors: length.div_ceil(S::LANES), per_plane: stride / S::LANES };
        for tree in &self.plan.trees {
            if cancel.requested() {
                return;
            }
            let Scratch { columns, codes, masks, .. } = &mut *scratch;
            s.vectorize(MaskPass { splits: &tree.splits, columns, codes, rows: length, masks });
            for points in &tree.points {
                for column in 0..tree.outputs {
                    block.explain(scratch, tree, points, column);
                }
            }
        }
        for (out, vector) in sums.chunks_exact_mut(S::LANES).zip(&scratch.sums) {
            out.copy_from_slice(&s.lanes(*vector)[..S::LANES]);
        }
    }
}

/// A block of rows at one vector level.
struct Block<'a, S> {
    s: S,
    plan: &'a InteractionPlan,
    /// Vectors that hold rows, of those that a plane has.
    vectors: usize,
    per_plane: usize,
}

impl<S: Simd> Block<'_, S> {
    fn explain<T>(&self, scratch: &mut Scratch<S, T>, tree: &TreeOfPairs, points: &WeightedPoints, column: usize) {
        const { assert!(MAX_POINTS == 8, "one arm below for each number of points") };
        match points.q.len() {
            1 => self.groups::<1, T>(scratch, tree, points, column),
            2 => self.groups::<2, T>(scratch, tree, points, column),
            3 => self.groups::<3, T>(scratch, tree, points, column),
            4 => self.groups::<4, T>(scratch, tree, points, column),
            5 => self.groups::<5, T>(scratch, tree, points, column),
            6 => self.groups::<6, T>(scratch, tree, points, column),
            7 => self.groups::<7, T>(scratch, tree, points, column),
            _ => self.groups::<8, T>(scratch, tree, points, column),
        }
    }

    /// A pass over the block, as many vectors at a time as fit the arena's target.
    fn groups<const K: usize, T>(
        &self,
        scratch: &mut Scratch<S, T>,
        tree: &TreeOfPairs,
        points: &WeightedPoints,
        column: usize,
    ) {
        let of_a_vector = (tree.planes + 1) * K + 1; // a node's terms and their common sum take the place of a plane
        let fitting = ARENA_TARGET / (of_a_vector * size_of::<S::V>());
        let group = fitting.clamp(1, 16).next_power_of_two().min(16);
        if scratch.arena.len() < group * of_a_vector {
            scratch.arena.resize(group * of_a_vector, self.s.splat(0.0));
        }
        let (common, planes) = Cell::from_mut(&mut scratch.arena[..]).as_slice_of_cells().split_at(group);
        let (planes, _) = planes.as_chunks::<K>();
        let layout = &self.plan.layout;
        let per_output = layout.planes() * self.per_plane;
        let output = tree.first_output + column;
        let sums = Cell::from_mut(&mut scratch.sums[output * per_output..][..per_output]).as_slice_of_cells();
        let leaves = &tree.leaves[column * tree.nodes.len()..][..tree.nodes.len()];
        for first_vector in (0..self.vectors).step_by(group) {
            let vectors = group.min(self.vectors - first_vector);
            let per_plane = self.per_plane;
            let (masks, terms) = (&scratch.masks[..], tree.planes);
            self.s.vectorize(Pass {
                tree,
                points,
                leaves,
                masks,
                planes,
                common,
                terms,
                sums,
                first_vector,
                vectors,
                per_plane,
            });
        }
    }
}

/// One pass over the vectors `first_vector..first_vector + vectors` of a block.
struct Pass<'a, V, const K: usize> {
    tree: &'a TreeOfPairs,
    points: &'a WeightedPoints,
    leaves: &'a [[f64; 2]],
    masks: &'a [Mask],
    /// Planes of C and U, then one of a node's terms.
    planes: &'a [[Cell<V>; K]],
    /// Σ v R of a row that does not satisfy the other feature's edges.
    common: &'a [Cell<V>],
    /// The plane of the terms.
    terms: usize,
    sums: &'a [Cell<V>],
    first_vector: usize,
    vectors: usize,
    per_plane: usize,
}

impl<S: Simd, const K: usize> Kernel<S> for Pass<'_, S::V, K> {
    #[inline(always)]
    fn run(self, s: S) {
        for c in self.plane(0) {
            for k in 0..K {
                c[k].set(s.splat(self.points.q[k]));
            }
        }
        for visit in &self.tree.visits {
            let node = &self.tree.nodes[visit.node as usize];
            let leaf = &self.leaves[visit.node as usize];
            let (c, first, out) = (self.plane(visit.plane), self.plane(visit.plane + 1), self.plane(visit.out));
            match visit.what {
                Visits::First => self.down(s, node, true, c, self.plane(visit.plane + 2)),
                Visits::Second => self.down(s, node, false, c, self.plane(visit.plane + 2)),
                Visits::Back(0) => self.back(s, node, c, &Leaf(s.splat(leaf[0])), &Leaf(s.splat(leaf[1])), out),
                Visits::Back(1) => self.back(s, node, c, &Visited(first), &Leaf(s.splat(leaf[1])), out),
                Visits::Back(_) => self.back(s, node, c, &Visited(first), &Visited(out), out),
            }
        }
    }
}

/// U of a child.
trait Child<V, const K: usize> {
    fn up(&self, v: usize, k: usize) -> V;
}

struct Visited<'a, V, const K: usize>(&'a [[Cell<V>; K]]);

impl<V: Copy, const K: usize> Child<V, K> for Visited<'_, V, K> {
    #[inline(always)]
    fn up(&self, v: usize, k: usize) -> V {
        self.0[v][k].get()
    }
}

struct Leaf<V>(V);

impl<V: Copy, const K: usize> Child<V, K> for Leaf<V> {
    #[inline(always)]
    fn up(&self, _: usize, _: usize) -> V {
        self.0
    }
}

impl<'a, V: Copy, const K: usize> Pass<'a, V, K> {
    #[inline(always)]
    fn plane(&self, plane: u32) -> &'a [[Cell<V>; K]] {
        &self.planes[plane as usize * self.vectors..][..self.vectors]
    }

    /// The vectors' part of a plane of sums.
    #[inline(always)]
    fn sums(&self, plane: u32) -> &'a [Cell<V>] {
        &self.sums[plane as usize * self.per_plane + self.first_vector..][..self.vectors]
    }

    /// C of a child.
    #[inline(always)]
    fn down<S: Simd<V = V>>(&self, s: S, node: &SplitNode, to_first: bool, c: &[[Cell<V>; K]], child: &[[Cell<V>; K]]) {
        let split = Split::new(self, s, node);
        for v in 0..self.vectors {
            let beta = split.beta(s, self.first_vector + v);
            for k in 0..K {
                let c = c[v][k].get();
                let first = s.mul(split.a(s, beta, k), c);
                child[v][k].set(if to_first { first } else { s.sub(c, first) });
            }
        }
    }

    /// U of a node, and what its split adds to its feature and its pairs.
    #[inline(always)]
    fn back<S: Simd<V = V>>(
        &self,
        s: S,
        node: &SplitNode,
        c: &[[Cell<V>; K]],
        first: &impl Child<V, K>,
        second: &impl Child<V, K>,
        out: &[[Cell<V>; K]],
    ) {
        let split = Split::new(self, s, node);
        let unsatisfied = constants::<S, K>(s, &self.points.ratios);
        let (phi, terms) = (self.sums(node.split.slot), self.plane(self.terms as u32));
        for v in 0..self.vectors {
            let beta = split.beta(s, self.first_vector + v);
            let (mut value, mut common) = (s.splat(0.0), s.splat(0.0));
            for k in 0..K {
                let below = second.up(v, k);
                let difference = s.sub(first.up(v, k), below);
                let term = s.mul(beta, s.mul(s.mul(c[v][k].get(), split.omega[k]), difference));
                out[v][k].set(s.add(below, s.mul(split.a(s, beta, k), difference)));
                terms[v][k].set(term);
                let with = s.mul(term, unsatisfied[k]);
                (value, common) = if k == 0 { (term, with) } else { (s.add(value, term), s.add(common, with)) };
            }
            phi[v].set(s.add(phi[v].get(), value));
            self.common[v].set(common);
        }
        for partner in &self.tree.partners[node.partners.start as usize..node.partners.end as usize] {
            self.pair(s, partner, terms);
        }
    }

    #[inline(always)]
    fn pair<S: Simd<V = V>>(&self, s: S, partner: &Partner, terms: &[[Cell<V>; K]]) {
        let satisfied = constants::<S, K>(s, &self.points.ratios[partner.ratio as usize * K..]);
        let (sums, mask) = (self.sums(partner.plane), &self.masks[partner.mask as usize]);
        let common = &self.common[..self.vectors];
        for v in 0..self.vectors {
            let mut sum = s.mul(terms[v][0].get(), satisfied[0]);
            for k in 1..K {
                sum = s.add(sum, s.mul(terms[v][k].get(), satisfied[k]));
            }
            let term = s.select(s.mask(mask, self.first_vector + v), sum, common[v].get());
            sums[v].set(s.add(sums[v].get(), term));
        }
    }
}

/// A split's constants in registers.
struct Split<'a, V, const K: usize> {
    first: &'a Mask,
    second: &'a Mask,
    w: V,
    on_first: V,
    on_second: V,
    tau: [V; K],
    omega: [V; K],
}

impl<'a, V: Copy, const K: usize> Split<'a, V, K> {
    #[inline(always)]
    fn new<S: Simd<V = V>>(pass: &Pass<'a, V, K>, s: S, node: &SplitNode) -> Self {
        let rows = &pass.points.table[node.split.repeat as usize * 2 * K..][..2 * K];
        Self {
            first: &pass.masks[node.split.first as usize],
            second: &pass.masks[node.split.second as usize],
            w: s.splat(node.w),
            on_first: s.splat(1.0 - node.w),
            on_second: s.splat(-node.w),
            tau: constants(s, rows),
            omega: constants(s, &rows[K..]),
        }
    }

    /// 1 − w on one edge, −w on the other, 0 where an edge above on the feature is not satisfied.
    #[inline(always)]
    fn beta<S: Simd<V = V>>(&self, s: S, vector: usize) -> V {
        let other = s.select(s.mask(self.second, vector), self.on_second, s.splat(0.0));
        s.select(s.mask(self.first, vector), self.on_first, other)
    }

    #[inline(always)]
    fn a<S: Simd<V = V>>(&self, s: S, beta: V, k: usize) -> V {
        s.add(self.w, s.mul(self.tau[k], beta))
    }
}

/// The first `K` numbers, each in every lane.
#[inline(always)]
fn constants<S: Simd, const K: usize>(s: S, x: &[f64]) -> [S::V; K] {
    let mut out = [s.splat(0.0); K];
    for (out, x) in out.iter_mut().zip(&x[..K]) {
        *out = s.splat(*x);
    }
    out
}

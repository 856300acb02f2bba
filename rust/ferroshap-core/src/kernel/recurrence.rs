//! The steps of the recurrence over a group of vectors, `K` points in registers.
//!
//! Every loop runs over the vectors of the group; a step's constants are loaded once for all of them.

#![allow(clippy::needless_range_loop, reason = "k is the point's number, in several arrays and in the formulas")]

use std::cell::Cell;

use crate::plan::{NodeStep, Op, PairStep, Points, Program, SplitStep, UnitStep};
use crate::simd::{BLOCK, Kernel, Mask, Simd};

/// Runs one pass of a program over the vectors `first_vector..first_vector + vectors` of a block.
pub(super) struct Pass<'a, V, const K: usize> {
    pub(super) program: &'a Program,
    pub(super) points: &'a Points,
    pub(super) masks: &'a [Mask],
    /// `planes × vectors` points of `C` and `U`.
    pub(super) arena: &'a [Cell<[V; K]>],
    /// `(slots + 1) × vectors of a block`.
    pub(super) phi: &'a [Cell<V>],
    pub(super) first_vector: usize,
    pub(super) vectors: usize,
}

/// The vectors' sums for one feature, and where the vectors stand in their block.
#[derive(Clone, Copy)]
struct Tested<'a, V> {
    first: &'a Mask,
    second: &'a Mask,
    phi: &'a [Cell<V>],
    first_vector: usize,
}

impl<'a, V: Copy, const K: usize> Pass<'a, V, K> {
    #[inline(always)]
    fn plane(&self, plane: u32) -> &'a [Cell<[V; K]>] {
        &self.arena[plane as usize * self.vectors..][..self.vectors]
    }

    #[inline(always)]
    fn tested<S: Simd<V = V>>(&self, split: &SplitStep) -> Tested<'a, V> {
        let per_block = BLOCK / S::LANES;
        Tested {
            first: &self.masks[split.first as usize],
            second: &self.masks[split.second as usize],
            phi: &self.phi[split.slot as usize * per_block + self.first_vector..][..self.vectors],
            first_vector: self.first_vector,
        }
    }

    /// τ and ω of a split at the points.
    #[inline(always)]
    fn repeat(&self, split: &SplitStep) -> (&'a [f64; K], &'a [f64; K]) {
        let rows = &self.points.table[split.repeat as usize * 2 * K..][..2 * K];
        match (rows.first_chunk(), rows.last_chunk()) {
            (Some(tau), Some(omega)) => (tau, omega),
            _ => unreachable!("a table row holds K numbers"),
        }
    }
}

/// What hangs below a split as its second child, or as a whole: `U` as a function of `C`.
trait Below<S: Simd, const K: usize> {
    /// `U` for vector `v` of the group; adds what is below to φ. Implementations are `#[inline(always)]`.
    fn up(&self, s: S, v: usize, c: [S::V; K]) -> [S::V; K];
}

/// A child that has been visited: its `U` stands in a plane.
struct Visited<'a, V, const K: usize>(&'a [Cell<[V; K]>]);

impl<S: Simd, const K: usize> Below<S, K> for Visited<'_, S::V, K> {
    #[inline(always)]
    fn up(&self, _: S, v: usize, _: [S::V; K]) -> [S::V; K] {
        self.0[v].get()
    }
}

/// A leaf: the same `U` everywhere.
struct Leaf<V>(V);

impl<S: Simd, const K: usize> Below<S, K> for Leaf<S::V> {
    #[inline(always)]
    fn up(&self, _: S, _: usize, _: [S::V; K]) -> [S::V; K] {
        [self.0; K]
    }
}

impl<S: Simd, const K: usize> Kernel<S> for Pass<'_, S::V, K> {
    #[inline(always)]
    fn run(self, s: S) {
        self.start(s);
        for step in &self.program.steps {
            let node = &self.program.nodes[step.node as usize];
            let below = step.below as usize;
            let (c, first) = (self.plane(step.plane), self.plane(step.plane + 1));
            match step.op {
                Op::DescendFirst => self.descend(s, node, true, c, self.plane(step.plane + 2)),
                Op::DescendSecond => self.descend(s, node, false, c, self.plane(step.plane + 2)),
                Op::FirstUnit => {
                    let unit = &self.program.units[below];
                    if unit.repeats {
                        self.first(s, node, c, first, &Repeating::new(&self, s, unit));
                    } else {
                        self.first(s, node, c, first, &Distinct::new(&self, s, unit));
                    }
                }
                Op::Join => {
                    let out = self.plane(step.out);
                    self.join(s, node, c, first, out, &Visited(out));
                }
                Op::JoinLeaf => self.join(s, node, c, first, self.plane(step.out), &Leaf(s.splat(node.leaf))),
                Op::JoinPair => {
                    let pair = Pair::new(&self, s, &self.program.pairs[below]);
                    self.join(s, node, c, first, self.plane(step.out), &pair);
                }
                Op::JoinUnit => {
                    let (unit, out) = (&self.program.units[below], self.plane(step.out));
                    if unit.repeats {
                        self.join(s, node, c, first, out, &Repeating::new(&self, s, unit));
                    } else {
                        self.join(s, node, c, first, out, &Distinct::new(&self, s, unit));
                    }
                }
            }
        }
    }
}

impl<V: Copy, const K: usize> Pass<'_, V, K> {
    /// `C` of the root: the weights of the points, in every lane.
    #[inline(always)]
    fn start<S: Simd<V = V>>(&self, s: S) {
        let q = splat(s, self.points.q.first_chunk().unwrap_or(&[0.0; K]));
        for c in self.plane(0) {
            c.set(q);
        }
    }

    /// `C` of a child that is visited next.
    #[inline(always)]
    fn descend<S: Simd<V = V>>(
        &self,
        s: S,
        node: &NodeStep,
        to_first: bool,
        c: &[Cell<[V; K]>],
        child: &[Cell<[V; K]>],
    ) {
        let split = Node::new(self, s, node);
        for v in 0..self.vectors {
            let c = c[v].get();
            let (_, a) = split.share(s, v);
            let mut down = c;
            for k in 0..K {
                let first = s.mul(a[k], c[k]);
                down[k] = if to_first { first } else { s.sub(c[k], first) };
            }
            child[v].set(down);
        }
    }

    /// `U` of a first child that needs no visit.
    #[inline(always)]
    fn first<S: Simd<V = V>>(
        &self,
        s: S,
        node: &NodeStep,
        c: &[Cell<[V; K]>],
        first: &[Cell<[V; K]>],
        below: &impl Below<S, K>,
    ) {
        let split = Node::new(self, s, node);
        for v in 0..self.vectors {
            let c = c[v].get();
            let (_, a) = split.share(s, v);
            let mut down = c;
            for k in 0..K {
                down[k] = s.mul(a[k], c[k]);
            }
            first[v].set(below.up(s, v, down));
        }
    }

    /// `U` of a node, and what its split adds to φ.
    #[inline(always)]
    fn join<S: Simd<V = V>>(
        &self,
        s: S,
        node: &NodeStep,
        c: &[Cell<[V; K]>],
        first: &[Cell<[V; K]>],
        out: &[Cell<[V; K]>],
        second: &impl Below<S, K>,
    ) {
        let split = Node::new(self, s, node);
        for v in 0..self.vectors {
            let c = c[v].get();
            let (beta, a) = split.share(s, v);
            let mut down = c;
            for k in 0..K {
                down[k] = s.sub(c[k], s.mul(a[k], c[k]));
            }
            let mut up = second.up(s, v, down);
            let first = first[v].get();
            let mut sum = s.splat(0.0);
            for k in 0..K {
                let difference = s.sub(first[k], up[k]);
                let term = s.mul(s.mul(c[k], split.omega[k]), difference);
                sum = if k == 0 { term } else { s.add(sum, term) };
                up[k] = s.add(up[k], s.mul(a[k], difference));
            }
            out[v].set(up);
            add_to(s, &split.tested.phi[v], s.mul(beta, sum));
        }
    }
}

/// β of a split: `on_first` on one edge, `on_second` on the other, 0 where an edge above is not satisfied.
#[inline(always)]
fn beta<S: Simd>(s: S, tested: &Tested<'_, S::V>, v: usize, on_first: S::V, on_second: S::V) -> S::V {
    let at = tested.first_vector + v;
    let other = s.select(s.mask(tested.second, at), on_second, s.splat(0.0));
    s.select(s.mask(tested.first, at), on_first, other)
}

#[inline(always)]
fn add_to<S: Simd>(s: S, phi: &Cell<S::V>, x: S::V) {
    phi.set(s.add(phi.get(), x));
}

/// A visited split's constants in registers.
struct Node<'a, V, const K: usize> {
    tested: Tested<'a, V>,
    w: V,
    on_first: V,
    on_second: V,
    tau: [V; K],
    omega: [V; K],
}

impl<'a, V: Copy, const K: usize> Node<'a, V, K> {
    #[inline(always)]
    fn new<S: Simd<V = V>>(pass: &Pass<'a, V, K>, s: S, node: &NodeStep) -> Self {
        let (tau, omega) = pass.repeat(&node.split);
        Self {
            tested: pass.tested::<S>(&node.split),
            w: s.splat(node.w),
            on_first: s.splat(node.on_first),
            on_second: s.splat(node.on_second),
            tau: splat(s, tau),
            omega: splat(s, omega),
        }
    }

    /// β and a.
    #[inline(always)]
    fn share<S: Simd<V = V>>(&self, s: S, v: usize) -> (V, [V; K]) {
        let beta = beta(s, &self.tested, v, self.on_first, self.on_second);
        let mut a = self.tau;
        for k in 0..K {
            a[k] = s.add(self.w, s.mul(self.tau[k], beta));
        }
        (beta, a)
    }
}

#[inline(always)]
fn splat<S: Simd, const K: usize>(s: S, x: &[f64; K]) -> [S::V; K] {
    let mut out = [s.splat(0.0); K];
    for k in 0..K {
        out[k] = s.splat(x[k]);
    }
    out
}

/// A split into two leaves: U = e + τ x, φ += x Σ C ω.
struct Pair<'a, V, const K: usize> {
    tested: Tested<'a, V>,
    e: V,
    on_first: V,
    on_second: V,
    tau: [V; K],
    omega: [V; K],
}

impl<'a, V: Copy, const K: usize> Pair<'a, V, K> {
    #[inline(always)]
    fn new<S: Simd<V = V>>(pass: &Pass<'a, V, K>, s: S, pair: &PairStep) -> Self {
        let (tau, omega) = pass.repeat(&pair.split);
        Self {
            tested: pass.tested::<S>(&pair.split),
            e: s.splat(pair.e),
            on_first: s.splat(pair.on_first),
            on_second: s.splat(pair.on_second),
            tau: splat(s, tau),
            omega: splat(s, omega),
        }
    }

    #[inline(always)]
    fn x<S: Simd<V = V>>(&self, s: S, v: usize) -> V {
        beta(s, &self.tested, v, self.on_first, self.on_second)
    }
}

impl<S: Simd, const K: usize> Below<S, K> for Pair<'_, S::V, K> {
    #[inline(always)]
    fn up(&self, s: S, v: usize, c: [S::V; K]) -> [S::V; K] {
        let x = self.x(s, v);
        let mut up = c;
        let mut sum = s.splat(0.0);
        for k in 0..K {
            let term = s.mul(c[k], self.omega[k]);
            sum = if k == 0 { term } else { s.add(sum, term) };
            up[k] = s.add(self.e, s.mul(self.tau[k], x));
        }
        add_to(s, &self.tested.phi[v], s.mul(x, sum));
        up
    }
}

/// A unit whose three splits have no edge above on their features: it sees `C` through two moments only.
struct Distinct<'a, V, const K: usize> {
    tested: [Tested<'a, V>; 3],
    on_first: [V; 3],
    on_second: [V; 3],
    w: V,
    c0: V,
    u0: V,
    t: [V; K],
}

impl<'a, V: Copy, const K: usize> Distinct<'a, V, K> {
    #[inline(always)]
    fn new<S: Simd<V = V>>(pass: &Pass<'a, V, K>, s: S, unit: &UnitStep) -> Self {
        let (first, second) = (&unit.first, &unit.second);
        let (t, _) = pass.repeat(&unit.split);
        Self {
            tested: [pass.tested::<S>(&unit.split), pass.tested::<S>(&first.split), pass.tested::<S>(&second.split)],
            on_first: [s.splat(unit.on_first), s.splat(first.on_first), s.splat(second.on_first)],
            on_second: [s.splat(unit.on_second), s.splat(first.on_second), s.splat(second.on_second)],
            w: s.splat(unit.w),
            c0: s.splat(unit.c0),
            u0: s.splat(unit.u0),
            t: splat(s, t),
        }
    }

    /// No edge above: a row is on one edge or the other.
    #[inline(always)]
    fn x<S: Simd<V = V>>(&self, s: S, split: usize, v: usize) -> V {
        let at = self.tested[split].first_vector + v;
        s.select(s.mask(self.tested[split].first, at), self.on_first[split], self.on_second[split])
    }
}

impl<S: Simd, const K: usize> Below<S, K> for Distinct<'_, S::V, K> {
    #[inline(always)]
    fn up(&self, s: S, v: usize, c: [S::V; K]) -> [S::V; K] {
        let (beta, x1, x2) = (self.x(s, 0, v), self.x(s, 1, v), self.x(s, 2, v));
        let (mut s1, mut s2) = (c[0], s.mul(self.t[0], c[0]));
        for k in 1..K {
            s1 = s.add(s1, c[k]);
            s2 = s.add(s2, s.mul(self.t[k], c[k]));
        }
        let c1 = s.sub(x1, x2);
        let y = s.add(s.mul(self.w, s1), s.mul(beta, s2));
        add_to(s, &self.tested[0].phi[v], s.mul(beta, s.add(s.mul(self.c0, s1), s.mul(c1, s2))));
        add_to(s, &self.tested[1].phi[v], s.mul(x1, y));
        add_to(s, &self.tested[2].phi[v], s.mul(x2, s.sub(s1, y)));
        let u1 = s.add(s.add(x2, s.mul(self.w, c1)), s.mul(beta, self.c0));
        let u2 = s.mul(beta, c1);
        let mut up = c;
        for k in 0..K {
            up[k] = s.add(self.u0, s.mul(self.t[k], s.add(u1, s.mul(self.t[k], u2))));
        }
        up
    }
}

/// A unit in which some split has an edge above on its feature.
struct Repeating<'a, V, const K: usize> {
    top: Node<'a, V, K>,
    first: Pair<'a, V, K>,
    second: Pair<'a, V, K>,
}

impl<'a, V: Copy, const K: usize> Repeating<'a, V, K> {
    #[inline(always)]
    fn new<S: Simd<V = V>>(pass: &Pass<'a, V, K>, s: S, unit: &UnitStep) -> Self {
        let &UnitStep { split, w, on_first, on_second, .. } = unit;
        Self {
            top: Node::new(pass, s, &NodeStep { split, w, on_first, on_second, leaf: 0.0 }),
            first: Pair::new(pass, s, &unit.first),
            second: Pair::new(pass, s, &unit.second),
        }
    }
}

impl<S: Simd, const K: usize> Below<S, K> for Repeating<'_, S::V, K> {
    #[inline(always)]
    fn up(&self, s: S, v: usize, c: [S::V; K]) -> [S::V; K] {
        let (beta, a) = self.top.share(s, v);
        let (x1, x2) = (self.first.x(s, v), self.second.x(s, v));
        let mut up = c;
        let (mut sum, mut sum1, mut sum2) = (s.splat(0.0), s.splat(0.0), s.splat(0.0));
        for k in 0..K {
            let c1 = s.mul(a[k], c[k]);
            let c2 = s.sub(c[k], c1);
            let u1 = s.add(self.first.e, s.mul(self.first.tau[k], x1));
            let u2 = s.add(self.second.e, s.mul(self.second.tau[k], x2));
            let difference = s.sub(u1, u2);
            let terms = [
                s.mul(s.mul(c[k], self.top.omega[k]), difference),
                s.mul(c1, self.first.omega[k]),
                s.mul(c2, self.second.omega[k]),
            ];
            (sum, sum1, sum2) = match k {
                0 => (terms[0], terms[1], terms[2]),
                _ => (s.add(sum, terms[0]), s.add(sum1, terms[1]), s.add(sum2, terms[2])),
            };
            up[k] = s.add(u2, s.mul(a[k], difference));
        }
        add_to(s, &self.top.tested.phi[v], s.mul(beta, sum));
        add_to(s, &self.first.tested.phi[v], s.mul(x1, sum1));
        add_to(s, &self.second.tested.phi[v], s.mul(x2, sum2));
        up
    }
}

//! A model compiled for path-dependent interaction values: the recurrence of `program.rs`, node by node, and at each node the
//! pairs that its split adds to.
//!
//! With P = ∏ (t s + (1−t) W) over the features of a leaf's path, R(s, W) = (s − W) / (t s + (1−t) W), a leaf of value v adds
//!
//! ```text
//! φ_g  = ∫ v P R_g          pair index  φ_gh = ∫ v P R_g R_h          (0 < t < 1)
//! ```
//!
//! where s, W are those of all edges on the feature. Going down the path, the state (s, W) of one feature changes at each edge,
//! and R = 0 before its first. So R_g is the sum over the edges on g of the changes R′_g − R_g; and R_g R_h is the sum over the
//! edges on g *or* h of the change of the one times the current R of the other. The recurrence's term of a node on g,
//!
//! ```text
//! v_k = β C_k ω_k Δ_k
//! ```
//!
//! is that change, times P and value, summed over all leaves below (an edge down has a P R′ − P R = ± β ω P). Hence
//!
//! ```text
//! φ_g  += Σ_k v_k
//! φ_gh += Σ_k v_k R_h,k      for every other feature h with an edge above: R_h = (1 − W) / ((1−t) W + t)  if the row
//!                            satisfies all of them, −1 / (1−t) if not, whatever W is (also 0)
//! ```
//!
//! The single terms are no polynomials, but at every point they add up to v P R_g R_h, whose degree is d − 2: the points
//! that make φ exact are enough. The small subtrees in closed form of `shape.rs` are not used: every node needs its v_k.

use std::collections::HashMap;

use super::pairs::{PairLayout, Wanted};
use super::program::{MAX_POINTS, SplitStep};
use super::quadrature::{Rule, gauss_legendre};
use super::{PlanModel, check};
use crate::error::Result;
use crate::model::{Ensemble, Node, Tree};
use crate::simd::Level;
use crate::splits::{MaskSplit, code_slots};

/// Path-dependent interaction values of one model, ready to run.
#[derive(Debug, Clone)]
pub struct InteractionPlan {
    pub(crate) model: PlanModel,
    pub(crate) layout: PairLayout,
    pub(crate) trees: Vec<TreeOfPairs>,
    pub(crate) level: Level,
}

/// One tree. Its outputs share everything but the values of leaves.
#[derive(Debug, Clone)]
pub(crate) struct TreeOfPairs {
    pub(crate) splits: Vec<MaskSplit>,
    pub(crate) points: Vec<WeightedPoints>,
    pub(crate) visits: Vec<Visit>,
    pub(crate) nodes: Vec<SplitNode>,
    pub(crate) partners: Vec<Partner>,
    /// `[output of the tree][node][child]`, where the child is a leaf.
    pub(crate) leaves: Vec<[f64; 2]>,
    pub(crate) first_output: usize,
    pub(crate) outputs: usize,
    pub(crate) planes: usize,
}

/// The points of one pass.
#[derive(Debug, Clone)]
pub(crate) struct WeightedPoints {
    /// Weights.
    pub(crate) q: Vec<f64>,
    /// Pairs of rows τ, ω; the first pair is `t` and ones.
    pub(crate) table: Vec<f64>,
    /// R where a row satisfies the edges above on a feature, a row an edge; the first row: where it does not.
    pub(crate) ratios: Vec<f64>,
}

/// A step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visit {
    pub(crate) what: Visits,
    pub(crate) node: u32,
    /// Plane of the node's C; the next takes the first child's U, the one after it a child's C.
    pub(crate) plane: u32,
    /// Plane that takes the node's U.
    pub(crate) out: u32,
}

/// The kinds of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visits {
    /// C of the first child.
    First,
    /// C of the second child.
    Second,
    /// U of the node, after this many visited children (the second is a leaf if it is 1).
    Back(u8),
}

/// A split.
#[derive(Debug, Clone)]
pub(crate) struct SplitNode {
    pub(crate) split: SplitStep,
    /// Share of the first child.
    pub(crate) w: f64,
    /// Range of [`TreeOfPairs::partners`].
    pub(crate) partners: std::ops::Range<u32>,
}

/// Another feature on the path to a node, by its deepest edge.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Partner {
    /// Plane of the pair's sum.
    pub(crate) plane: u32,
    /// Mask of the rows that satisfy the feature's edges.
    pub(crate) mask: u32,
    /// Row of [`WeightedPoints::ratios`].
    pub(crate) ratio: u32,
}

impl InteractionPlan {
    /// Compiles `model` for what is `wanted`, at the vector level in use. O(leaves × path features × points).
    ///
    /// # Errors
    /// As [`Plan::path_dependent`](super::Plan::path_dependent); [`Error::Option`](crate::Error::Option) for a pair beyond
    /// the model's features.
    pub fn path_dependent(model: &Ensemble, wanted: Wanted<'_>) -> Result<Self> {
        Self::path_dependent_at(model, wanted, Level::in_use())
    }

    /// The same for a given vector level (for tests; the values have the same bits at every level).
    ///
    /// # Errors
    /// As [`InteractionPlan::path_dependent`].
    pub fn path_dependent_at(model: &Ensemble, wanted: Wanted<'_>, level: Level) -> Result<Self> {
        check(model)?;
        let mut layout = PairLayout::new(model, wanted)?;
        let (slots, mut rules) = (code_slots(model), HashMap::new());
        let walked = model.trees().iter().filter(|tree| tree.n_nodes > 1);
        let trees = walked.map(|tree| Walk::new(model, tree, &slots, &mut layout).compile(&mut rules)).collect();
        layout.finish(model);
        Ok(Self { model: PlanModel::new(model), layout, trees, level })
    }

    /// Memory of the compiled plan, in bytes.
    pub fn bytes(&self) -> usize {
        self.layout.bytes() + self.trees.iter().map(TreeOfPairs::bytes).sum::<usize>()
    }

    /// Pairs of features that share a path, of those that are asked for.
    pub fn pairs(&self) -> usize {
        self.layout.pairs.len()
    }

    /// Numbers that a row gets: `f · f · o`, or pairs asked for times `o`.
    pub fn row(&self) -> usize {
        self.layout.row()
    }

    /// The vector instructions in use.
    pub fn level(&self) -> Level {
        self.level
    }
}

impl TreeOfPairs {
    fn bytes(&self) -> usize {
        let points =
            |p: &WeightedPoints| size_of_val(&p.q[..]) + size_of_val(&p.table[..]) + size_of_val(&p.ratios[..]);
        size_of_val(&self.splits[..])
            + self.splits.iter().map(MaskSplit::bytes).sum::<usize>()
            + self.points.iter().map(points).sum::<usize>()
            + size_of_val(&self.visits[..])
            + size_of_val(&self.nodes[..])
            + size_of_val(&self.partners[..])
            + size_of_val(&self.leaves[..])
    }
}

impl WeightedPoints {
    /// `repeats` holds W above every repeated split, `edges` W of every edge that has a split below.
    fn new(t: &[f64], q: &[f64], repeats: &[f64], edges: &[f64]) -> Self {
        let mut table = t.to_vec();
        table.resize(2 * t.len(), 1.0);
        for &above in repeats {
            let denominator = |t: f64| (1.0 - t) * above + t;
            table.extend(t.iter().map(|&t| t / denominator(t)));
            table.extend(t.iter().map(|&t| above / (denominator(t) * denominator(t))));
        }
        let mut ratios: Vec<f64> = t.iter().map(|t| -1.0 / (1.0 - t)).collect();
        for w in edges {
            ratios.extend(t.iter().map(|t| (1.0 - w) / ((1.0 - t) * w + t)));
        }
        Self { q: q.to_vec(), table, ratios }
    }
}

/// A feature with an edge on the path to the current node.
#[derive(Debug, Clone, Copy)]
struct Live {
    slot: u32,
    /// Product of the shares of its edges.
    weight: f64,
    /// Mask of the rows that satisfy all of them.
    mask: u32,
    /// Row of the ratios.
    ratio: u32,
}

/// A node between its children.
struct Open {
    visit: Visit,
    /// Number of the comparison, the children in their order, and the share of the first.
    children: [u32; 2],
    path: Vec<Live>,
    visited: u8,
}

/// The compiling of one tree.
struct Walk<'a> {
    model: &'a Ensemble,
    tree: &'a Tree,
    code_slots: &'a [u32],
    layout: &'a mut PairLayout,
    out: TreeOfPairs,
    repeats: Vec<f64>,
    edges: Vec<f64>,
}

impl<'a> Walk<'a> {
    fn new(model: &'a Ensemble, tree: &'a Tree, code_slots: &'a [u32], layout: &'a mut PairLayout) -> Self {
        let (first_output, outputs) = match tree.output {
            Some(output) => (output as usize, 1),
            None => (0, model.n_outputs()),
        };
        let out = TreeOfPairs {
            splits: Vec::new(),
            points: Vec::new(),
            visits: Vec::new(),
            nodes: Vec::new(),
            partners: Vec::new(),
            leaves: Vec::new(),
            first_output,
            outputs,
            planes: 2 * tree.depth as usize + 3,
        };
        Self { model, tree, code_slots, layout, out, repeats: Vec::new(), edges: Vec::new() }
    }

    fn compile(mut self, rules: &mut HashMap<usize, Rule>) -> TreeOfPairs {
        let mut leaves: Vec<[Option<u32>; 2]> = Vec::new();
        let root = self.open(self.tree.root, 0, 2 * self.tree.depth + 2, Vec::new(), &mut leaves);
        let mut stack = vec![root]; // an explicit one, because trees can be deeper than a thread's
        while let Some(mut open) = stack.pop() {
            let side = usize::from(open.visited);
            if side == 2 || leaves[open.visit.node as usize][side].is_some() {
                self.out.visits.push(Visit { what: Visits::Back(open.visited), ..open.visit });
                continue;
            }
            open.visited += 1;
            let what = if side == 0 { Visits::First } else { Visits::Second };
            let Visit { plane, out, .. } = open.visit;
            self.out.visits.push(Visit { what, ..open.visit });
            let path = self.below(&open, side);
            let child = open.children[side];
            stack.push(open);
            let out = if side == 0 { plane + 1 } else { out };
            let opened = self.open(child, plane + 2, out, path, &mut leaves);
            stack.push(opened);
        }
        let divisor = self.model.accumulation().divisor();
        let value = |leaf: Option<u32>, column: usize| leaf.map_or(0.0, |l| self.model.leaf(l)[column] / divisor);
        self.out.leaves = (0..self.out.outputs)
            .flat_map(|column| leaves.iter().map(move |[first, second]| (column, *first, *second)))
            .map(|(column, first, second)| [value(first, column), value(second, column)])
            .collect();
        let points = (self.tree.path_features as usize).div_ceil(2).max(1);
        let rule = rules.entry(points).or_insert_with(|| gauss_legendre(points));
        let group = points.div_ceil(points.div_ceil(MAX_POINTS));
        self.out.points = (rule.t.chunks(group).zip(rule.q.chunks(group)))
            .map(|(t, q)| WeightedPoints::new(t, q, &self.repeats, &self.edges))
            .collect();
        self.out
    }

    /// Adds a node; children that are leaves come last.
    fn open(&mut self, node: u32, plane: u32, out: u32, path: Vec<Live>, leaves: &mut Vec<[Option<u32>; 2]>) -> Open {
        let model = self.model;
        let Node::Inner { split, left } = model.node(node) else { unreachable!("only inner nodes are visited") };
        let above = path.iter().find(|live| live.slot == split.slot);
        let index = self.out.splits.len() as u32;
        self.out.splits.push(MaskSplit::new(model, &split, self.code_slots, above.map_or(0, |live| live.mask)));
        let repeat = above.map_or(0, |live| {
            self.repeats.push(live.weight);
            self.repeats.len() as u32
        });
        let leaf = |node: u32| match model.node(node) {
            Node::Leaf { leaf } => Some(leaf),
            Node::Inner { .. } => None,
        };
        let share = model.left_share(left).unwrap_or(0.5);
        let swapped = leaf(left).is_some() && leaf(left + 1).is_none();
        let (side, w) = if swapped { (1, 1.0 - share) } else { (0, share) };
        let mask = |side: u32| 1 + 2 * index + side;
        let split = SplitStep { first: mask(side), second: mask(1 - side), slot: split.slot, repeat };
        let first_partner = self.out.partners.len() as u32;
        for live in path.iter().filter(|live| live.slot != split.slot) {
            if let Some(plane) = self.layout.plane(split.slot, live.slot) {
                self.out.partners.push(Partner { plane, mask: live.mask, ratio: live.ratio });
            }
        }
        let partners = first_partner..self.out.partners.len() as u32;
        let number = self.out.nodes.len() as u32;
        self.out.nodes.push(SplitNode { split, w, partners });
        let children = [left + side, left + 1 - side];
        leaves.push(children.map(leaf));
        Open { visit: Visit { what: Visits::First, node: number, plane, out }, children, path, visited: 0 }
    }

    /// The path to a child, with the edge to it.
    fn below(&mut self, open: &Open, side: usize) -> Vec<Live> {
        let SplitNode { split, w, .. } = &self.out.nodes[open.visit.node as usize];
        let (mask, share) = if side == 0 { (split.first, *w) } else { (split.second, 1.0 - w) };
        let mut path = open.path.clone();
        let at = path.iter().position(|live| live.slot == split.slot);
        let weight = share * at.map_or(1.0, |at| path[at].weight);
        self.edges.push(weight);
        let live = Live { slot: split.slot, weight, mask, ratio: self.edges.len() as u32 };
        match at {
            Some(at) => path[at] = live,
            None => path.push(live),
        }
        path
    }
}

//! A tree as the list of steps that the quadrature recurrence takes, leaves to root.
//!
//! Notation of the recurrence, used here and in `kernel/`: `t`, `q` point and weight of the quadrature; `w` share of the
//! first child; `W` product of the shares of the edges above that test the same feature; τ = t / ((1−t) W + t),
//! ω = W / ((1−t) W + t)²; `C` what comes down to a node, `U` what goes up from it, a polynomial's values at the points.

use std::collections::HashMap;
use std::ops::Range;

use super::paths::numbers;
use super::quadrature::{Rule, gauss_legendre};
use super::shape::{Shape, shapes};
use super::ways::Way;
use crate::model::{Ensemble, Node, Tree};

/// Most points that one pass handles: they live in registers. More points take several passes.
pub(crate) const MAX_POINTS: usize = 8;

/// The points of one pass over a tree and what each repeated split needs at them.
#[derive(Debug, Clone)]
pub(crate) struct Points {
    /// Weights of the points.
    pub(crate) q: Vec<f64>,
    /// Pairs of rows τ, ω of as many numbers as there are points: first `t` and ones, for splits whose feature no
    /// ancestor tests, then a pair for each of the others.
    pub(crate) table: Vec<f64>,
}

/// The steps for one output of a tree.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// The output that the leaves add to.
    pub(crate) output: u32,
    /// What to do, in order.
    pub(crate) steps: Vec<Step>,
    /// Constants of splits that are visited one by one.
    pub(crate) nodes: Vec<NodeStep>,
    /// Constants of splits into two leaves that stand alone.
    pub(crate) pairs: Vec<PairStep>,
    /// Constants of units.
    pub(crate) units: Vec<UnitStep>,
    /// Planes of `C` and `U` that the steps use.
    pub(crate) planes: usize,
}

/// One step, over a block of rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) op: Op,
    /// Index into the nodes.
    pub(crate) node: u32,
    /// Index into the pairs or units.
    pub(crate) below: u32,
    /// Plane of the node's `C`; the next one takes the first child's `U`, the one after it a child's `C`.
    pub(crate) plane: u32,
    /// Plane that takes the node's `U`.
    pub(crate) out: u32,
}

/// The kinds of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    /// `C` of the first child, which is visited next.
    DescendFirst,
    /// `U` of the first child, a unit.
    FirstUnit,
    /// `C` of the second child, which is visited next.
    DescendSecond,
    /// `U` of the node, both children being done.
    Join,
    /// `U` of the node, the second child being a leaf.
    JoinLeaf,
    /// `U` of the node, the second child being a pair.
    JoinPair,
    /// `U` of the node, the second child being a unit.
    JoinUnit,
}

/// A split: which rows go where, and what it adds to its feature.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SplitStep {
    /// Mask of the rows on the edge to the first child that satisfy every edge above on the same feature.
    pub(crate) first: u32,
    /// The same for the second child.
    pub(crate) second: u32,
    /// Slot of the feature; one past the last: nothing to add.
    pub(crate) slot: u32,
    /// Row pair of [`Points::table`]; 0: no edge above tests the feature.
    pub(crate) repeat: u32,
}

/// A split that is visited: β is `on_first`, `on_second` or 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NodeStep {
    pub(crate) split: SplitStep,
    /// Share of the first child.
    pub(crate) w: f64,
    /// 1 − w
    pub(crate) on_first: f64,
    /// −w
    pub(crate) on_second: f64,
    /// Value of the second child where that is a leaf.
    pub(crate) leaf: f64,
}

/// A split into two leaves with values `f`, `s`: U = e + τ x, with x = β (f − s).
#[derive(Debug, Clone, Copy)]
pub(crate) struct PairStep {
    pub(crate) split: SplitStep,
    /// s + (f − s) w
    pub(crate) e: f64,
    /// (f − s) (1 − w)
    pub(crate) on_first: f64,
    /// −(f − s) w
    pub(crate) on_second: f64,
}

/// A split above two pairs (a leaf is a pair of equal values).
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnitStep {
    pub(crate) split: SplitStep,
    /// Whether any of the three splits has an edge above it on its feature.
    pub(crate) repeats: bool,
    pub(crate) w: f64,
    pub(crate) on_first: f64,
    pub(crate) on_second: f64,
    pub(crate) first: PairStep,
    pub(crate) second: PairStep,
    /// Difference of the pairs' e, first − second.
    pub(crate) c0: f64,
    /// e of the second pair + w c0
    pub(crate) u0: f64,
}

impl Program {
    /// Splits that the steps visit.
    pub(super) fn splits(&self) -> usize {
        self.nodes.len() + self.pairs.len() + 3 * self.units.len()
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&self.steps[..])
            + size_of_val(&self.nodes[..])
            + size_of_val(&self.pairs[..])
            + size_of_val(&self.units[..])
    }
}

/// What the path to the current node says about one feature.
#[derive(Debug, Clone, Copy)]
struct OnPath {
    /// Product of the shares of the edges on the feature.
    weight: f64,
    /// Whether there is such an edge.
    tested: bool,
}

const UNTESTED: OnPath = OnPath { weight: 1.0, tested: false };

/// A split with its children in the recurrence's order.
struct Ordered {
    step: SplitStep,
    w: f64,
    first: u32,
    second: u32,
    above: OnPath,
}

/// Makes the plans of a model's trees.
pub(super) struct Compiler<'a> {
    model: &'a Ensemble,
    rules: HashMap<usize, Rule>,
    expected: Vec<f64>,
    scale: Vec<f64>,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(model: &'a Ensemble) -> Self {
        let divisor = model.accumulation().divisor();
        Self {
            model,
            rules: HashMap::new(),
            expected: model.base().iter().map(|b| b / divisor).collect(),
            scale: model.base().iter().map(|b| b.abs() / divisor).collect(),
        }
    }

    /// Expected value and scale of all trees compiled so far, with the base.
    pub(super) fn totals(self) -> (Vec<f64>, Vec<f64>) {
        (self.expected, self.scale)
    }

    /// The programs of a tree, one an output, and the points they run over; its groups count as leaves of value 0, and there
    /// is none where the root is one.
    pub(super) fn tree(&mut self, tree: &Tree, outputs: Range<u32>, ways: &[Way]) -> (Vec<Program>, Vec<Points>) {
        for (column, output) in outputs.clone().enumerate() {
            self.add_totals(tree, column, output as usize);
        }
        if tree.n_nodes == 1 || ways[0] != Way::Recurrence {
            return (Vec::new(), Vec::new()); // a constant explains nothing beyond the expected value
        }
        let (mut programs, mut repeats) = (Vec::new(), Vec::new());
        for (column, output) in outputs.enumerate() {
            let mut body = Body::new(self, tree, column, output, ways);
            body.compile();
            repeats = body.repeats;
            programs.push(body.program);
        }
        let points = (tree.path_features as usize).div_ceil(2).max(1);
        let rule = self.rules.entry(points).or_insert_with(|| gauss_legendre(points));
        let group = points.div_ceil(points.div_ceil(MAX_POINTS));
        let passes = rule.t.chunks(group).zip(rule.q.chunks(group));
        (programs, passes.map(|(t, q)| Points::new(t, q, &repeats)).collect())
    }

    fn add_totals(&mut self, tree: &Tree, column: usize, output: usize) {
        let divisor = self.model.accumulation().divisor();
        let mut reach = vec![1.0; tree.n_nodes as usize];
        let (mut mean, mut largest) = (0.0, 0f64);
        for node in tree.node_range() {
            let here = reach[(node - tree.root) as usize];
            match self.model.node(node) {
                Node::Inner { left, .. } => {
                    let (w, child) = (self.model.left_share(left).unwrap_or(0.5), (left - tree.root) as usize);
                    (reach[child], reach[child + 1]) = (here * w, here * (1.0 - w));
                }
                Node::Leaf { leaf } => {
                    let value = self.model.leaf(leaf)[column] / divisor;
                    mean += here * value;
                    largest = largest.max(value.abs());
                }
            }
        }
        self.expected[output] += mean;
        self.scale[output] += largest;
    }
}

impl Points {
    /// The points of one pass; `repeats` holds W of every repeated split.
    fn new(t: &[f64], q: &[f64], repeats: &[f64]) -> Self {
        let mut table = t.to_vec();
        table.resize(2 * t.len(), 1.0);
        for &above in repeats {
            let denominator = |t: f64| (1.0 - t) * above + t;
            table.extend(t.iter().map(|&t| t / denominator(t)));
            table.extend(t.iter().map(|&t| above / (denominator(t) * denominator(t))));
        }
        Self { q: q.to_vec(), table }
    }
}

/// The work of compiling one output of one tree.
struct Body<'a, 'b> {
    compiler: &'b Compiler<'a>,
    tree: &'b Tree,
    column: usize,
    shapes: Vec<Shape>,
    path: Vec<OnPath>,
    numbers: Vec<u32>,
    ways: &'b [Way],
    repeats: Vec<f64>,
    program: Program,
}

/// What the walk does next; an explicit stack, because trees can be deeper than a thread's.
enum Todo {
    Visit { node: u32, plane: u32, out: u32 },
    Second { step: Step, ordered: Ordered },
    Finish { step: Step, slot: u32, above: OnPath },
}

impl<'a, 'b> Body<'a, 'b> {
    fn new(compiler: &'b Compiler<'a>, tree: &'b Tree, column: usize, output: u32, ways: &'b [Way]) -> Self {
        let program =
            Program { output, steps: Vec::new(), nodes: Vec::new(), pairs: Vec::new(), units: Vec::new(), planes: 0 };
        Self {
            compiler,
            tree,
            column,
            shapes: shapes(compiler.model, tree, ways),
            path: vec![UNTESTED; compiler.model.used_features().len()],
            numbers: numbers(compiler.model, tree),
            ways,
            repeats: Vec::new(),
            program,
        }
    }

    fn shape(&self, node: u32) -> Shape {
        self.shapes[(node - self.tree.root) as usize]
    }

    fn compile(&mut self) {
        let root = self.tree.root;
        if self.shape(root) != Shape::Deep {
            self.lone_unit(root);
            return;
        }
        // planes: C, U of the first child, C of a child, …; the root's own U comes last and is not read
        let out = 2 * self.tree.depth + 2;
        self.program.planes = out as usize + 1;
        let mut stack = vec![Todo::Visit { node: root, plane: 0, out }];
        while let Some(todo) = stack.pop() {
            match todo {
                Todo::Visit { node, plane, out } => self.visit(node, plane, out, &mut stack),
                Todo::Second { step, ordered } => self.second(step, ordered, &mut stack),
                Todo::Finish { step, slot, above } => {
                    self.path[slot as usize] = above;
                    self.program.steps.push(Step { op: Op::Join, ..step });
                }
            }
        }
    }

    /// A tree that is one unit: the first child of a split that sends everything there.
    fn lone_unit(&mut self, root: u32) {
        let nothing = self.nothing();
        self.program.planes = 3;
        self.program.nodes.push(NodeStep { split: nothing, w: 1.0, on_first: 0.0, on_second: 0.0, leaf: 0.0 });
        let unit = self.unit(root);
        self.program.units.push(unit);
        self.program.steps.push(Step { op: Op::FirstUnit, node: 0, below: 0, plane: 0, out: 2 });
    }

    fn visit(&mut self, node: u32, plane: u32, out: u32, stack: &mut Vec<Todo>) {
        let ordered = self.order(node);
        let leaf = match self.shape(ordered.second) {
            Shape::Leaf => self.value(ordered.second),
            _ => 0.0,
        };
        let mut step = Step { op: Op::DescendFirst, node: self.program.nodes.len() as u32, below: 0, plane, out };
        let (w, split) = (ordered.w, ordered.step);
        self.program.nodes.push(NodeStep { split, w, on_first: 1.0 - w, on_second: -w, leaf });
        self.enter(&ordered, true);
        let first = ordered.first;
        if self.shape(first) == Shape::Unit {
            step.op = Op::FirstUnit;
            step.below = self.program.units.len() as u32;
            let unit = self.unit(first);
            self.program.units.push(unit);
        }
        self.program.steps.push(step);
        stack.push(Todo::Second { step, ordered });
        if step.op == Op::DescendFirst {
            stack.push(Todo::Visit { node: first, plane: plane + 2, out: plane + 1 });
        }
    }

    fn second(&mut self, mut step: Step, ordered: Ordered, stack: &mut Vec<Todo>) {
        self.enter(&ordered, false);
        let (slot, above) = (ordered.step.slot, ordered.above);
        step.op = match self.shape(ordered.second) {
            Shape::Leaf => Op::JoinLeaf,
            Shape::Pair => {
                let pair = self.pair(ordered.second);
                step.below = self.program.pairs.len() as u32;
                self.program.pairs.push(pair);
                Op::JoinPair
            }
            Shape::Unit => {
                let unit = self.unit(ordered.second);
                step.below = self.program.units.len() as u32;
                self.program.units.push(unit);
                Op::JoinUnit
            }
            Shape::Deep => {
                self.program.steps.push(Step { op: Op::DescendSecond, ..step });
                stack.push(Todo::Finish { step, slot, above });
                stack.push(Todo::Visit { node: ordered.second, plane: step.plane + 2, out: step.out });
                return;
            }
        };
        self.program.steps.push(step);
        self.path[slot as usize] = above;
    }

    /// A split with its larger child first.
    fn order(&mut self, node: u32) -> Ordered {
        let model = self.compiler.model;
        let Node::Inner { split, left } = model.node(node) else { unreachable!("only inner nodes are ordered") };
        let above = self.path[split.slot as usize];
        let index = self.numbers[(node - self.tree.root) as usize];
        let repeat = if above.tested {
            self.repeats.push(above.weight);
            self.repeats.len() as u32
        } else {
            0
        };
        let share = model.left_share(left).unwrap_or(0.5);
        let (on_left, on_right) = (1 + 2 * index, 2 + 2 * index);
        let slot = split.slot;
        if self.shape(left + 1) > self.shape(left) {
            let step = SplitStep { first: on_right, second: on_left, slot, repeat };
            Ordered { step, w: 1.0 - share, first: left + 1, second: left, above }
        } else {
            let step = SplitStep { first: on_left, second: on_right, slot, repeat };
            Ordered { step, w: share, first: left, second: left + 1, above }
        }
    }

    /// Puts the edge to a child on the path.
    fn enter(&mut self, node: &Ordered, first: bool) {
        let share = if first { node.w } else { 1.0 - node.w };
        let weight = node.above.weight * share;
        self.path[node.step.slot as usize] = OnPath { weight, tested: true };
    }

    fn value(&self, node: u32) -> f64 {
        let model = self.compiler.model;
        if self.ways[(node - self.tree.root) as usize] != Way::Recurrence {
            return 0.0; // tables explain what is below
        }
        match model.node(node) {
            Node::Leaf { leaf } => model.leaf(leaf)[self.column] / model.accumulation().divisor(),
            Node::Inner { .. } => unreachable!("only leaves have values"),
        }
    }

    /// A split that adds to no feature.
    fn nothing(&self) -> SplitStep {
        SplitStep { first: 0, second: 0, slot: self.path.len() as u32, repeat: 0 }
    }

    /// A leaf or a split into two leaves.
    fn pair(&mut self, node: u32) -> PairStep {
        if self.shape(node) == Shape::Leaf {
            return PairStep { split: self.nothing(), e: self.value(node), on_first: 0.0, on_second: 0.0 };
        }
        let ordered = self.order(node);
        let (first, second, w) = (self.value(ordered.first), self.value(ordered.second), ordered.w);
        let d = first - second;
        PairStep { split: ordered.step, e: second + d * w, on_first: d * (1.0 - w), on_second: -d * w }
    }

    /// A split above pairs and leaves.
    fn unit(&mut self, node: u32) -> UnitStep {
        let ordered = self.order(node);
        self.enter(&ordered, true);
        let first = self.pair(ordered.first);
        self.enter(&ordered, false);
        let second = self.pair(ordered.second);
        self.path[ordered.step.slot as usize] = ordered.above;
        let (split, w, c0) = (ordered.step, ordered.w, first.e - second.e);
        let repeats = split.repeat != 0 || first.split.repeat != 0 || second.split.repeat != 0;
        let u0 = second.e + w * c0;
        UnitStep { split, repeats, w, on_first: 1.0 - w, on_second: -w, first, second, c0, u0 }
    }
}

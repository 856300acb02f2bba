//! Which subtrees of a tree become pattern tables, by one cost model.
//!
//! A *group* is a subtree of a few leaves below one path. A row's pattern in it has a bit for each feature of the path (it
//! satisfies all edges on it) and one for each split of the group; each leaf's own pattern follows from it, so one look-up
//! gives what all leaves of the group add. A tree is cut from below: a subtree costs what its group costs or what its two
//! halves cost, whichever is less. What no group takes goes to the recurrence (path-dependent), or each leaf by itself to
//! the patterns that occur in the background (interventional).

use crate::model::{Ensemble, Node, Tree};
use crate::simd::Line;

/// Most leaves of a group.
const MOST_LEAVES: u32 = 8;

/// Most bits of a pattern: a table has a line for each.
pub(crate) const MOST_BITS: u32 = 12;

/// Nanoseconds of the cost model, as measured; the levels of vector instructions differ by less than the choice minds.
mod cost {
    /// A look-up of eight numbers of a group whose table is near: the load, and its share of the transpose.
    pub(super) const LOOKUP: f64 = 0.9;
    /// The same where the table is larger than the nearest cache.
    pub(super) const FAR_LOOKUP: f64 = 1.5;
    /// Lines of a table that the nearest cache has room for.
    pub(super) const NEAR_LINES: f64 = 512.0;
    /// A line of a table that has to come from memory for every few thousand rows.
    pub(super) const STREAM: f64 = 0.0015;
    /// What a line costs more, row by row, until the tables fit their memory; then there are none.
    pub(super) const PRICES: [f64; 9] = [0.0, 0.0008, 0.0016, 0.0032, 0.0064, 0.0128, 0.0256, 0.06, 0.2];
    /// A look-up in each weighting of the background but the first, mixed into the row's.
    pub(super) const MIXED: f64 = 0.6;
    /// A bit of a row's pattern.
    pub(super) const BIT: f64 = 0.05;
    /// Adding a background row to a pattern.
    pub(super) const COUNTED: f64 = 0.5;
    /// Making a line of a table.
    pub(super) const LINE: f64 = 10.0;
    /// A pattern of a leaf, for each of its features.
    pub(super) const PATTERN: f64 = 1.5;
    /// A split in the recurrence, and each of its points.
    pub(super) const STEP: f64 = 0.12;
    pub(super) const POINT: f64 = 0.11;
    /// A leaf by itself: the pattern of a row, what a different pattern needs, and a pair of patterns.
    pub(super) const DEEP_ROW: f64 = 4.0;
    pub(super) const DEEP_PATTERN: f64 = 60.0;
    pub(super) const DEEP_PAIR: f64 = 0.8;
    /// A pattern of a leaf by itself at which most occur, for each pair of features.
    pub(super) const DEEP_DENSE: f64 = 0.5;
}

/// What goes into the choice beside the tree.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Workload {
    /// Rows that will be explained.
    pub(crate) rows: f64,
    /// What a line of a table costs a row beside the look-up.
    line: f64,
    /// Rows of the background; `None`: path-dependent, where the recurrence takes what no group does.
    pub(crate) background: Option<f64>,
    /// Weightings of the background.
    weightings: f64,
}

/// Leaves of a model whose tables a core's cache holds, at about a kilobyte a leaf.
const NEAR_LEAVES: usize = 1000;

impl Workload {
    pub(crate) fn new(model: &Ensemble, rows: usize, background: Option<usize>) -> Self {
        let line = if model.n_leaves() > NEAR_LEAVES { cost::STREAM } else { 0.0 };
        Self { rows: rows as f64, line, background: background.map(|b| b as f64), weightings: 1.0 }
    }

    /// The same with several weightings of the background.
    pub(crate) fn with_weightings(self, weightings: usize) -> Self {
        Self { weightings: weightings as f64, ..self }
    }
}

/// The ways of all trees whose tables take at most `bytes`: lines are made dearer until they do.
pub(super) fn ways_within(model: &Ensemble, load: Workload, bytes: usize) -> Vec<Ways> {
    for price in cost::PRICES {
        let mut taken = 0usize;
        let of_tree = |tree| {
            let ways = ways(model, tree, load, price);
            taken = taken.saturating_add(ways.lines.saturating_mul(load.weightings as usize * size_of::<Line>()));
            (taken <= bytes).then_some(ways)
        };
        if let Some(ways) = model.trees().iter().map(of_tree).collect() {
            return ways;
        }
    }
    model.trees().iter().map(|tree| ways(model, tree, load, f64::INFINITY)).collect()
}

/// How a tree is explained.
pub(super) struct Ways {
    /// Of every node, counted from the root; below a group the nodes have none of their own.
    pub(super) of_nodes: Vec<Way>,
    /// Of every node, whether the patterns of its subtree can be counted at once, for all groups in it: an addition for each
    /// background row in the place of one for each group.
    pub(super) counted: Vec<bool>,
    /// Lines of the tables.
    lines: usize,
    /// Nanoseconds of all: making the tables, the background, the rows.
    pub(super) cost: f64,
}

/// How a node is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The subtree is one group.
    Group,
    /// No step here: both children by tables.
    Split,
    /// A step of the recurrence, or a leaf of it.
    Recurrence,
    /// A leaf by itself.
    Deep,
}

/// Chooses where each line of a table costs `price` more, row by row.
fn ways(model: &Ensemble, tree: &Tree, fair: Workload, price: f64) -> Ways {
    let load = Workload { line: fair.line + price, ..fair };
    let size = tree.n_nodes as usize;
    let above = Above::new(model, tree);
    let points = f64::from(tree.path_features.div_ceil(2).max(1));
    let outputs = if tree.output.is_some() { 1.0 } else { model.n_outputs() as f64 };
    let step = load.rows * outputs * (cost::STEP + points * cost::POINT);
    let mut way = vec![Way::Recurrence; size];
    // (by tables alone, the best)
    let mut costs = vec![(f64::INFINITY, 0.0); size];
    let mut leaves = vec![1u32; size];
    for node in tree.node_range().rev() {
        let at = (node - tree.root) as usize;
        let group = above.group(model, tree, node, leaves_below(model, tree, node, &mut leaves));
        let as_group = group.map_or(f64::INFINITY, |group| group.cost(load, outputs));
        costs[at] = match model.node(node) {
            Node::Leaf { .. } => match load.background {
                None => (as_group, as_group.min(0.0)),
                Some(background) => {
                    let alone = outputs * deep(above.features[at], load, background);
                    way[at] = if as_group <= alone { Way::Group } else { Way::Deep };
                    (as_group.min(alone), as_group.min(alone))
                }
            },
            Node::Inner { left, .. } => {
                let (first, second) = (costs[(left - tree.root) as usize], costs[(left - tree.root) as usize + 1]);
                let halves = first.0 + second.0;
                let tables = as_group.min(halves);
                let step = step + first.1 + second.1;
                way[at] = match () {
                    () if load.background.is_none() && step <= tables => Way::Recurrence,
                    () if as_group <= halves => Way::Group,
                    () => Way::Split,
                };
                (tables, if load.background.is_none() { tables.min(step) } else { tables })
            }
        };
    }
    only_tables_below_splits(model, tree, &costs, &mut way);
    let counted = counted(model, tree, &above, &leaves, &way, load);
    let mut chosen = Ways { of_nodes: way, counted, lines: 0, cost: 0.0 };
    let mut pending = vec![(tree.root, false)];
    while let Some((node, mut held)) = pending.pop() {
        let at = (node - tree.root) as usize;
        if !held && (chosen.counted[at] || chosen.of_nodes[at] == Way::Group) {
            held = true;
            let bits = f64::from(above.features[at] + leaves[at] - 1);
            chosen.cost += load.background.unwrap_or(0.0) * (cost::BIT * bits + cost::COUNTED * load.weightings);
        }
        match (chosen.of_nodes[at], load.background) {
            (Way::Group, _) => {
                let group = above.group(model, tree, node, leaves[at]);
                chosen.lines += outputs as usize * group.as_ref().map_or(0, Group::lines);
                chosen.cost += group.map_or(0.0, |group| group.cost(fair, outputs));
            }
            (Way::Deep, Some(background)) => chosen.cost += outputs * deep(above.features[at], fair, background),
            (way, _) => {
                if let Node::Inner { left, .. } = model.node(node) {
                    chosen.cost += if way == Way::Recurrence { step } else { 0.0 };
                    pending.extend([(left, held), (left + 1, held)]);
                }
            }
        }
    }
    chosen
}

/// Where a subtree has tables only, and patterns of so few bits that each comes several times.
fn counted(model: &Ensemble, tree: &Tree, above: &Above, leaves: &[u32], way: &[Way], load: Workload) -> Vec<bool> {
    let mut has_tables_only = vec![false; way.len()];
    let mut counted = vec![false; way.len()];
    let Some(background) = load.background else { return counted };
    let most_bits = ((background / 4.0).log2() as u32).min(MOST_BITS);
    for node in tree.node_range().rev() {
        let at = (node - tree.root) as usize;
        has_tables_only[at] = match (way[at], model.node(node)) {
            (Way::Group, _) => true,
            (Way::Split, Node::Inner { left, .. }) => {
                let first = (left - tree.root) as usize;
                has_tables_only[first] && has_tables_only[first + 1]
            }
            _ => false,
        };
        counted[at] = has_tables_only[at] && above.features[at] + leaves[at] - 1 <= most_bits;
    }
    counted
}

/// Below a node that has no step, a subtree that the recurrence would take at less cost goes by tables all the same.
fn only_tables_below_splits(model: &Ensemble, tree: &Tree, costs: &[(f64, f64)], way: &mut [Way]) {
    for node in tree.node_range() {
        let at = (node - tree.root) as usize;
        if let (Way::Split, Node::Inner { left, .. }) = (way[at], model.node(node)) {
            for child in [left, left + 1] {
                let below = (child - tree.root) as usize;
                if way[below] == Way::Recurrence {
                    way[below] = match model.node(child) {
                        Node::Inner { left, .. } => {
                            let first = (left - tree.root) as usize;
                            let halves = costs[first].0 + costs[first + 1].0;
                            if costs[below].0 < halves { Way::Group } else { Way::Split }
                        }
                        Node::Leaf { .. } => Way::Group,
                    };
                }
            }
        }
    }
}

fn leaves_below(model: &Ensemble, tree: &Tree, node: u32, leaves: &mut [u32]) -> u32 {
    let at = (node - tree.root) as usize;
    if let Node::Inner { left, .. } = model.node(node) {
        let first = (left - tree.root) as usize;
        leaves[at] = leaves[first].saturating_add(leaves[first + 1]);
    }
    leaves[at]
}

/// What stands above each node.
struct Above {
    /// Different features on the path to a node.
    features: Vec<u32>,
    /// Whether no node above tests the feature that a node tests.
    first_of_its_feature: Vec<bool>,
}

impl Above {
    fn new(model: &Ensemble, tree: &Tree) -> Self {
        let size = tree.n_nodes as usize;
        let mut out = Self { features: vec![0; size], first_of_its_feature: vec![false; size] };
        let mut pending: Vec<(u32, Vec<u32>)> = vec![(tree.root, Vec::new())];
        let mut spare: Vec<Vec<u32>> = Vec::new(); // paths that are not needed any more
        while let Some((node, mut path)) = pending.pop() {
            let at = (node - tree.root) as usize;
            out.features[at] = path.len() as u32;
            let Node::Inner { split, left } = model.node(node) else {
                spare.push(path);
                continue;
            };
            if !path.contains(&split.slot) {
                out.first_of_its_feature[at] = true;
                path.push(split.slot);
            }
            let mut right = spare.pop().unwrap_or_default();
            right.clone_from(&path);
            pending.push((left + 1, right));
            pending.push((left, path));
        }
        out
    }

    /// The subtree as a group, if it can be one.
    fn group(&self, model: &Ensemble, tree: &Tree, root: u32, leaves: u32) -> Option<Group> {
        let path = self.features[(root - tree.root) as usize];
        let bits = path + leaves.saturating_sub(1);
        if leaves > MOST_LEAVES || bits > MOST_BITS {
            return None;
        }
        let mut pending = vec![root];
        let (mut slots, mut patterns) = (path, 0.0);
        while let Some(node) = pending.pop() {
            let at = (node - tree.root) as usize;
            match model.node(node) {
                Node::Inner { left, .. } => {
                    slots += u32::from(self.first_of_its_feature[at]);
                    pending.extend([left, left + 1]);
                }
                Node::Leaf { .. } => {
                    let d = self.features[at];
                    patterns += f64::from(d.max(1)) * f64::from(1u32 << d);
                }
            }
        }
        Some(Group { bits, slots, patterns })
    }
}

struct Group {
    bits: u32,
    slots: u32,
    /// Numbers of its leaves' tables.
    patterns: f64,
}

impl Group {
    /// Lines of its table for one output and weighting.
    fn lines(&self) -> usize {
        (self.slots.div_ceil(8) as usize) << self.bits
    }

    /// Making the table, and a look-up a row. Counting the background is no matter of groups: neighbours are counted at once.
    fn cost(&self, load: Workload, outputs: f64) -> f64 {
        if self.slots == 0 {
            return 0.0;
        }
        let parts = f64::from(self.slots.div_ceil(8));
        let lines = parts * f64::from(1u32 << self.bits);
        let weightings = load.weightings;
        let build = outputs * cost::LINE * lines + cost::PATTERN * self.patterns;
        let lookup = if lines * weightings > cost::NEAR_LINES { cost::FAR_LOOKUP } else { cost::LOOKUP };
        let lookups = lookup + cost::MIXED * (weightings - 1.0);
        let stream = load.line * lines * weightings;
        let indices = cost::BIT * f64::from(self.bits);
        build * weightings + load.rows * (outputs * (parts * lookups + stream) + indices)
    }
}

/// A leaf of `d` features by itself.
fn deep(d: u32, load: Workload, background: f64) -> f64 {
    if d == 0 {
        return 0.0;
    }
    let all = f64::from(d.min(40)).exp2();
    // of many rows about this share of all patterns, or of the rows, differ
    let occurring = |n: f64| n.min(0.3 * all).min(0.5 * n + 20.0);
    let (a, q) = (occurring(load.rows), occurring(background));
    let alive = 0.04 + 0.9 * f64::from(d).exp2().recip();
    let rows = (load.rows + background) * cost::DEEP_ROW;
    if d <= MOST_BITS && 8.0 * q >= all {
        return rows + load.weightings * f64::from(d * d) * all * cost::DEEP_DENSE;
    }
    let of_a_pattern = cost::DEEP_PATTERN + cost::DEEP_PAIR * q * (0.2 + alive);
    rows + load.weightings * a * of_a_pattern
}

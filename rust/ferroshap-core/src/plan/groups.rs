//! The subtrees of a tree that can become pattern tables, and what each way to explain costs: one cost model.
//!
//! A *group* is a subtree of a few leaves below one path. A row's pattern in it has a bit for each feature of the path (it
//! satisfies all edges on it) and one for each split of the group; each leaf's own pattern follows from it, so one look-up
//! gives what all leaves of the group add. A tree is cut from below ([`super::ways`]): a subtree costs what its group costs
//! or what its two halves cost, whichever is less. What no group takes goes to the recurrence (path-dependent), or each leaf by
//! itself to the patterns that occur in the background (interventional).

use crate::model::{Ensemble, Node, Tree};

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

    /// The same where a line of a table costs a row so much more.
    pub(super) fn with_dearer_lines(self, price: f64) -> Self {
        Self { line: self.line + price, ..self }
    }

    pub(super) fn weightings(&self) -> usize {
        self.weightings as usize
    }

    /// Counting the background's patterns of so many bits.
    pub(super) fn counting(&self, bits: u32) -> f64 {
        self.background.unwrap_or(0.0) * (cost::BIT * f64::from(bits) + cost::COUNTED * self.weightings)
    }
}

/// The subtrees of a tree that can be groups.
pub(super) struct Candidates {
    /// By node, counted from the root: different features on the path to it.
    pub(super) features: Vec<u32>,
    /// Leaves below it.
    pub(super) leaves: Vec<u32>,
    pub(super) groups: Vec<Option<Group>>,
}

impl Candidates {
    pub(super) fn new(model: &Ensemble, tree: &Tree) -> Self {
        let size = tree.n_nodes as usize;
        let (features, leaves) = (vec![0; size], vec![1u32; size]);
        let mut out = Self { features, leaves, groups: vec![None; size] };
        let first_of_its_feature = out.read_paths(model, tree);
        let mut patterns = vec![0.0; size];
        for node in tree.node_range().rev() {
            let at = (node - tree.root) as usize;
            let path = out.features[at];
            match model.node(node) {
                Node::Leaf { .. } => patterns[at] = f64::from(path.max(1)) * f64::from(path.min(MOST_BITS)).exp2(),
                Node::Inner { left, .. } => {
                    let first = (left - tree.root) as usize;
                    out.leaves[at] = out.leaves[first].saturating_add(out.leaves[first + 1]);
                    patterns[at] = patterns[first] + patterns[first + 1];
                }
            }
            let bits = path.saturating_add(out.leaves[at] - 1);
            if out.leaves[at] <= MOST_LEAVES && bits <= MOST_BITS {
                let slots = path + new_slots(model, tree, node, &first_of_its_feature);
                out.groups[at] = Some(Group { bits, slots, patterns: patterns[at] });
            }
        }
        out
    }

    /// Counts the features of all paths; whether no node above tests the feature that a node tests.
    fn read_paths(&mut self, model: &Ensemble, tree: &Tree) -> Vec<bool> {
        let mut first_of_its_feature = vec![false; self.features.len()];
        let mut path: Vec<u32> = Vec::new();
        let mut pending = vec![(tree.root, 0)];
        while let Some((node, above)) = pending.pop() {
            path.truncate(above);
            let at = (node - tree.root) as usize;
            self.features[at] = above as u32;
            if let Node::Inner { split, left } = model.node(node) {
                if !path.contains(&split.slot) {
                    first_of_its_feature[at] = true;
                    path.push(split.slot);
                }
                pending.extend([(left + 1, path.len()), (left, path.len())]);
            }
        }
        first_of_its_feature
    }
}

/// How many features a subtree of few leaves tests that none above it does.
fn new_slots(model: &Ensemble, tree: &Tree, root: u32, first_of_its_feature: &[bool]) -> u32 {
    let mut slots = ([0; MOST_LEAVES as usize], 0);
    let mut pending = ([root; MOST_LEAVES as usize], 1);
    while pending.1 > 0 {
        pending.1 -= 1;
        let node = pending.0[pending.1];
        let Node::Inner { split, left } = model.node(node) else { continue };
        if first_of_its_feature[(node - tree.root) as usize] && !slots.0[..slots.1].contains(&split.slot) {
            slots.0[slots.1] = split.slot;
            slots.1 += 1;
        }
        (pending.0[pending.1], pending.0[pending.1 + 1]) = (left, left + 1);
        pending.1 += 2;
    }
    slots.1 as u32
}

/// A subtree as a group.
#[derive(Debug, Clone)]
pub(super) struct Group {
    bits: u32,
    slots: u32,
    /// Numbers of its leaves' tables.
    patterns: f64,
}

impl Group {
    /// Lines of its table for one output and weighting.
    pub(super) fn lines(&self) -> usize {
        (self.slots.div_ceil(8) as usize) << self.bits
    }

    /// Making the table, and a look-up a row. Counting the background is no matter of groups: neighbours are counted at once.
    pub(super) fn cost(&self, load: Workload, outputs: f64) -> f64 {
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

/// A step of the recurrence in a tree with so many features on a path.
pub(super) fn step(path_features: u32, outputs: f64, load: Workload) -> f64 {
    let points = f64::from(path_features.div_ceil(2).max(1));
    load.rows * outputs * (cost::STEP + points * cost::POINT)
}

/// A leaf of `d` features by itself.
pub(super) fn deep(d: u32, load: Workload, background: f64) -> f64 {
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

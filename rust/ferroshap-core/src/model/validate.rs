//! The laws of a model, one function each, and the walk that turns arrays into an [`Ensemble`].

use super::arrays::{ArraysView, EnsembleArrays};
use super::ensemble::{Ensemble, Tree};
use super::linear::{self, Linear};
use super::node::Packed;
use super::split::Split;
use crate::error::{Error, NodePlace, Result};

impl Ensemble {
    /// The model that `arrays` describe: every law checked, the nodes that a root reaches renumbered so that siblings
    /// are neighbours and parents come first.
    ///
    /// # Errors
    /// [`Error::Model`](crate::Error::Model) names the tree, the node and the law that is broken.
    pub fn try_new(arrays: &EnsembleArrays) -> Result<Self> {
        Self::try_from_view(&arrays.view())
    }

    /// The same from borrowed arrays.
    ///
    /// # Errors
    /// As [`Ensemble::try_new`].
    pub fn try_from_view(arrays: &ArraysView<'_>) -> Result<Self> {
        lengths(arrays)?;
        sets(arrays)?;
        finite_base(arrays)?;
        let width = leaf_width(arrays)?;
        if let Some(linear) = arrays.linear {
            linear::check(linear, arrays.left.len(), arrays.n_features, |node| arrays.left[node] < 0)?;
            if width != 1 {
                return Err(broken(NodePlace::ENSEMBLE, "linear leaves", "vectors", "single numbers"));
            }
        }
        let used_features = used_features(arrays);
        let mut out = Self {
            n_features: arrays.n_features,
            n_outputs: arrays.n_outputs,
            used_features,
            trees: Vec::with_capacity(arrays.tree_outputs.len()),
            nodes: Vec::with_capacity(arrays.left.len()),
            cover: arrays.cover.map(|c| Vec::with_capacity(c.len())),
            leaf_width: width,
            leaf_values: Vec::with_capacity(arrays.values.len() / 2 + width),
            largest_leaves: vec![0.0; arrays.n_outputs],
            largest_leaf: vec![0.0; arrays.n_outputs],
            set_starts: arrays.set_starts.iter().map(|&s| s as usize).collect(),
            set_words: arrays.set_words.to_vec(),
            base: arrays.base.to_vec(),
            accumulation: arrays.accumulation,
            input: arrays.input,
            linear: arrays.linear.map(|_| Linear::new()),
        };
        let mut walk = Walk::new(arrays, &out.used_features);
        for tree in 0..arrays.tree_outputs.len() {
            walk.tree(tree, &mut out)?;
        }
        Ok(out)
    }
}

fn broken(place: NodePlace, field: &'static str, found: impl ToString, expected: impl Into<String>) -> Error {
    Error::Model { place, field, found: found.to_string(), expected: expected.into() }
}

/// All arrays have the length that the others imply, and the tree ranges tile the nodes.
fn lengths(a: &ArraysView<'_>) -> Result<()> {
    let (t, v) = (a.tree_outputs.len(), a.left.len());
    let at = NodePlace::ENSEMBLE;
    if a.n_outputs == 0 || a.base.len() != a.n_outputs {
        return Err(broken(at, "length of base", a.base.len(), format!("{} outputs, at least one", a.n_outputs)));
    }
    if a.n_features > i32::MAX as usize || v > i32::MAX as usize {
        return Err(broken(at, "size", format!("{} features, {v} nodes", a.n_features), "fewer than 2^31 of each"));
    }
    let mut nodes = [
        ("length of right", a.right.len()),
        ("length of feature", a.feature.len()),
        ("length of threshold", a.threshold.len()),
        ("length of flags", a.flags.len()),
        ("length of category_set", a.category_set.len()),
        ("length of cover", a.cover.map_or(v, <[f64]>::len)),
    ]
    .into_iter();
    if let Some((field, found)) = nodes.find(|&(_, length)| length != v) {
        return Err(broken(at, field, found, format!("{v}, the length of left")));
    }
    let starts = a.tree_starts;
    if starts.len() != t + 1 || starts[0] != 0 || starts[t] != v as i64 {
        return Err(broken(at, "tree_starts", format!("{} entries", starts.len()), format!("{} from 0 to {v}", t + 1)));
    }
    match starts.windows(2).position(|w| w[0] >= w[1]) {
        Some(tree) => {
            Err(broken(NodePlace::tree(tree), "number of nodes", starts[tree + 1] - starts[tree], "at least 1"))
        }
        None => Ok(()),
    }
}

/// The bit sets tile their words.
fn sets(a: &ArraysView<'_>) -> Result<()> {
    let (s, words) = (a.set_starts, a.set_words.len() as i64);
    let tiled = s.first() == Some(&0) && s.last() == Some(&words) && s.windows(2).all(|w| w[0] <= w[1]);
    if tiled {
        return Ok(());
    }
    Err(broken(NodePlace::ENSEMBLE, "set_starts", format!("{} entries", s.len()), format!("ascending, 0 to {words}")))
}

fn finite_base(a: &ArraysView<'_>) -> Result<()> {
    match a.base.iter().find(|b| !b.is_finite()) {
        Some(b) => Err(broken(NodePlace::ENSEMBLE, "base score", b, "a finite number")),
        None if !(a.accumulation.divisor() > 0.0 && a.accumulation.divisor().is_finite()) => {
            let found = a.accumulation.divisor();
            Err(broken(
                NodePlace::ENSEMBLE,
                "divisor",
                found,
                "the number of trees or the sum of their weights, above 0",
            ))
        }
        None => Ok(()),
    }
}

/// Leaves are single numbers that go to one output, or vectors over all outputs.
fn leaf_width(a: &ArraysView<'_>) -> Result<usize> {
    let v = a.left.len();
    let vector = a.tree_outputs.iter().any(|&o| o < 0);
    let width = if vector { a.n_outputs } else { 1 };
    if Some(a.values.len()) != v.checked_mul(width) {
        return Err(broken(NodePlace::ENSEMBLE, "length of values", a.values.len(), format!("{v} nodes × {width}")));
    }
    for (tree, &output) in a.tree_outputs.iter().enumerate() {
        if (output < 0) != vector || output >= a.n_outputs as i32 {
            let expected = if vector { "-1, as for the other trees" } else { "below the number of outputs" };
            return Err(broken(NodePlace::tree(tree), "output", output, expected));
        }
    }
    Ok(width)
}

/// The features that inner nodes and linear leaves name, ascending, dead nodes included only if they name a real feature.
fn used_features(a: &ArraysView<'_>) -> Vec<u32> {
    let by_leaves = a.linear.iter().flat_map(|linear| linear.features.iter().map(|&f| f as u32));
    if a.n_features > MOST_MARKED {
        let inner = a.left.iter().zip(a.feature).filter(|&(&left, _)| left >= 0).map(|(_, &f)| f as u32);
        let mut used: Vec<u32> = inner.filter(|&f| (f as usize) < a.n_features).chain(by_leaves).collect();
        used.sort_unstable();
        used.dedup();
        return used;
    }
    let mut is_used = vec![false; a.n_features + 1]; // the last one for what is no feature
    for (&left, &feature) in a.left.iter().zip(a.feature) {
        is_used[(feature as u32 as usize).min(a.n_features)] |= left >= 0; // no branch: inner nodes and leaves are in no order
    }
    by_leaves.for_each(|f| is_used[f as usize] = true);
    (0..a.n_features as u32).filter(|&f| is_used[f as usize]).collect()
}

/// The largest |value| of every `step`th.
fn largest_of(values: &[f64], step: usize) -> f64 {
    let (eights, rest) = if step == 1 { values.as_chunks::<8>() } else { (&[][..], values) };
    let mut lanes = [0f64; 8]; // of a chain of comparisons each waits for the one before it
    for eight in eights {
        lanes.iter_mut().zip(eight).for_each(|(lane, v)| *lane = lane.max(v.abs()));
    }
    lanes.into_iter().chain(rest.iter().step_by(step).copied()).fold(0.0, |largest, v| largest.max(v.abs()))
}

/// Up to so many features are marked in a list of all, which is faster than to sort and to search those in use. More may be
/// said to be there than there is memory for.
const MOST_MARKED: usize = 1 << 16;

const NO_SLOT: u32 = u32::MAX;

/// Scratch of the walk over one tree after another.
struct Walk<'a> {
    a: &'a ArraysView<'a>,
    /// The feature of each slot, ascending.
    used: Vec<u32>,
    /// The slot of each feature, up to `MOST_MARKED` of them; else empty.
    slots: Vec<u32>,
    seen: Vec<bool>,
    /// Leaves so far.
    leaves: u32,
    /// What is still to be visited.
    stack: Vec<Visit>,
    /// By depth, the slots that the nodes above test; what is deeper is of nodes that were left.
    path: Vec<u32>,
    /// The least depth at which a slot is on the path, if `path` has it there: tells a feature that is new to the path without
    /// a set per node, and without taking anything off when the walk goes back up.
    first_depths: Vec<u32>,
}

/// A node of the depth-first walk, to be checked and placed.
struct Visit {
    /// The node in the arrays.
    old: usize,
    /// The node in the ensemble.
    new: usize,
    depth: u32,
    /// Different features above it.
    unique: u32,
}

impl<'a> Walk<'a> {
    fn new(a: &'a ArraysView<'a>, used: &[u32]) -> Self {
        let mut slots = vec![NO_SLOT; if a.n_features > MOST_MARKED { 0 } else { a.n_features }];
        if !slots.is_empty() {
            (0..).zip(used).for_each(|(slot, &feature)| slots[feature as usize] = slot);
        }
        let (seen, stack, path) = (Vec::new(), Vec::new(), Vec::new());
        Self { a, used: used.to_vec(), slots, seen, leaves: 0, stack, path, first_depths: vec![0; used.len()] }
    }

    fn tree(&mut self, tree: usize, out: &mut Ensemble) -> Result<()> {
        let first = self.a.tree_starts[tree] as usize;
        let size = self.a.tree_starts[tree + 1] as usize - first;
        let (root, first_value) = (out.nodes.len(), out.leaf_values.len());
        let output = u32::try_from(self.a.tree_outputs[tree]).ok();
        let mut shape = Tree { root: root as u32, n_nodes: 0, depth: 0, path_features: 0, plain: true, output };
        self.seen.clear();
        self.seen.resize(size, false);
        self.seen[0] = true;
        out.nodes.push(Packed::leaf(0, 0));
        self.push_cover(tree, first, 0, out)?;
        self.stack.push(Visit { old: 0, new: root, depth: 0, unique: 0 });
        while let Some(Visit { old, new, depth, unique }) = self.stack.pop() {
            shape.depth = shape.depth.max(depth);
            shape.path_features = shape.path_features.max(unique);
            if self.a.left[first + old] < 0 {
                out.nodes[new] = Packed::leaf(self.leaf(tree, first, old, out)?, new as u32);
            } else {
                let split = self.split(tree, first, old)?;
                shape.plain &= split.is_plain();
                out.nodes[new] = Packed::inner(split, out.nodes.len() as u32);
                self.children(tree, first, old, size, split.slot, depth, unique, out)?;
            }
        }
        shape.n_nodes = (out.nodes.len() - root) as u32;
        out.trees.push(shape);
        let (divisor, leaves) = (out.accumulation.divisor(), &out.leaf_values[first_value..]);
        let first = output.unwrap_or(0) as usize;
        for column in 0..out.leaf_width {
            let largest = largest_of(&leaves[column..], out.leaf_width) / divisor;
            out.largest_leaves[first + column] += largest;
            out.largest_leaf[first + column] = out.largest_leaf[first + column].max(largest);
        }
        Ok(())
    }

    fn slot(&self, feature: i32) -> Option<u32> {
        match self.slots.get(feature as usize) {
            Some(&slot) => (slot != NO_SLOT).then_some(slot),
            None => self.used.binary_search(&(feature as u32)).ok().map(|slot| slot as u32),
        }
    }

    fn leaf(&mut self, tree: usize, first: usize, old: usize, out: &mut Ensemble) -> Result<u32> {
        let place = NodePlace::node(tree, old);
        let right = self.a.right[first + old];
        if right >= 0 {
            return Err(broken(place, "right child", right, "-1, because the node has no left child"));
        }
        let value = &self.a.values[(first + old) * out.leaf_width..][..out.leaf_width];
        if let Some(output) = value.iter().position(|v| !v.is_finite()) {
            let which = if value.len() > 1 { format!(" in output {output}") } else { String::new() };
            return Err(broken(place, "leaf value", format!("{}{which}", value[output]), "a finite number"));
        }
        let leaf = self.leaves;
        self.leaves += 1;
        match value {
            [value] => out.leaf_values.push(*value), // nearly always, and without a call
            values => out.leaf_values.extend_from_slice(values),
        }
        if let (Some(from), Some(to)) = (self.a.linear, &mut out.linear) {
            let node = first + old;
            let range = from.starts[node] as usize..from.starts[node + 1] as usize;
            let slot = |term: usize| self.slot(from.features[term]).unwrap_or_default(); // all are in use
            let terms = range.map(|term| (slot(term), from.coefficients[term]));
            to.push(from.constants[node], terms);
        }
        Ok(leaf)
    }

    #[allow(clippy::too_many_arguments, reason = "the state of one step of the walk, used nowhere else")]
    fn children(
        &mut self,
        tree: usize,
        first: usize,
        old: usize,
        size: usize,
        slot: u32,
        depth: u32,
        unique: u32,
        out: &mut Ensemble,
    ) -> Result<()> {
        let left = out.nodes.len();
        for (field, child) in [("left child", self.a.left[first + old]), ("right child", self.a.right[first + old])] {
            self.claim(tree, old, field, child, size)?;
            out.nodes.push(Packed::leaf(0, 0));
            self.push_cover(tree, first, child as usize, out)?;
        }
        match self.path.get_mut(depth as usize) {
            Some(at) => *at = slot,
            None => self.path.push(slot), // every depth above has been there
        }
        // no branches: features come again in no order
        let first_depth = self.first_depths[slot as usize];
        let is_known = (first_depth < depth) & (self.path[first_depth as usize] == slot);
        self.first_depths[slot as usize] = if is_known { first_depth } else { depth };
        let unique = unique + u32::from(!is_known);
        for (side, child) in [(1, self.a.right[first + old]), (0, self.a.left[first + old])] {
            self.stack.push(Visit { old: child as usize, new: left + side, depth: depth + 1, unique });
        }
        Ok(())
    }

    /// A child is a node of the same tree that nothing else has claimed: no second parent, no cycle.
    fn claim(&mut self, tree: usize, parent: usize, field: &'static str, child: i32, size: usize) -> Result<()> {
        let place = NodePlace::node(tree, parent);
        match self.seen.get_mut(child as usize) {
            _ if child < 0 => Err(broken(place, field, child, "a node, because the node has another child")),
            None => Err(broken(place, field, child, format!("below {size}, the nodes of the tree"))),
            Some(true) => Err(broken(place, field, child, "a node without another parent")),
            Some(seen) => {
                *seen = true;
                Ok(())
            }
        }
    }

    fn split(&self, tree: usize, first: usize, old: usize) -> Result<Split> {
        let place = NodePlace::node(tree, old);
        let (at, feature) = (first + old, self.a.feature[first + old]);
        let Some(slot) = self.slot(feature) else {
            return Err(broken(
                place,
                "feature",
                feature,
                format!("below {}, the number of features", self.a.n_features),
            ));
        };
        let set = self.a.category_set[at];
        if set >= self.a.set_starts.len() as i32 - 1 {
            return Err(broken(place, "category set", set, format!("below {}", self.a.set_starts.len() - 1)));
        }
        Ok(Split { slot, flags: self.a.flags[at], threshold: self.a.threshold[at], set: u32::try_from(set).ok() })
    }

    /// A cover is finite, not negative, and small enough that a pair of them can be added.
    fn push_cover(&self, tree: usize, first: usize, old: usize, out: &mut Ensemble) -> Result<()> {
        if let (Some(from), Some(to)) = (self.a.cover, &mut out.cover) {
            let cover = from[first + old];
            if !(0.0..=f64::MAX / 4.0).contains(&cover) {
                return Err(broken(NodePlace::node(tree, old), "cover", cover, "a finite number, 0 or more"));
            }
            to.push(cover);
        }
        Ok(())
    }
}

//! The walk that checks the nodes of a tree and places them in an [`Ensemble`].

use super::arrays::ArraysView;
use super::ensemble::{Ensemble, Tree};
use super::node::Packed;
use super::split::Split;
use super::validate::{MOST_MARKED, broken};
use crate::error::{NodePlace, Result};

const NO_SLOT: u32 = u32::MAX;

/// Scratch of the walk over one tree after another.
pub(super) struct Placing<'a> {
    a: &'a ArraysView<'a>,
    /// The feature of each slot, ascending.
    used: Vec<u32>,
    /// The slot of each feature, up to `MOST_MARKED` of them; else empty.
    slots: Vec<u32>,
    seen: Vec<bool>,
    /// Leaves so far.
    leaves: u32,
    /// Right children that are still to be visited.
    stack: Vec<Visit>,
    /// By depth, the slots that the nodes above test; what is deeper is of nodes that were left.
    path: Vec<u32>,
    /// The least depth at which a slot is on the path, if `path` has it there: tells a feature that is new to the path without
    /// a set per node, and without taking anything off when the walk goes back up.
    first_depths: Vec<u32>,
}

/// A node of the depth-first walk, to be checked and placed.
#[derive(Clone, Copy)]
struct Visit {
    /// The node in the tree's arrays.
    old: usize,
    /// The node in the ensemble.
    new: usize,
    depth: u32,
    /// Different features above it.
    unique: u32,
}

/// The arrays of one tree.
struct Nodes<'a> {
    tree: usize,
    /// The first of them in those of all trees.
    first: usize,
    left: &'a [i32],
    right: &'a [i32],
    feature: &'a [i32],
    threshold: &'a [f64],
    flags: &'a [u8],
    category_set: &'a [i32],
    values: &'a [f64],
    cover: Option<&'a [f64]>,
}

impl<'a> Nodes<'a> {
    fn new(a: &ArraysView<'a>, tree: usize, width: usize) -> Self {
        let (first, end) = (a.tree_starts[tree] as usize, a.tree_starts[tree + 1] as usize);
        Self {
            tree,
            first,
            left: &a.left[first..end],
            right: &a.right[first..end],
            feature: &a.feature[first..end],
            threshold: &a.threshold[first..end],
            flags: &a.flags[first..end],
            category_set: &a.category_set[first..end],
            values: &a.values[first * width..end * width],
            cover: a.cover.map(|cover| &cover[first..end]),
        }
    }

    fn place(&self, node: usize) -> NodePlace {
        NodePlace::node(self.tree, node)
    }

    /// A cover is finite, not negative, and small enough that a pair of them can be added.
    fn put_cover(&self, node: usize, out: &mut Ensemble) -> Result<()> {
        if let (Some(from), Some(to)) = (self.cover, &mut out.cover) {
            let cover = from[node];
            if !(0.0..=f64::MAX / 4.0).contains(&cover) {
                return Err(broken(self.place(node), "cover", cover, "a finite number, 0 or more"));
            }
            to.push(cover);
        }
        Ok(())
    }
}

impl<'a> Placing<'a> {
    pub(super) fn new(a: &'a ArraysView<'a>, used: &[u32]) -> Self {
        let mut slots = vec![NO_SLOT; if a.n_features > MOST_MARKED { 0 } else { a.n_features }];
        if !slots.is_empty() {
            (0..).zip(used).for_each(|(slot, &feature)| slots[feature as usize] = slot);
        }
        let (seen, stack, path) = (Vec::new(), Vec::new(), Vec::new());
        Self { a, used: used.to_vec(), slots, seen, leaves: 0, stack, path, first_depths: vec![0; used.len()] }
    }

    pub(super) fn tree(&mut self, tree: usize, out: &mut Ensemble) -> Result<()> {
        let nodes = &Nodes::new(self.a, tree, out.leaf_width);
        let (root, first_value) = (out.nodes.len(), out.leaf_values.len());
        let output = u32::try_from(self.a.tree_outputs[tree]).ok();
        let mut shape = Tree { root: root as u32, n_nodes: 0, depth: 0, path_features: 0, plain: true, output };
        self.seen.clear();
        self.seen.resize(nodes.left.len(), false);
        self.seen[0] = true;
        out.nodes.push(Packed::leaf(0, 0));
        nodes.put_cover(0, out)?;
        let mut next = Some(Visit { old: 0, new: root, depth: 0, unique: 0 });
        while let Some(visit) = next {
            shape.depth = shape.depth.max(visit.depth);
            shape.path_features = shape.path_features.max(visit.unique);
            next = if nodes.left[visit.old] < 0 {
                out.nodes[visit.new] = Packed::leaf(self.leaf(nodes, visit.old, out)?, visit.new as u32);
                self.stack.pop()
            } else {
                let split = self.split(nodes, visit.old)?;
                shape.plain &= split.is_plain();
                out.nodes[visit.new] = Packed::inner(split, out.nodes.len() as u32);
                Some(self.children(nodes, visit, split.slot, out)?)
            };
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

    fn leaf(&mut self, nodes: &Nodes<'_>, old: usize, out: &mut Ensemble) -> Result<u32> {
        let right = nodes.right[old];
        if right >= 0 {
            return Err(broken(nodes.place(old), "right child", right, "-1, because the node has no left child"));
        }
        let value = &nodes.values[old * out.leaf_width..][..out.leaf_width];
        if let Some(output) = value.iter().position(|v| !v.is_finite()) {
            let which = if value.len() > 1 { format!(" in output {output}") } else { String::new() };
            let found = format!("{}{which}", value[output]);
            return Err(broken(nodes.place(old), "leaf value", found, "a finite number"));
        }
        let leaf = self.leaves;
        self.leaves += 1;
        match value {
            [value] => out.leaf_values.push(*value), // nearly always, and without a call
            values => out.leaf_values.extend_from_slice(values),
        }
        if let (Some(from), Some(to)) = (self.a.linear, &mut out.linear) {
            let node = nodes.first + old;
            let range = from.starts[node] as usize..from.starts[node + 1] as usize;
            let slot = |term: usize| self.slot(from.features[term]).unwrap_or_default(); // all are in use
            let terms = range.map(|term| (slot(term), from.coefficients[term]));
            to.push(from.constants[node], terms);
        }
        Ok(leaf)
    }

    fn split(&self, nodes: &Nodes<'_>, old: usize) -> Result<Split> {
        let feature = nodes.feature[old];
        let Some(slot) = self.slot(feature) else {
            let expected = format!("below {}, the number of features", self.a.n_features);
            return Err(broken(nodes.place(old), "feature", feature, expected));
        };
        let set = nodes.category_set[old];
        if set >= self.a.set_starts.len() as i32 - 1 {
            let expected = format!("below {}", self.a.set_starts.len() - 1);
            return Err(broken(nodes.place(old), "category set", set, expected));
        }
        Ok(Split { slot, flags: nodes.flags[old], threshold: nodes.threshold[old], set: u32::try_from(set).ok() })
    }

    /// Makes room for the children of an inner node; the left one comes next.
    fn children(&mut self, nodes: &Nodes<'_>, parent: Visit, slot: u32, out: &mut Ensemble) -> Result<Visit> {
        let Visit { old, depth, unique, .. } = parent;
        let new = out.nodes.len();
        let (left, right) = (nodes.left[old], nodes.right[old]);
        for (field, child) in [("left child", left), ("right child", right)] {
            self.claim(nodes, old, field, child)?;
            out.nodes.push(Packed::leaf(0, 0));
            nodes.put_cover(child as usize, out)?;
        }
        match self.path.get_mut(depth as usize) {
            Some(at) => *at = slot,
            None => self.path.push(slot), // every depth above has been there
        }
        // no branches: features come again in no order
        let first_depth = self.first_depths[slot as usize];
        let is_known = (first_depth < depth) & (self.path[first_depth as usize] == slot);
        self.first_depths[slot as usize] = if is_known { first_depth } else { depth };
        let (depth, unique) = (depth + 1, unique + u32::from(!is_known));
        self.stack.push(Visit { old: right as usize, new: new + 1, depth, unique });
        Ok(Visit { old: left as usize, new, depth, unique })
    }

    /// A child is a node of the same tree that nothing else has claimed: no second parent, no cycle.
    fn claim(&mut self, nodes: &Nodes<'_>, parent: usize, field: &'static str, child: i32) -> Result<()> {
        let fault = match self.seen.get_mut(child as usize) {
            Some(seen) if !*seen && child >= 0 => {
                *seen = true;
                return Ok(());
            }
            _ if child < 0 => "a node, because the node has another child".to_owned(),
            None => format!("below {}, the nodes of the tree", nodes.left.len()),
            Some(_) => "a node without another parent".to_owned(),
        };
        Err(broken(nodes.place(parent), field, child, fault))
    }
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

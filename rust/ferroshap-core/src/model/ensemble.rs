//! The validated model. Whatever holds an [`Ensemble`] never checks it again.

use super::arrays::{Accumulation, InputRule};
use super::linear::Linear;
use super::node::{Node, Packed};
use super::split::{CategorySet, Split};

/// A forest of binary trees with everything that prediction and explanation need.
///
/// Guaranteed: every tree is a tree (each node has one parent, no cycle), siblings are neighbours in memory, children
/// come after their parent, features and outputs are in range, leaves and base are finite, covers are finite and not
/// negative. Nodes that no root reaches are gone.
#[derive(Debug, Clone)]
pub struct Ensemble {
    pub(super) n_features: usize,
    pub(super) n_outputs: usize,
    pub(super) used_features: Vec<u32>,
    pub(super) trees: Vec<Tree>,
    pub(super) nodes: Vec<Packed>,
    pub(super) cover: Option<Vec<f64>>,
    pub(super) leaf_width: usize,
    pub(super) leaf_values: Vec<f64>,
    pub(super) largest_leaves: Vec<f64>,
    pub(super) largest_leaf: Vec<f64>,
    pub(super) set_starts: Vec<usize>,
    pub(super) set_words: Vec<u32>,
    pub(super) base: Vec<f64>,
    pub(super) accumulation: Accumulation,
    pub(super) input: InputRule,
    pub(super) linear: Option<Linear>,
}

/// One tree: a range of nodes that starts with its root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tree {
    /// Index of the root; the tree's nodes follow it.
    pub root: u32,
    /// How many nodes it has.
    pub n_nodes: u32,
    /// Edges on its longest path.
    pub depth: u32,
    /// Most different features on one path.
    pub path_features: u32,
    /// Whether all splits are numeric and no value besides NaN is missing.
    pub plain: bool,
    /// The output it adds to; `None`: its leaves are vectors over all outputs.
    pub output: Option<u32>,
}

impl Tree {
    /// The indices of the tree's nodes.
    pub fn node_range(&self) -> std::ops::Range<u32> {
        self.root..self.root + self.n_nodes
    }
}

impl Ensemble {
    /// Columns that a row has.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// Outputs of a prediction.
    pub fn n_outputs(&self) -> usize {
        self.n_outputs
    }

    /// The columns that some node tests, ascending. [`Split::slot`] counts in this list.
    pub fn used_features(&self) -> &[u32] {
        &self.used_features
    }

    /// The trees in the order in which the library adds them.
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// One node, by its index in the whole ensemble.
    pub fn node(&self, index: u32) -> Node {
        self.nodes[index as usize].unpack()
    }

    /// All nodes, tree after tree.
    pub fn nodes(&self) -> impl Iterator<Item = Node> {
        self.nodes.iter().map(Packed::unpack)
    }

    /// How many leaves all trees have together.
    pub fn n_leaves(&self) -> usize {
        self.leaf_values.len() / self.leaf_width
    }

    /// 1, or the number of outputs where leaves are vectors.
    pub fn leaf_width(&self) -> usize {
        self.leaf_width
    }

    /// The value of a leaf, `leaf_width` numbers, before division by [`Accumulation::divisor`].
    #[inline(always)]
    pub fn leaf(&self, leaf: u32) -> &[f64] {
        &self.leaf_values[leaf as usize * self.leaf_width..][..self.leaf_width]
    }

    /// The value of a leaf that is a linear function, for the values of a row's slots; `None`: it is [`Ensemble::leaf`].
    #[inline(always)]
    pub fn linear_leaf(&self, leaf: u32, x: &[f64]) -> Option<f64> {
        self.linear.as_ref()?.value(leaf, x)
    }

    /// Whether some leaf is a linear function.
    pub fn is_linear(&self) -> bool {
        self.linear.as_ref().is_some_and(Linear::has_terms)
    }

    /// Whether the model knows how much training weight reached its nodes.
    pub fn has_cover(&self) -> bool {
        self.cover.is_some()
    }

    /// The share of a node's cover that went left; one half where neither child has any. `None` without covers.
    ///
    /// Shares of the sibling pair, not of the parent's stored cover: they sum to one exactly.
    pub fn left_share(&self, left: u32) -> Option<f64> {
        let cover = self.cover.as_ref()?;
        let (l, r) = (cover[left as usize], cover[left as usize + 1]);
        Some(if l + r > 0.0 { l / (l + r) } else { 0.5 })
    }

    /// Whether some split may be one by a set of categories.
    pub(crate) fn has_category_sets(&self) -> bool {
        self.set_starts.len() > 1
    }

    /// The bit set of a categorical split.
    #[inline]
    pub fn category_set(&self, split: &Split, set: u32) -> CategorySet<'_> {
        let (start, end) = (self.set_starts[set as usize], self.set_starts[set as usize + 1]);
        CategorySet { words: &self.set_words[start..end], flags: split.flags }
    }

    /// What every prediction starts from, `(o)`.
    pub fn base(&self) -> &[f64] {
        &self.base
    }

    /// How the library adds its trees up.
    pub fn accumulation(&self) -> Accumulation {
        self.accumulation
    }

    /// |base| + Σ over trees of the largest |leaf|, `(o)`: what rounding errors of a sum are measured in.
    pub fn rounding_scale(&self) -> Vec<f64> {
        let divisor = self.accumulation.divisor();
        let mut scale = self.largest_leaves();
        scale.iter_mut().zip(&self.base).for_each(|(scale, base)| *scale += base.abs() / divisor);
        scale
    }

    /// Σ over trees of the largest |leaf|, `(o)`.
    pub fn largest_leaves(&self) -> Vec<f64> {
        self.largest_leaves.clone()
    }

    /// The largest |leaf| of all trees, `(o)`.
    pub fn largest_leaf(&self) -> Vec<f64> {
        self.largest_leaf.clone()
    }

    /// What happens to a value before the first comparison.
    pub fn input(&self) -> InputRule {
        self.input
    }

    /// Whether a row with the value `x` in the split's column goes left.
    #[inline(always)]
    pub fn goes_left(&self, split: &Split, x: f64) -> bool {
        match split.set {
            None => split.numeric_left(x),
            Some(set) => self.category_set(split, set).left(x, self.input),
        }
    }
}

//! Which subtrees end in a closed form.

use super::ways::Way;
use crate::model::{Ensemble, Node, Tree};

/// What hangs below a node, by what the recurrence does with it. Ordered: a node's first child is its larger one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// A leaf, or a subtree that tables explain.
    Leaf,
    /// A split into two leaves.
    Pair,
    /// A split into pairs, or a pair and a leaf: handled whole, in closed form.
    Unit,
    /// Anything larger: visited node by node.
    Deep,
}

/// The shape of every node of `tree`, counted from its root; what tables explain counts as a leaf.
pub(super) fn shapes(model: &Ensemble, tree: &Tree, ways: &[Way]) -> Vec<Shape> {
    let mut shapes = vec![Shape::Leaf; tree.n_nodes as usize];
    for node in tree.node_range().rev() {
        if let (Node::Inner { left, .. }, Way::Recurrence) = (model.node(node), ways[(node - tree.root) as usize]) {
            let first = (left - tree.root) as usize;
            // children come after their parent, so both are known
            shapes[(node - tree.root) as usize] = match shapes[first].max(shapes[first + 1]) {
                Shape::Leaf => Shape::Pair,
                Shape::Pair => Shape::Unit,
                _ => Shape::Deep,
            };
        }
    }
    shapes
}

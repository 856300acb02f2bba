//! Which subtrees end in a closed form.

use crate::model::{Ensemble, Node, Tree};

/// What hangs below a node, by what the recurrence does with it. Ordered: a node's first child is its larger one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// A leaf.
    Leaf,
    /// A split into two leaves.
    Pair,
    /// A split into pairs, or a pair and a leaf: handled whole, in closed form.
    Unit,
    /// Anything larger: visited node by node.
    Deep,
}

/// The shape of every node of `tree`, counted from its root.
pub(super) fn shapes(model: &Ensemble, tree: &Tree) -> Vec<Shape> {
    let mut shapes = vec![Shape::Leaf; tree.n_nodes as usize];
    for node in tree.node_range().rev() {
        if let Node::Inner { left, .. } = model.node(node) {
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

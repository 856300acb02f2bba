//! Walking rows from root to leaf, eight rows side by side.

use super::ensemble::{Ensemble, Tree};
use super::node::Node;

/// Rows that walk side by side: each step waits for a load of the one before, and eight such chains overlap.
pub const ROWS_ABREAST: usize = 8;

impl Ensemble {
    /// The leaves that up to [`ROWS_ABREAST`] rows reach; `rows` are the values of their slots, after the input rule.
    #[inline]
    pub fn leaves_of(&self, tree: &Tree, rows: &[&[f64]; ROWS_ABREAST]) -> [u32; ROWS_ABREAST] {
        let mut at = [tree.root; ROWS_ABREAST];
        for _ in 0..tree.depth {
            let before = at;
            self.step(tree, rows, &mut at);
            if at == before {
                break; // all have arrived: an unbalanced tree is not walked to its full depth
            }
        }
        at.map(|at| self.nodes[at as usize].which)
    }

    /// Moves each row from the node that it is at to a child; a row that has arrived stays.
    #[inline(always)]
    pub fn step(&self, tree: &Tree, rows: &[&[f64]; ROWS_ABREAST], at: &mut [u32; ROWS_ABREAST]) {
        for (at, x) in at.iter_mut().zip(rows) {
            let node = &self.nodes[*at as usize];
            *at = if tree.plain {
                node.plain_step(x[node.slot as usize])
            } else {
                match node.unpack() {
                    Node::Leaf { .. } => *at,
                    Node::Inner { split, left } => left + u32::from(!self.goes_left(&split, x[split.slot as usize])),
                }
            };
        }
    }

    /// The child of an inner node where `x` in its slot leads; a leaf itself. `PLAIN`: the tree is.
    #[inline(always)]
    pub fn child<const PLAIN: bool>(&self, node: u32, x: &[f64]) -> u32 {
        let packed = &self.nodes[node as usize];
        if PLAIN {
            return packed.plain_step(x[packed.slot as usize]);
        }
        match packed.unpack() {
            Node::Leaf { .. } => node,
            Node::Inner { split, left } => left + u32::from(!self.goes_left(&split, x[split.slot as usize])),
        }
    }

    /// The row of [`Ensemble::leaf`] of a leaf.
    #[inline(always)]
    pub fn leaf_at(&self, node: u32) -> u32 {
        self.nodes[node as usize].which
    }

    /// The slot that an inner node tests.
    #[inline(always)]
    pub fn slot(&self, node: u32) -> u32 {
        self.nodes[node as usize].slot
    }
}

//! Walking rows from root to leaf: the nodes packed so that a step has no branch, eight rows side by side.

use super::arrays::flags::DEFAULT_LEFT;
use super::ensemble::{Ensemble, Node, Tree};
use super::split::Split;

/// Rows that walk side by side: each step waits for a load of the one before, and eight such chains overlap.
pub const ROWS_ABREAST: usize = 8;

/// A node in 24 bytes. A leaf is its own child, so that a row that has arrived stays.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed {
    threshold: f64,
    /// Left child; the right one follows it. A leaf: itself.
    left: u32,
    slot: u32,
    /// The leaf, or the bit set of a categorical split.
    which: u32,
    flags: u8,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Numeric,
    Categorical,
    Leaf,
}

impl Packed {
    pub(super) fn leaf(leaf: u32, own_index: u32) -> Self {
        // NaN: nothing is `<=` it, and the step for "not left" of a leaf is 0
        Self { threshold: f64::NAN, left: own_index, slot: 0, which: leaf, flags: 0, kind: Kind::Leaf }
    }

    pub(super) fn inner(split: Split, left: u32) -> Self {
        let kind = if split.set.is_some() { Kind::Categorical } else { Kind::Numeric };
        Self {
            threshold: split.threshold,
            left,
            slot: split.slot,
            which: split.set.unwrap_or(0),
            flags: split.flags,
            kind,
        }
    }

    pub(super) fn unpack(&self) -> Node {
        match self.kind {
            Kind::Leaf => Node::Leaf { leaf: self.which },
            Kind::Numeric | Kind::Categorical => {
                let set = (self.kind == Kind::Categorical).then_some(self.which);
                let split = Split { slot: self.slot, flags: self.flags, threshold: self.threshold, set };
                Node::Inner { split, left: self.left }
            }
        }
    }

    /// The next node, for a numeric split without rules beyond "missing goes left" or a leaf.
    #[inline(always)]
    fn plain_step(&self, x: f64) -> u32 {
        let left = (x <= self.threshold) | (x.is_nan() & (self.flags & DEFAULT_LEFT != 0));
        self.left + u32::from(!left & (self.kind != Kind::Leaf))
    }
}

impl Ensemble {
    /// The leaves that up to [`ROWS_ABREAST`] rows reach; `rows` are the values of their slots, after the input rule.
    #[inline]
    pub fn leaves_of(&self, tree: &Tree, rows: &[&[f64]; ROWS_ABREAST]) -> [u32; ROWS_ABREAST] {
        let mut at = [tree.root; ROWS_ABREAST];
        for _ in 0..tree.depth {
            let before = at;
            for (at, x) in at.iter_mut().zip(rows) {
                let node = &self.nodes[*at as usize];
                *at = if tree.plain {
                    node.plain_step(x[node.slot as usize])
                } else {
                    match node.unpack() {
                        Node::Leaf { .. } => *at,
                        Node::Inner { split, left } => {
                            left + u32::from(!self.goes_left(&split, x[split.slot as usize]))
                        }
                    }
                };
            }
            if at == before {
                break; // all have arrived: an unbalanced tree is not walked to its full depth
            }
        }
        at.map(|at| self.nodes[at as usize].which)
    }
}

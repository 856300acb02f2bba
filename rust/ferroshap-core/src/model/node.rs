//! A node: as it is read, and packed so that a step of a walk has no branch.

use super::arrays::flags::DEFAULT_LEFT;
use super::split::Split;

/// A node of a tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Node {
    /// The row goes to `left` or to its neighbour `left + 1`.
    Inner {
        /// How the choice is made.
        split: Split,
        /// Index of the left child.
        left: u32,
    },
    /// The row stays.
    Leaf {
        /// Row of [`Ensemble::leaf`].
        leaf: u32,
    },
}

/// A node in 24 bytes. A leaf is its own child, so that a row that has arrived stays.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed {
    threshold: f64,
    /// Left child; the right one follows it. A leaf: itself.
    left: u32,
    pub(super) slot: u32,
    /// The leaf, or the bit set of a categorical split.
    pub(super) which: u32,
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
    pub(super) fn plain_step(&self, x: f64) -> u32 {
        let left = (x <= self.threshold) | (x.is_nan() & (self.flags & DEFAULT_LEFT != 0));
        self.left + u32::from(!left & (self.kind != Kind::Leaf))
    }
}

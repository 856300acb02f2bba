//! A leaf whose path has too many features for a table, and the background that such leaves are explained against.

use std::sync::Arc;

use crate::rows::RowMajor;

/// A leaf by itself.
#[derive(Debug, Clone)]
pub(crate) struct DeepLeaf {
    pub(crate) slots: Vec<u32>,
    /// For each feature the mask of the rows that satisfy its edges.
    pub(crate) masks: Vec<u32>,
    /// One value, or one an output of the tree.
    pub(crate) values: Vec<f64>,
}

impl DeepLeaf {
    /// Memory beside the struct itself, in bytes.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&self.slots[..]) + size_of_val(&self.masks[..]) + size_of_val(&self.values[..])
    }
}

/// The background rows. What occurs of them at a leaf is found anew for every few thousand rows explained, for all leaves together
/// would not fit any memory: thousands of patterns each.
#[derive(Debug, Clone)]
pub(crate) struct KeptRows {
    pub(crate) rows: Arc<RowMajor>,
    /// `[row][weighting]`; None: all are 1.
    pub(crate) weights: Option<Vec<f64>>,
    /// What sums of weights are divided by.
    pub(crate) total: f64,
}

impl KeptRows {
    /// Memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.rows.bytes() + self.weights.as_ref().map_or(0, |weights| size_of_val(&weights[..]))
    }
}

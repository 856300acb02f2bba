//! A leaf whose path has too many features for a table: the patterns of the background that occur there.

use std::collections::HashMap;

use super::shapley::Weights;

/// A leaf by itself.
#[derive(Debug, Clone)]
pub(crate) struct DeepLeaf {
    pub(crate) slots: Vec<u32>,
    /// For each feature the mask of the rows that satisfy its edges.
    pub(crate) masks: Vec<u32>,
    /// One value, or one an output of the tree.
    pub(crate) values: Vec<f64>,
    /// Patterns in ascending order with their weights, which sum to 1.
    pub(crate) background: Vec<(u64, f64)>,
    counted: HashMap<u64, f64>,
}

impl DeepLeaf {
    pub(super) fn new(slots: Vec<u32>, masks: Vec<u32>, values: Vec<f64>) -> Self {
        Self { slots, masks, values, background: Vec::new(), counted: HashMap::new() }
    }

    /// Adds the weight of one background row.
    #[inline]
    pub(crate) fn add(&mut self, pattern: u64, weight: f64) {
        *self.counted.entry(pattern).or_insert(0.0) += weight;
    }

    /// Sorts the patterns; `total` is the sum of all weights.
    pub(crate) fn finish(&mut self, total: f64) {
        self.background = std::mem::take(&mut self.counted).into_iter().map(|(q, h)| (q, h / total)).collect();
        self.background.sort_unstable_by_key(|(q, _)| *q);
    }

    /// What pattern `a` adds to each feature of a leaf of value 1, the background in its order.
    pub(crate) fn row(&self, a: u64, weights: &Weights, out: &mut [f64]) {
        let d = out.len();
        let full = if d == 64 { u64::MAX } else { (1 << d) - 1 };
        let beta = d - a.count_ones() as usize;
        let mut outside = 0.0;
        out.fill(0.0);
        for &(q, h) in self.background.iter().filter(|(q, _)| a | q == full) {
            let mut alone = a & !q;
            let k = alone.count_ones() as usize;
            if beta > 0 {
                outside += h * weights.b(k, beta);
            }
            let each = h * weights.a(k, beta);
            while alone != 0 {
                out[alone.trailing_zeros() as usize] += each;
                alone &= alone - 1;
            }
        }
        out.iter_mut().enumerate().filter(|(g, _)| a >> g & 1 == 0).for_each(|(_, value)| *value = -outside);
    }

    /// Memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        16 * self.background.len() + 8 * (self.slots.len() + self.values.len())
    }
}

//! Leaves that are linear functions of the row (LightGBM's `linear_tree`).

use super::arrays::LinearArrays;
use crate::error::{Error, NodePlace, Result};

/// The linear functions of the leaves, by leaf.
#[derive(Debug, Clone, Default)]
pub(super) struct Linear {
    starts: Vec<u32>,
    slots: Vec<u32>,
    coefficients: Vec<f64>,
    constants: Vec<f64>,
}

impl Linear {
    pub(super) fn new() -> Self {
        Self { starts: vec![0], ..Self::default() }
    }

    /// Adds the next leaf.
    pub(super) fn push(&mut self, constant: f64, terms: impl Iterator<Item = (u32, f64)>) {
        for (slot, coefficient) in terms {
            self.slots.push(slot);
            self.coefficients.push(coefficient);
        }
        self.starts.push(self.slots.len() as u32);
        self.constants.push(constant);
    }

    pub(super) fn has_terms(&self) -> bool {
        !self.slots.is_empty()
    }

    fn range(&self, leaf: u32) -> std::ops::Range<usize> {
        self.starts[leaf as usize] as usize..self.starts[leaf as usize + 1] as usize
    }

    /// Slots and coefficients of a leaf, and what they are added to.
    pub(super) fn leaf(&self, leaf: u32) -> (f64, impl Iterator<Item = (u32, f64)> + '_) {
        let range = self.range(leaf);
        let terms = self.slots[range.clone()].iter().copied().zip(self.coefficients[range].iter().copied());
        (self.constants[leaf as usize], terms)
    }

    /// The function's value, in the library's order of addition; `None` where it has no terms or misses a value.
    #[inline]
    pub(super) fn value(&self, leaf: u32, x: &[f64]) -> Option<f64> {
        let range = self.range(leaf);
        if range.is_empty() {
            return None;
        }
        let mut sum = self.constants[leaf as usize];
        for (&slot, &coefficient) in self.slots[range.clone()].iter().zip(&self.coefficients[range]) {
            let x = x[slot as usize];
            if x.is_nan() {
                return None;
            }
            sum += coefficient * x;
        }
        Some(sum)
    }
}

/// The arrays have the lengths that the others imply, and only finite numbers; `leaf` says which nodes are leaves.
pub(super) fn check(a: &LinearArrays, nodes: usize, n_features: usize, leaf: impl Fn(usize) -> bool) -> Result<()> {
    let broken = |place, field, found: String, expected: String| Err(Error::Model { place, field, found, expected });
    let at = NodePlace::ENSEMBLE;
    let terms = a.features.len() as i64;
    let tiled = a.starts.len() == nodes + 1
        && a.starts[0] == 0
        && a.starts[nodes] == terms
        && a.starts.windows(2).all(|w| w[0] <= w[1])
        && terms < i64::from(u32::MAX);
    if !tiled {
        let found = format!("{} entries", a.starts.len());
        return broken(at, "linear_starts", found, format!("{} ascending from 0 to {terms}", nodes + 1));
    }
    if a.coefficients.len() != a.features.len() || a.constants.len() != nodes {
        let found = format!("{} and {} entries", a.coefficients.len(), a.constants.len());
        return broken(at, "linear coefficients and constants", found, format!("{terms} and {nodes}"));
    }
    for node in 0..nodes {
        let range = a.starts[node] as usize..a.starts[node + 1] as usize;
        let place = NodePlace::node(0, node);
        if !range.is_empty() && !leaf(node) {
            return broken(place, "linear terms", range.len().to_string(), "none: the node is no leaf".to_owned());
        }
        if let Some(bad) = a.features[range.clone()].iter().find(|&&f| f < 0 || f as usize >= n_features) {
            return broken(place, "feature of a linear term", bad.to_string(), format!("below {n_features}"));
        }
        let numbers = a.coefficients[range].iter().chain([&a.constants[node]]);
        if let Some(bad) = numbers.copied().find(|number| !number.is_finite()) {
            return broken(place, "number of a linear term", bad.to_string(), "a finite number".to_owned());
        }
    }
    Ok(())
}

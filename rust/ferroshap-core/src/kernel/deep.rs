//! Leaves by themselves: the numbers of each pattern that the rows at hand have there are made once.

use std::collections::HashMap;

use super::patterns::add_turned;
use crate::plan::{DeepLeaf, Weights};
use crate::simd::{BLOCK, Kernel, Line, Mask, Simd};

/// The patterns of a block of rows at one leaf.
pub(super) type Patterns = [u64; BLOCK];

/// The pattern of each row: bit `g` from the mask of feature `g`.
#[inline(always)]
pub(super) fn pattern_words(features: &[u32], masks: &[Mask], out: &mut Patterns) {
    out.fill(0);
    for (g, &mask) in features.iter().enumerate() {
        for (eight, byte) in out.chunks_exact_mut(8).zip(masks[mask as usize]) {
            for (bit, pattern) in eight.iter_mut().enumerate() {
                *pattern |= u64::from(byte >> bit & 1) << g;
            }
        }
    }
}

/// The patterns that have been met at a leaf, with what they add.
#[derive(Debug)]
pub(super) struct Known {
    numbers: HashMap<u64, u32>,
    /// `[pattern][column of values][feature, eight a line]`
    lines: Vec<Line>,
    weights: Weights,
    patterns: Patterns,
    shares: Vec<f64>,
    /// The number of the pattern of each row of the block at hand.
    rows: [u32; BLOCK],
}

impl Default for Known {
    fn default() -> Self {
        let (patterns, rows) = ([0; BLOCK], [0; BLOCK]);
        Self {
            numbers: HashMap::new(),
            lines: Vec::new(),
            weights: Weights::default(),
            patterns,
            shares: Vec::new(),
            rows,
        }
    }
}

impl Known {
    /// Begins another leaf.
    pub(super) fn clear(&mut self, leaf: &DeepLeaf) {
        self.numbers.clear();
        self.lines.clear();
        self.shares.resize(leaf.slots.len(), 0.0);
        self.weights.set(leaf.slots.len());
    }

    /// Numbers the patterns of a block of rows; makes the lines of new ones.
    pub(super) fn number(&mut self, leaf: &DeepLeaf, masks: &[Mask], rows: usize) {
        pattern_words(&leaf.masks, masks, &mut self.patterns);
        self.rows[rows..].fill(0); // read, and never written out
        for row in 0..rows {
            let pattern = self.patterns[row];
            self.rows[row] = match self.numbers.get(&pattern) {
                Some(&number) => number,
                None => self.make(leaf, pattern),
            };
        }
    }

    fn make(&mut self, leaf: &DeepLeaf, pattern: u64) -> u32 {
        let number = self.numbers.len() as u32;
        self.numbers.insert(pattern, number);
        leaf.row(pattern, &self.weights, &mut self.shares);
        for v in &leaf.values {
            for eight in self.shares.chunks(8) {
                let mut line = Line::default();
                line.0.iter_mut().zip(eight).for_each(|(to, share)| *to = v * share);
                self.lines.push(line);
            }
        }
        number
    }
}

/// Adds a leaf's numbers of one column for a block of rows.
pub(super) struct KnownPass<'a, V> {
    pub(super) known: &'a Known,
    pub(super) leaf: &'a DeepLeaf,
    pub(super) column: usize,
    /// `[slot][vector]` of the column's output.
    pub(super) phi: &'a mut [V],
    pub(super) rows: usize,
}

impl<S: Simd> Kernel<S> for KnownPass<'_, S::V> {
    #[inline(always)]
    fn run(self, s: S) {
        let parts = self.leaf.slots.len().div_ceil(8);
        let of_a_pattern = parts * self.leaf.values.len();
        for (part, slots) in self.leaf.slots.chunks(8).enumerate() {
            let first = self.column * parts + part;
            for eight in 0..self.rows.div_ceil(8) {
                let lines = [0, 1, 2, 3, 4, 5, 6, 7].map(|row| {
                    let number = self.known.rows[8 * eight + row] as usize;
                    s.line(&self.known.lines[number * of_a_pattern + first])
                });
                add_turned(s, lines, slots, eight, self.phi);
            }
        }
    }
}

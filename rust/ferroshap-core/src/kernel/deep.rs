//! Leaves by themselves: the numbers of each pattern that the rows at hand have there are made once.

use super::fold::MAX_BACKGROUND_PATH;
use super::patterns::add_turned;
use crate::plan::{ByPattern, DeepLeaf, Weights};
use crate::simd::{BLOCK, INDEXED, Kernel, Line, Mask, Simd};

/// Most vectors that a number for each feature takes, at any level.
const MOST_VECTORS: usize = MAX_BACKGROUND_PATH as usize / 2;

/// The patterns of a block of rows at one leaf.
pub(super) type Patterns = [u64; BLOCK];

/// The pattern of each row: bit `g` from the mask of feature `g`.
pub(super) struct PatternPass<'a> {
    pub(super) features: &'a [u32],
    pub(super) masks: &'a [Mask],
    pub(super) rows: usize,
    pub(super) out: &'a mut Patterns,
}

impl<S: Simd> Kernel<S> for PatternPass<'_> {
    #[inline(always)]
    fn run(self, s: S) {
        let mut indices = [0; INDEXED];
        for (part, features) in self.features.chunks(16).enumerate() {
            let (quarters, _) = self.out.as_chunks_mut::<INDEXED>();
            for (quarter, out) in quarters.iter_mut().enumerate().take(self.rows.div_ceil(INDEXED)) {
                s.indices(self.masks, features, quarter, &mut indices);
                for (pattern, index) in out.iter_mut().zip(indices) {
                    let bits = u64::from(index) << (16 * part);
                    *pattern = if part == 0 { bits } else { *pattern | bits };
                }
            }
        }
    }
}

/// The patterns that have been met at a leaf, with what they add.
#[derive(Debug)]
pub(super) struct Known {
    numbers: ByPattern<u32>,
    /// `[pattern][column of values][feature, eight a line]`
    lines: Vec<Line>,
    weights: Weights,
    patterns: Patterns,
    /// The number of the pattern of each row of the block at hand.
    rows: [u32; BLOCK],
}

impl Default for Known {
    fn default() -> Self {
        let (patterns, rows) = ([0; BLOCK], [0; BLOCK]);
        Self { numbers: ByPattern::default(), lines: Vec::new(), weights: Weights::default(), patterns, rows }
    }
}

impl Known {
    /// Begins another leaf.
    pub(super) fn clear(&mut self, leaf: &DeepLeaf) {
        self.numbers.clear();
        self.lines.clear();
        self.weights.set(leaf.slots.len());
    }
}

/// Numbers the patterns of a block of rows; makes the lines of new ones.
pub(super) struct NumberPass<'a> {
    pub(super) known: &'a mut Known,
    pub(super) leaf: &'a DeepLeaf,
    pub(super) masks: &'a [Mask],
    pub(super) rows: usize,
}

impl<S: Simd> Kernel<S> for NumberPass<'_> {
    #[inline(always)]
    fn run(self, s: S) {
        let (known, leaf, rows) = (self.known, self.leaf, self.rows);
        PatternPass { features: &leaf.masks, masks: self.masks, rows, out: &mut known.patterns }.run(s);
        known.rows[rows..].fill(0); // read, and never written out
        for row in 0..rows {
            let pattern = known.patterns[row];
            known.rows[row] = match known.numbers.get(&pattern) {
                Some(&number) => number,
                None => make(s, known, leaf, pattern),
            };
        }
    }
}

/// The lines of a new pattern; its number.
#[inline(always)]
fn make<S: Simd>(s: S, known: &mut Known, leaf: &DeepLeaf, a: u64) -> u32 {
    let number = known.numbers.len() as u32;
    known.numbers.insert(a, number);
    let d = leaf.slots.len();
    let beta = d - a.count_ones() as usize;
    let (of_a, of_b) = (known.weights.of_a(beta), known.weights.of_b(beta));
    let mut outside = 0.0;
    let mut inside = [s.splat(0.0); MOST_VECTORS];
    let inside = &mut inside[..d.div_ceil(S::LANES)];
    leaf.alive(a, |q, h| {
        let alone = a & !q;
        let k = alone.count_ones() as usize;
        outside += h * of_b[k];
        let each = s.splat(h * of_a[k]);
        for (vector, sum) in inside.iter_mut().enumerate() {
            let chosen = s.select(s.mask(&alone.to_le_bytes(), vector), each, s.splat(0.0));
            *sum = s.add(*sum, chosen);
        }
    });
    let mut shares = [Line::default(); MAX_BACKGROUND_PATH as usize / 8];
    for (g, share) in shares.iter_mut().flat_map(|line| &mut line.0).enumerate().take(d) {
        *share = if a >> g & 1 != 0 { s.lanes(inside[g / S::LANES])[g % S::LANES] } else { -outside };
    }
    for v in &leaf.values {
        known.lines.extend(shares[..d.div_ceil(8)].iter().map(|line| Line(line.0.map(|share| v * share))));
    }
    number
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

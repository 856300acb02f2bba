//! Leaves by themselves: the numbers of each pattern that the rows at hand have there are made once.

use super::background::MAX_BACKGROUND_PATH;
use super::patterns::{Mixing, add_turned};
use crate::plan::{ByPattern, DeepLeaf, Weights, whole};
use crate::simd::{BLOCK, INDEXED, Kernel, Line, Mask, Simd, of_whole};

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
    /// `[pattern][column of values][feature, eight a line][weighting]`
    lines: Vec<Line>,
    /// `[weighting][feature, eight a line]` of a leaf of value 1.
    shares: Vec<Line>,
    weights: Weights,
    /// Of the pattern at hand: the features that only the row has and how often, for each background pattern.
    alone: Vec<(u64, i64)>,
    patterns: Patterns,
    /// The number of the pattern of each row of the block at hand.
    rows: [u32; BLOCK],
}

impl Default for Known {
    fn default() -> Self {
        let (patterns, rows) = ([0; BLOCK], [0; BLOCK]);
        let (lines, shares) = (Vec::new(), Vec::new());
        let (numbers, weights, alone) = (ByPattern::default(), Weights::default(), Vec::new());
        Self { numbers, lines, shares, weights, alone, patterns, rows }
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
    /// The leaf's values are in units, and its lines are of whole numbers.
    pub(super) wholes: bool,
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
                None if self.wholes => make_of_wholes(s, known, leaf, pattern),
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
    let parts = leaf.slots.len().div_ceil(8);
    known.shares.clear();
    for weighting in 0..leaf.weightings() {
        let shares = shares(s, &known.weights, leaf, a, weighting);
        known.shares.extend_from_slice(&shares[..parts]);
    }
    for v in &leaf.values {
        for part in 0..parts {
            let of_part = known.shares[part..].iter().step_by(parts);
            known.lines.extend(of_part.map(|line| Line(line.0.map(|share| v * share))));
        }
    }
    number
}

/// The same as whole numbers: what each pair adds is rounded as in the tables.
#[inline(always)]
fn make_of_wholes<S: Simd>(s: S, known: &mut Known, leaf: &DeepLeaf, a: u64) -> u32 {
    let number = known.numbers.len() as u32;
    known.numbers.insert(a, number);
    let d = leaf.slots.len();
    let beta = d - a.count_ones() as usize;
    let (of_a, of_b) = (known.weights.of_a(beta), known.weights.of_b(beta));
    known.alone.clear();
    leaf.alive(a, 0, |q, h| known.alone.push((a & !q, h as i64)));
    for &v in &leaf.values {
        let mut outside = 0i64;
        let mut inside = [s.splat(0.0); MOST_VECTORS];
        let inside = &mut inside[..d.div_ceil(S::LANES)];
        for &(alone, count) in &known.alone {
            let k = alone.count_ones() as usize;
            outside = outside.wrapping_add(count.wrapping_mul(whole(v * of_b[k])));
            let each = s.splat(of_whole(count.wrapping_mul(whole(v * of_a[k]))));
            for (vector, sum) in inside.iter_mut().enumerate() {
                let chosen = s.select(s.mask(&alone.to_le_bytes(), vector), each, s.splat(0.0));
                *sum = s.add_wholes(*sum, chosen);
            }
        }
        for part in 0..d.div_ceil(8) {
            let mut line = Line::default();
            for (g, x) in (8 * part..d).zip(&mut line.0) {
                let is_inside = a >> g & 1 != 0;
                *x = if is_inside {
                    s.lanes(inside[g / S::LANES])[g % S::LANES]
                } else {
                    of_whole(outside.wrapping_neg())
                };
            }
            known.lines.push(line);
        }
    }
    number
}

/// What a leaf of value 1 adds to each of its features for rows of a pattern, in one weighting.
#[inline(always)]
fn shares<S: Simd>(
    s: S,
    weights: &Weights,
    leaf: &DeepLeaf,
    a: u64,
    weighting: usize,
) -> [Line; MAX_BACKGROUND_PATH as usize / 8] {
    let d = leaf.slots.len();
    let beta = d - a.count_ones() as usize;
    let (of_a, of_b) = (weights.of_a(beta), weights.of_b(beta));
    let mut outside = 0.0;
    let mut inside = [s.splat(0.0); MOST_VECTORS];
    let inside = &mut inside[..d.div_ceil(S::LANES)];
    leaf.alive(a, weighting, |q, h| {
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
    shares
}

/// Adds a leaf's numbers of one column for a block of rows.
pub(super) struct KnownPass<'a, V, X> {
    pub(super) known: &'a Known,
    pub(super) leaf: &'a DeepLeaf,
    pub(super) column: usize,
    /// `[slot][vector]` of the column's output.
    pub(super) phi: &'a mut [V],
    pub(super) rows: usize,
    pub(super) mixing: X,
}

impl<S: Simd, X: Mixing<S>> Kernel<S> for KnownPass<'_, S::V, X> {
    #[inline(always)]
    fn run(self, s: S) {
        let weightings = self.mixing.weightings();
        let parts = self.leaf.slots.len().div_ceil(8);
        let of_a_pattern = parts * self.leaf.values.len() * weightings;
        for (part, slots) in self.leaf.slots.chunks(8).enumerate() {
            let first = (self.column * parts + part) * weightings;
            for eight in 0..self.rows.div_ceil(8) {
                let lines = self.mixing.mix(s, eight, |weighting| {
                    [0, 1, 2, 3, 4, 5, 6, 7].map(|row| {
                        let number = self.known.rows[8 * eight + row] as usize;
                        s.line(&self.known.lines[number * of_a_pattern + first + weighting])
                    })
                });
                add_turned(s, self.mixing, lines, slots, eight, self.phi);
            }
        }
    }
}

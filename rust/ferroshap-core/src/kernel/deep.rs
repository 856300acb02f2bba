//! Leaves by themselves: a join of the patterns that occur there, of the background and of the rows at hand.
//!
//! Of 2^d patterns few occur, and few pairs of them are alive (`plan/shapley.rs`). For each leaf the background's patterns are counted,
//! the rows' numbered, and what each of the rows' adds is made once, from the background's that go with it.

use super::background::MAX_BACKGROUND_PATH;
use super::dense::Dense;
use super::mask_matrix::{MaskMatrix, Patterns};
use super::numbers::Numbers;
use super::occurring::Occurring;
use super::patterns::{Mixing, add_turned};
use crate::plan::{DeepLeaf, KeptRows, Plan, TreePlan, Weights, whole};
use crate::rows::Columns;
use crate::simd::{BLOCK, Kernel, Line, Mask, Simd, of_whole};
use crate::splits::{Codes, Comparable, MaskPass};

/// Most vectors that a number for each feature takes, at any level.
const MOST_VECTORS: usize = MAX_BACKGROUND_PATH as usize / 2;

/// What a thread needs for the leaves by themselves of a tree.
#[derive(Debug)]
pub(super) struct Deep {
    background: MaskMatrix,
    rows: MaskMatrix,
    numbers: Numbers,
    /// The patterns of the background.
    met: Vec<u64>,
    dense: Dense,
    /// The slots of the leaf at hand and their masks, those that the background satisfies least often first.
    features: Vec<(u32, u32)>,
    masks: Vec<u32>,
    slots: Vec<u32>,
    /// `[pattern][weighting]` of the background.
    sums: Vec<f64>,
    occurring: Occurring,
    /// Of the pattern at hand, as [`Occurring::alive`] finds them.
    alone: Vec<(u64, u32)>,
    weights: Weights,
    /// `[weighting][feature, eight a line]` of a leaf of value 1.
    shares: Vec<Line>,
    /// `[pattern][column of values][feature, eight a line][weighting]`
    lines: Vec<Line>,
    /// The number of the pattern of each row of each block.
    rows_of: Vec<[u32; BLOCK]>,
    patterns: Patterns,
}

impl Default for Deep {
    fn default() -> Self {
        let (background, rows) = (MaskMatrix::default(), MaskMatrix::default());
        let (numbers, met, dense) = (Numbers::default(), Vec::new(), Dense::default());
        let (occurring, weights) = (Occurring::default(), Weights::default());
        let (features, masks, slots) = (Vec::new(), Vec::new(), Vec::new());
        let (sums, alone, shares, lines) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (rows_of, patterns) = (Vec::new(), [0; BLOCK]);
        Self {
            background,
            rows,
            numbers,
            met,
            dense,
            features,
            masks,
            slots,
            sums,
            occurring,
            alone,
            weights,
            shares,
            lines,
            rows_of,
            patterns,
        }
    }
}

impl Deep {
    /// Compares the background with the splits of another tree; `blocks` of rows will be explained.
    pub(super) fn begin<S: Simd, T: Comparable>(
        &mut self,
        s: S,
        plan: &Plan,
        tree: &TreePlan,
        kept: &KeptRows,
        blocks: usize,
    ) {
        let (b, model) = (kept.rows.len(), &plan.model);
        self.background.clear(b.div_ceil(BLOCK));
        self.rows.clear(blocks);
        let mut columns = Columns::<T>::new(model.used_features.len(), BLOCK);
        let mut codes = Codes::new(model.code_slots.len());
        let mut masks = Vec::new();
        for block in 0..self.background.blocks {
            let range = block * BLOCK..b.min((block + 1) * BLOCK);
            columns.copy(&kept.rows, range.clone());
            codes.fill(&columns, &model.code_slots, model.input);
            let (columns, codes, rows) = (&columns, &codes, range.len());
            s.vectorize(MaskPass { splits: &tree.splits, columns, codes, rows, masks: &mut masks });
            self.background.put(block, &masks);
        }
    }

    /// Brings the features of a leaf in their order, which depends on the background alone.
    #[inline(always)]
    fn order(&mut self, leaf: &DeepLeaf) {
        self.features.clear();
        self.features.extend(leaf.masks.iter().zip(0..).map(|(mask, at)| (self.background.satisfied(*mask), at)));
        self.features.sort_unstable();
        self.masks.clear();
        self.masks.extend(self.features.iter().map(|(_, at)| leaf.masks[*at as usize]));
        self.slots.clear();
        self.slots.extend(self.features.iter().map(|(_, at)| leaf.slots[*at as usize]));
    }

    /// Takes the masks of a block of rows that will be explained.
    pub(super) fn put(&mut self, block: usize, masks: &[Mask]) {
        self.rows.put(block, masks);
    }
}

/// Finds the patterns of a leaf, of the background and of all rows, and makes the lines of the rows'.
pub(super) struct LeafPass<'a> {
    pub(super) deep: &'a mut Deep,
    pub(super) leaf: &'a DeepLeaf,
    pub(super) kept: &'a KeptRows,
    pub(super) weightings: usize,
    /// The leaf's values are in units, and its lines are of whole numbers.
    pub(super) wholes: bool,
    /// How many rows each block has.
    pub(super) lengths: &'a [usize],
}

impl<S: Simd> Kernel<S> for LeafPass<'_> {
    #[inline(always)]
    fn run(self, s: S) {
        let Self { deep, leaf, kept, weightings, wholes, lengths } = self;
        let total = if wholes { 1.0 } else { kept.total };
        deep.order(leaf);
        count(s, deep, leaf, kept, weightings);
        deep.met.clone_from(&deep.numbers.met);
        deep.numbers.clear(leaf.slots.len());
        deep.rows_of.resize(lengths.len(), [0; BLOCK]);
        for (block, &rows) in lengths.iter().enumerate() {
            deep.rows.patterns(s, block, &deep.masks, rows, &mut deep.patterns);
            let numbers = &mut deep.rows_of[block];
            for (number, pattern) in numbers.iter_mut().zip(&deep.patterns[..rows]) {
                *number = deep.numbers.number(*pattern);
            }
            numbers[rows..].fill(0); // read, and never written out
        }
        deep.lines.clear();
        if Dense::pays(leaf.slots.len(), deep.met.len()) {
            if wholes {
                deep.all_wholes(leaf)
            } else {
                deep.all(leaf, weightings, total)
            }
            return;
        }
        deep.occurring.take(leaf.slots.len(), &deep.met, &deep.sums, weightings, total);
        deep.weights.set(leaf.slots.len());
        for number in 0..deep.numbers.met.len() {
            let a = deep.numbers.met[number];
            deep.alone.clear();
            deep.occurring.alive(s, a, &mut deep.alone);
            if wholes { make_of_wholes(s, deep, leaf, a) } else { make(s, deep, leaf, a, weightings) }
        }
    }
}

impl Deep {
    /// The lines of a leaf at which most patterns occur.
    #[inline(always)]
    fn all(&mut self, leaf: &DeepLeaf, weightings: usize, total: f64) {
        let d = leaf.slots.len();
        let parts = d.div_ceil(8);
        let of_a_pattern = leaf.values.len() * parts * weightings;
        self.lines.resize(self.numbers.met.len() * of_a_pattern, Line::default());
        for weighting in 0..weightings {
            let sums = self.sums[weighting..].iter().step_by(weightings).copied();
            self.dense.take(d, &self.met, sums, total);
            for (a, lines) in self.numbers.met.iter().zip(self.lines.chunks_exact_mut(of_a_pattern)) {
                let shares = self.dense.shares(d, *a);
                for (v, lines) in leaf.values.iter().zip(lines.chunks_exact_mut(parts * weightings)) {
                    for (share, of_weightings) in shares.iter().zip(lines.chunks_exact_mut(weightings)) {
                        let line = &mut of_weightings[weighting];
                        line.0.iter_mut().zip(share.0).for_each(|(x, share)| *x = v * share);
                    }
                }
            }
        }
    }

    /// The same as whole numbers.
    #[inline(always)]
    fn all_wholes(&mut self, leaf: &DeepLeaf) {
        let d = leaf.slots.len();
        let parts = d.div_ceil(8);
        let of_a_pattern = leaf.values.len() * parts;
        self.lines.resize(self.numbers.met.len() * of_a_pattern, Line::default());
        self.dense.take_counts(d, &self.met, &self.sums);
        for (column, &v) in leaf.values.iter().enumerate() {
            self.dense.value(d, v);
            for (a, lines) in self.numbers.met.iter().zip(self.lines.chunks_exact_mut(of_a_pattern)) {
                lines[column * parts..][..parts].copy_from_slice(&self.dense.wholes(d, *a)[..parts]);
            }
        }
    }
}

/// The patterns of the background with their sums of weights, rows in their order.
#[inline(always)]
fn count<S: Simd>(s: S, deep: &mut Deep, leaf: &DeepLeaf, kept: &KeptRows, weightings: usize) {
    deep.numbers.clear(leaf.slots.len());
    deep.sums.clear();
    let b = kept.rows.len();
    for block in 0..deep.background.blocks {
        let first = block * BLOCK;
        let rows = BLOCK.min(b - first);
        deep.background.patterns(s, block, &deep.masks, rows, &mut deep.patterns);
        match &kept.weights {
            None => {
                for pattern in &deep.patterns[..rows] {
                    let number = deep.numbers.number(*pattern) as usize;
                    if number == deep.sums.len() {
                        deep.sums.push(0.0);
                    }
                    deep.sums[number] += 1.0;
                }
            }
            Some(weights) => {
                let weights = weights[first * weightings..].chunks_exact(weightings);
                for (pattern, weights) in deep.patterns[..rows].iter().zip(weights) {
                    let number = deep.numbers.number(*pattern) as usize;
                    deep.sums.resize(deep.sums.len().max((number + 1) * weightings), 0.0);
                    let sums = &mut deep.sums[number * weightings..][..weightings];
                    sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
                }
            }
        }
    }
}

/// Adds the lines of a pattern.
#[inline(always)]
fn make<S: Simd>(s: S, deep: &mut Deep, leaf: &DeepLeaf, a: u64, weightings: usize) {
    let parts = leaf.slots.len().div_ceil(8);
    deep.shares.clear();
    for weighting in 0..weightings {
        let shares = shares(s, deep, leaf.slots.len(), a, weighting);
        deep.shares.extend_from_slice(&shares[..parts]);
    }
    for v in &leaf.values {
        for part in 0..parts {
            let of_part = deep.shares[part..].iter().step_by(parts);
            deep.lines.extend(of_part.map(|line| Line(line.0.map(|share| v * share))));
        }
    }
}

/// The same as whole numbers: what each pair adds is rounded as in the tables.
#[inline(always)]
fn make_of_wholes<S: Simd>(s: S, deep: &mut Deep, leaf: &DeepLeaf, a: u64) {
    let d = leaf.slots.len();
    let beta = d - a.count_ones() as usize;
    let (of_a, of_b) = (deep.weights.of_a(beta), deep.weights.of_b(beta));
    let counts = deep.occurring.weights(0);
    for &v in &leaf.values {
        let mut outside = 0i64;
        let mut inside = [s.splat(0.0); MOST_VECTORS];
        let inside = &mut inside[..d.div_ceil(S::LANES)];
        for &(alone, place) in &deep.alone {
            let (k, count) = (alone.count_ones() as usize, counts[place as usize] as i64);
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
            deep.lines.push(line);
        }
    }
}

/// What a leaf of value 1 adds to each of its `d` features for rows of a pattern, in one weighting.
#[inline(always)]
fn shares<S: Simd>(s: S, deep: &Deep, d: usize, a: u64, weighting: usize) -> [Line; MAX_BACKGROUND_PATH as usize / 8] {
    let beta = d - a.count_ones() as usize;
    let (of_a, of_b) = (deep.weights.of_a(beta), deep.weights.of_b(beta));
    let weights = deep.occurring.weights(weighting);
    let mut outside = 0.0;
    let mut inside = [s.splat(0.0); MOST_VECTORS];
    let inside = &mut inside[..d.div_ceil(S::LANES)];
    for &(alone, place) in &deep.alone {
        let (k, h) = (alone.count_ones() as usize, weights[place as usize]);
        outside += h * of_b[k];
        let each = s.splat(h * of_a[k]);
        for (vector, sum) in inside.iter_mut().enumerate() {
            let chosen = s.select(s.mask(&alone.to_le_bytes(), vector), each, s.splat(0.0));
            *sum = s.add(*sum, chosen);
        }
    }
    let mut shares = [Line::default(); MAX_BACKGROUND_PATH as usize / 8];
    for (g, share) in shares.iter_mut().flat_map(|line| &mut line.0).enumerate().take(d) {
        *share = if a >> g & 1 != 0 { s.lanes(inside[g / S::LANES])[g % S::LANES] } else { -outside };
    }
    shares
}

/// Adds a leaf's numbers of one column for a block of rows.
pub(super) struct KnownPass<'a, V, X> {
    pub(super) deep: &'a Deep,
    pub(super) block: usize,
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
        for (part, slots) in self.deep.slots.chunks(8).enumerate() {
            let first = (self.column * parts + part) * weightings;
            for eight in 0..self.rows.div_ceil(8) {
                let lines = self.mixing.mix(s, eight, |weighting| {
                    [0, 1, 2, 3, 4, 5, 6, 7].map(|row| {
                        let number = self.deep.rows_of[self.block][8 * eight + row] as usize;
                        s.line(&self.deep.lines[number * of_a_pattern + first + weighting])
                    })
                });
                add_turned(s, self.mixing, lines, slots, eight, self.phi);
            }
        }
    }
}

//! A leaf whose path has too many features for a table: the patterns of the background that occur there.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Patterns that a bucket should hold.
const OF_A_BUCKET: usize = 8;

/// Most bits that tell buckets apart.
const MOST_BUCKET_BITS: u32 = 11;

/// A leaf by itself.
#[derive(Debug, Clone)]
pub(crate) struct DeepLeaf {
    pub(crate) slots: Vec<u32>,
    /// For each feature the mask of the rows that satisfy its edges.
    pub(crate) masks: Vec<u32>,
    /// One value, or one an output of the tree.
    pub(crate) values: Vec<f64>,
    background: Background,
    weightings: usize,
    /// The number of each pattern, in the order in which they were met, and `[pattern][weighting]` the sums of weights.
    numbers: ByPattern<u32>,
    sums: Vec<f64>,
}

/// The patterns that occur with their weights, in buckets by their lowest bits.
#[derive(Debug, Clone, Default)]
struct Background {
    bits: u32,
    starts: Vec<u32>,
    patterns: Vec<u64>,
    /// `[weighting][pattern]`
    weights: Vec<f64>,
}

impl DeepLeaf {
    pub(super) fn new(slots: Vec<u32>, masks: Vec<u32>, values: Vec<f64>) -> Self {
        let (background, numbers) = (Background::default(), ByPattern::default());
        Self { slots, masks, values, background, weightings: 1, numbers, sums: Vec::new() }
    }

    /// To be told before the first row is added.
    pub(crate) fn set_weightings(&mut self, weightings: usize) {
        self.weightings = weightings;
    }

    /// Weights that each pattern has.
    pub(crate) fn weightings(&self) -> usize {
        self.weightings
    }

    /// Adds the weights of one background row, one a weighting.
    #[inline]
    pub(crate) fn add(&mut self, pattern: u64, weights: &[f64]) {
        let next = self.numbers.len() as u32;
        let number = *self.numbers.entry(pattern).or_insert(next);
        if number == next {
            self.sums.extend_from_slice(weights);
        } else {
            let sums = &mut self.sums[number as usize * weights.len()..];
            sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
        }
    }

    /// Sorts the patterns; the weights are divided by `total`.
    pub(crate) fn finish(&mut self, total: f64) {
        let (numbers, sums) = (std::mem::take(&mut self.numbers), std::mem::take(&mut self.sums));
        let wanted = (numbers.len() / OF_A_BUCKET).max(1).ilog2();
        let bits = wanted.min(MOST_BUCKET_BITS).min(self.slots.len() as u32);
        let bucket = |q: u64| (q & ((1 << bits) - 1)) as usize;
        let mut all: Vec<(u64, u32)> = numbers.into_iter().collect();
        all.sort_unstable_by_key(|(q, _)| (bucket(*q), *q));
        let mut starts = vec![0; (1 << bits) + 1];
        all.iter().for_each(|(q, _)| starts[bucket(*q) + 1] += 1);
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let weight = |weighting: usize, number: u32| sums[number as usize * self.weightings + weighting] / total;
        let weights = (0..self.weightings).flat_map(|w| all.iter().map(move |(_, number)| (w, *number)));
        let weights = weights.map(|(w, number)| weight(w, number)).collect();
        let patterns = all.iter().map(|(q, _)| *q).collect();
        self.background = Background { bits, starts, patterns, weights };
    }

    /// Calls `visit(q, h)` for the patterns of the background that have every feature that `a` lacks, in one order, with their
    /// weights h in a weighting.
    #[inline(always)]
    pub(crate) fn alive(&self, a: u64, weighting: usize, mut visit: impl FnMut(u64, f64)) {
        let full = match self.slots.len() {
            64 => u64::MAX,
            d => (1 << d) - 1,
        };
        let background = &self.background;
        let weights = &background.weights[weighting * background.patterns.len()..];
        let low = (1u64 << background.bits) - 1;
        // the buckets whose lowest bits hold all that `a` lacks: every subset of `free` beside them
        let (must, free) = (!a & low, a & low);
        let mut more = 0;
        loop {
            let bucket = (must | more) as usize;
            let of_bucket = background.starts[bucket] as usize..background.starts[bucket + 1] as usize;
            for (&q, &h) in background.patterns[of_bucket.clone()].iter().zip(&weights[of_bucket]) {
                if a | q == full {
                    visit(q, h);
                }
            }
            more = more.wrapping_sub(free) & free;
            if more == 0 {
                break;
            }
        }
    }

    /// The share of the background that gets to the leaf, in the first weighting.
    pub(crate) fn share(&self) -> f64 {
        if self.slots.is_empty() {
            return 1.0;
        }
        let mut share = 0.0;
        self.alive(0, 0, |_, h| share += h); // what lacks nothing
        share
    }

    /// Memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let of_patterns = 8 * (self.background.patterns.len() + self.background.weights.len());
        let background = of_patterns + 4 * self.background.starts.len();
        background + 8 * (self.slots.len() + self.values.len())
    }
}

/// A map by pattern.
pub(crate) type ByPattern<T> = HashMap<u64, T, BuildHasherDefault<Mixed>>;

/// A hash of one word: multiplied, its halves exchanged. Patterns come from a model and its rows, which gain nothing by
/// colliding.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32);
    }
}

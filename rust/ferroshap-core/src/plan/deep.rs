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
    counted: ByPattern<f64>,
}

/// The patterns that occur with their weights, which sum to 1, in buckets by their lowest bits.
#[derive(Debug, Clone, Default)]
struct Background {
    bits: u32,
    starts: Vec<u32>,
    patterns: Vec<u64>,
    weights: Vec<f64>,
}

impl DeepLeaf {
    pub(super) fn new(slots: Vec<u32>, masks: Vec<u32>, values: Vec<f64>) -> Self {
        Self { slots, masks, values, background: Background::default(), counted: ByPattern::default() }
    }

    /// Adds the weight of one background row.
    #[inline]
    pub(crate) fn add(&mut self, pattern: u64, weight: f64) {
        *self.counted.entry(pattern).or_insert(0.0) += weight;
    }

    /// Sorts the patterns; `total` is the sum of all weights.
    pub(crate) fn finish(&mut self, total: f64) {
        let counted = std::mem::take(&mut self.counted);
        let wanted = (counted.len() / OF_A_BUCKET).max(1).ilog2();
        let bits = wanted.min(MOST_BUCKET_BITS).min(self.slots.len() as u32);
        let bucket = |q: u64| (q & ((1 << bits) - 1)) as usize;
        let mut all: Vec<(u64, f64)> = counted.into_iter().map(|(q, h)| (q, h / total)).collect();
        all.sort_unstable_by_key(|(q, _)| (bucket(*q), *q));
        let mut starts = vec![0; (1 << bits) + 1];
        all.iter().for_each(|(q, _)| starts[bucket(*q) + 1] += 1);
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let (patterns, weights) = all.into_iter().unzip();
        self.background = Background { bits, starts, patterns, weights };
    }

    /// Calls `visit(q, h)` for the patterns of the background that have every feature that `a` lacks, in one order.
    #[inline(always)]
    pub(crate) fn alive(&self, a: u64, mut visit: impl FnMut(u64, f64)) {
        let full = match self.slots.len() {
            64 => u64::MAX,
            d => (1 << d) - 1,
        };
        let background = &self.background;
        let low = (1u64 << background.bits) - 1;
        // the buckets whose lowest bits hold all that `a` lacks: every subset of `free` beside them
        let (must, free) = (!a & low, a & low);
        let mut more = 0;
        loop {
            let bucket = (must | more) as usize;
            let of_bucket = background.starts[bucket] as usize..background.starts[bucket + 1] as usize;
            for (&q, &h) in background.patterns[of_bucket.clone()].iter().zip(&background.weights[of_bucket]) {
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

    /// Memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let background = 16 * self.background.patterns.len() + 4 * self.background.starts.len();
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

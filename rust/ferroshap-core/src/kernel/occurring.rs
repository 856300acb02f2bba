//! The patterns of the background that occur at a leaf, in buckets: which of them go with a row's.
//!
//! Those that do have every feature that the row's lacks. Where the lowest bits are of features that are rarely satisfied, a row's
//! pattern lacks most of them, and few buckets are left to look at, with few patterns in each.

use crate::simd::{COVERED, Simd};

/// Patterns that a bucket should hold: one look at them.
const OF_A_BUCKET: usize = COVERED;

/// Most bits that tell buckets apart.
const MOST_BUCKET_BITS: u32 = 10;

/// The patterns with their weights, in buckets by their lowest bits, in the order in which they were met. Each bucket is filled up with
/// patterns of weight 0.
#[derive(Debug, Default)]
pub(super) struct Occurring {
    bits: u32,
    /// All features.
    full: u64,
    /// In looks of [`COVERED`] patterns.
    starts: Vec<u32>,
    /// The lower and the higher half of each pattern; the higher ones only where there are more than 32 features.
    low: Vec<[u32; COVERED]>,
    high: Vec<[u32; COVERED]>,
    /// `[weighting][pattern]`
    weights: Vec<f64>,
    weightings: usize,
}

impl Occurring {
    /// Takes patterns of `features` features with their sums of weights, `[pattern][weighting]`, which are divided by `total`.
    pub(super) fn take(&mut self, features: usize, patterns: &[u64], sums: &[f64], weightings: usize, total: f64) {
        self.weightings = weightings;
        self.full = if features == 64 { u64::MAX } else { (1 << features) - 1 };
        let wanted = (patterns.len() / OF_A_BUCKET).max(1).ilog2();
        self.bits = wanted.min(MOST_BUCKET_BITS).min(features as u32);
        let bucket = |q: u64| (q & ((1 << self.bits) - 1)) as usize;
        let mut sizes = vec![0u32; 1 << self.bits];
        patterns.iter().for_each(|q| sizes[bucket(*q)] += 1);
        self.starts.clear();
        self.starts.push(0);
        for size in sizes {
            self.starts.push(self.starts[self.starts.len() - 1] + size.div_ceil(COVERED as u32));
        }
        let looks = self.starts[self.starts.len() - 1] as usize;
        self.low.clear();
        self.low.resize(looks, [0; COVERED]);
        self.high.clear();
        self.high.resize(if features > 32 { looks } else { 0 }, [0; COVERED]);
        self.weights.clear();
        self.weights.resize(weightings * looks * COVERED, 0.0);
        let mut next: Vec<usize> = self.starts.iter().map(|start| *start as usize * COVERED).collect();
        for (q, sums) in patterns.iter().zip(sums.chunks_exact(weightings)) {
            let at = next[bucket(*q)];
            next[bucket(*q)] += 1;
            self.low[at / COVERED][at % COVERED] = *q as u32;
            if let Some(look) = self.high.get_mut(at / COVERED) {
                look[at % COVERED] = (*q >> 32) as u32;
            }
            for (weighting, sum) in sums.iter().enumerate() {
                self.weights[weighting * looks * COVERED + at] = sum / total;
            }
        }
    }

    /// Adds to `alone`, for each pattern of the background that has every feature that `a` lacks, in one order: the features that only
    /// `a` has, and where its weights are.
    #[inline(always)]
    pub(super) fn alive<S: Simd>(&self, s: S, a: u64, alone: &mut Vec<(u64, u32)>) {
        let lowest = (1u64 << self.bits) - 1;
        // the buckets whose lowest bits hold all that `a` lacks: every subset of `free` beside them
        let (must, free) = (!a & lowest, a & lowest);
        let mut more = 0;
        loop {
            let bucket = (must | more) as usize;
            let first = self.starts[bucket] as usize;
            for (look, low) in (first..).zip(&self.low[first..self.starts[bucket + 1] as usize]) {
                let mut covered = s.covered(low, a as u32, self.full as u32);
                if let Some(high) = self.high.get(look) {
                    covered &= s.covered(high, (a >> 32) as u32, (self.full >> 32) as u32);
                }
                while covered != 0 {
                    let lane = covered.trailing_zeros() as usize % COVERED;
                    covered &= covered - 1;
                    let high = self.high.get(look).map_or(0, |high| u64::from(high[lane]) << 32);
                    alone.push((a & !(u64::from(low[lane]) | high), (look * COVERED + lane) as u32));
                }
            }
            more = more.wrapping_sub(free) & free;
            if more == 0 {
                break;
            }
        }
    }

    /// The weights of one weighting, by place.
    pub(super) fn weights(&self, weighting: usize) -> &[f64] {
        let each = self.weights.len() / self.weightings;
        &self.weights[weighting * each..][..each]
    }
}

//! Rows look up what a tree's leaves add to their pairs.

use std::collections::HashMap;
use std::ops::Range;

use super::pair_table::{Beta, row_of};
use crate::kernel::{MASK_ROWS, Mask};
use crate::simd::{Indices, Kernel, Line, Simd};

/// Look-ups made for eight rows before those of the next eight: the sums that they add to stay in the nearest cache.
const AT_ONCE: usize = 16;

/// Planes beyond those of the sums, where lanes without a column go.
pub(super) const SPARE_PLANES: usize = 8;

/// The plane of a lane that has no column, until all planes are known.
const NOWHERE: u32 = u32::MAX;

/// Eight columns of a group of leaves, by the pattern of some of its bits.
#[derive(Debug, Clone)]
pub(super) struct LookUp {
    /// The number of its list of bits.
    pub(super) bits: u32,
    /// Lines of one output: one a pattern.
    pub(super) size: usize,
    /// The first of them among those of the tree: `[output][pattern]`.
    pub(super) first: usize,
    /// The plane of each lane.
    planes: [u32; 8],
}

impl LookUp {
    /// At most eight planes.
    pub(super) fn new((bits, size): (u32, usize), first: usize, planes: &[u32]) -> Self {
        let plane = |lane: usize| planes.get(lane).copied().unwrap_or(NOWHERE);
        Self { bits, size, first, planes: std::array::from_fn(plane) }
    }

    /// To be called when the number of planes is known: lanes that have none get spare ones, each another.
    pub(super) fn finish(&mut self, planes: usize) {
        for (lane, plane) in self.planes.iter_mut().enumerate() {
            if *plane == NOWHERE {
                *plane = (planes + lane) as u32;
            }
        }
    }
}

/// The pattern of every row of a block in every list of bits.
pub(super) struct PatternPass<'a, I> {
    pub(super) of: I,
    pub(super) masks: &'a [Mask],
    pub(super) rows: usize,
    pub(super) out: &'a mut Vec<Indices>,
}

impl<'a, S: Simd, I: Iterator<Item = &'a [u32]>> Kernel<S> for PatternPass<'_, I> {
    #[inline(always)]
    fn run(self, s: S) {
        for (filled, bits) in self.of.enumerate() {
            if filled == self.out.len() {
                self.out.push([0; MASK_ROWS]);
            }
            s.indices(self.masks, bits, self.rows, &mut self.out[filled]);
        }
    }
}

/// The look-ups of a tree and the patterns of a block of rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patterned<'a> {
    pub(super) lookups: &'a [LookUp],
    pub(super) lines: &'a [Line],
    /// By list of bits.
    pub(super) indices: &'a [Indices],
}

/// Some look-ups of one output.
#[derive(Debug, Clone, Copy)]
struct Batch<'a> {
    lookups: &'a [LookUp],
    lines: &'a [Line],
    indices: &'a [Indices],
    output: usize,
}

impl<'a> Batch<'a> {
    #[inline(always)]
    fn new(of: Patterned<'a>, output: usize, first: usize) -> Self {
        let lookups = &of.lookups[first..];
        Self { lookups: &lookups[..lookups.len().min(AT_ONCE)], lines: of.lines, indices: of.indices, output }
    }

    #[inline(always)]
    fn lines(&self, lookup: &LookUp) -> &'a [Line] {
        &self.lines[lookup.first + self.output * lookup.size..][..lookup.size]
    }

    /// The patterns of the eight rows number `eight` of the block.
    #[inline(always)]
    fn eight(&self, lookup: &LookUp, eight: usize) -> &'a [u16; 8] {
        &self.indices[lookup.bits as usize].as_chunks().0[eight]
    }
}

/// Adds what a tree's tables say of a block of rows to the sums of its outputs, `[output][eight rows][plane]`.
pub(super) struct LookUpPass<'a, V> {
    pub(super) tree: Patterned<'a>,
    /// The tree that comes after.
    pub(super) ahead: Option<Patterned<'a>>,
    pub(super) outputs: usize,
    pub(super) rows: usize,
    pub(super) sums: &'a mut [V],
    /// Planes, spare ones included.
    pub(super) planes: usize,
}

impl<S: Simd> Kernel<S> for LookUpPass<'_, S::V> {
    #[inline(always)]
    fn run(self, s: S) {
        let Self { tree, ahead, outputs, rows, sums, planes } = self;
        if tree.lookups.is_empty() {
            return;
        }
        let (per_output, per_eight) = (sums.len() / outputs, planes * (8 / S::LANES));
        let batches = tree.lookups.len().div_ceil(AT_ONCE);
        for number in 0..outputs * batches {
            let batch = Batch::new(tree, number / batches, number % batches * AT_ONCE);
            let next = number + 1;
            // what is read next comes from far: it is asked for meanwhile
            let coming = if next < outputs * batches {
                Some(Batch::new(tree, next / batches, next % batches * AT_ONCE))
            } else {
                ahead.map(|ahead| Batch::new(ahead, 0, 0))
            };
            let sums = &mut sums[batch.output * per_output..][..per_output];
            for (eight, sums) in sums.chunks_exact_mut(per_eight).enumerate().take(rows.div_ceil(8)) {
                if let Some(coming) = coming {
                    for lookup in coming.lookups {
                        let lines = coming.lines(lookup);
                        for &index in coming.eight(lookup, eight) {
                            s.prefetch(&lines[usize::from(index)]);
                        }
                    }
                }
                for lookup in batch.lookups {
                    let (lines, indices) = (batch.lines(lookup), batch.eight(lookup, eight));
                    let line = |row: usize| s.line(&lines[usize::from(indices[row])]);
                    // written out: a map over an array may be a call, which would leave the level
                    let lines = [line(0), line(1), line(2), line(3), line(4), line(5), line(6), line(7)];
                    add_turned(s, lines, &lookup.planes, sums);
                }
            }
        }
    }
}

/// Adds the lines of eight rows to the planes of their columns.
#[inline(always)]
fn add_turned<S: Simd>(s: S, lines: [S::L; 8], planes: &[u32], sums: &mut [S::V]) {
    let of_eight = 8 / S::LANES;
    for (&plane, line) in planes.iter().zip(s.transpose(lines)) {
        let at = plane as usize * of_eight;
        s.add_line_to(&mut sums[at..at + of_eight], line);
    }
}

/// One leaf of too many features for a table: its row of one is made for each pattern that occurs.
#[derive(Debug, Clone)]
pub(super) struct Alone {
    bits: Vec<u32>,
    /// The columns that are asked for, and their planes.
    columns: Vec<u32>,
    planes: Vec<u32>,
    values: Vec<f64>,
    /// Weights by pattern while the background is folded.
    counts: HashMap<u64, f64>,
    /// The occurring patterns in ascending order with their weights, which sum to 1.
    occurring: Vec<(u64, f64)>,
}

/// What rows of such leaves need.
#[derive(Debug, Default)]
pub(super) struct Making {
    beta: Beta,
    known: HashMap<u64, usize>,
    lines: Vec<Line>,
    all: Vec<f64>,
}

impl Alone {
    pub(super) fn new(bits: Vec<u32>, columns: Vec<u32>, planes: Vec<u32>, values: Vec<f64>) -> Self {
        Self { bits, columns, planes, values, counts: HashMap::new(), occurring: Vec::new() }
    }

    pub(super) fn bytes(&self) -> usize {
        16 * self.occurring.len() + 8 * self.values.len() + 4 * (self.bits.len() + 2 * self.planes.len())
    }

    /// The pattern of each row of a block.
    fn patterns(&self, masks: &[Mask]) -> [u64; MASK_ROWS] {
        let mut out = [0; MASK_ROWS];
        for (g, &mask) in self.bits.iter().enumerate() {
            for (eight, byte) in out.chunks_exact_mut(8).zip(masks[mask as usize]) {
                for (bit, pattern) in eight.iter_mut().enumerate() {
                    *pattern |= u64::from(byte >> bit & 1) << g;
                }
            }
        }
        out
    }

    /// Adds background rows, in their order.
    pub(super) fn count(&mut self, masks: &[Mask], rows: Range<usize>, weights: Option<&[f64]>) {
        for (pattern, row) in self.patterns(masks).into_iter().zip(rows) {
            *self.counts.entry(pattern).or_insert(0.0) += weights.map_or(1.0, |w| w[row]);
        }
    }

    /// Sorts the weights added, which are `total` in all.
    pub(super) fn finish(&mut self, total: f64) {
        self.occurring = std::mem::take(&mut self.counts).into_iter().map(|(q, h)| (q, h / total)).collect();
        self.occurring.sort_unstable_by_key(|(q, _)| *q);
    }

    /// Adds the leaf to the sums of the tree's outputs, `[output][eight rows][plane]`.
    pub(super) fn add_up<S: Simd>(
        &self,
        s: S,
        masks: &[Mask],
        making: &mut Making,
        rows: usize,
        (sums, all_planes): (&mut [S::V], usize),
    ) {
        if self.planes.is_empty() {
            return;
        }
        let (d, width) = (self.bits.len(), self.planes.len().div_ceil(8));
        let Making { beta, known, lines, all } = making;
        known.clear();
        lines.clear();
        let u = beta.of(d, false);
        let mut starts = [0; MASK_ROWS];
        for (start, pattern) in starts[..rows].iter_mut().zip(self.patterns(masks)) {
            *start = *known.entry(pattern).or_insert_with(|| {
                let first = lines.len();
                lines.resize(first + width, Line::default());
                row_of(pattern, d, &self.occurring, u, all);
                for (lane, &column) in self.columns.iter().enumerate() {
                    lines[first + lane / 8].0[lane % 8] = all[column as usize];
                }
                first
            });
        }
        let per_output = sums.len() / self.values.len();
        for (&value, sums) in self.values.iter().zip(sums.chunks_exact_mut(per_output)) {
            s.vectorize(AddMade { lines, starts: &starts, planes: &self.planes, value, rows, sums, all_planes });
        }
    }
}

struct AddMade<'a, V> {
    lines: &'a [Line],
    starts: &'a [usize; MASK_ROWS],
    planes: &'a [u32],
    value: f64,
    rows: usize,
    sums: &'a mut [V],
    all_planes: usize,
}

impl<S: Simd> Kernel<S> for AddMade<'_, S::V> {
    #[inline(always)]
    fn run(self, s: S) {
        let of_eights = self.sums.chunks_exact_mut(self.all_planes * (8 / S::LANES));
        for (starts, sums) in self.starts.as_chunks::<8>().0.iter().zip(of_eights).take(self.rows.div_ceil(8)) {
            for (at, planes) in self.planes.chunks(8).enumerate() {
                let line = |row: usize| s.scale_line(s.line(&self.lines[starts[row] + at]), self.value);
                let lines = [line(0), line(1), line(2), line(3), line(4), line(5), line(6), line(7)];
                add_turned(s, lines, planes, sums);
            }
        }
    }
}

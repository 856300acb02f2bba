//! Rows look up what a tree's leaves add to their pairs.

use std::collections::HashMap;
use std::ops::Range;

use super::pair_table::{Beta, row_of};
use crate::kernel::{MASK_ROWS, Mask};
use crate::simd::{INDEXED, Kernel, Line, Simd};

/// The pattern of each row of a block.
pub(super) type Indices = [u16; MASK_ROWS];

/// Lines of sums that the tables looked up together may add to: they should stay in the nearest cache.
const LINES_AT_ONCE: usize = 64;

/// Some columns of a group of leaves.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// The mask of each bit of a pattern.
    pub(super) bits: Vec<u32>,
    /// The plane of each lane; the last line may be filled in part.
    planes: Vec<u32>,
    /// Its first line among those of the tree: `[output][pattern][line]`.
    pub(super) first: usize,
}

impl Table {
    pub(super) fn new(bits: Vec<u32>, planes: Vec<u32>, first: usize) -> Self {
        Self { bits, planes, first }
    }

    pub(super) fn lines_of_a_pattern(&self) -> usize {
        self.planes.len().div_ceil(8)
    }

    /// Lines of one output.
    pub(super) fn size(&self) -> usize {
        self.lines_of_a_pattern() << self.bits.len()
    }

    pub(super) fn bytes(&self) -> usize {
        4 * (self.bits.len() + self.planes.len())
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
        let mut filled = 0;
        for bits in self.of {
            if filled == self.out.len() {
                self.out.push([0; MASK_ROWS]);
            }
            let (quarters, _) = self.out[filled].as_chunks_mut::<INDEXED>();
            for (quarter, out) in quarters.iter_mut().enumerate().take(self.rows.div_ceil(INDEXED)) {
                s.indices(self.masks, bits, quarter, out);
            }
            filled += 1;
        }
    }
}

/// The tables of a tree and the patterns of a block of rows in them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patterned<'a> {
    pub(super) tables: &'a [Table],
    pub(super) lines: &'a [Line],
    pub(super) indices: &'a [Indices],
}

/// Some tables of one output, looked up together.
#[derive(Debug, Clone)]
struct Batch<'a> {
    of: Patterned<'a>,
    output: usize,
    tables: Range<usize>,
}

impl<'a> Batch<'a> {
    fn new(of: Patterned<'a>, output: usize, first: usize) -> Self {
        let (mut end, mut touched) = (first, 0);
        while end < of.tables.len() && (end == first || touched + of.tables[end].planes.len() <= LINES_AT_ONCE) {
            touched += of.tables[end].planes.len();
            end += 1;
        }
        Self { of, output, tables: first..end }
    }

    /// Each table, its lines, and where those of the eight rows number `eight` start.
    #[inline(always)]
    fn of_eight(&self, eight: usize) -> impl Iterator<Item = (&'a Table, &'a [Line], [usize; 8])> {
        let Self { of: Patterned { tables, lines, indices }, output, .. } = *self;
        tables[self.tables.clone()].iter().zip(&indices[self.tables.clone()]).map(move |(table, indices)| {
            let width = table.lines_of_a_pattern();
            let mut starts = [0; 8];
            for (start, index) in starts.iter_mut().zip(&indices[8 * eight..8 * eight + 8]) {
                *start = usize::from(*index) * width;
            }
            (table, &lines[table.first + output * table.size()..][..table.size()], starts)
        })
    }
}

/// Adds what a tree's tables say of a block of rows to the sums of its outputs, `[output][plane][vector]`.
pub(super) struct LookUps<'a, V> {
    pub(super) tree: Patterned<'a>,
    /// The tree that comes after.
    pub(super) ahead: Option<Patterned<'a>>,
    pub(super) outputs: usize,
    pub(super) rows: usize,
    pub(super) sums: &'a mut [V],
    /// Vectors of a plane.
    pub(super) per_plane: usize,
}

impl<S: Simd> Kernel<S> for LookUps<'_, S::V> {
    #[inline(always)]
    fn run(self, s: S) {
        let Self { tree, ahead, outputs, rows, sums, per_plane } = self;
        if tree.tables.is_empty() {
            return;
        }
        let per_output = sums.len() / outputs;
        let mut next = Some(Batch::new(tree, 0, 0));
        while let Some(batch) = next {
            next = if batch.tables.end < tree.tables.len() {
                Some(Batch::new(tree, batch.output, batch.tables.end))
            } else if batch.output + 1 < outputs {
                Some(Batch::new(tree, batch.output + 1, 0))
            } else {
                None
            };
            let coming = next.clone().or_else(|| Some(Batch::new(ahead?, 0, 0)));
            let sums = &mut sums[batch.output * per_output..][..per_output];
            for eight in 0..rows.div_ceil(8) {
                for (table, lines, starts) in coming.iter().flat_map(|batch| batch.of_eight(eight)) {
                    for start in starts {
                        for line in &lines[start..start + table.lines_of_a_pattern()] {
                            s.prefetch(line);
                        }
                    }
                }
                for (table, lines, starts) in batch.of_eight(eight) {
                    add_rows(s, lines, starts, &table.planes, None, sums, (per_plane, eight));
                }
            }
        }
    }
}

/// Adds the lines of eight rows, number `eight` of a block, to the planes of their columns, times a value.
#[inline(always)]
fn add_rows<S: Simd>(
    s: S,
    lines: &[Line],
    starts: [usize; 8],
    planes: &[u32],
    value: Option<f64>,
    sums: &mut [S::V],
    (per_plane, eight): (usize, usize),
) {
    let of_eight = 8 / S::LANES;
    for (at, planes) in planes.chunks(8).enumerate() {
        let line = |row: usize| {
            let line = s.line(&lines[starts[row] + at]);
            value.map_or(line, |value| s.scale_line(line, value))
        };
        // written out: a map over an array may be a call, which would leave the level
        let found = [line(0), line(1), line(2), line(3), line(4), line(5), line(6), line(7)];
        for (&plane, line) in planes.iter().zip(s.transpose(found)) {
            let at = plane as usize * per_plane + eight * of_eight;
            s.add_line_to(&mut sums[at..at + of_eight], line);
        }
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

    /// Adds the leaf to the sums of the tree's outputs, `[output][plane][vector]`.
    pub(super) fn add_up<S: Simd>(
        &self,
        s: S,
        masks: &[Mask],
        making: &mut Making,
        rows: usize,
        (sums, per_plane): (&mut [S::V], usize),
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
            s.vectorize(AddMade { lines, starts: &starts, planes: &self.planes, value, rows, sums, per_plane });
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
    per_plane: usize,
}

impl<S: Simd> Kernel<S> for AddMade<'_, S::V> {
    #[inline(always)]
    fn run(self, s: S) {
        for (eight, starts) in self.starts.as_chunks::<8>().0.iter().enumerate().take(self.rows.div_ceil(8)) {
            let place = (self.per_plane, eight);
            add_rows(s, self.lines, *starts, self.planes, Some(self.value), self.sums, place);
        }
    }
}

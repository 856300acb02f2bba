//! Rows by their patterns in the groups of a tree: a look-up a group in its table.

use std::ops::Range;

use crate::plan::{Chunk, Lookup, TreeTables};
use crate::simd::{BLOCK, Indices, Kernel, Line, Mask, Simd};

/// The pattern of every row of a block in every group of a tree.
pub(super) struct IndexPass<'a> {
    pub(super) tables: &'a TreeTables,
    pub(super) masks: &'a [Mask],
    pub(super) rows: usize,
    pub(super) out: &'a mut [Indices],
}

impl<S: Simd> Kernel<S> for IndexPass<'_> {
    #[inline(always)]
    fn run(self, s: S) {
        for (bits, out) in self.tables.groups.iter().zip(self.out) {
            s.indices(self.masks, bits, self.rows, out);
        }
    }
}

/// How the lines of a pattern, one a weighting of the background, become the row's.
pub(super) trait Mixing<S: Simd>: Copy {
    /// Lines that a pattern has.
    fn weightings(self) -> usize;
    /// a + b of lines of one weighting.
    #[inline(always)]
    fn add(self, s: S, a: S::L, b: S::L) -> S::L {
        s.add_lines(a, b)
    }
    /// Adds a mixed line to as many vectors as hold eight numbers.
    #[inline(always)]
    fn add_to(self, s: S, to: &mut [S::V], line: S::L) {
        s.add_line_to(to, line);
    }
    /// The lines of the eight rows number `eight` of the block, from those of each weighting.
    fn mix(self, s: S, eight: usize, lines: impl Fn(usize) -> [S::L; 8]) -> [S::L; 8];
}

/// One weighting.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plain;

impl<S: Simd> Mixing<S> for Plain {
    #[inline(always)]
    fn weightings(self) -> usize {
        1
    }

    #[inline(always)]
    fn mix(self, _: S, _: usize, lines: impl Fn(usize) -> [S::L; 8]) -> [S::L; 8] {
        lines(0)
    }
}

/// One weighting, and whole numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wholes;

impl<S: Simd> Mixing<S> for Wholes {
    #[inline(always)]
    fn weightings(self) -> usize {
        1
    }

    #[inline(always)]
    fn add(self, s: S, a: S::L, b: S::L) -> S::L {
        s.add_lines_of_wholes(a, b)
    }

    #[inline(always)]
    fn add_to(self, s: S, to: &mut [S::V], line: S::L) {
        s.add_line_of_wholes_to(to, line);
    }

    #[inline(always)]
    fn mix(self, _: S, _: usize, lines: impl Fn(usize) -> [S::L; 8]) -> [S::L; 8] {
        lines(0)
    }
}

/// Several, each times a number of the row, added in their order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mixed<'a>(/** `[weighting][row of the block]` */ pub(super) &'a [[f64; BLOCK]]);

impl<S: Simd> Mixing<S> for Mixed<'_> {
    #[inline(always)]
    fn weightings(self) -> usize {
        self.0.len()
    }

    #[inline(always)]
    fn mix(self, s: S, eight: usize, lines: impl Fn(usize) -> [S::L; 8]) -> [S::L; 8] {
        let mut sum = [s.line(&Line::default()); 8];
        for (weighting, factors) in self.0.iter().enumerate() {
            let lines = lines(weighting);
            for ((sum, line), factor) in sum.iter_mut().zip(lines).zip(&factors[8 * eight..8 * eight + 8]) {
                *sum = s.add_lines(*sum, s.scale_line(line, *factor));
            }
        }
        sum
    }
}

/// Adds what a chunk's tables say of a block of rows to the features.
pub(super) struct LookupPass<'a, V, X> {
    pub(super) chunk: &'a Chunk,
    pub(super) lines: &'a [Line],
    pub(super) indices: &'a [Indices],
    /// `[slot][vector]` of the chunk's output.
    pub(super) phi: &'a mut [V],
    pub(super) rows: usize,
    pub(super) mixing: X,
    /// The chunk that comes after, and the part of its lines to ask for meanwhile.
    pub(super) ahead: Option<(&'a Chunk, Range<usize>)>,
}

impl<S: Simd, X: Mixing<S>> Kernel<S> for LookupPass<'_, S::V, X> {
    #[inline(always)]
    fn run(self, s: S) {
        let Some((first, others)) = self.chunk.lookups.split_first() else { return };
        let eights = self.rows.div_ceil(8);
        for eight in 0..eights {
            self.ask_ahead(s, eight, eights);
            let sum = self.mixing.mix(s, eight, |weighting| {
                let line = |lookup: &Lookup, row: usize| {
                    let index = self.indices[lookup.group as usize][8 * eight + row] as usize;
                    s.line(&self.lines[lookup.first as usize + index * self.mixing.weightings() + weighting])
                };
                let mut sum = [s.line(&Line::default()); 8]; // a loop: `map` of an array may stay a call, without vectors
                for (row, sum) in sum.iter_mut().enumerate() {
                    *sum = line(first, row);
                }
                for other in others {
                    for (row, sum) in sum.iter_mut().enumerate() {
                        *sum = self.mixing.add(s, *sum, line(other, row));
                    }
                }
                sum
            });
            add_turned(s, self.mixing, sum, &self.chunk.slots, eight, self.phi);
        }
    }
}

impl<V, X> LookupPass<'_, V, X> {
    /// Tables of large models come from far: what the next chunk reads is asked for while this one computes.
    #[inline(always)]
    fn ask_ahead<S: Simd>(&self, s: S, eight: usize, eights: usize) {
        let Some((chunk, part)) = &self.ahead else { return };
        let lines = part.len().div_ceil(eights);
        let first = part.start + eight * lines;
        for line in first..part.end.min(first + lines) {
            for lookup in &chunk.lookups {
                if line < lookup.lines as usize {
                    s.prefetch(&self.lines[lookup.first as usize + line]);
                }
            }
        }
    }
}

/// Adds the lines of eight rows, number `eight` of a block, to the sums of their features.
#[inline(always)]
pub(super) fn add_turned<S: Simd>(
    s: S,
    mixing: impl Mixing<S>,
    lines: [S::L; 8],
    slots: &[u32],
    eight: usize,
    phi: &mut [S::V],
) {
    let (vectors, of_eight) = (BLOCK / S::LANES, 8 / S::LANES);
    for (&slot, of_rows) in slots.iter().zip(s.transpose(lines)) {
        let at = slot as usize * vectors + eight * of_eight;
        mixing.add_to(s, &mut phi[at..at + of_eight], of_rows);
    }
}

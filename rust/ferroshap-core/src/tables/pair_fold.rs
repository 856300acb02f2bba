//! The background in groups of leaves: weights by pattern, then tables.

use std::ops::Range;

use super::pair_lookups::{Indices, Table};
use super::pair_table::{Beta, LeafTable};
use crate::simd::{Kernel, Line, Simd};

/// A group of leaves while the background is folded.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    /// The mask of each bit of a pattern.
    pub(super) bits: Vec<u32>,
    /// The weight of each pattern.
    weights: Vec<f64>,
    leaves: Vec<Leaf>,
    /// The number of each table of the group among those of the tree, and which of the group's bits are its own.
    tables: Vec<(usize, Vec<u32>)>,
}

/// One leaf of a group.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub(super) values: Vec<f64>,
    /// For each feature of its path the bit of the group that says whether it is satisfied, or is not.
    pub(super) features: Vec<(u32, bool)>,
    /// A column of the leaf's table, the group's table where it stands, and its lane there.
    pub(super) columns: Vec<(u32, u32, u32)>,
}

impl Counted {
    pub(super) fn new(bits: Vec<u32>, leaves: Vec<Leaf>, tables: Vec<(usize, Vec<u32>)>) -> Self {
        Self { weights: vec![0.0; 1 << bits.len()], bits, leaves, tables }
    }

    /// Adds background rows, in their order.
    pub(super) fn count(&mut self, patterns: &Indices, rows: Range<usize>, weights: Option<&[f64]>) {
        match weights {
            None => patterns[..rows.len()].iter().for_each(|&pattern| self.weights[usize::from(pattern)] += 1.0),
            Some(weights) => (patterns.iter().zip(&weights[rows]))
                .for_each(|(&pattern, weight)| self.weights[usize::from(pattern)] += weight),
        }
    }
}

/// What making tables needs.
#[derive(Debug, Default)]
pub(super) struct Making {
    beta: Beta,
    of_leaf: LeafTable,
    weights: Vec<f64>,
    own: Vec<u32>,
    /// `[pattern][lane]` of a leaf in one table.
    part: Vec<f64>,
}

/// Adds what the leaves of a group have to its tables; the background weighs `total`.
pub(super) struct MakeTables<'a> {
    pub(super) group: &'a Counted,
    pub(super) tables: &'a [Table],
    pub(super) lines: &'a mut [Line],
    pub(super) total: f64,
    pub(super) making: &'a mut Making,
}

impl<S: Simd> Kernel<S> for MakeTables<'_> {
    #[inline(always)]
    fn run(self, _: S) {
        let Self { group, tables, lines, total, making } = self;
        let Making { beta, of_leaf, weights, own, part } = making;
        for leaf in &group.leaves {
            let d = leaf.features.len();
            own_patterns(own, group.bits.len(), &leaf.features);
            weights.clear();
            weights.resize(1 << d, 0.0);
            own.iter().zip(&group.weights).for_each(|(&own, weight)| weights[own as usize] += weight);
            of_leaf.take(weights, total, beta.of(d, true));
            for (number, (table, bits)) in group.tables.iter().enumerate() {
                let table = &tables[*table];
                let width = 8 * table.lines_of_a_pattern();
                part.clear();
                part.resize(width << d, 0.0);
                let mut any = false;
                for &(column, _, lane) in leaf.columns.iter().filter(|(_, of, _)| *of as usize == number) {
                    of_leaf.write(column as usize, &mut part[lane as usize..], width);
                    any = true;
                }
                if !any {
                    continue;
                }
                let place = |of: u32| bits.iter().position(|bit| *bit == of).unwrap_or_default() as u32;
                let features = leaf.features.iter().map(|&(bit, negated)| (place(bit), negated));
                own_patterns(own, bits.len(), &features.collect::<Vec<_>>());
                for (output, &value) in leaf.values.iter().enumerate() {
                    let lines = &mut lines[table.first + output * table.size()..][..table.size()];
                    for (lines, &own) in lines.chunks_exact_mut(width / 8).zip(own.iter()) {
                        let from = &part[own as usize * width..][..width];
                        for (line, from) in lines.iter_mut().zip(from.as_chunks::<8>().0) {
                            for (x, from) in line.0.iter_mut().zip(from) {
                                *x += value * from;
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A leaf's pattern for each pattern of so many bits.
#[inline(always)]
fn own_patterns(own: &mut Vec<u32>, bits: usize, features: &[(u32, bool)]) {
    own.clear();
    own.resize(1 << bits, 0);
    for (g, &(bit, negated)) in features.iter().enumerate() {
        for (pattern, own) in (0u32..).zip(own.iter_mut()) {
            *own |= (pattern >> bit & 1 ^ u32::from(negated)) << g;
        }
    }
}

//! The background in groups of leaves: weights by pattern, then tables.

use std::ops::Range;

use super::pair_lookups::LookUp;
use super::pair_table::{Beta, LeafTable};
use crate::simd::{Indices, Kernel, Line, Simd};

/// A group of leaves while the background is folded.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    /// The mask of each bit of a pattern.
    pub(super) bits: Vec<u32>,
    /// The weight of each pattern.
    weights: Vec<f64>,
    leaves: Vec<Leaf>,
    /// Which of the group's bits each table goes by, and the look-ups of the tree that are its own.
    tables: Vec<(Vec<u32>, Range<usize>)>,
}

/// One leaf of a group.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub(super) values: Vec<f64>,
    /// For each feature of its path the bit of the group that says whether it is satisfied, or is not.
    pub(super) features: Vec<(u32, bool)>,
    /// A column of the leaf's table, the look-up of the tree where it stands, and its lane there.
    pub(super) columns: Vec<(u32, usize, usize)>,
}

impl Counted {
    pub(super) fn new(bits: Vec<u32>, leaves: Vec<Leaf>, tables: Vec<(Vec<u32>, Range<usize>)>) -> Self {
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
    /// A line a pattern of a leaf, in one look-up.
    part: Vec<[f64; 8]>,
}

/// Adds what the leaves of a group have to its tables; the background weighs `total`.
pub(super) struct MakeTables<'a> {
    pub(super) group: &'a Counted,
    pub(super) lookups: &'a [LookUp],
    pub(super) lines: &'a mut [Line],
    pub(super) total: f64,
    pub(super) making: &'a mut Making,
}

impl<S: Simd> Kernel<S> for MakeTables<'_> {
    #[inline(always)]
    fn run(self, _: S) {
        let Self { group, lookups, lines, total, making } = self;
        let Making { beta, of_leaf, weights, own, part } = making;
        for leaf in &group.leaves {
            let d = leaf.features.len();
            own_patterns(own, group.bits.len(), &leaf.features);
            weights.clear();
            weights.resize(1 << d, 0.0);
            own.iter().zip(&group.weights).for_each(|(&own, weight)| weights[own as usize] += weight);
            of_leaf.take(weights, total, beta.of(d, true));
            for (bits, numbers) in &group.tables {
                let place = |of: u32| bits.iter().position(|bit| *bit == of).unwrap_or_default() as u32;
                if !leaf.columns.iter().any(|(_, number, _)| numbers.contains(number)) {
                    continue; // of the other leaves
                }
                let features = leaf.features.iter().map(|&(bit, negated)| (place(bit), negated));
                own_patterns(own, bits.len(), &features.collect::<Vec<_>>());
                for number in numbers.clone() {
                    part.clear();
                    part.resize(1 << d, [0.0; 8]);
                    for &(column, _, lane) in leaf.columns.iter().filter(|(_, of, _)| *of == number) {
                        of_leaf.write(column as usize, part, lane);
                    }
                    let lookup = &lookups[number];
                    for (output, &value) in leaf.values.iter().enumerate() {
                        let lines = &mut lines[lookup.first + output * lookup.size..][..lookup.size];
                        for (line, &own) in lines.iter_mut().zip(own.iter()) {
                            for (x, from) in line.0.iter_mut().zip(&part[own as usize]) {
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

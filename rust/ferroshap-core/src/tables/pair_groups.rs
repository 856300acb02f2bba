//! Leaves of a small subtree share a table: one look-up a row for all of them.
//!
//! A row's pattern has a bit for each different feature on the path to the subtree (the row satisfies its edges), and one for
//! each of its splits (the row goes left; where an edge above is on the same feature, one for either side). Every leaf's own
//! pattern follows from it, so the leaves' tables (`pair_table.rs`), times their values, add up to one.

use std::collections::HashMap;
use std::ops::Range;

use super::pair_table::{Beta, columns, dense, row_of};
use crate::kernel::{MASK_ROWS, Mask};
use crate::model::{Ensemble, Node, Tree};
use crate::plan::{MaskSplit, PairLayout};
use crate::simd::{Kernel, Simd};

/// Most leaves of a group.
const LEAVES: u32 = 4;

/// The plane of a column that nobody asked for, or that fills a row of a table up to eight.
const NOWHERE: u32 = u32::MAX;

/// The comparisons of a tree and the groups of its leaves.
#[derive(Debug, Clone)]
pub(super) struct PairTree {
    pub(super) splits: Vec<MaskSplit>,
    pub(super) first_output: usize,
    pub(super) outputs: usize,
    pub(super) groups: Vec<Group>,
}

/// Leaves that share a table, or one leaf with too many features for it.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// The mask of each bit of a pattern.
    bits: Vec<u32>,
    /// The plane of each column of a table; eights.
    planes: Vec<u32>,
    table: Table,
}

#[derive(Debug, Clone)]
enum Table {
    /// The weight of each pattern, before the tables are made.
    Counts(Vec<f64>, Vec<Leaf>),
    /// `[output][pattern][column]`, times the values.
    Dense(Vec<f64>),
    /// Weights by pattern, before they are sorted, and the values of the one leaf.
    Map(HashMap<u64, f64>, Vec<f64>),
    /// The occurring patterns in ascending order with their weights, which sum to 1.
    Sparse(Vec<(u64, f64)>, Vec<f64>),
}

/// One leaf of a group.
#[derive(Debug, Clone)]
struct Leaf {
    values: Vec<f64>,
    /// For each feature of its path the bit that says whether it is satisfied, or is not.
    features: Vec<(u32, bool)>,
    /// The group's column for each column of the leaf's table that has a plane.
    columns: Vec<(u32, u32)>,
}

/// What a thread needs.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) masks: Vec<Mask>,
    /// Rows of one leaf's table by pattern: their places in `made`.
    known: HashMap<u64, usize>,
    made: Vec<f64>,
    u: Beta,
}

impl Group {
    pub(super) fn bytes(&self) -> usize {
        let table = match &self.table {
            Table::Counts(table, _) | Table::Dense(table) => 8 * table.len(),
            Table::Map(map, values) => 16 * map.len() + 8 * values.len(),
            Table::Sparse(list, values) => 16 * list.len() + 8 * values.len(),
        };
        table + 4 * (self.bits.len() + self.planes.len())
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

    /// Adds background rows.
    pub(super) fn count(&mut self, masks: &[Mask], rows: Range<usize>, weights: Option<&[f64]>) {
        let patterns = self.patterns(masks);
        for (pattern, row) in patterns.into_iter().zip(rows) {
            let weight = weights.map_or(1.0, |w| w[row]);
            match &mut self.table {
                Table::Counts(counts, _) => counts[pattern as usize] += weight,
                Table::Map(map, _) => *map.entry(pattern).or_insert(0.0) += weight,
                Table::Dense(_) | Table::Sparse(..) => {}
            }
        }
    }

    /// Makes the table of the weights added, which are `total` in all.
    pub(super) fn finish(&mut self, total: f64, u: &mut Beta) {
        let width = self.planes.len();
        self.table = match std::mem::replace(&mut self.table, Table::Dense(Vec::new())) {
            Table::Counts(counts, leaves) => Table::Dense(joint(&counts, &leaves, width, total, u)),
            Table::Map(map, values) => {
                let mut list: Vec<(u64, f64)> = map.into_iter().map(|(q, h)| (q, h / total)).collect();
                list.sort_unstable_by_key(|(q, _)| *q);
                Table::Sparse(list, values)
            }
            done => done,
        };
    }

    /// Adds the leaves to the sums of the tree's outputs, `[output][plane][stride]`.
    pub(super) fn add_up<S: Simd>(&self, s: S, scratch: &mut Scratch, rows: usize, stride: usize, sums: &mut [f64]) {
        let (d, width) = (self.bits.len(), self.planes.len());
        if d == 0 || width == 0 {
            return;
        }
        let patterns = self.patterns(&scratch.masks);
        let mut starts = [0; MASK_ROWS];
        match &self.table {
            Table::Dense(table) => {
                starts.iter_mut().zip(patterns).for_each(|(start, pattern)| *start = pattern as usize * width);
                let of_output = width << d;
                let per_output = sums.len() / (table.len() / of_output);
                for (table, sums) in table.chunks_exact(of_output).zip(sums.chunks_exact_mut(per_output)) {
                    s.vectorize(AddRows {
                        table,
                        starts: &starts,
                        rows,
                        planes: &self.planes,
                        stride,
                        sums,
                        value: 1.0,
                    });
                }
            }
            Table::Sparse(list, values) => {
                let Scratch { known, made, u, .. } = scratch;
                known.clear();
                made.clear();
                let u = u.of(d, false);
                for (start, pattern) in starts[..rows].iter_mut().zip(patterns) {
                    *start = *known.entry(pattern).or_insert_with(|| {
                        let at = made.len();
                        made.resize(at + width, 0.0);
                        row_of(pattern, d, list, u, &mut made[at..at + columns(d)]);
                        at
                    });
                }
                let per_output = sums.len() / values.len();
                for (&value, sums) in values.iter().zip(sums.chunks_exact_mut(per_output)) {
                    s.vectorize(AddRows {
                        table: made,
                        starts: &starts,
                        rows,
                        planes: &self.planes,
                        stride,
                        sums,
                        value,
                    });
                }
            }
            Table::Counts(..) | Table::Map(..) => {} // only while the background is folded
        }
    }
}

/// Adds rows of a table, times a value, to planes: eight rows and columns at a time, turned around between.
struct AddRows<'a> {
    table: &'a [f64],
    /// Where each row's part of the table starts.
    starts: &'a [usize; MASK_ROWS],
    rows: usize,
    planes: &'a [u32],
    stride: usize,
    sums: &'a mut [f64],
    value: f64,
}

impl<S: Simd> Kernel<S> for AddRows<'_> {
    #[inline(always)]
    fn run(self, _: S) {
        let Self { table, starts, rows, planes, stride, sums, value } = self;
        for (eight, starts) in starts.as_chunks::<8>().0.iter().enumerate().take(rows.div_ceil(8)) {
            let rows = starts.map(|start| &table[start..][..planes.len()]);
            for (chunk, planes) in planes.as_chunks::<8>().0.iter().enumerate() {
                let part = rows.map(|row| row[8 * chunk..].first_chunk::<8>().copied().unwrap_or([0.0; 8]));
                for (column, &plane) in planes.iter().enumerate() {
                    if plane != NOWHERE {
                        let to = &mut sums[plane as usize * stride + 8 * eight..][..8];
                        for (to, row) in to.iter_mut().zip(&part) {
                            *to += value * row[column];
                        }
                    }
                }
            }
        }
    }
}

/// The leaves' tables, times their values, in one.
fn joint(counts: &[f64], leaves: &[Leaf], width: usize, total: f64, u: &mut Beta) -> Vec<f64> {
    let size = counts.len();
    let outputs = leaves.first().map_or(0, |leaf| leaf.values.len());
    let mut out = vec![0.0; outputs * size * width];
    if width == 0 {
        return out; // a tree that is one leaf, or of whose pairs nobody asked for any
    }
    for leaf in leaves {
        let d = leaf.features.len();
        let bit = |a: usize, (bit, negated): (u32, bool)| (a >> bit & 1 != 0) != negated;
        let own = |a: usize| (0..d).fold(0, |own, g| own | usize::from(bit(a, leaf.features[g])) << g);
        let own: Vec<usize> = (0..size).map(own).collect();
        let mut of_leaf = vec![0.0; 1 << d];
        own.iter().zip(counts).for_each(|(&own, count)| of_leaf[own] += count);
        let (table, side) = (dense(&of_leaf, d, total, u), columns(d));
        for (table_of_output, &value) in out.chunks_exact_mut(size * width).zip(&leaf.values) {
            for (row, &own) in table_of_output.chunks_exact_mut(width).zip(&own) {
                let from = &table[own * side..][..side];
                leaf.columns.iter().for_each(|&(column, to)| row[to as usize] += value * from[column as usize]);
            }
        }
    }
    out
}

/// The splits of a tree, numbered as they are met, and its leaves in groups whose tables are of at most `dense_bits` bits and
/// take at most the bytes that there is `room` for.
pub(super) fn walk(
    model: &Ensemble,
    tree: &Tree,
    code_slots: &[u32],
    layout: &mut PairLayout,
    (dense_bits, room): (usize, &mut usize),
) -> PairTree {
    let mut leaves = vec![1u32; tree.n_nodes as usize]; // below each node
    for node in tree.node_range().rev() {
        if let Node::Inner { left, .. } = model.node(node) {
            let left = (left - tree.root) as usize;
            leaves[(node - tree.root) as usize] = leaves[left].saturating_add(leaves[left + 1]);
        }
    }
    let outputs = if tree.output.is_some() { 1 } else { model.n_outputs() };
    let first_output = tree.output.unwrap_or(0) as usize;
    let mut walk = Walk { model, code_slots, layout, splits: Vec::new() };
    let mut groups = Vec::new();
    let mut pending: Vec<(u32, Path)> = vec![(tree.root, Vec::new())];
    while let Some((node, path)) = pending.pop() {
        let small = leaves[(node - tree.root) as usize] <= LEAVES;
        if small && path.len() + walk.bits_below(node, &path) <= dense_bits {
            let splits = walk.splits.len();
            let group = walk.group(node, &path);
            let bytes = (8 * outputs * group.planes.len()) << group.bits.len();
            if bytes <= *room {
                *room -= bytes;
                groups.push(group);
                continue;
            }
            walk.splits.truncate(splits);
        }
        match walk.descend(node, &path) {
            Some(children) => pending.extend(children.into_iter().rev()),
            None => groups.push(walk.alone(node, &path)),
        }
    }
    PairTree { splits: walk.splits, first_output, outputs, groups }
}

/// The features of a path: slot, and the mask of the deepest edge, which holds the ones above.
type Path = Vec<(u32, u32)>;

struct Walk<'a> {
    model: &'a Ensemble,
    code_slots: &'a [u32],
    layout: &'a mut PairLayout,
    splits: Vec<MaskSplit>,
}

impl Walk<'_> {
    /// Bits that the splits of a small subtree add to a pattern.
    fn bits_below(&self, node: u32, path: &[(u32, u32)]) -> usize {
        let Node::Inner { split, left } = self.model.node(node) else { return 0 };
        let repeated = path.iter().any(|(slot, _)| *slot == split.slot);
        let below = [path, &[(split.slot, 0)]].concat();
        1 + usize::from(repeated) + self.bits_below(left, &below) + self.bits_below(left + 1, &below)
    }

    /// Adds a node's split; its children with their paths. `None`: the node is a leaf.
    fn descend(&mut self, node: u32, path: &Path) -> Option<[(u32, Path); 2]> {
        let Node::Inner { split, left } = self.model.node(node) else { return None };
        let at = path.iter().position(|(slot, _)| *slot == split.slot);
        let number = self.splits.len() as u32;
        let above = at.map_or(0, |at| path[at].1);
        self.splits.push(MaskSplit::new(self.model, &split, self.code_slots, above));
        Some([0, 1].map(|side| {
            let (edge, mut below) = ((split.slot, 1 + 2 * number + side), path.clone());
            match at {
                Some(at) => below[at] = edge,
                None => below.push(edge),
            }
            (left + side, below)
        }))
    }

    fn values(&self, node: u32) -> Vec<f64> {
        let Node::Leaf { leaf } = self.model.node(node) else { unreachable!("only leaves have values") };
        let divisor = self.model.accumulation().divisor();
        self.model.leaf(leaf).iter().map(|v| v / divisor).collect()
    }

    /// The planes of a leaf's columns.
    fn planes(&mut self, slots: &[u32]) -> Vec<u32> {
        let mut planes = slots.to_vec();
        for (i, &g) in slots.iter().enumerate() {
            planes.extend(slots[i + 1..].iter().map(|&h| self.layout.plane(g, h).unwrap_or(NOWHERE)));
        }
        planes
    }

    /// One leaf that has no table.
    fn alone(&mut self, node: u32, path: &Path) -> Group {
        let (slots, bits): (Vec<u32>, Vec<u32>) = path.iter().copied().unzip();
        let mut planes = self.planes(&slots);
        planes.resize(planes.len().next_multiple_of(8), NOWHERE);
        Group { bits, planes, table: Table::Map(HashMap::new(), self.values(node)) }
    }

    /// The leaves of a small subtree.
    fn group(&mut self, node: u32, path: &Path) -> Group {
        let mut bits: Vec<u32> = path.iter().map(|(_, mask)| *mask).collect();
        // where each mask is found in a pattern
        let mut found: HashMap<u32, (u32, bool)> = (0u32..).zip(&bits).map(|(at, mask)| (*mask, (at, false))).collect();
        let (mut planes, mut leaves): (Vec<u32>, Vec<Leaf>) = (Vec::new(), Vec::new());
        let mut pending = vec![(node, path.clone())];
        while let Some((node, path)) = pending.pop() {
            let first = 1 + 2 * self.splits.len() as u32;
            if let Some(children) = self.descend(node, &path) {
                let at = bits.len() as u32;
                bits.push(first);
                found.insert(first, (at, false));
                let repeated = children[0].1.len() == path.len();
                if repeated {
                    bits.push(first + 1);
                }
                found.insert(first + 1, if repeated { (at + 1, false) } else { (at, true) });
                pending.extend(children.into_iter().rev());
                continue;
            }
            let (slots, masks): (Vec<u32>, Vec<u32>) = path.into_iter().unzip();
            let mut columns = Vec::new();
            for (column, plane) in (0u32..).zip(self.planes(&slots)).filter(|(_, plane)| *plane != NOWHERE) {
                let to = planes.iter().position(|known| *known == plane).unwrap_or(planes.len());
                if to == planes.len() {
                    planes.push(plane);
                }
                columns.push((column, to as u32));
            }
            let features = masks.iter().map(|mask| found[mask]).collect();
            leaves.push(Leaf { values: self.values(node), features, columns });
        }
        planes.resize(planes.len().next_multiple_of(8), NOWHERE);
        let counts = vec![0.0; 1 << bits.len()];
        Group { bits, planes, table: Table::Counts(counts, leaves) }
    }
}

//! Leaves of a small subtree share tables: a few look-ups a row for all of them.
//!
//! A row's pattern has a bit for each different feature on the path to the subtree (the row satisfies its edges), and one for
//! each of its splits (the row goes left; where an edge above is on the same feature, one for either side). Every leaf's own
//! pattern follows from it, so the leaves' tables (`pair_table.rs`), times their values, add up.
//!
//! What a feature has to do with those above it comes from the leaves below its split alone, so it does not depend on the
//! splits of other branches: the columns of a node whose feature is new stand in a table of the fewer patterns that
//! matter to them, half as many a split left out. They only stand with the node above where that has lanes to spare. A pair
//! has one column in a group, whose number depends neither on where it stands nor on what else was asked for.

use std::ops::Range;

use super::pair_fold::{Counted, Leaf};
use super::pair_lookups::{Alone, LookUp, Patterned};
use super::pair_table::column_of;
use crate::model::{Ensemble, Node, Tree};
use crate::plan::PairLayout;
use crate::simd::{Indices, Line};
use crate::splits::MaskSplit;

/// Most leaves of a group.
const LEAVES: u32 = 4;

/// Columns of a line.
const LANES: usize = 8;

/// The comparisons of a tree and what its leaves have.
#[derive(Debug, Clone)]
pub(super) struct PairTree {
    pub(super) splits: Vec<MaskSplit>,
    pub(super) first_output: usize,
    pub(super) outputs: usize,
    /// The groups while the background is folded, none afterwards.
    pub(super) counted: Vec<Counted>,
    /// The masks of the bits of each table's patterns.
    pub(super) bits: Vec<Vec<u32>>,
    pub(super) lookups: Vec<LookUp>,
    pub(super) lines: Vec<Line>,
    /// Leaves of too many features for a table.
    pub(super) alone: Vec<Alone>,
}

impl PairTree {
    pub(super) fn patterned<'a>(&'a self, indices: &'a [Indices]) -> Patterned<'a> {
        Patterned { lookups: &self.lookups, lines: &self.lines, indices }
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&self.lines[..])
            + size_of_val(&self.lookups[..])
            + self.bits.iter().map(|bits| size_of_val(&bits[..])).sum::<usize>()
            + self.alone.iter().map(Alone::bytes).sum::<usize>()
    }
}

/// The splits of a tree, numbered as they are met, and its leaves in groups of at most `dense_bits` bits whose tables
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
    let made = PairTree {
        splits: Vec::new(),
        first_output: tree.output.unwrap_or(0) as usize,
        outputs: if tree.output.is_some() { 1 } else { model.n_outputs() },
        counted: Vec::new(),
        bits: Vec::new(),
        lookups: Vec::new(),
        lines: Vec::new(),
        alone: Vec::new(),
    };
    let mut walk = Walk { model, code_slots, layout, made, lines: 0 };
    let mut pending: Vec<(u32, Path)> = vec![(tree.root, Vec::new())];
    while let Some((node, path)) = pending.pop() {
        let small = leaves[(node - tree.root) as usize] <= LEAVES;
        if small && path.len() + walk.bits_below(node, &path) <= dense_bits {
            let splits = walk.made.splits.len();
            let group = walk.group(node, &path);
            let columns = group.columns();
            let bytes = group.bytes(&columns, walk.made.outputs);
            if bytes <= *room {
                *room -= bytes;
                walk.add(group, &columns);
                continue;
            }
            walk.made.splits.truncate(splits);
        }
        match walk.descend(node, &path) {
            Some(children) => pending.extend(children.into_iter().rev()),
            None => walk.alone(node, &path),
        }
    }
    walk.made
}

/// The features of a path: slot, and the mask of the deepest edge, which holds the ones above.
type Path = Vec<(u32, u32)>;

struct Walk<'a> {
    model: &'a Ensemble,
    code_slots: &'a [u32],
    layout: &'a mut PairLayout,
    made: PairTree,
    /// That the look-ups have, of all outputs.
    lines: usize,
}

/// A subtree of few leaves.
#[derive(Default)]
struct Group {
    /// The mask of each bit of a pattern: those of the path, then those of the nodes.
    bits: Vec<u32>,
    on_path: usize,
    /// Inner nodes, each before those below it; one without bits where the subtree is a leaf.
    nodes: Vec<Inner>,
    leaves: Vec<GroupLeaf>,
    /// Where each mask of an edge is found in a pattern.
    found: Vec<(u32, (u32, bool))>,
    /// Slots of all leaves' features, and for each a bit a leaf that has it, and its number there.
    features: Vec<(u32, u8, [u8; LEAVES as usize])>,
}

struct Inner {
    above: Option<usize>,
    /// The nodes from this one on that are it or below it.
    end: usize,
    bits: Range<usize>,
    leaves: Range<usize>,
}

struct GroupLeaf {
    path: Path,
    values: Vec<f64>,
}

/// A column of a group: two of its features, the same twice for the feature's value.
#[derive(Clone, Copy)]
struct Column {
    features: [usize; 2],
    /// A bit a leaf that has both.
    leaves: u8,
    node: usize,
}

impl Group {
    /// Every column.
    fn columns(&self) -> Vec<Column> {
        let mut columns = Vec::with_capacity(self.features.len() * (self.features.len() + 1) / 2);
        for (i, of_first) in self.features.iter().enumerate() {
            for (j, of_second) in self.features.iter().enumerate().skip(i) {
                let leaves = of_first.1 & of_second.1;
                if leaves != 0 {
                    let (first, last) = (leaves.trailing_zeros() as usize, leaves.ilog2() as usize);
                    let holds = |inner: &Inner| inner.leaves.contains(&first) && inner.leaves.contains(&last);
                    let node = self.nodes.iter().rposition(holds).unwrap_or(0);
                    columns.push(Column { features: [i, j], leaves, node });
                }
            }
        }
        columns
    }

    /// The leaves that have a column, and its number there.
    fn numbers(&self, column: Column) -> impl Iterator<Item = (usize, u32)> {
        let [(_, _, first), (_, _, second)] = column.features.map(|feature| self.features[feature]);
        let of_leaf =
            move |leaf: usize| (usize::from(first[leaf].min(second[leaf])), usize::from(first[leaf].max(second[leaf])));
        let number = move |leaf: usize| {
            let (d, (i, j)) = (self.leaves[leaf].path.len(), of_leaf(leaf));
            (leaf, column_of(d, i, j) as u32)
        };
        (0..self.leaves.len()).filter(move |leaf| column.leaves >> leaf & 1 != 0).map(number)
    }

    /// The bit of a pattern that says whether the edge of a mask is satisfied, or is not.
    fn place(&self, mask: u32) -> (u32, bool) {
        self.found.iter().find(|(of, _)| *of == mask).map_or((0, false), |(_, place)| *place)
    }

    /// For each node the one in whose table its columns stand, from the number of columns of each.
    fn holders(&self, counts: &[usize]) -> Vec<usize> {
        let (mut holders, mut held): (Vec<usize>, Vec<usize>) = (Vec::new(), counts.to_vec());
        for (node, inner) in self.nodes.iter().enumerate() {
            let above = inner.above.map(|above| holders[above]);
            let fits = above.filter(|&above| held[above].next_multiple_of(LANES) - held[above] >= counts[node]);
            if let Some(above) = fits {
                held[above] += counts[node];
            }
            holders.push(fits.unwrap_or(node));
        }
        holders
    }

    /// Positions in a pattern of the bits that the columns of a node depend on.
    fn bits_of(&self, node: usize) -> Vec<u32> {
        let mut bits: Vec<usize> = (0..self.on_path).collect();
        let mut above = self.nodes[node].above;
        while let Some(at) = above {
            bits.extend(self.nodes[at].bits.clone());
            above = self.nodes[at].above;
        }
        bits.extend(self.nodes[node..self.nodes[node].end].iter().flat_map(|below| below.bits.clone()));
        bits.sort_unstable();
        bits.into_iter().map(|bit| bit as u32).collect()
    }

    /// Memory of the tables if everything is asked for: what becomes of a leaf must not depend on that.
    fn bytes(&self, columns: &[Column], outputs: usize) -> usize {
        let mut counts = vec![0; self.nodes.len()];
        columns.iter().for_each(|column| counts[column.node] += 1);
        let holders = self.holders(&counts);
        let lines = |node: usize| {
            let columns: usize = (0..holders.len()).filter(|&of| holders[of] == node).map(|of| counts[of]).sum();
            columns.div_ceil(LANES) << self.bits_of(node).len()
        };
        (0..holders.len()).map(|node| size_of::<Line>() * outputs * lines(node)).sum()
    }
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
        let number = self.made.splits.len() as u32;
        let above = at.map_or(0, |at| path[at].1);
        self.made.splits.push(MaskSplit::new(self.model, &split, self.code_slots, above));
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

    /// One leaf that has no table.
    fn alone(&mut self, node: u32, path: &Path) {
        let (slots, bits): (Vec<u32>, Vec<u32>) = path.iter().copied().unzip();
        let mut planes: Vec<Option<u32>> = slots.iter().copied().map(Some).collect();
        for (i, &g) in slots.iter().enumerate() {
            planes.extend(slots[i + 1..].iter().map(|&h| self.layout.plane(g, h)));
        }
        let asked = (0u32..).zip(planes).filter_map(|(column, plane)| Some((column, plane?)));
        let (columns, planes) = asked.unzip();
        self.made.alone.push(Alone::new(bits, columns, planes, self.values(node)));
    }

    /// The leaves of a small subtree.
    fn group(&mut self, node: u32, path: &Path) -> Group {
        let bits: Vec<u32> = path.iter().map(|(_, mask)| *mask).collect();
        let found = (0u32..).zip(&bits).map(|(at, mask)| (*mask, (at, false))).collect();
        let mut group = Group { on_path: bits.len(), bits, found, ..Group::default() };
        self.visit(node, path, None, &mut group);
        if group.nodes.is_empty() {
            group.nodes.push(Inner { above: None, end: 1, bits: 0..0, leaves: 0..1 });
        }
        group
    }

    fn visit(&mut self, node: u32, path: &Path, above: Option<usize>, group: &mut Group) {
        let first = 1 + 2 * self.made.splits.len() as u32;
        let Some(children) = self.descend(node, path) else {
            let leaf = group.leaves.len();
            for (number, &(slot, _)) in (0u8..).zip(path) {
                let at = group.features.iter().position(|(known, ..)| *known == slot).unwrap_or(group.features.len());
                if at == group.features.len() {
                    group.features.push((slot, 0, [0; LEAVES as usize]));
                }
                group.features[at].1 |= 1 << leaf;
                group.features[at].2[leaf] = number;
            }
            group.leaves.push(GroupLeaf { path: path.clone(), values: self.values(node) });
            return;
        };
        let (at, number) = (group.bits.len(), group.nodes.len());
        group.bits.push(first);
        group.found.push((first, (at as u32, false)));
        let repeated = children[0].1.len() == path.len();
        if repeated {
            group.bits.push(first + 1);
        }
        group.found.push((first + 1, if repeated { (at as u32 + 1, false) } else { (at as u32, true) }));
        let leaves = group.leaves.len();
        group.nodes.push(Inner { above, end: 0, bits: at..group.bits.len(), leaves: leaves..leaves });
        for (child, path) in &children {
            self.visit(*child, path, Some(number), group);
        }
        group.nodes[number].end = group.nodes.len();
        group.nodes[number].leaves.end = group.leaves.len();
    }

    /// Gives a group its tables.
    fn add(&mut self, group: Group, columns: &[Column]) {
        let mut counts = vec![0; group.nodes.len()];
        let plane = |layout: &mut PairLayout, column: Column| {
            let [g, h] = column.features.map(|feature| group.features[feature].0);
            if g == h { Some(g) } else { layout.plane(g, h) }
        };
        let asked = columns.iter().filter_map(|&column| Some((plane(self.layout, column)?, column)));
        let columns: Vec<(u32, Column)> = asked.collect();
        columns.iter().for_each(|(_, column)| counts[column.node] += 1);
        let holders = group.holders(&counts);
        let mut leaves: Vec<Leaf> = (group.leaves.iter())
            .map(|leaf| Leaf {
                values: leaf.values.clone(),
                features: leaf.path.iter().map(|(_, mask)| group.place(*mask)).collect(),
                columns: Vec::with_capacity(columns.len()),
            })
            .collect();
        let mut tables = Vec::new();
        for node in 0..group.nodes.len() {
            let held = || columns.iter().filter(|(_, column)| holders[column.node] == node);
            if held().next().is_none() {
                continue; // its columns stand elsewhere, or nobody asked for any
            }
            let (bits, first) = (group.bits_of(node), self.made.lookups.len());
            for (lane, (_, column)) in held().enumerate() {
                for (leaf, number) in group.numbers(*column) {
                    leaves[leaf].columns.push((number, first + lane / LANES, lane % LANES));
                }
            }
            let of_table = (self.made.bits.len() as u32, 1 << bits.len());
            let planes: Vec<u32> = held().map(|(plane, _)| *plane).collect();
            for planes in planes.chunks(LANES) {
                self.made.lookups.push(LookUp::new(of_table, self.lines, planes));
                self.lines += of_table.1 * self.made.outputs;
            }
            self.made.bits.push(bits.iter().map(|bit| group.bits[*bit as usize]).collect());
            tables.push((bits, first..self.made.lookups.len()));
        }
        self.made.counted.push(Counted::new(group.bits, leaves, tables));
    }
}

//! Pattern tables of a tree: what they hold, and how the leaves of a group become one.

use super::shapley::LeafTables;
use crate::simd::{Line, of_whole, whole_of};

/// Most look-ups that share a transpose: their eight lines are added before it.
const MOST_LOOKUPS: usize = 4;

/// The groups of a tree and their tables.
#[derive(Debug, Clone)]
pub(crate) struct TreeTables {
    /// Lines that a pattern has in a table, one a weighting of the background.
    pub(crate) weightings: usize,
    /// The masks of each group's pattern, bit 0 first.
    pub(crate) groups: Vec<Vec<u32>>,
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) lines: Vec<Line>,
}

/// Look-ups whose eight numbers are of the same features: they are added up, then turned, then added to the features.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    pub(crate) output: u32,
    /// The slot of each lane in use.
    pub(crate) slots: Vec<u32>,
    pub(crate) lookups: Vec<Lookup>,
}

/// A table: `lines` lines from `first` on, for each pattern of the group one a weighting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lookup {
    pub(crate) group: u32,
    pub(crate) first: u32,
    pub(crate) lines: u32,
}

/// A group before it has a table.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// Masks of the pattern's bits.
    pub(crate) bits: Vec<u32>,
    pub(crate) slots: Vec<u32>,
    pub(crate) leaves: Vec<LeafShape>,
}

/// A leaf of a group.
#[derive(Debug, Clone)]
pub(crate) struct LeafShape {
    /// One value, or one an output of the tree.
    pub(crate) values: Vec<f64>,
    pub(crate) features: Vec<LeafFeature>,
}

/// When a row satisfies every edge on a feature of the path to a leaf: its group pattern has all bits of `set` and none of
/// `clear`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LeafFeature {
    /// Place in the group's slots.
    pub(crate) at: u32,
    pub(crate) set: u32,
    pub(crate) clear: u32,
    /// Product of the cover shares of the edges: W.
    pub(crate) weight: f64,
}

impl LeafShape {
    /// Whether a row of this pattern in the group gets to the leaf.
    pub(crate) fn is_reached(&self, pattern: u32) -> bool {
        self.features.iter().all(|feature| pattern & (feature.set | feature.clear) == feature.set)
    }

    /// The leaf's own pattern for each pattern of its group.
    #[inline(always)]
    pub(crate) fn map(&self, bits: usize, out: &mut Vec<u16>) {
        out.clear();
        out.resize(1 << bits, 0);
        for (g, feature) in self.features.iter().enumerate() {
            let tested = feature.set | feature.clear;
            for (pattern, own) in out.iter_mut().enumerate() {
                *own |= u16::from(pattern as u32 & tested == feature.set) << g;
            }
        }
    }
}

/// The weights of the background's patterns at a group's leaves.
pub(crate) enum Source<'a> {
    /// Independent features that satisfy their edges with the probabilities W: the path-dependent game.
    Covers,
    /// Counted: for each pattern of the group a weight in each weighting, and what they are divided by.
    Counted(&'a [f64], f64),
    /// How often each pattern of the group occurs; the values of the leaves are in units, the tables of whole numbers.
    Wholes(&'a [u32]),
}

/// Where eight features of a group and one output have their table.
struct Place {
    /// The first of the eight, in the group's slots.
    part: usize,
    column: usize,
    first: usize,
    /// Of each feature.
    lanes: Vec<u8>,
}

/// Makes the tables of a tree.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    leaf: LeafTables,
    map: Vec<u16>,
    h: Vec<f64>,
    counts: Vec<u32>,
    leaf_lines: Vec<Line>,
}

impl Builder {
    /// Adds a group; `outputs` are the outputs that the columns of its leaves' values add to.
    #[inline(always)]
    pub(crate) fn group(&mut self, tables: &mut TreeTables, shape: &Shape, outputs: &[u32], source: &Source<'_>) {
        if shape.slots.is_empty() {
            return;
        }
        let group = tables.groups.len() as u32;
        tables.groups.push(shape.bits.clone());
        let size = tables.weightings << shape.bits.len();
        let places: Vec<Place> = (0..shape.slots.len())
            .step_by(8)
            .flat_map(|part| outputs.iter().enumerate().map(move |(column, &output)| (part, column, output)))
            .map(|(part, column, output)| {
                let slots = &shape.slots[part..shape.slots.len().min(part + 8)];
                let first = tables.lines.len();
                tables.lines.resize(first + size, Line::default());
                let lanes = tables.place(output, slots, Lookup { group, first: first as u32, lines: size as u32 });
                Place { part, column, first, lanes }
            })
            .collect();
        for leaf in &shape.leaves {
            leaf.map(shape.bits.len(), &mut self.map);
            match *source {
                Source::Covers => self.leaf(tables, leaf, &places, None),
                Source::Counted(sums, total) => self.leaf(tables, leaf, &places, Some((sums, total))),
                Source::Wholes(counts) => self.leaf_of_wholes(tables, leaf, &places, counts),
            }
        }
    }

    #[inline(always)]
    fn leaf(&mut self, tables: &mut TreeTables, leaf: &LeafShape, places: &[Place], counted: Option<(&[f64], f64)>) {
        let weightings = tables.weightings;
        for weighting in 0..weightings {
            let total = self.weigh(leaf, counted, weighting, weightings);
            self.leaf.take(&self.h);
            for place in places {
                self.leaf.lines(&place.lanes_of(leaf), &mut self.leaf_lines);
                let v = leaf.values[place.column] / total;
                let lines = tables.lines[place.first + weighting..].iter_mut().step_by(weightings);
                for (line, &own) in lines.zip(&self.map) {
                    let from = &self.leaf_lines[own as usize].0;
                    line.0.iter_mut().zip(from).for_each(|(sum, x)| *sum += v * x);
                }
            }
        }
    }

    #[inline(always)]
    fn leaf_of_wholes(&mut self, tables: &mut TreeTables, leaf: &LeafShape, places: &[Place], counts: &[u32]) {
        self.counts.clear();
        self.counts.resize(1 << leaf.features.len(), 0);
        for (&own, count) in self.map.iter().zip(counts) {
            self.counts[own as usize] += count;
        }
        self.leaf.take_counts(&self.counts);
        for (column, &v) in leaf.values.iter().enumerate() {
            self.leaf.value(v);
            for place in places.iter().filter(|place| place.column == column) {
                self.leaf.lines_of_wholes(&place.lanes_of(leaf), &mut self.leaf_lines);
                for (line, &own) in tables.lines[place.first..].iter_mut().zip(&self.map) {
                    let from = &self.leaf_lines[own as usize].0;
                    for (sum, x) in line.0.iter_mut().zip(from) {
                        *sum = of_whole(whole_of(*sum).wrapping_add(whole_of(*x)));
                    }
                }
            }
        }
    }

    /// h of the leaf's patterns in a weighting, and what it is divided by.
    #[inline(always)]
    fn weigh(&mut self, leaf: &LeafShape, counted: Option<(&[f64], f64)>, weighting: usize, weightings: usize) -> f64 {
        let d = leaf.features.len();
        self.h.clear();
        self.h.resize(1 << d, 0.0);
        match counted {
            None => {
                self.h[0] = 1.0;
                for (g, feature) in leaf.features.iter().enumerate() {
                    let (without, with) = self.h[..2 << g].split_at_mut(1 << g);
                    for (no, yes) in without.iter_mut().zip(with) {
                        *yes = *no * feature.weight;
                        *no *= 1.0 - feature.weight;
                    }
                }
                1.0
            }
            Some((sums, total)) => {
                for (&own, sum) in self.map.iter().zip(sums[weighting..].iter().step_by(weightings)) {
                    self.h[own as usize] += sum;
                }
                total
            }
        }
    }
}

impl Place {
    /// The lane of each feature of a leaf.
    fn lanes_of(&self, leaf: &LeafShape) -> Vec<Option<u8>> {
        let lane = |feature: &LeafFeature| self.lanes.get((feature.at as usize).wrapping_sub(self.part)).copied();
        leaf.features.iter().map(lane).collect()
    }
}

impl Default for TreeTables {
    fn default() -> Self {
        Self::new(1)
    }
}

impl TreeTables {
    /// No groups yet.
    pub(crate) fn new(weightings: usize) -> Self {
        Self { weightings, groups: Vec::new(), chunks: Vec::new(), lines: Vec::new() }
    }

    /// Makes room for the tables of all groups of a tree at once.
    pub(crate) fn reserve(&mut self, shapes: &[Shape], outputs: usize) {
        let lines = |shape: &Shape| (shape.slots.len().div_ceil(8) * outputs * self.weightings) << shape.bits.len();
        self.lines.reserve_exact(shapes.iter().map(lines).sum());
    }

    /// Puts a look-up into the first chunk that has its output and room for its features; the lane of each.
    fn place(&mut self, output: u32, slots: &[u32], lookup: Lookup) -> Vec<u8> {
        let fits = |chunk: &Chunk| {
            let new = slots.iter().filter(|slot| !chunk.slots.contains(slot)).count();
            chunk.output == output && chunk.lookups.len() < MOST_LOOKUPS && chunk.slots.len() + new <= 8
        };
        let at = self.chunks.iter().position(fits).unwrap_or_else(|| {
            self.chunks.push(Chunk { output, slots: Vec::new(), lookups: Vec::new() });
            self.chunks.len() - 1
        });
        let chunk = &mut self.chunks[at];
        chunk.lookups.push(lookup);
        let lane = |slot: &u32| {
            let known = chunk.slots.iter().position(|s| s == slot);
            known.unwrap_or_else(|| {
                chunk.slots.push(*slot);
                chunk.slots.len() - 1
            }) as u8
        };
        slots.iter().map(lane).collect()
    }

    /// Memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let chunks = self.chunks.iter().map(|c| 4 * c.slots.len() + size_of_val(&c.lookups[..]));
        size_of_val(&self.lines[..])
            + chunks.sum::<usize>()
            + self.groups.iter().map(|bits| 4 * bits.len()).sum::<usize>()
    }
}

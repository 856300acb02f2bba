//! Pattern tables of a tree: where they are, and which look-ups share their work.

use std::sync::OnceLock;

use super::recipe::{Counts, Place, Recipe};
use super::subtrees::{Group, Shape};
use crate::simd::Line;

/// Most look-ups that share a transpose: their eight lines are added before it.
const MOST_LOOKUPS: usize = 4;

/// The groups of a tree and their tables.
#[derive(Debug, Clone, Default)]
pub(crate) struct TreeTables {
    /// The masks of each group's pattern, bit 0 first.
    pub(crate) groups: Vec<Vec<u32>>,
    pub(crate) chunks: Vec<Chunk>,
    /// Lines of all tables.
    pub(crate) n_lines: usize,
    made: OnceLock<Vec<Line>>,
    recipe: Option<Recipe>,
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

impl TreeTables {
    /// Tables of groups of these shapes, which wait for their counts; `outputs` are the outputs that the columns of leaves' values
    /// add to.
    pub(crate) fn new(shapes: Vec<Shape>, outputs: &[u32], weightings: usize, wholes: bool) -> Self {
        let mut out = Self::default();
        let with_places = |shape: Shape| {
            let places = shape.groups.iter().map(|group| out.places(group, outputs, weightings)).collect();
            (shape, places)
        };
        let shapes = shapes.into_iter().map(with_places).collect();
        let columns = outputs.len();
        out.recipe = Some(Recipe { shapes, counts: Counts::Covers, total: 1.0, columns, weightings, wholes });
        out
    }

    /// What the tables are made from, while they are not.
    pub(crate) fn recipe(&self) -> Option<&Recipe> {
        self.recipe.as_ref()
    }

    /// The masks of each pattern that is counted, while tables are not made.
    pub(crate) fn counted(&self) -> impl Iterator<Item = &[u32]> {
        self.recipe.iter().flat_map(|recipe| &recipe.shapes).map(|(shape, _)| &shape.bits[..])
    }

    /// Takes what the background adds to each pattern of the shapes, and what that is divided by.
    pub(crate) fn take_counts(&mut self, counts: Counts, total: f64) {
        if let Some(recipe) = &mut self.recipe {
            (recipe.counts, recipe.total) = (counts, total);
        }
    }

    /// The tables, once they are kept.
    pub(crate) fn made(&self) -> Option<&[Line]> {
        self.made.get().map(Vec::as_slice)
    }

    /// Keeps them for good.
    pub(crate) fn keep(&self, lines: Vec<Line>) {
        self.made.get_or_init(|| lines);
    }

    /// Makes them now, for good, and forgets what of.
    pub(crate) fn make_for_good(&mut self, make: impl FnOnce(&Recipe, &mut [Line])) {
        if let Some(recipe) = self.recipe.take() {
            let mut lines = vec![Line::default(); self.n_lines];
            make(&recipe, &mut lines);
            self.keep(lines);
        }
    }

    /// Makes room for a group's tables, with their look-ups.
    fn places(&mut self, group: &Group, outputs: &[u32], weightings: usize) -> Vec<Place> {
        let number = self.groups.len() as u32;
        self.groups.push(group.bits.clone());
        let size = weightings << group.bits.len();
        let eights = group.slots.chunks(8);
        eights
            .flat_map(|slots| outputs.iter().enumerate().map(move |(column, &output)| (slots, column, output)))
            .map(|(slots, column, output)| {
                let first = self.n_lines;
                self.n_lines += size;
                let lookup = Lookup { group: number, first: first as u32, lines: size as u32 };
                let lanes = self.place(output, slots, lookup);
                Place { column, first, lanes }
            })
            .collect()
    }

    /// Puts a look-up into the first chunk that has its output and room for its features; each with its lane.
    fn place(&mut self, output: u32, slots: &[u32], lookup: Lookup) -> Vec<(u32, u8)> {
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
        let lane = |slot: u32| {
            let known = chunk.slots.iter().position(|s| *s == slot);
            let lane = known.unwrap_or_else(|| {
                chunk.slots.push(slot);
                chunk.slots.len() - 1
            });
            (slot, lane as u8)
        };
        slots.iter().copied().map(lane).collect()
    }

    /// Memory, in bytes, with all tables made.
    pub(crate) fn bytes(&self) -> usize {
        let chunks = self.chunks.iter().map(|c| 4 * c.slots.len() + size_of_val(&c.lookups[..]));
        self.n_lines * size_of::<Line>()
            + chunks.sum::<usize>()
            + self.groups.iter().map(|bits| 4 * bits.len()).sum::<usize>()
            + self.recipe.as_ref().map_or(0, Recipe::bytes)
    }
}

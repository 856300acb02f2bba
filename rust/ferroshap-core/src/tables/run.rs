//! Rows in, values out: a look-up a row and leaf.

use std::collections::HashMap;
use std::marker::PhantomData;

use super::leaf::{LeafTable, Patterns, Weights, row_of};
use super::{Tables, TreeTables};
use crate::error::Result;
use crate::kernel::{Codes, Comparable, MASK_ROWS, Mask, MaskPass, Written};
use crate::parallel::{Cancel, Control, for_each_chunk};
use crate::plan::MaskSplit;
use crate::rows::{Columns, Rows};
use crate::simd::{Driver, Simd};

/// Rows that a thread explains together: the table row of a pattern is made once for all of them.
pub const ROWS_OF_A_TASK: usize = 8 * MASK_ROWS;

/// The patterns of a block of rows at one leaf.
pub(super) type Patterns64 = [u64; MASK_ROWS];

/// A block of rows as the comparisons read it.
pub(super) struct Tile<T> {
    pub(super) start: usize,
    pub(super) length: usize,
    columns: Columns<T>,
    codes: Codes,
}

impl<T: Comparable> Tile<T> {
    pub(super) fn new(tables: &Tables, rows: &Rows<'_>, start: usize, length: usize) -> Self {
        let mut columns = Columns::new(tables.used_features.len(), MASK_ROWS);
        columns.fill(rows, start..start + length, &tables.used_features, tables.input);
        let mut codes = Codes::new(tables.code_slots.len());
        codes.fill(&columns, &tables.code_slots, tables.input);
        Self { start, length, columns, codes }
    }

    /// For each edge of a tree the rows that satisfy it and those above on its feature.
    pub(super) fn masks<S: Simd>(&self, s: S, splits: &[MaskSplit], masks: &mut Vec<Mask>) {
        s.vectorize(MaskPass { splits, columns: &self.columns, codes: &self.codes, rows: self.length, masks });
    }
}

/// The pattern of each row: bit `g` from the mask of feature `g`.
#[inline]
pub(super) fn pattern_words(features: &[u32], masks: &[Mask], out: &mut Patterns64) {
    out.fill(0);
    for (g, &mask) in features.iter().enumerate() {
        for (eight, byte) in out.chunks_exact_mut(8).zip(masks[mask as usize]) {
            for (bit, pattern) in eight.iter_mut().enumerate() {
                *pattern |= u64::from(byte >> bit & 1) << g;
            }
        }
    }
}

impl Tables {
    /// Writes the SHAP values of `rows`, `(n, f, o)` row-major in units of the raw output, into `out`. O(rows × leaves ×
    /// features of a path), whatever the size of the background; leaves with more than 8 features on their path also cost
    /// their background patterns once for each different pattern of a task's rows.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) where `rows` have another number of columns than the model or `out` another
    /// length, [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn run<W: Written>(&self, rows: &Rows<'_>, out: &mut [W], threads: usize, control: &dyn Control) -> Result<()> {
        rows.check(self.n_features, out.len(), self.n_features * self.n_outputs)?;
        if self.input.round_to_f32 {
            self.level.dispatch(Run::<f32, W> { tables: self, rows, out, threads, control, lane: PhantomData })
        } else {
            self.level.dispatch(Run::<f64, W> { tables: self, rows, out, threads, control, lane: PhantomData })
        }
    }
}

struct Run<'a, 'r, T, W> {
    tables: &'a Tables,
    rows: &'a Rows<'r>,
    out: &'a mut [W],
    threads: usize,
    control: &'a dyn Control,
    lane: PhantomData<T>,
}

impl<T: Comparable, W: Written> Driver for Run<'_, '_, T, W> {
    type Out = Result<()>;

    fn drive<S: Simd>(self, s: S) -> Result<()> {
        let Run { tables, rows, out, threads, control, .. } = self;
        let (n, width) = (rows.len(), tables.n_features * tables.n_outputs);
        for_each_chunk(
            out,
            ROWS_OF_A_TASK * width,
            threads,
            control,
            Scratch::default,
            |scratch, index, out, cancel| {
                let start = index * ROWS_OF_A_TASK;
                let tiles: Vec<Tile<T>> = (start..n.min(start + ROWS_OF_A_TASK))
                    .step_by(MASK_ROWS)
                    .map(|first| Tile::new(tables, rows, first, MASK_ROWS.min(n - first)))
                    .collect();
                scratch.phi.clear();
                scratch.phi.resize(tables.n_outputs * tables.used_features.len() * ROWS_OF_A_TASK, 0.0);
                for tree in &tables.trees {
                    if cancel.requested() {
                        return;
                    }
                    scratch.explain(s, tables, tree, &tiles, cancel);
                }
                scratch.write(tables, out);
            },
        )
    }
}

/// What a thread needs.
#[derive(Default)]
struct Scratch {
    /// The masks of each tile, of one tree.
    masks: Vec<Vec<Mask>>,
    /// `[output][slot][row of the task]`
    phi: Vec<f64>,
    /// Table rows of one leaf by pattern: their places in `made`.
    known: HashMap<u64, usize>,
    made: Vec<f64>,
    weights: Weights,
}

impl Scratch {
    fn explain<S: Simd, T: Comparable>(
        &mut self,
        s: S,
        tables: &Tables,
        tree: &TreeTables,
        tiles: &[Tile<T>],
        cancel: &Cancel<'_>,
    ) {
        self.masks.resize_with(tiles.len(), Vec::new);
        for (tile, masks) in tiles.iter().zip(&mut self.masks) {
            tile.masks(s, &tree.splits, masks);
        }
        for leaf in tree.leaves.iter().filter(|leaf| !leaf.slots.is_empty()) {
            if cancel.requested() {
                return;
            }
            self.known.clear();
            self.made.clear();
            self.weights.set(leaf.slots.len());
            for (block, tile) in tiles.iter().enumerate() {
                let mut patterns: Patterns64 = [0; MASK_ROWS];
                pattern_words(&leaf.masks, &self.masks[block], &mut patterns);
                self.add(tables, tree, leaf, block * MASK_ROWS, &patterns[..tile.length]);
            }
        }
    }

    /// Adds a leaf's values for the rows of one tile.
    fn add(&mut self, tables: &Tables, tree: &TreeTables, leaf: &LeafTable, first: usize, patterns: &[u64]) {
        let d = leaf.slots.len();
        let n_slots = tables.used_features.len();
        for (row, &pattern) in patterns.iter().enumerate() {
            let values: &[f64] = match &leaf.patterns {
                Patterns::Dense(table) => &table[pattern as usize * d..][..d],
                Patterns::Sparse(list) => {
                    let at = *self.known.entry(pattern).or_insert_with(|| {
                        let at = self.made.len();
                        self.made.resize(at + d, 0.0);
                        row_of(pattern, list, &self.weights, &mut self.made[at..]);
                        at
                    });
                    &self.made[at..at + d]
                }
                Patterns::Counts(_) | Patterns::Map(_) => continue, // only while the background is folded
            };
            for (column, v) in leaf.values.iter().enumerate() {
                let output = tree.output.map_or(column, |output| output as usize);
                let plane = output * n_slots;
                for (&slot, share) in leaf.slots.iter().zip(values) {
                    self.phi[(plane + slot as usize) * ROWS_OF_A_TASK + first + row] += v * share;
                }
            }
        }
    }

    fn write<W: Written>(&self, tables: &Tables, out: &mut [W]) {
        let (f, o) = (tables.n_features, tables.n_outputs);
        out.fill(W::from_f64(0.0));
        for (index, plane) in self.phi.chunks_exact(ROWS_OF_A_TASK).enumerate() {
            let (output, slot) = (index / tables.used_features.len(), index % tables.used_features.len());
            let at = tables.used_features[slot] as usize * o + output;
            for (row, value) in out.chunks_exact_mut(f * o).zip(plane) {
                row[at] = W::from_f64(*value);
            }
        }
    }
}

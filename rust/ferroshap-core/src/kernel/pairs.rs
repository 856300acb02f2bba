//! Rows explained by walks with every background row, in whole numbers.

use std::ops::Range;

use super::walk::Walks;
use crate::model::Ensemble;
use crate::parallel::Cancel;
use crate::plan::{Later, Units};
use crate::rows::{RowMajor, Rows};
use crate::simd::{BLOCK, Kernel, Line, Simd, of_whole, whole_of};

/// Pairs of a task: as many as take a few milliseconds.
const PAIRS_OF_A_TASK: usize = 1 << 10;

/// What a thread needs.
#[derive(Debug)]
pub(super) struct Pairs<'a> {
    model: &'a Ensemble,
    walks: Walks<'a>,
    background: RowMajor,
    rows: RowMajor,
    /// `[row][slot][output]`, in units.
    sums: Vec<i64>,
}

impl<'a> Pairs<'a> {
    pub(super) fn new(later: &'a Later, units: &Units) -> Self {
        let model: &Ensemble = &later.model;
        let factors = (0..model.n_outputs()).map(|output| units.in_units(output, 1.0)).collect();
        let (walks, background) = (Walks::new(model, factors), RowMajor::clone(&later.background));
        Self { model, walks, background, rows: RowMajor::default(), sums: Vec::new() }
    }

    /// Rows that a thread explains together, at most a block.
    pub(super) fn rows_of_a_task(later: &Later) -> usize {
        (PAIRS_OF_A_TASK / later.background.len().max(1)).next_multiple_of(8).clamp(8, BLOCK)
    }

    /// Makes the sums of some rows, at most a block, for the sake of some outputs (None: all).
    pub(super) fn explain(
        &mut self,
        rows: &Rows<'_>,
        range: Range<usize>,
        outputs: Option<&[u32]>,
        cancel: &Cancel<'_>,
    ) {
        let of_row = self.model.used_features().len() * self.model.n_outputs();
        self.rows.fill(rows, range.clone(), self.model);
        self.sums.clear();
        self.sums.resize(range.len() * of_row, 0);
        for tree in self.model.trees() {
            if tree.output.zip(outputs).is_some_and(|(output, outputs)| !outputs.contains(&output)) {
                continue;
            }
            for row in 0..range.len() {
                if cancel.requested() {
                    return;
                }
                let sums = &mut self.sums[row * of_row..][..of_row];
                for z in 0..self.background.len() {
                    self.walks.tree(tree, self.rows.row_mut(row), self.background.row_mut(z), sums);
                }
            }
        }
    }

    /// Puts the sums of the rows into a block's, `[output][slot, and one more][vector]`.
    pub(super) fn put<S: Simd>(&self, s: S, phi: &mut [S::V]) {
        let (slots, outputs) = (self.model.used_features().len(), self.model.n_outputs());
        s.vectorize(PutPass { sums: &self.sums, slots, outputs, phi });
    }
}

struct PutPass<'a, V> {
    sums: &'a [i64],
    slots: usize,
    outputs: usize,
    phi: &'a mut [V],
}

impl<S: Simd> Kernel<S> for PutPass<'_, S::V> {
    #[inline(always)]
    fn run(self, s: S) {
        let (of_row, vectors, of_eight) = (self.slots * self.outputs, BLOCK / S::LANES, 8 / S::LANES);
        for (eight, sums) in self.sums.chunks((8 * of_row).max(1)).enumerate() {
            for output in 0..self.outputs {
                for slot in 0..self.slots {
                    let mut line = Line::default();
                    for (x, of_row) in line.0.iter_mut().zip(sums.chunks_exact(of_row)) {
                        *x = of_whole(of_row[slot * self.outputs + output]);
                    }
                    let at = (output * (self.slots + 1) + slot) * vectors + eight * of_eight;
                    s.add_line_of_wholes_to(&mut self.phi[at..at + of_eight], s.line(&line));
                }
            }
        }
    }
}

/// Makes means over the background of a block's sums, `[output][vector]`, in place.
pub(super) struct MeanPass<'a, V> {
    pub(super) units: &'a Units,
    pub(super) outputs: usize,
    pub(super) phi: &'a mut [V],
}

impl<S: Simd> Kernel<S> for MeanPass<'_, S::V> {
    #[inline(always)]
    fn run(self, s: S) {
        let of_eight = 8 / S::LANES;
        let of_output = self.phi.len() / self.outputs.max(1);
        for (output, of_output) in self.phi.chunks_exact_mut(of_output.max(1)).enumerate() {
            for eight in of_output.chunks_exact_mut(of_eight) {
                let mut line = Line::default();
                for (means, sum) in line.0.chunks_exact_mut(S::LANES).zip(eight.iter()) {
                    for (mean, sum) in means.iter_mut().zip(s.lanes(*sum)) {
                        *mean = self.units.mean(output, whole_of(sum));
                    }
                }
                eight.fill(s.splat(0.0));
                s.add_line_to(eight, s.line(&line));
            }
        }
    }
}

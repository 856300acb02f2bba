//! Stage 5: the library's raw output, bit for bit, and the float64 sum that SHAP values add up to.

use crate::error::{Error, Result};
use crate::model::{Accumulation, Ensemble, ROWS_ABREAST};
use crate::parallel::{Control, for_each_chunk};
use crate::rows::{RowMajor, Rows};

/// Which sum of the leaves a prediction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    /// In the library's own precision and order; float32 results are held exactly.
    Library,
    /// In float64, whatever the library uses: what base value and SHAP values add up to.
    Float64,
}

/// What the sums of a block start from, or end with.
#[derive(Clone, Copy)]
struct Base<'a> {
    own: &'a [f64],
    of_rows: Option<&'a [f64]>,
}

impl Base<'_> {
    /// The base of the `i`-th number of the block, row by row.
    fn at(self, i: usize) -> f64 {
        self.of_rows.map_or_else(|| self.own[i % self.own.len()], |bases| bases[i])
    }
}

/// Rows that are walked through one tree before the next tree is taken.
const BLOCK: usize = 64;

impl Ensemble {
    /// Writes the raw predictions of `rows`, `(n, o)` row-major, into `out`. O(rows × trees × depth).
    ///
    /// # Errors
    /// As [`Ensemble::predict_from`].
    pub fn predict(
        &self,
        rows: &Rows<'_>,
        sum: Sum,
        out: &mut [f64],
        threads: usize,
        control: &dyn Control,
    ) -> Result<()> {
        self.predict_from(rows, None, sum, out, threads, control)
    }

    /// The same from another base in each row, `(n, o)` row-major, in the place of the model's own (XGBoost's
    /// `base_margin`).
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) where `rows` have another number of columns than the model or `bases` another
    /// length than `out`, [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn predict_from(
        &self,
        rows: &Rows<'_>,
        bases: Option<&[f64]>,
        sum: Sum,
        out: &mut [f64],
        threads: usize,
        control: &dyn Control,
    ) -> Result<()> {
        rows.check(self.n_features(), out.len(), self.n_outputs())?;
        let (n, o) = (rows.len(), self.n_outputs());
        if let Some(found) = bases.map(<[f64]>::len).filter(|&length| length != n * o) {
            return Err(Error::Data(format!("the bases are {found} numbers, expected {n} rows × {o} outputs")));
        }
        control.begin(BLOCK);
        for_each_chunk(out, BLOCK * o, threads, control, RowMajor::default, |tile, index, out, _| {
            let start = index * BLOCK;
            tile.fill(rows, start..(start + BLOCK).min(n), self);
            let base = Base { own: self.base(), of_rows: bases.map(|b| &b[start * o..][..out.len()]) };
            match (sum, self.accumulation()) {
                (Sum::Library, Accumulation::F32FromBase) => self.add_trees_f32(tile, out, base, true),
                (Sum::Library, Accumulation::F32FromZeroThenBase) => self.add_trees_f32(tile, out, base, false),
                (Sum::Library, Accumulation::F64FromZeroThenBase) => self.add_trees(tile, out, base, false),
                _ => self.add_trees(tile, out, base, true),
            }
        })
    }

    /// float64, tree by tree, the base first or last, divided at the end.
    fn add_trees(&self, tile: &RowMajor, out: &mut [f64], base: Base<'_>, base_first: bool) {
        let o = self.n_outputs();
        for (i, sum) in out.iter_mut().enumerate() {
            *sum = if base_first { base.at(i) } else { 0.0 };
        }
        self.each_leaf(tile, out.len() / o, |row, first, values| {
            for (acc, v) in out[row * o + first..].iter_mut().zip(values) {
                *acc += v;
            }
        });
        if !base_first {
            out.iter_mut().enumerate().for_each(|(i, sum)| *sum += base.at(i));
        }
        let divisor = self.accumulation().divisor();
        if divisor != 1.0 {
            out.iter_mut().for_each(|v| *v /= divisor);
        }
    }

    /// float32 as XGBoost adds: each leaf rounded to float32, the base first or last.
    fn add_trees_f32(&self, tile: &RowMajor, out: &mut [f64], base: Base<'_>, base_first: bool) {
        let o = self.n_outputs();
        let mut sums = vec![0f32; out.len()];
        if base_first {
            sums.iter_mut().enumerate().for_each(|(i, sum)| *sum = base.at(i) as f32);
        }
        self.each_leaf(tile, out.len() / o, |row, first, values| {
            for (acc, &v) in sums[row * o + first..].iter_mut().zip(values) {
                *acc += v as f32;
            }
        });
        for (i, (out, sum)) in out.iter_mut().zip(sums).enumerate() {
            *out = f64::from(if base_first { sum } else { sum + base.at(i) as f32 });
        }
    }

    /// Calls `add(row, first output, values)` for the leaf of every tree and row, trees in order.
    fn each_leaf(&self, tile: &RowMajor, n_rows: usize, mut add: impl FnMut(usize, usize, &[f64])) {
        for tree in self.trees() {
            let first = tree.output.unwrap_or(0) as usize;
            for start in (0..n_rows).step_by(ROWS_ABREAST) {
                // the last group repeats its last row
                let rows = std::array::from_fn(|i| tile.row((start + i).min(n_rows - 1)));
                let leaves = self.leaves_of(tree, &rows);
                for (row, leaf) in (start..n_rows).zip(leaves) {
                    match self.linear_leaf(leaf, tile.row(row)) {
                        Some(value) => add(row, first, &[value]),
                        None => add(row, first, self.leaf(leaf)),
                    }
                }
            }
        }
    }
}

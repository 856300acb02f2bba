//! A block of rows, copied once into the layout that a loop reads, with the library's input rules applied.

use std::ops::Range;

use ndarray::ArrayView2;

use super::{Rows, Values};
use crate::model::{Ensemble, InputRule};

/// A block as `[row][slot]` in float64: for walking trees row by row.
#[derive(Debug, Clone, Default)]
pub struct RowMajor {
    rows: usize,
    slots: usize,
    values: Vec<f64>,
}

impl RowMajor {
    /// Copies the used columns of `range`.
    pub fn fill(&mut self, rows: &Rows<'_>, range: Range<usize>, ensemble: &Ensemble) {
        let used = ensemble.used_features();
        let (rule, missing) = (ensemble.input(), rows.missing);
        (self.rows, self.slots) = (range.len(), used.len());
        self.values.clear();
        each_row(rows, range, |row| self.values.extend(used.iter().map(|&f| rule.apply(row(f as usize), missing))));
    }

    /// How many rows it holds.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Memory, in bytes.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.values[..])
    }

    /// The values of one row, by slot.
    #[inline(always)]
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.slots..][..self.slots]
    }

    /// The same, to be changed.
    #[inline(always)]
    pub fn row_mut(&mut self, row: usize) -> &mut [f64] {
        &mut self.values[row * self.slots..][..self.slots]
    }
}

/// A block as `[slot][row]`, rows padded with NaN to a fixed stride: for comparing many rows with one threshold.
///
/// `T` is float32 where the model rounds its input to float32, float64 otherwise.
#[derive(Debug)]
pub struct Columns<T> {
    stride: usize,
    values: Vec<T>,
}

/// The two precisions of a [`Columns`] plane.
pub trait Lane: Copy + Send {
    /// Not a number: a missing value.
    const NAN: Self;
    /// Rounds; exact where the model's input rule has rounded already.
    fn from_f64(x: f64) -> Self;
    /// Widens.
    fn to_f64(self) -> f64;
}

impl Lane for f32 {
    const NAN: Self = f32::NAN;
    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        x as f32
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
}

impl Lane for f64 {
    const NAN: Self = f64::NAN;
    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        x
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
}

impl<T: Lane> Columns<T> {
    /// Room for `slots` planes of `stride` rows.
    pub fn new(slots: usize, stride: usize) -> Self {
        Self { stride, values: vec![T::NAN; slots * stride] }
    }

    /// Copies the used columns of `range`, which is no longer than the stride; the rest of each plane is NaN.
    pub fn fill(&mut self, rows: &Rows<'_>, range: Range<usize>, used: &[u32], rule: InputRule) {
        let (stride, missing) = (self.stride, rows.missing);
        let length = range.len();
        let mut at = 0;
        each_row(rows, range, |row| {
            for (slot, &feature) in used.iter().enumerate() {
                self.values[slot * stride + at] = T::from_f64(rule.apply(row(feature as usize), missing));
            }
            at += 1;
        });
        for plane in self.values.chunks_exact_mut(stride) {
            plane[length..].fill(T::NAN);
        }
    }

    /// The same of rows that have been read already.
    pub fn copy(&mut self, rows: &RowMajor, range: Range<usize>) {
        let length = range.len();
        for (slot, plane) in self.values.chunks_exact_mut(self.stride).enumerate() {
            plane.iter_mut().zip(range.clone()).for_each(|(to, row)| *to = T::from_f64(rows.row(row)[slot]));
            plane[length..].fill(T::NAN);
        }
    }

    /// The values of one slot.
    #[inline(always)]
    pub fn plane(&self, slot: u32) -> &[T] {
        &self.values[slot as usize * self.stride..][..self.stride]
    }
}

/// Calls `visit` once a row with a reader of its columns.
fn each_row(rows: &Rows<'_>, range: Range<usize>, mut visit: impl FnMut(&dyn Fn(usize) -> f64)) {
    match rows.values {
        Values::F32(v) => each_row_of(v, range, &mut visit),
        Values::F64(v) => each_row_of(v, range, &mut visit),
        Values::Sparse(v) => v.each_row(range, &mut visit),
    }
}

fn each_row_of<T: Lane>(v: ArrayView2<'_, T>, range: Range<usize>, visit: &mut impl FnMut(&dyn Fn(usize) -> f64)) {
    for r in range {
        let row = v.row(r);
        match row.as_slice() {
            Some(row) => visit(&|column| row[column].to_f64()),
            None => visit(&|column| row[column].to_f64()),
        }
    }
}

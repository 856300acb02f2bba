//! A block of rows, copied once into the layout that a loop reads, with the library's input rules applied.

use std::ops::Range;

use ndarray::{ArrayView2, s};

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
        let values = &mut self.values;
        match rows.values {
            Values::F32(v) => append(v, range, used, values, |x| rule.apply(x, missing)),
            Values::F64(v) => append(v, range, used, values, |x| rule.apply(x, missing)),
            Values::Sparse(v) => {
                v.each_row(range, &mut |row| values.extend(used.iter().map(|&f| rule.apply(row(f as usize), missing))));
            }
        }
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
        let (stride, length) = (self.stride, range.len());
        let missing = rows.missing;
        if missing.is_none() && !rule.flush_tiny {
            // the rule known to be rounding alone, the loops below are short
            let rule = InputRule { flush_tiny: false, ..rule };
            self.read(rows, range, used, |x| T::from_f64(rule.apply(x, None)));
        } else {
            self.read(rows, range, used, |x| T::from_f64(rule.apply(x, missing)));
        }
        for plane in self.values.chunks_exact_mut(stride) {
            plane[length..].fill(T::NAN);
        }
    }

    fn read(&mut self, rows: &Rows<'_>, range: Range<usize>, used: &[u32], convert: impl Fn(f64) -> T) {
        let (stride, planes) = (self.stride, &mut self.values[..]);
        match rows.values {
            Values::F32(v) => transpose(v, range, used, planes, stride, convert),
            Values::F64(v) => transpose(v, range, used, planes, stride, convert),
            Values::Sparse(v) => {
                let mut at = 0;
                v.each_row(range, &mut |row| {
                    for (slot, &feature) in used.iter().enumerate() {
                        planes[slot * stride + at] = convert(row(feature as usize));
                    }
                    at += 1;
                });
            }
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

/// Rows that are transposed together: what a slot has of them fills a line of the cache or two, and the lines that they are
/// read from stay near until the next slots have been read from them too.
const ROWS_TOGETHER: usize = 16;

/// Copies the used columns of `range` into planes of `stride` rows.
fn transpose<U: Lane, T: Lane>(
    v: ArrayView2<'_, U>,
    range: Range<usize>,
    used: &[u32],
    planes: &mut [T],
    stride: usize,
    convert: impl Fn(f64) -> T,
) {
    let v = v.slice_move(s![range, ..]);
    let Some(values) = v.as_slice() else {
        for (&feature, plane) in used.iter().zip(planes.chunks_exact_mut(stride)) {
            plane.iter_mut().zip(v.column(feature as usize)).for_each(|(to, x)| *to = convert(x.to_f64()));
        }
        return;
    };
    let width = v.ncols().max(1);
    for (part, rows) in values.chunks(ROWS_TOGETHER * width).enumerate() {
        for (&feature, plane) in used.iter().zip(planes.chunks_exact_mut(stride)) {
            let to = plane[part * ROWS_TOGETHER..].iter_mut();
            to.zip(rows.chunks_exact(width)).for_each(|(to, row)| *to = convert(row[feature as usize].to_f64()));
        }
    }
}

/// Appends the used columns of `range`, row after row.
fn append<U: Lane>(
    v: ArrayView2<'_, U>,
    range: Range<usize>,
    used: &[u32],
    to: &mut Vec<f64>,
    convert: impl Fn(f64) -> f64,
) {
    for r in range {
        let row = v.row(r);
        match row.as_slice() {
            Some(row) => to.extend(used.iter().map(|&f| convert(row[f as usize].to_f64()))),
            None => to.extend(used.iter().map(|&f| convert(row[f as usize].to_f64()))),
        }
    }
}

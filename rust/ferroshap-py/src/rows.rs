//! The row argument of every call: a 2-D float32 or float64 array, or the arrays of sparse rows, borrowed.

use ferroshap_core::rows::{Entries, Rows, Sparse, Values};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::error::to_pyerr;

/// Accepted rows; never returned.
pub(crate) enum RowsArgument<'py> {
    F32(PyReadonlyArray2<'py, f32>),
    F64(PyReadonlyArray2<'py, f64>),
    Sparse(SparseRows<'py>),
}

/// `(starts, columns, entries, number of columns, absent)`, as [`Sparse::new`] takes them.
pub(crate) struct SparseRows<'py> {
    starts: PyReadonlyArray1<'py, i64>,
    columns: PyReadonlyArray1<'py, i32>,
    entries: StoredEntries<'py>,
    n_columns: usize,
    absent: f64,
}

enum StoredEntries<'py> {
    F32(PyReadonlyArray1<'py, f32>),
    F64(PyReadonlyArray1<'py, f64>),
}

impl<'a, 'py> FromPyObject<'a, 'py> for RowsArgument<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(array) = object.cast::<PyArray2<f32>>() {
            return Ok(Self::F32(array.try_readonly()?));
        }
        if let Ok(array) = object.cast::<PyArray2<f64>>() {
            return Ok(Self::F64(array.try_readonly()?));
        }
        if let Ok((starts, columns, entries, n_columns, absent)) = object.extract() {
            return Ok(Self::Sparse(SparseRows { starts, columns, entries: stored(&entries)?, n_columns, absent }));
        }
        Err(PyTypeError::new_err("rows must be a 2-D numpy array of float32 or float64, or the arrays of sparse rows"))
    }
}

fn stored<'py>(entries: &Bound<'py, PyAny>) -> PyResult<StoredEntries<'py>> {
    if let Ok(array) = entries.cast::<PyArray1<f32>>() {
        return Ok(StoredEntries::F32(array.try_readonly()?));
    }
    if let Ok(array) = entries.cast::<PyArray1<f64>>() {
        return Ok(StoredEntries::F64(array.try_readonly()?));
    }
    Err(PyTypeError::new_err("the entries of sparse rows must be float32 or float64"))
}

impl SparseRows<'_> {
    fn borrowed(&self) -> PyResult<Sparse<'_>> {
        let apart = |_| PyValueError::new_err("the arrays of sparse rows must be contiguous");
        let entries = match &self.entries {
            StoredEntries::F32(a) => Entries::F32(a.as_slice().map_err(apart)?),
            StoredEntries::F64(a) => Entries::F64(a.as_slice().map_err(apart)?),
        };
        let (starts, columns) = (self.starts.as_slice().map_err(apart)?, self.columns.as_slice().map_err(apart)?);
        Sparse::new(starts, columns, entries, self.n_columns, self.absent).map_err(to_pyerr)
    }
}

impl RowsArgument<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::F32(a) => a.shape()[0],
            Self::F64(a) => a.shape()[0],
            Self::Sparse(rows) => rows.starts.len().saturating_sub(1),
        }
    }

    /// Raises what sparse arrays that do not fit each other are.
    pub(crate) fn view(&self, missing: Option<f64>) -> PyResult<Rows<'_>> {
        let values = match self {
            Self::F32(a) => Values::F32(a.as_array()),
            Self::F64(a) => Values::F64(a.as_array()),
            Self::Sparse(rows) => Values::Sparse(rows.borrowed()?),
        };
        Ok(Rows { values, missing })
    }
}

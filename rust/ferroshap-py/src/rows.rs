//! The row argument of every call: a 2-D float32 or float64 array, borrowed.

use ferroshap_core::rows::{Rows, Values};
use numpy::{PyArray2, PyArrayMethods, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

/// Accepted rows; never returned.
pub(crate) enum RowsArgument<'py> {
    F32(PyReadonlyArray2<'py, f32>),
    F64(PyReadonlyArray2<'py, f64>),
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
        Err(PyTypeError::new_err("rows must be a 2-D numpy array of float32 or float64"))
    }
}

impl RowsArgument<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::F32(a) => a.shape()[0],
            Self::F64(a) => a.shape()[0],
        }
    }

    pub(crate) fn view(&self, missing: Option<f64>) -> Rows<'_> {
        let values = match self {
            Self::F32(a) => Values::F32(a.as_array()),
            Self::F64(a) => Values::F64(a.as_array()),
        };
        Rows { values, missing }
    }
}

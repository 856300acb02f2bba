//! `Tables`: a model and a background compiled for the interventional game.

use ferroshap_core::parallel::default_threads;
use ferroshap_core::tables::{self, ROWS_OF_A_TASK};
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::control::PythonControl;
use crate::ensemble::Ensemble;
use crate::plan::Out;
use crate::rows::RowsArgument;

/// A model with a folded background.
#[pyclass(frozen, module = "ferroshap._native")]
pub(crate) struct Tables {
    tables: tables::Tables,
}

#[pymethods]
impl Tables {
    #[new]
    #[pyo3(signature = (ensemble, background, *, weights = None, missing = None, threads = None))]
    fn new(
        py: Python<'_>,
        ensemble: &Ensemble,
        background: RowsArgument<'_>,
        weights: Option<PyReadonlyArray1<'_, f64>>,
        missing: Option<f64>,
        threads: Option<usize>,
    ) -> PyResult<Self> {
        let view = background.view(missing);
        let weights: Option<Vec<f64>> = weights.map(|w| w.as_array().to_vec());
        let control = PythonControl::new(None, 1, ensemble.model.trees().len());
        let threads = threads.unwrap_or_else(default_threads);
        let outcome =
            py.detach(|| tables::Tables::interventional(&ensemble.model, &view, weights.as_deref(), threads, &control));
        Ok(Self { tables: control.result(outcome)? })
    }

    #[getter]
    fn expected_value<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        PyArray1::from_slice(py, self.tables.expected_value())
    }

    #[getter]
    fn scale<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        PyArray1::from_slice(py, self.tables.scale())
    }

    #[pyo3(signature = (rows, out, *, missing = None, threads = None, progress = None))]
    fn run(
        &self,
        py: Python<'_>,
        rows: RowsArgument<'_>,
        out: Out<'_>,
        missing: Option<f64>,
        threads: Option<usize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let view = rows.view(missing);
        let control = PythonControl::new(progress.as_ref(), ROWS_OF_A_TASK, rows.len());
        let threads = threads.unwrap_or_else(default_threads);
        let outcome = match out {
            Out::F64(mut out) => {
                let out = out.as_slice_mut()?;
                py.detach(|| self.tables.run(&view, out, threads, &control))
            }
            Out::F32(mut out) => {
                let out = out.as_slice_mut()?;
                py.detach(|| self.tables.run(&view, out, threads, &control))
            }
        };
        control.result(outcome)
    }

    fn describe<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let out = PyDict::new(py);
        out.set_item("patterns", self.tables.patterns())?;
        out.set_item("bytes", self.tables.bytes())?;
        out.set_item("simd", self.tables.level().to_string())?;
        Ok(out)
    }
}

//! `Plan`: a model compiled for the path-dependent game.

use ferroshap_core::kernel::ROWS_OF_A_CHUNK;
use ferroshap_core::parallel::default_threads;
use ferroshap_core::plan;
use numpy::{PyArray1, PyReadwriteArray3};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::control::PythonControl;
use crate::ensemble::Ensemble;
use crate::error::to_pyerr;
use crate::rows::RowsArgument;

/// A compiled model.
#[pyclass(frozen, module = "ferroshap._native")]
pub(crate) struct Plan {
    plan: plan::Plan,
}

/// Where the values go; never returned.
#[derive(FromPyObject)]
pub(crate) enum Out<'py> {
    F64(PyReadwriteArray3<'py, f64>),
    F32(PyReadwriteArray3<'py, f32>),
}

#[pymethods]
impl Plan {
    #[new]
    #[pyo3(signature = (ensemble, *, level = None))]
    fn new(py: Python<'_>, ensemble: &Ensemble, level: Option<&str>) -> PyResult<Self> {
        let compiled = py.detach(|| match level {
            None => plan::Plan::path_dependent(&ensemble.model),
            Some(name) => plan::Plan::path_dependent_at(&ensemble.model, name.parse()?),
        });
        Ok(Self { plan: compiled.map_err(to_pyerr)? })
    }

    #[getter]
    fn expected_value<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        PyArray1::from_slice(py, self.plan.expected_value())
    }

    #[getter]
    fn scale<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        PyArray1::from_slice(py, self.plan.scale())
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
        let control = PythonControl::new(progress.as_ref(), ROWS_OF_A_CHUNK, rows.len());
        let threads = threads.unwrap_or_else(default_threads);
        let outcome = match out {
            Out::F64(mut out) => {
                let out = out.as_slice_mut()?;
                py.detach(|| self.plan.run(&view, out, threads, &control))
            }
            Out::F32(mut out) => {
                let out = out.as_slice_mut()?;
                py.detach(|| self.plan.run(&view, out, threads, &control))
            }
        };
        control.result(outcome)
    }

    fn describe<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let what = self.plan.describe();
        let out = PyDict::new(py);
        out.set_item("trees", what.trees)?;
        out.set_item("passes", what.passes)?;
        out.set_item("points", what.points)?;
        out.set_item("split_points", what.split_points)?;
        out.set_item("bytes", what.bytes)?;
        out.set_item("simd", what.level.to_string())?;
        Ok(out)
    }
}

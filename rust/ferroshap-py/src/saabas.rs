//! `Saabas`: a model with the means of its nodes.

use ferroshap_core::kernel::{SaabasPlan, Written};
use ferroshap_core::parallel::Control;
use ferroshap_core::rows::Rows;
use numpy::PyArray1;
use pyo3::prelude::*;

use crate::ensemble::Ensemble;
use crate::error::to_pyerr;
use crate::rows::RowsArgument;
use crate::running::{self, Game, Out};

/// A model and the means of its nodes.
#[pyclass(frozen, module = "ferroshap._native")]
pub(crate) struct Saabas {
    plan: SaabasPlan,
}

impl Game for SaabasPlan {
    fn write<W: Written>(
        &self,
        rows: &Rows<'_>,
        out: &mut [W],
        threads: usize,
        control: &dyn Control,
    ) -> ferroshap_core::Result<()> {
        self.run(rows, out, threads, control)
    }
}

#[pymethods]
impl Saabas {
    #[new]
    fn new(py: Python<'_>, ensemble: &Ensemble) -> PyResult<Self> {
        Ok(Self { plan: py.detach(|| SaabasPlan::new(&ensemble.model)).map_err(to_pyerr)? })
    }

    #[staticmethod]
    fn bytes_of(ensemble: &Ensemble) -> usize {
        SaabasPlan::bytes_of(&ensemble.model)
    }

    #[getter]
    fn expected_value<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        PyArray1::from_slice(py, self.plan.expected_value())
    }

    #[getter]
    fn scale<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        PyArray1::from_slice(py, self.plan.scale())
    }

    #[getter]
    fn bytes(&self) -> usize {
        self.plan.bytes()
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
        running::run(py, &self.plan, &rows, out, missing, threads, progress.as_ref())
    }
}

//! `Interactions`: a model compiled for interaction values.

use ferroshap_core::parallel::default_threads;
use ferroshap_core::plan::{InteractionPlan, Wanted};
use numpy::{PyReadonlyArray2, PyReadwriteArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::control::PythonControl;
use crate::ensemble::Ensemble;
use crate::error::to_pyerr;
use crate::plan::Out;
use crate::rows::RowsArgument;

/// A model compiled for the interaction values of one game.
#[pyclass(frozen, module = "ferroshap._native")]
pub(crate) struct Interactions {
    plan: InteractionPlan,
}

#[pymethods]
impl Interactions {
    #[new]
    #[pyo3(signature = (ensemble, *, pairs = None, level = None))]
    fn new(
        py: Python<'_>,
        ensemble: &Ensemble,
        pairs: Option<PyReadonlyArray2<'_, u32>>,
        level: Option<&str>,
    ) -> PyResult<Self> {
        let pairs: Option<Vec<(u32, u32)>> =
            pairs.map(|pairs| pairs.as_array().rows().into_iter().map(|pair| (pair[0], pair[1])).collect());
        let plan = py.detach(|| {
            let wanted = pairs.as_deref().map_or(Wanted::Matrix, Wanted::Pairs);
            match level {
                None => InteractionPlan::path_dependent(&ensemble.model, wanted),
                Some(name) => InteractionPlan::path_dependent_at(&ensemble.model, wanted, name.parse()?),
            }
        });
        Ok(Self { plan: plan.map_err(to_pyerr)? })
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
        let control = PythonControl::new(progress.as_ref(), self.plan.rows_of_a_block(), rows.len());
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

    #[pyo3(signature = (rows, totals, *, missing = None, threads = None, progress = None))]
    fn add_magnitudes(
        &self,
        py: Python<'_>,
        rows: RowsArgument<'_>,
        mut totals: PyReadwriteArray2<'_, f64>,
        missing: Option<f64>,
        threads: Option<usize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let view = rows.view(missing);
        let control = PythonControl::new(progress.as_ref(), self.plan.rows_of_a_block(), rows.len());
        let threads = threads.unwrap_or_else(default_threads);
        let totals = totals.as_slice_mut()?;
        let outcome = py.detach(|| self.plan.add_magnitudes(&view, totals, threads, &control));
        control.result(outcome)
    }

    fn describe<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let out = PyDict::new(py);
        out.set_item("pairs", self.plan.pairs())?;
        out.set_item("bytes", self.plan.bytes())?;
        out.set_item("simd", self.plan.level().to_string())?;
        Ok(out)
    }
}

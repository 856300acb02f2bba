//! `References`: a model against background rows one by one.

use ferroshap_core::kernel::{ReferencePlan, Written};
use ferroshap_core::links::PairWeights;
use ferroshap_core::parallel::{Control, default_threads};
use ferroshap_core::rows::Rows;
use numpy::{PyReadonlyArray1, PyReadwriteArray4};
use pyo3::prelude::*;

use crate::control::PythonControl;
use crate::ensemble::Ensemble;
use crate::links::pair_weights_of;
use crate::rows::RowsArgument;
use crate::running::{self, Game, Out};

/// A model and its references.
#[pyclass(frozen, module = "ferroshap._native")]
pub(crate) struct References {
    plan: ReferencePlan,
}

struct Weighted<'a> {
    plan: &'a ReferencePlan,
    by: PairWeights,
    scale: f64,
}

impl Game for Weighted<'_> {
    fn write<W: Written>(
        &self,
        rows: &Rows<'_>,
        out: &mut [W],
        threads: usize,
        control: &dyn Control,
    ) -> ferroshap_core::Result<()> {
        self.plan.weighted(rows, self.by, self.scale, out, threads, control)
    }
}

/// Where values against each reference go; never returned.
#[derive(FromPyObject)]
pub(crate) enum OutOfEach<'py> {
    F64(PyReadwriteArray4<'py, f64>),
    F32(PyReadwriteArray4<'py, f32>),
}

#[pymethods]
impl References {
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
        let view = background.view(missing)?;
        let weights: Option<Vec<f64>> = weights.map(|w| w.as_array().to_vec());
        let control = PythonControl::new(None, background.len());
        let threads = threads.unwrap_or_else(default_threads);
        let made = py.detach(|| ReferencePlan::new(&ensemble.model, &view, weights.as_deref(), threads, &control));
        Ok(Self { plan: control.result(made)? })
    }

    #[pyo3(signature = (rows, out, *, missing = None, threads = None, progress = None))]
    fn each(
        &self,
        py: Python<'_>,
        rows: RowsArgument<'_>,
        out: OutOfEach<'_>,
        missing: Option<f64>,
        threads: Option<usize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let view = rows.view(missing)?;
        let threads = threads.unwrap_or_else(default_threads);
        let control = PythonControl::new(progress.as_ref(), rows.len());
        let outcome = match out {
            OutOfEach::F64(mut out) => {
                let out = out.as_slice_mut()?;
                py.detach(|| self.plan.each(&view, out, threads, &control))
            }
            OutOfEach::F32(mut out) => {
                let out = out.as_slice_mut()?;
                py.detach(|| self.plan.each(&view, out, threads, &control))
            }
        };
        control.result(outcome)
    }

    #[pyo3(signature = (rows, by, out, *, scale = 1.0, missing = None, threads = None, progress = None))]
    #[expect(clippy::too_many_arguments, reason = "they are named, in Python")]
    fn weighted(
        &self,
        py: Python<'_>,
        rows: RowsArgument<'_>,
        by: &str,
        out: Out<'_>,
        scale: f64,
        missing: Option<f64>,
        threads: Option<usize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let game = Weighted { plan: &self.plan, by: pair_weights_of(by)?, scale };
        running::run(py, &game, &rows, out, missing, threads, progress.as_ref())
    }
}

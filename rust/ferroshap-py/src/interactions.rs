//! `Interactions`: a model compiled for interaction values.

use ferroshap_core::kernel::Written;
use ferroshap_core::parallel::{Control, default_threads};
use ferroshap_core::plan::{InteractionPlan, Wanted};
use ferroshap_core::rows::Rows;
use ferroshap_core::tables::{InteractionTables, TableOptions};
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyReadwriteArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::control::PythonControl;
use crate::ensemble::Ensemble;
use crate::error::to_pyerr;
use crate::rows::RowsArgument;
use crate::running::{self, Game, Out};

/// A model compiled for the interaction values of one game.
#[pyclass(frozen, module = "ferroshap._native")]
pub(crate) struct Interactions {
    game: Prepared,
}

enum Prepared {
    PathDependent(InteractionPlan),
    Interventional(InteractionTables),
}

impl Game for Prepared {
    fn write<W: Written>(
        &self,
        rows: &Rows<'_>,
        out: &mut [W],
        threads: usize,
        control: &dyn Control,
    ) -> ferroshap_core::Result<()> {
        match self {
            Prepared::PathDependent(plan) => plan.run(rows, out, threads, control),
            Prepared::Interventional(tables) => tables.run(rows, out, threads, control),
        }
    }
}

#[pymethods]
impl Interactions {
    #[new]
    #[pyo3(signature = (ensemble, *, pairs = None, background = None, weights = None, missing = None, threads = None,
        table_bytes = None, level = None))]
    #[allow(clippy::too_many_arguments, reason = "keywords, each for itself")]
    fn new(
        py: Python<'_>,
        ensemble: &Ensemble,
        pairs: Option<PyReadonlyArray2<'_, u32>>,
        background: Option<RowsArgument<'_>>,
        weights: Option<PyReadonlyArray1<'_, f64>>,
        missing: Option<f64>,
        threads: Option<usize>,
        table_bytes: Option<usize>,
        level: Option<&str>,
    ) -> PyResult<Self> {
        let model = &ensemble.model;
        let pairs: Option<Vec<(u32, u32)>> =
            pairs.map(|pairs| pairs.as_array().rows().into_iter().map(|pair| (pair[0], pair[1])).collect());
        let wanted = pairs.as_deref().map_or(Wanted::Matrix, Wanted::Pairs);
        let Some(background) = background else {
            let plan = py.detach(|| match level {
                None => InteractionPlan::path_dependent(model, wanted),
                Some(name) => InteractionPlan::path_dependent_at(model, wanted, name.parse()?),
            });
            return Ok(Self { game: Prepared::PathDependent(plan.map_err(to_pyerr)?) });
        };
        let view = background.view(missing)?;
        let weights: Option<Vec<f64>> = weights.map(|w| w.as_array().to_vec());
        let control = PythonControl::new(None, model.trees().len());
        let threads = threads.unwrap_or_else(default_threads);
        let outcome = py.detach(|| {
            let mut options = TableOptions::default();
            options.level = level.map_or(Ok(options.level), str::parse)?;
            options.dense_bytes = options.dense_bytes.min(table_bytes.unwrap_or(usize::MAX));
            InteractionTables::interventional_with(model, wanted, &view, weights.as_deref(), threads, &control, options)
        });
        Ok(Self { game: Prepared::Interventional(control.result(outcome)?) })
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
        running::run(py, &self.game, &rows, out, missing, threads, progress.as_ref())
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
        let view = rows.view(missing)?;
        let threads = threads.unwrap_or_else(default_threads);
        let control = PythonControl::new(progress.as_ref(), rows.len());
        let totals = totals.as_slice_mut()?;
        let outcome = py.detach(|| match &self.game {
            Prepared::PathDependent(plan) => plan.add_magnitudes(&view, totals, threads, &control),
            Prepared::Interventional(tables) => tables.add_magnitudes(&view, totals, threads, &control),
        });
        control.result(outcome)
    }

    fn describe<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let out = PyDict::new(py);
        let (pairs, bytes, level) = match &self.game {
            Prepared::PathDependent(plan) => (plan.pairs(), plan.bytes(), plan.level()),
            Prepared::Interventional(tables) => (tables.pairs(), tables.bytes(), tables.level()),
        };
        out.set_item("pairs", pairs)?;
        out.set_item("bytes", bytes)?;
        out.set_item("simd", level.to_string())?;
        Ok(out)
    }
}

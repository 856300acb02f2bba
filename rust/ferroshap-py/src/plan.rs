//! `Plan`: a model compiled for one game.

use std::sync::{Mutex, PoisonError};

use ferroshap_core::kernel::{Aggregation, Part, Written};
use ferroshap_core::parallel::{Control, default_threads};
use ferroshap_core::plan::{self, Options};
use ferroshap_core::rows::Rows;
use numpy::{
    PyArray1, PyReadonlyArray1, PyReadonlyArray2, PyReadwriteArray2, PyReadwriteArray4, PyUntypedArrayMethods,
};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::control::PythonControl;
use crate::ensemble::Ensemble;
use crate::error::to_pyerr;
use crate::rows::RowsArgument;
use crate::running::{self, Game, Out};

/// A compiled model.
#[pyclass(frozen, module = "ferroshap._native")]
pub(crate) struct Plan {
    plan: plan::Plan,
}

impl Game for plan::Plan {
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

/// A plan with several weightings of its background, and what each row mixes them by.
struct Mixed<'a> {
    plan: &'a plan::Plan,
    mix: &'a [f64],
}

impl Game for Mixed<'_> {
    fn write<W: Written>(
        &self,
        rows: &Rows<'_>,
        out: &mut [W],
        threads: usize,
        control: &dyn Control,
    ) -> ferroshap_core::Result<()> {
        self.plan.run_mixed(rows, self.mix, out, threads, control)
    }
}

/// A plan for the sake of some of its values.
struct PartOf<'a> {
    plan: &'a plan::Plan,
    part: Part<'a>,
    sums: Mutex<&'a mut [f64]>,
}

impl Game for PartOf<'_> {
    fn write<W: Written>(
        &self,
        rows: &Rows<'_>,
        out: &mut [W],
        threads: usize,
        control: &dyn Control,
    ) -> ferroshap_core::Result<()> {
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        self.plan.run_part(rows, self.part, out, &mut sums, threads, control)
    }
}

#[pymethods]
impl Plan {
    #[new]
    #[pyo3(signature = (ensemble, *, expected_rows = None, table_bytes = None, level = None))]
    fn new(
        py: Python<'_>,
        ensemble: &Ensemble,
        expected_rows: Option<usize>,
        table_bytes: Option<usize>,
        level: Option<&str>,
    ) -> PyResult<Self> {
        let options = options(expected_rows, table_bytes, level)?;
        let compiled = py.detach(|| plan::Plan::path_dependent(&ensemble.model, options));
        Ok(Self { plan: compiled.map_err(to_pyerr)? })
    }

    #[staticmethod]
    #[pyo3(signature = (ensemble, background, *, weights = None, weightings = None, missing = None, expected_rows = None, table_bytes = None, level = None, threads = None))]
    #[expect(clippy::too_many_arguments, reason = "they are named, in Python")]
    fn interventional(
        py: Python<'_>,
        ensemble: &Ensemble,
        background: RowsArgument<'_>,
        weights: Option<PyReadonlyArray1<'_, f64>>,
        weightings: Option<PyReadonlyArray2<'_, f64>>,
        missing: Option<f64>,
        expected_rows: Option<usize>,
        table_bytes: Option<usize>,
        level: Option<&str>,
        threads: Option<usize>,
    ) -> PyResult<Self> {
        let options = options(expected_rows, Some(table_bytes.unwrap_or(2 << 30)), level)?;
        let view = background.view(missing)?;
        let weights: Option<Vec<f64>> = weights.map(|w| w.as_array().to_vec());
        let weightings: Option<Vec<f64>> = weightings.map(|w| w.as_array().iter().copied().collect());
        let control = PythonControl::new(None, ensemble.model.trees().len());
        let threads = threads.unwrap_or_else(default_threads);
        let (model, weights) = (&ensemble.model, weights.as_deref());
        let compiled = py.detach(|| match &weightings {
            None => plan::Plan::interventional(model, &view, weights, options, threads, &control),
            Some(by) => plan::Plan::against_weightings(model, &view, weights, by, options, threads, &control),
        });
        Ok(Self { plan: control.result(compiled)? })
    }

    #[getter]
    fn expected_value<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        PyArray1::from_slice(py, self.plan.expected_value())
    }

    #[getter]
    fn scale<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        PyArray1::from_slice(py, self.plan.scale())
    }

    #[pyo3(signature = (rows, out, *, mix = None, missing = None, threads = None, progress = None))]
    #[expect(clippy::too_many_arguments, reason = "they are named, in Python")]
    fn run(
        &self,
        py: Python<'_>,
        rows: RowsArgument<'_>,
        out: Out<'_>,
        mix: Option<PyReadonlyArray2<'_, f64>>,
        missing: Option<f64>,
        threads: Option<usize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        match mix {
            None => running::run(py, &self.plan, &rows, out, missing, threads, progress.as_ref()),
            Some(mix) => {
                let game = Mixed { plan: &self.plan, mix: mix.as_slice()? };
                running::run(py, &game, &rows, out, missing, threads, progress.as_ref())
            }
        }
    }

    #[pyo3(signature = (rows, out, sums, *, features, outputs, missing = None, threads = None, progress = None))]
    #[expect(clippy::too_many_arguments, reason = "they are named, in Python")]
    fn run_part(
        &self,
        py: Python<'_>,
        rows: RowsArgument<'_>,
        out: Out<'_>,
        mut sums: PyReadwriteArray2<'_, f64>,
        features: PyReadonlyArray1<'_, u32>,
        outputs: PyReadonlyArray1<'_, u32>,
        missing: Option<f64>,
        threads: Option<usize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let part = Part { features: features.as_slice()?, outputs: outputs.as_slice()? };
        let game = PartOf { plan: &self.plan, part, sums: Mutex::new(sums.as_slice_mut()?) };
        running::run(py, &game, &rows, out, missing, threads, progress.as_ref())
    }

    #[pyo3(signature = (rows, totals, sums, *, features, outputs, groups = None, missing = None, threads = None,
        progress = None))]
    #[expect(clippy::too_many_arguments, reason = "they are named, in Python")]
    fn aggregate(
        &self,
        py: Python<'_>,
        rows: RowsArgument<'_>,
        mut totals: PyReadwriteArray4<'_, f64>,
        mut sums: PyReadwriteArray2<'_, f64>,
        features: PyReadonlyArray1<'_, u32>,
        outputs: PyReadonlyArray1<'_, u32>,
        groups: Option<PyReadonlyArray1<'_, u32>>,
        missing: Option<f64>,
        threads: Option<usize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let view = rows.view(missing)?;
        let threads = threads.unwrap_or_else(default_threads);
        let control = PythonControl::new(progress.as_ref(), rows.len());
        let aggregation = Aggregation {
            part: Part { features: features.as_slice()?, outputs: outputs.as_slice()? },
            groups: groups.as_ref().map(|groups| groups.as_slice()).transpose()?,
            n_groups: totals.shape()[1],
            totals: totals.as_slice_mut()?,
            sums: sums.as_slice_mut()?,
        };
        let outcome = py.detach(|| self.plan.aggregate(&view, aggregation, threads, &control));
        control.result(outcome)
    }

    #[pyo3(signature = (*, threads = None))]
    fn make_tables(&self, py: Python<'_>, threads: Option<usize>) -> PyResult<()> {
        let control = PythonControl::new(None, 0);
        let outcome = py.detach(|| self.plan.make_tables(threads.unwrap_or_else(default_threads), &control));
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
        out.set_item("tables_made", what.tables_made)?;
        out.set_item("groups", what.groups)?;
        out.set_item("bits", what.bits)?;
        out.set_item("table_bytes", what.table_bytes)?;
        out.set_item("deep_leaves", what.deep_leaves)?;
        out.set_item("expected_seconds", what.expected_seconds)?;
        out.set_item("weightings", what.weightings)?;
        out.set_item("simd", what.level.to_string())?;
        Ok(out)
    }
}

fn options(expected_rows: Option<usize>, table_bytes: Option<usize>, level: Option<&str>) -> PyResult<Options> {
    let mut options = Options::default();
    if let Some(bytes) = table_bytes {
        options.table_bytes = bytes;
    }
    if let Some(rows) = expected_rows {
        options.expected_rows = rows;
    }
    if let Some(name) = level {
        options.level = name.parse().map_err(to_pyerr)?;
    }
    Ok(options)
}

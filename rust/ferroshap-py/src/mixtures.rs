//! `MixtureModel`: predictions of mixtures of two rows, which are not written.

use ferroshap_core::parallel::default_threads;
use ferroshap_core::predict::{self, Mixtures};
use ferroshap_core::simd::Level;
use numpy::{PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::coalition::Asked;
use crate::control::PythonControl;
use crate::ensemble::Ensemble;
use crate::error::to_pyerr;
use crate::rows::RowsArgument;

/// A model, its background rows and the players.
#[pyclass(frozen, module = "ferroshap._native")]
pub(crate) struct MixtureModel {
    model: predict::MixtureModel,
    missing: Option<f64>,
    n_outputs: usize,
}

#[pymethods]
impl MixtureModel {
    #[new]
    #[pyo3(signature = (ensemble, background, player_of_column, n_players, *, missing = None))]
    fn new(
        ensemble: &Ensemble,
        background: RowsArgument<'_>,
        player_of_column: PyReadonlyArray1<'_, i64>,
        n_players: usize,
        missing: Option<f64>,
    ) -> PyResult<Self> {
        let players = player_of_column.as_array();
        let players: Vec<usize> = players.iter().map(|&player| usize::try_from(player).unwrap_or(usize::MAX)).collect();
        let view = background.view(missing)?;
        let model = predict::MixtureModel::new(&ensemble.model, &view, &players, n_players).map_err(to_pyerr)?;
        Ok(Self { model, missing, n_outputs: ensemble.model.n_outputs() })
    }

    #[pyo3(signature = (asked, rows, first_row, *, threads = None))]
    fn predict<'py>(
        &self,
        py: Python<'py>,
        asked: &Asked,
        rows: RowsArgument<'py>,
        first_row: u32,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let evaluations = &asked.inner.evaluations;
        let (owners, references) = evaluations.pairs();
        let mixtures = Mixtures { first_row, rows: &owners, references: &references, sets: &evaluations.masks };
        let out = PyArray2::<f64>::zeros(py, (evaluations.len(), self.n_outputs), false);
        let mut write = out.try_readwrite()?;
        let target = write.as_slice_mut()?;
        let view = rows.view(self.missing)?;
        let (threads, level) = (threads.unwrap_or_else(default_threads), Level::in_use());
        let control = PythonControl::new(None, 0);
        let outcome = py.detach(|| self.model.predict(&view, mixtures, level, target, threads, &control));
        control.result(outcome)?;
        drop(write);
        Ok(out)
    }
}

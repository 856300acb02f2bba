//! `CoalitionEngine`: evaluations asked for, outputs told, estimates made.

use ferroshap_core::coalition::{self, Budget, Engine, PerReference, References, Row, Shared};
use ferroshap_core::parallel::{Control, default_threads};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::control::PythonControl;
use crate::error::to_pyerr;

/// Evaluations to be made.
#[pyclass(frozen, module = "ferroshap._native")]
pub(crate) struct Asked {
    pub(crate) inner: coalition::Asked,
}

#[pymethods]
impl Asked {
    fn __len__(&self) -> usize {
        self.inner.evaluations.len()
    }

    #[getter]
    fn rows<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u32>> {
        PyArray1::from_vec(py, self.inner.evaluations.pairs().0)
    }

    #[getter]
    fn references<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u32>> {
        PyArray1::from_vec(py, self.inner.evaluations.pairs().1)
    }

    fn members<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<bool>>> {
        let evaluations = &self.inner.evaluations;
        let (n, p) = (evaluations.len(), evaluations.n_players);
        let bits = py.detach(|| {
            let of = |i: usize| {
                let mask = evaluations.mask(i);
                (0..p).map(move |j| mask[j / 64] >> (j % 64) & 1 != 0)
            };
            (0..n).flat_map(of).collect::<Vec<bool>>()
        });
        PyArray1::from_vec(py, bits).reshape([n, p])
    }
}

/// What is known about the values of a row.
#[pyclass(frozen, module = "ferroshap._native")]
pub(crate) struct Estimate {
    inner: coalition::Estimate,
    n_players: usize,
}

impl Estimate {
    fn array<'py>(&self, py: Python<'py>, values: &[f64]) -> PyResult<Bound<'py, PyArray2<f64>>> {
        PyArray1::from_slice(py, values).reshape([self.n_players, values.len() / self.n_players])
    }
}

#[pymethods]
impl Estimate {
    #[getter]
    fn row(&self) -> u32 {
        self.inner.row
    }

    #[getter]
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        self.array(py, &self.inner.values)
    }

    #[getter]
    fn standard_errors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        self.array(py, &self.inner.standard_errors)
    }

    #[getter]
    fn background_se<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        self.array(py, &self.inner.background_se)
    }

    #[getter]
    fn varying<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u32>> {
        PyArray1::from_slice(py, &self.inner.varying)
    }

    #[getter]
    fn n_evals(&self) -> u64 {
        self.inner.n_evals
    }

    #[getter]
    fn converged(&self) -> bool {
        self.inner.converged
    }

    #[getter]
    fn exact(&self) -> bool {
        self.inner.exact
    }

    #[getter]
    fn low_budget(&self) -> bool {
        self.inner.low_budget
    }
}

#[derive(Debug)]
enum Way {
    PerReference(Engine<PerReference>),
    Shared(Engine<Shared>),
}

/// The same call for either estimator.
macro_rules! with_engine {
    ($way:expr, $engine:ident => $call:expr) => {
        match $way {
            Way::PerReference($engine) => $call,
            Way::Shared($engine) => $call,
        }
    };
}

/// Asks for evaluations of some rows and makes estimates of what comes back.
#[pyclass(module = "ferroshap._native")]
pub(crate) struct CoalitionEngine {
    way: Way,
    n_references: usize,
    n_outputs: usize,
    n_players: usize,
}

#[pymethods]
impl CoalitionEngine {
    #[new]
    #[pyo3(signature = (weights, reference_outputs, *, n_players, nsamples = None, max_evals = None, tol = None,
        design = "per_reference", seed = 0, max_memory = 67_108_864, threads = None))]
    #[expect(clippy::too_many_arguments, reason = "they are named, in Python")]
    fn new(
        weights: PyReadonlyArray1<'_, f64>,
        reference_outputs: PyReadonlyArray2<'_, f64>,
        n_players: usize,
        nsamples: Option<u64>,
        max_evals: Option<u64>,
        tol: Option<f64>,
        design: &str,
        seed: u64,
        max_memory: usize,
        threads: Option<usize>,
    ) -> PyResult<Self> {
        let [n_references, n_outputs] = [reference_outputs.shape()[0], reference_outputs.shape()[1]];
        let weights = weights.as_array().to_vec();
        if weights.len() != n_references || n_players == 0 {
            let problem = format!("{} weights, {n_references} references, {n_players} players", weights.len());
            return Err(PyValueError::new_err(format!("{problem}; expected a weight each, and a player at least")));
        }
        let outputs = reference_outputs.as_array().iter().copied().collect();
        let references = References::new(&weights, outputs, n_players).map_err(to_pyerr)?;
        let budget = Budget::new(nsamples, max_evals, tol, n_references, n_players).map_err(to_pyerr)?;
        let threads = threads.unwrap_or_else(default_threads);
        // the other half is for coalitions, and for tables that the model is given
        let in_flight = max_memory / 2;
        let way = match design {
            "per_reference" => {
                let estimator = PerReference::new(references, budget, seed, max_memory, threads);
                Way::PerReference(Engine::new(estimator, n_players, n_outputs, in_flight))
            }
            "shared" => {
                let estimator = Shared::new(references, budget, seed, max_memory, threads);
                Way::Shared(Engine::new(estimator, n_players, n_outputs, in_flight))
            }
            _ => return Err(PyValueError::new_err(format!("design {design:?}; expected per_reference or shared"))),
        };
        Ok(Self { way, n_references, n_outputs, n_players })
    }

    #[pyo3(signature = (row, outputs, differs, *, errors = true))]
    fn add_row(
        &mut self,
        row: u32,
        outputs: PyReadonlyArray1<'_, f64>,
        differs: PyReadonlyArray2<'_, bool>,
        errors: bool,
    ) -> PyResult<()> {
        let (outputs, differs) = (outputs.as_array(), differs.as_array());
        if outputs.len() != self.n_outputs || differs.dim() != (self.n_references, self.n_players) {
            let found = format!("outputs ({},) and differs {:?}", outputs.len(), differs.dim());
            let expected = format!("({},) and {:?}", self.n_outputs, (self.n_references, self.n_players));
            return Err(PyValueError::new_err(format!("{found} for row {row}; expected {expected}")));
        }
        let words = self.n_players.div_ceil(64);
        let mut sets = vec![0_u64; self.n_references * words];
        for ((reference, player), &differs) in differs.indexed_iter() {
            sets[reference * words + player / 64] |= u64::from(differs) << (player % 64);
        }
        let row = Row { row, outputs: outputs.to_vec(), differs: sets, errors };
        with_engine!(&mut self.way, engine => engine.add_row(row));
        Ok(())
    }

    fn ask(&mut self, py: Python<'_>, most: usize) -> PyResult<Asked> {
        let control = PythonControl::new(None, 0);
        let way = &mut self.way;
        let asked = py.detach(|| with_engine!(way, engine => engine.ask(most, &control as &dyn Control)));
        Ok(Asked { inner: control.result(asked)? })
    }

    fn tell(&mut self, py: Python<'_>, asked: &Asked, outputs: PyReadonlyArray2<'_, f64>) -> PyResult<()> {
        let expected = [asked.inner.evaluations.len(), self.n_outputs];
        if outputs.shape() != expected {
            let found = outputs.shape();
            return Err(PyValueError::new_err(format!("outputs of shape {found:?}; expected {expected:?}")));
        }
        let owned: Vec<f64>;
        let outputs = match outputs.as_slice() {
            Ok(slice) if outputs.is_c_contiguous() => slice, // a slice is given of Fortran's order too
            _ => {
                owned = outputs.as_array().iter().copied().collect();
                &owned
            }
        };
        let control = PythonControl::new(None, 0);
        let way = &mut self.way;
        let told =
            py.detach(|| with_engine!(way, engine => engine.tell(&asked.inner, outputs, &control as &dyn Control)));
        control.result(told)
    }

    fn finished(&mut self) -> Vec<Estimate> {
        let found = with_engine!(&mut self.way, engine => engine.finished());
        found.into_iter().map(|inner| Estimate { inner, n_players: self.n_players }).collect()
    }

    fn pending_values<'py>(&self, py: Python<'py>) -> PyResult<Vec<(u64, Bound<'py, PyArray2<f64>>)>> {
        let pending = with_engine!(&self.way, engine => engine.pending_values());
        let array =
            |values: &[f64]| PyArray1::from_slice(py, values).reshape([values.len() / self.n_outputs, self.n_outputs]);
        pending.into_iter().map(|(place, values)| Ok((place, array(values)?))).collect()
    }

    fn set_values(&mut self, py: Python<'_>, place: u64, values: PyReadonlyArray2<'_, f64>) -> PyResult<()> {
        let values: Vec<f64> = values.as_array().iter().copied().collect();
        let control = PythonControl::new(None, 0);
        let way = &mut self.way;
        let set = py.detach(|| with_engine!(way, engine => engine.set_values(place, values, &control as &dyn Control)));
        control.result(set)
    }
}

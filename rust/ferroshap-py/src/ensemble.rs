//! `Ensemble`: the validated model.

use std::borrow::Cow;
use std::sync::Arc;

use ferroshap_core::model::{self, Accumulation, ArraysView, InputRule, LinearArrays};
use ferroshap_core::parallel::default_threads;
use ferroshap_core::predict::{Options, Sum};
use numpy::ndarray::Dimension;
use numpy::{
    Element, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray, PyReadonlyArray1, PyReadonlyArray2,
    PyUntypedArrayMethods,
};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::control::PythonControl;
use crate::error::to_pyerr;
use crate::rows::RowsArgument;

/// A validated tree ensemble.
#[pyclass(frozen, module = "ferroshap._native")]
pub(crate) struct Ensemble {
    pub(crate) model: Arc<model::Ensemble>,
}

fn owned<T: Element + Copy>(array: &PyReadonlyArray1<'_, T>) -> Vec<T> {
    array.as_array().to_vec()
}

/// The numbers in C order, copied only where they are not.
fn contiguous<'a, T: Element + Copy, D: Dimension>(array: &'a PyReadonlyArray<'_, T, D>) -> Cow<'a, [T]> {
    let copy = || Cow::Owned(array.as_array().iter().copied().collect());
    if array.is_c_contiguous() { array.as_slice().map_or_else(|_| copy(), Cow::Borrowed) } else { copy() }
}

fn accumulation(name: &str, divisor: f64) -> PyResult<Accumulation> {
    match name {
        "f32-from-base" => Ok(Accumulation::F32FromBase),
        "f32-from-zero-then-base" => Ok(Accumulation::F32FromZeroThenBase),
        "f64-from-base" => Ok(Accumulation::F64FromBase),
        "f64-from-zero-then-base" => Ok(Accumulation::F64FromZeroThenBase),
        "f64-mean" => Ok(Accumulation::F64Mean { divisor }),
        other => Err(to_pyerr(ferroshap_core::Error::Option(format!("accumulation: {other:?} is not a known order")))),
    }
}

#[pymethods]
impl Ensemble {
    #[new]
    #[pyo3(signature = (*, n_features, n_outputs, tree_starts, tree_outputs, left, right, feature, threshold, flags,
        category_set, set_starts, set_words, values, cover, base, accumulation, divisor, round_to_float32, flush_tiny,
        truncate_category_first, linear_starts = None, linear_features = None, linear_coefficients = None,
        linear_constants = None))]
    #[allow(clippy::too_many_arguments, reason = "one keyword a field of EnsembleArrays, the Python side's dataclass")]
    fn new(
        py: Python<'_>,
        n_features: usize,
        n_outputs: usize,
        tree_starts: PyReadonlyArray1<'_, i64>,
        tree_outputs: PyReadonlyArray1<'_, i32>,
        left: PyReadonlyArray1<'_, i32>,
        right: PyReadonlyArray1<'_, i32>,
        feature: PyReadonlyArray1<'_, i32>,
        threshold: PyReadonlyArray1<'_, f64>,
        flags: PyReadonlyArray1<'_, u8>,
        category_set: PyReadonlyArray1<'_, i32>,
        set_starts: PyReadonlyArray1<'_, i64>,
        set_words: PyReadonlyArray1<'_, u32>,
        values: PyReadonlyArray2<'_, f64>,
        cover: Option<PyReadonlyArray1<'_, f64>>,
        base: PyReadonlyArray1<'_, f64>,
        accumulation: &str,
        divisor: f64,
        round_to_float32: bool,
        flush_tiny: bool,
        truncate_category_first: bool,
        linear_starts: Option<PyReadonlyArray1<'_, i64>>,
        linear_features: Option<PyReadonlyArray1<'_, i32>>,
        linear_coefficients: Option<PyReadonlyArray1<'_, f64>>,
        linear_constants: Option<PyReadonlyArray1<'_, f64>>,
    ) -> PyResult<Self> {
        let linear = linear_starts.as_ref().map(|starts| LinearArrays {
            starts: owned(starts),
            features: linear_features.as_ref().map(owned).unwrap_or_default(),
            coefficients: linear_coefficients.as_ref().map(owned).unwrap_or_default(),
            constants: linear_constants.as_ref().map(owned).unwrap_or_default(),
        });
        let (tree_starts, tree_outputs) = (contiguous(&tree_starts), contiguous(&tree_outputs));
        let (left, right, feature) = (contiguous(&left), contiguous(&right), contiguous(&feature));
        let (threshold, flags, category_set) = (contiguous(&threshold), contiguous(&flags), contiguous(&category_set));
        let (set_starts, set_words) = (contiguous(&set_starts), contiguous(&set_words));
        let (values, cover, base) = (contiguous(&values), cover.as_ref().map(contiguous), contiguous(&base));
        let arrays = ArraysView {
            n_features,
            n_outputs,
            tree_starts: &tree_starts,
            tree_outputs: &tree_outputs,
            left: &left,
            right: &right,
            feature: &feature,
            threshold: &threshold,
            flags: &flags,
            category_set: &category_set,
            set_starts: &set_starts,
            set_words: &set_words,
            values: &values,
            cover: cover.as_deref(),
            base: &base,
            accumulation: self::accumulation(accumulation, divisor)?,
            input: InputRule { round_to_f32: round_to_float32, flush_tiny, truncate_category_first },
            linear: linear.as_ref(),
        };
        let model = py.detach(|| model::Ensemble::try_from_view(&arrays)).map_err(to_pyerr)?;
        Ok(Self { model: Arc::new(model) })
    }

    #[getter]
    fn n_features(&self) -> usize {
        self.model.n_features()
    }

    #[getter]
    fn n_outputs(&self) -> usize {
        self.model.n_outputs()
    }

    #[getter]
    fn n_trees(&self) -> usize {
        self.model.trees().len()
    }

    #[getter]
    fn n_leaves(&self) -> usize {
        self.model.n_leaves()
    }

    #[getter]
    fn max_depth(&self) -> u32 {
        self.model.trees().iter().map(|t| t.depth).max().unwrap_or(0)
    }

    #[getter]
    fn max_path_features(&self) -> u32 {
        self.model.trees().iter().map(|t| t.path_features).max().unwrap_or(0)
    }

    #[getter]
    fn is_linear(&self) -> bool {
        self.model.is_linear()
    }

    #[getter]
    fn has_cover(&self) -> bool {
        self.model.has_cover()
    }

    /// The constructor's arguments for a model with the same bits, as a dictionary.
    /// `(o,)`.
    #[getter]
    fn rounding_scale<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        PyArray1::from_vec(py, self.model.rounding_scale())
    }

    fn arrays<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let a = py.detach(|| self.model.to_arrays());
        let (accumulation, divisor) = match a.accumulation {
            Accumulation::F32FromBase => ("f32-from-base", 1.0),
            Accumulation::F32FromZeroThenBase => ("f32-from-zero-then-base", 1.0),
            Accumulation::F64FromBase => ("f64-from-base", 1.0),
            Accumulation::F64FromZeroThenBase => ("f64-from-zero-then-base", 1.0),
            Accumulation::F64Mean { divisor } => ("f64-mean", divisor),
        };
        let width = self.model.leaf_width();
        let values = PyArray1::from_vec(py, a.values).reshape([a.left.len(), width])?;
        let dict = PyDict::new(py);
        dict.set_item("n_features", a.n_features)?;
        dict.set_item("n_outputs", a.n_outputs)?;
        dict.set_item("tree_starts", PyArray1::from_vec(py, a.tree_starts))?;
        dict.set_item("tree_outputs", PyArray1::from_vec(py, a.tree_outputs))?;
        dict.set_item("left", PyArray1::from_vec(py, a.left))?;
        dict.set_item("right", PyArray1::from_vec(py, a.right))?;
        dict.set_item("feature", PyArray1::from_vec(py, a.feature))?;
        dict.set_item("threshold", PyArray1::from_vec(py, a.threshold))?;
        dict.set_item("flags", PyArray1::from_vec(py, a.flags))?;
        dict.set_item("category_set", PyArray1::from_vec(py, a.category_set))?;
        dict.set_item("set_starts", PyArray1::from_vec(py, a.set_starts))?;
        dict.set_item("set_words", PyArray1::from_vec(py, a.set_words))?;
        dict.set_item("values", values)?;
        dict.set_item("cover", a.cover.map(|cover| PyArray1::from_vec(py, cover)))?;
        dict.set_item("base", PyArray1::from_vec(py, a.base))?;
        dict.set_item("accumulation", accumulation)?;
        dict.set_item("divisor", divisor)?;
        dict.set_item("round_to_float32", a.input.round_to_f32)?;
        dict.set_item("flush_tiny", a.input.flush_tiny)?;
        dict.set_item("truncate_category_first", a.input.truncate_category_first)?;
        if let Some(linear) = a.linear {
            dict.set_item("linear_starts", PyArray1::from_vec(py, linear.starts))?;
            dict.set_item("linear_features", PyArray1::from_vec(py, linear.features))?;
            dict.set_item("linear_coefficients", PyArray1::from_vec(py, linear.coefficients))?;
            dict.set_item("linear_constants", PyArray1::from_vec(py, linear.constants))?;
        }
        Ok(dict)
    }

    #[pyo3(signature = (rows, *, missing = None, exact = false, threads = None, bases = None))]
    fn predict<'py>(
        &self,
        py: Python<'py>,
        rows: RowsArgument<'py>,
        missing: Option<f64>,
        exact: bool,
        threads: Option<usize>,
        bases: Option<PyReadonlyArray2<'py, f64>>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let (n, o) = (rows.len(), self.model.n_outputs());
        let out = PyArray2::<f64>::zeros(py, (n, o), false);
        let mut write = out.try_readwrite()?;
        let target = write.as_slice_mut()?;
        let view = rows.view(missing)?;
        let control = PythonControl::new(None, n);
        let sum = if exact { Sum::Float64 } else { Sum::Library };
        let threads = threads.unwrap_or_else(default_threads);
        let bases: Option<Vec<f64>> = bases.map(|b| b.as_array().iter().copied().collect());
        let options = Options { bases: bases.as_deref(), ..Options::new(sum) };
        let outcome = py.detach(|| self.model.predict_with(&view, options, target, threads, &control));
        control.result(outcome)?;
        drop(write);
        Ok(out)
    }
}

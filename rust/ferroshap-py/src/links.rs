//! Links: values, and the factors of their secants.

use ferroshap_core::links::{self, Link, PairWeights};
use numpy::{PyArray1, PyArray2, PyArray4, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::error::to_pyerr;

/// The secant of a link as a sum of products.
#[pyclass(frozen, module = "ferroshap._native")]
pub(crate) struct Factors {
    factors: links::Factors,
}

#[pymethods]
impl Factors {
    #[staticmethod]
    fn over(link: &str, low: f64, high: f64) -> PyResult<Option<Self>> {
        let link: Link = link.parse().map_err(to_pyerr)?;
        Ok(links::Factors::new(link, low, high).map(|factors| Self { factors }))
    }

    #[getter]
    fn terms(&self) -> usize {
        self.factors.terms()
    }

    fn of_rows<'py>(
        &self,
        py: Python<'py>,
        margins: PyReadonlyArray1<'py, f64>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        self.each(py, &margins, |m, out| self.factors.of_row(m, out))
    }

    fn of_background<'py>(
        &self,
        py: Python<'py>,
        margins: PyReadonlyArray1<'py, f64>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        self.each(py, &margins, |m, out| self.factors.of_background(m, out))
    }
}

impl Factors {
    fn each<'py>(
        &self,
        py: Python<'py>,
        margins: &PyReadonlyArray1<'py, f64>,
        of: impl Fn(f64, &mut [f64]),
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let margins = margins.as_array();
        let terms = self.factors.terms();
        let mut all = vec![0.0; margins.len() * terms];
        margins.iter().zip(all.chunks_exact_mut(terms)).for_each(|(m, out)| of(*m, out));
        PyArray1::from_vec(py, all).reshape([margins.len(), terms])
    }
}

/// The link's value of each margin.
#[pyfunction]
pub(crate) fn link_values<'py>(
    py: Python<'py>,
    link: &str,
    margins: PyReadonlyArray1<'py, f64>,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let link: Link = link.parse().map_err(to_pyerr)?;
    Ok(PyArray1::from_iter(py, margins.as_array().iter().map(|m| link.value(*m))))
}

/// The weights of pairs by name: a link's, for each output by itself, or those of softmax.
pub(crate) fn pair_weights_of(name: &str) -> PyResult<PairWeights> {
    Ok(match name {
        "softmax" => PairWeights::Softmax,
        "softmax loss" => PairWeights::SoftmaxLoss,
        link => PairWeights::Each(link.parse().map_err(to_pyerr)?),
    })
}

/// W of every pair of a row's and a reference's margins.
#[pyfunction]
pub(crate) fn pair_weights<'py>(
    py: Python<'py>,
    by: &str,
    rows: PyReadonlyArray2<'py, f64>,
    references: PyReadonlyArray2<'py, f64>,
) -> PyResult<Bound<'py, PyArray4<f64>>> {
    let by = pair_weights_of(by)?;
    let ([n, o], [b, _]) = ([rows.shape()[0], rows.shape()[1]], [references.shape()[0], references.shape()[1]]);
    let (rows, references) = (rows.as_slice()?, references.as_slice()?);
    let outputs = by.outputs(o);
    let mut all = vec![0.0; n * b * outputs * o];
    let pairs = rows.chunks_exact(o).flat_map(|x| references.chunks_exact(o).map(move |z| (x, z)));
    pairs.zip(all.chunks_exact_mut(outputs * o)).for_each(|((x, z), w)| by.weigh(x, z, w));
    PyArray1::from_vec(py, all).reshape([n, b, outputs, o])
}

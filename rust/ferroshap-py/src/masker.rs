//! `MatrixMasker`: model input for evaluations, in the dtype of the background.

use ferroshap_core::coalition::{Cell, Masker};
use ferroshap_core::parallel::default_threads;
use numpy::{
    Element, PyArray1, PyArray3, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyReadwriteArray2,
    PyUntypedArrayMethods,
};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::coalition::Asked;
use crate::control::PythonControl;
use crate::error::to_pyerr;

macro_rules! kinds {
    ($($name:ident $t:ty;)*) => {
        enum Typed { $($name(Masker<$t>),)* }

        /// A matrix of a dtype that can be masked.
        #[derive(FromPyObject)]
        enum Matrix<'py> { $($name(PyReadonlyArray2<'py, $t>),)* }

        impl Typed {
            fn new(background: &Matrix<'_>, player_of_column: Vec<usize>, n_players: usize) -> ferroshap_core::Result<Self> {
                Ok(match background {
                    $(Matrix::$name(b) => {
                        let cells = b.as_array().iter().copied().collect();
                        Self::$name(Masker::new(cells, player_of_column, n_players)?)
                    })*
                })
            }

            fn differs(&self, py: Python<'_>, x: &Bound<'_, PyAny>) -> PyResult<Vec<u64>> {
                match self {
                    $(Self::$name(masker) => {
                        let x = matrix::<$t>(x)?;
                        let cells = cells(&x)?;
                        Ok(py.detach(|| masker.differs(cells)))
                    })*
                }
            }

            fn fill(
                &self,
                py: Python<'_>,
                asked: &Asked,
                x: &Bound<'_, PyAny>,
                first_row: u32,
                out: &Bound<'_, PyAny>,
                threads: usize,
            ) -> PyResult<()> {
                match self {
                    $(Self::$name(masker) => fill(py, masker, asked, x, first_row, out, threads),)*
                }
            }
        }
    };
}

// Tried in this order, and each that does not fit costs a message: the usual ones first.
kinds! {
    F64 f64; F32 f32; I64 i64; I32 i32; U8 u8; Bool bool; I8 i8; I16 i16; U16 u16; U32 u32; U64 u64;
}

fn matrix<'py, T: Element>(x: &Bound<'py, PyAny>) -> PyResult<PyReadonlyArray2<'py, T>> {
    x.extract().map_err(|_| PyTypeError::new_err("rows of another dtype than the background's, or no matrix"))
}

fn cells<'a, T: Element>(x: &'a PyReadonlyArray2<'_, T>) -> PyResult<&'a [T]> {
    let error = || PyValueError::new_err("rows that are not contiguous, row by row");
    if x.is_c_contiguous() { x.as_slice().map_err(|_| error()) } else { Err(error()) }
}

fn fill<T: Cell + Element>(
    py: Python<'_>,
    masker: &Masker<T>,
    asked: &Asked,
    x: &Bound<'_, PyAny>,
    first_row: u32,
    out: &Bound<'_, PyAny>,
    threads: usize,
) -> PyResult<()> {
    let x = matrix::<T>(x)?;
    let mut out: PyReadwriteArray2<'_, T> =
        out.extract().map_err(|_| PyTypeError::new_err("an output of another dtype than the background's"))?;
    let cells = cells(&x)?;
    if !out.is_c_contiguous() {
        return Err(PyValueError::new_err("an output that is not contiguous, row by row"));
    }
    let out = out.as_slice_mut()?;
    let control = PythonControl::new(None, 0);
    let filled = py.detach(|| masker.fill(&asked.inner.evaluations, cells, first_row, out, threads, &control));
    control.result(filled)
}

/// A numeric background, to be mixed with rows.
#[pyclass(frozen, module = "ferroshap._native")]
pub(crate) struct MatrixMasker {
    masker: Typed,
    n_references: usize,
    n_columns: usize,
    n_players: usize,
}

#[pymethods]
impl MatrixMasker {
    #[new]
    fn new(
        background: &Bound<'_, PyAny>,
        player_of_column: PyReadonlyArray1<'_, i64>,
        n_players: usize,
    ) -> PyResult<Self> {
        let expected = "expected a matrix of booleans, integers or floats of at most 8 bytes";
        let matrix: Matrix<'_> = background
            .extract()
            .map_err(|_| PyTypeError::new_err(format!("a background of another kind; {expected}")))?;
        let players = player_of_column.as_array();
        let players: Vec<usize> = players.iter().map(|&player| usize::try_from(player).unwrap_or(usize::MAX)).collect();
        let n_columns = players.len();
        let masker = Typed::new(&matrix, players, n_players).map_err(to_pyerr)?;
        let n_references = background.len()?;
        Ok(Self { masker, n_references, n_columns, n_players })
    }

    fn differs<'py>(&self, py: Python<'py>, x: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArray3<bool>>> {
        self.check(x)?;
        let sets = self.masker.differs(py, x)?;
        let (b, p) = (self.n_references, self.n_players);
        let bits: Vec<bool> = sets
            .chunks_exact(p.div_ceil(64))
            .flat_map(|set| (0..p).map(move |j| set[j / 64] >> (j % 64) & 1 != 0))
            .collect();
        let n = bits.len() / (b * p);
        PyArray1::from_vec(py, bits).reshape([n, b, p])
    }

    #[pyo3(signature = (asked, x, first_row, out, threads = None))]
    fn fill(
        &self,
        py: Python<'_>,
        asked: &Asked,
        x: &Bound<'_, PyAny>,
        first_row: u32,
        out: &Bound<'_, PyAny>,
        threads: Option<usize>,
    ) -> PyResult<()> {
        self.check(x)?;
        self.masker.fill(py, asked, x, first_row, out, threads.unwrap_or_else(default_threads))
    }
}

impl MatrixMasker {
    fn check(&self, x: &Bound<'_, PyAny>) -> PyResult<()> {
        let shape: Vec<usize> = x.getattr("shape")?.extract()?;
        if shape.len() == 2 && shape[1] == self.n_columns {
            return Ok(());
        }
        Err(PyValueError::new_err(format!("rows of shape {shape:?}; expected (n, {})", self.n_columns)))
    }
}

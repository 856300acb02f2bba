//! Rows in, an array out: the part that compiled games share.

use ferroshap_core::kernel::Written;
use ferroshap_core::parallel::{Control, default_threads};
use ferroshap_core::rows::Rows;
use numpy::PyReadwriteArray3;
use pyo3::prelude::*;

use crate::control::PythonControl;
use crate::rows::RowsArgument;

/// Where the values go; never returned.
#[derive(FromPyObject)]
pub(crate) enum Out<'py> {
    F64(PyReadwriteArray3<'py, f64>),
    F32(PyReadwriteArray3<'py, f32>),
}

/// What runs over rows.
pub(crate) trait Game: Sync {
    /// Writes the values of `rows` into `out`.
    fn write<W: Written>(
        &self,
        rows: &Rows<'_>,
        out: &mut [W],
        threads: usize,
        control: &dyn Control,
    ) -> ferroshap_core::Result<()>;
}

/// Runs a game into an array of either precision, without the interpreter lock.
pub(crate) fn run(
    py: Python<'_>,
    game: &impl Game,
    rows: &RowsArgument<'_>,
    out: Out<'_>,
    missing: Option<f64>,
    threads: Option<usize>,
    progress: Option<&Py<PyAny>>,
) -> PyResult<()> {
    let view = rows.view(missing)?;
    let threads = threads.unwrap_or_else(default_threads);
    let control = PythonControl::new(progress, rows.len());
    let outcome = match out {
        Out::F64(mut out) => {
            let out = out.as_slice_mut()?;
            py.detach(|| game.write(&view, out, threads, &control))
        }
        Out::F32(mut out) => {
            let out = out.as_slice_mut()?;
            py.detach(|| game.write(&view, out, threads, &control))
        }
    };
    control.result(outcome)
}

//! What this build and this machine are.

use ferroshap_core::parallel;
use ferroshap_core::simd::Level;
use pyo3::prelude::*;
use pyo3::types::PyDict;

#[pyfunction]
pub(crate) fn build_info(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let info = PyDict::new(py);
    info.set_item("version", env!("CARGO_PKG_VERSION"))?;
    info.set_item("simd", Level::in_use().to_string())?;
    info.set_item("simd_available", Level::available().iter().map(Level::to_string).collect::<Vec<_>>())?;
    info.set_item("threads", parallel::default_threads())?;
    info.set_item("profile", if cfg!(debug_assertions) { "debug" } else { "release" })?;
    Ok(info)
}

#[pyfunction]
pub(crate) fn default_threads() -> usize {
    parallel::default_threads()
}

/// Registered with `os.register_at_fork`: a child starts threads of its own.
#[pyfunction]
pub(crate) fn after_fork_in_child() {
    parallel::after_fork_in_child();
}

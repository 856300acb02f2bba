//! `ferroshap._native`: extract → release the interpreter lock → core → wrap. No logic of its own.

use pyo3::prelude::*;

#[pymodule]
mod _native {}

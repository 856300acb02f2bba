//! The one map from the core's errors to the classes of `ferroshap.errors`.

use ferroshap_core::Error;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// The Python exception for an error of the core.
pub(crate) fn to_pyerr(error: Error) -> PyErr {
    let class = match &error {
        Error::Document { .. } | Error::Model { .. } => "ModelError",
        Error::Unsupported(_) => "UnsupportedModelError",
        Error::Data(_) => "DataError",
        Error::Option(_) => "OptionError",
        Error::Plan(_) => "PlanError",
        _ => return PyRuntimeError::new_err(error.to_string()),
    };
    Python::attach(|py| {
        let found =
            py.import("ferroshap.errors").and_then(|module| Ok(module.getattr(class)?.cast_into::<PyType>()?));
        match found {
            Ok(class) => PyErr::from_type(class, error.to_string()),
            Err(missing) => missing,
        }
    })
}

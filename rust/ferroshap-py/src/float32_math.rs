//! The float32 functions that XGBoost's links call: the platform's own, as there.

use pyo3::prelude::*;

#[pyfunction]
pub(crate) fn logf32(x: f64) -> f64 {
    f64::from((x as f32).ln())
}

#[pyfunction]
pub(crate) fn expm1f32(x: f64) -> f64 {
    f64::from((x as f32).exp_m1())
}

//! `ferroshap._native`: extract → release the interpreter lock → core → wrap. No logic of its own.

mod build_info;
mod coalition;
mod control;
mod document;
mod ensemble;
mod error;
mod float32_math;
mod interactions;
mod links;
mod masker;
mod mixtures;
mod plan;
mod references;
mod rows;
mod running;
mod saabas;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::build_info::{after_fork_in_child, build_info, default_threads};
    #[pymodule_export]
    use crate::coalition::{Asked, CoalitionEngine, Estimate};
    #[pymodule_export]
    use crate::document::read_document;
    #[pymodule_export]
    use crate::ensemble::Ensemble;
    #[pymodule_export]
    use crate::float32_math::{expm1f32, logf32};
    #[pymodule_export]
    use crate::interactions::Interactions;
    #[pymodule_export]
    use crate::links::{Factors, link_values, pair_weights};
    #[pymodule_export]
    use crate::masker::MatrixMasker;
    #[pymodule_export]
    use crate::mixtures::MixtureModel;
    #[pymodule_export]
    use crate::plan::Plan;
    #[pymodule_export]
    use crate::references::References;
    #[pymodule_export]
    use crate::saabas::Saabas;
}

//! Exact Shapley values of tree ensembles, in pure Rust.
//!
//! The way through this crate is one line of types, a module each:
//! bytes → [`formats::Document`] → canonical arrays → validated [`model::Ensemble`] → [`rows::Rows`] → plan → kernel →
//! values.

pub mod coalition;
pub mod error;
pub mod formats;
pub mod kernel;
pub mod links;
pub mod model;
pub mod oracle;
pub mod parallel;
pub mod plan;
pub mod predict;
pub mod rows;
pub mod simd;
mod splits;
pub mod tables;

pub use error::{Error, Result};

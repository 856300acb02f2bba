//! Exact Shapley values of tree ensembles, in pure Rust.
//!
//! The way through this crate is one line of types, a module each:
//! bytes → [`formats::Document`] → (canonical arrays) → validated ensemble → rows → plan → kernel → values.

pub mod error;
pub mod formats;

pub use error::{Error, Result};

//! SHAP interaction values against a background, by pattern tables over groups of leaves.
//!
//! The game: v(S) = Σ_z ω_z f(x_S, z_rest), ω the normalised weights of the background (interventional, or marginal,
//! Shapley values: Lundberg et al. 2020; for patterns: Nadel and Wettenstein 2026).

mod pair_fold;
mod pair_groups;
mod pair_lookups;
mod pair_table;
mod pairs;

pub use pairs::{InteractionTables, TableOptions};

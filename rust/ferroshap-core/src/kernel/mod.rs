//! Stage 7: a plan runs over blocks of rows.
//!
//! The quadrature recurrence (idea: Wettenstein et al. 2026, Yu et al. 2022; here float64 and exact). With the symbols of
//! `plan/program.rs`, s_o ∈ {0, 1}: the row satisfies every edge above on the split's feature, s: it goes to the first
//! child:
//!
//! ```text
//! β = s_o · (s − w)            one of three constants
//! a = w + τ β
//! down   C_first = a C         C_second = C − C_first           C = q at the root
//! up     Δ = U_first − U_second     U = U_second + a Δ          U = value at a leaf
//! φ[feature] += β · Σ_points C ω Δ
//! ```
//!
//! One row is one lane. Every lane adds in the same order: trees in the model's order, outputs, passes, steps, points.
//! So a row has the same bits alone and in a batch, at every vector level and for any number of threads.

mod aggregates;
mod background;
mod count;
mod deep;
mod dense;
mod fold;
mod interactions;
mod interventional;
mod make;
mod mask_matrix;
mod numbers;
mod occurring;
mod pair_sums;
mod pairs;
mod part;
mod patterns;
mod recurrence;
mod references;
mod run;
mod saabas;
mod walk;

pub use aggregates::{Aggregation, STATISTICS};
pub use background::MAX_BACKGROUND_PATH;
pub(crate) use background::check as check_background;
pub(crate) use pair_sums::{PairGame, Task, carry_out};
pub use part::Part;
pub use references::ReferencePlan;
pub use run::Written;
pub use saabas::SaabasPlan;

pub(crate) use crate::simd::{BLOCK as MASK_ROWS, Mask};

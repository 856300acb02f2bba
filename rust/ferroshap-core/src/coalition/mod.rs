//! Shapley values of any model from evaluations of coalitions.
//!
//! A *player* is a column of the model's input or a group of them; a *coalition* is the set of players taken from the
//! explained row, the others come from a *reference* (a background row). [`Engine`] asks for evaluations and is told the
//! outputs; an [`Estimator`] says which evaluations a row needs and what follows from them. [`PerReference`] is Kernel
//! SHAP with coalitions of their own for every reference, [`Shared`] with one set of coalitions for all, as a link needs
//! it. [`Masker`] writes the model's input for evaluations, where that is a matrix of [`Cell`]s.
//!
//! `random` and `combinations` draw coalitions; `shares` says how many for which reference, `allocation` and `design` how many
//! of which size. `normal` makes the equations of a design (`lanes` for eight rows at once), `ridge` and `pooled` solve those of
//! all references, `inverse` and `solve` have the algebra, `errors` their standard errors; `triples` foresees interactions of
//! three players; `exact` enumerates.

mod allocation;
mod budget;
mod cell;
mod combinations;
mod design;
mod designs;
mod engine;
mod errors;
mod exact;
mod fill;
mod inverse;
mod lanes;
mod normal;
mod per_reference;
mod players;
mod pooled;
mod random;
mod references;
mod ridge;
mod shared;
mod shares;
mod solve;
mod spread;
mod triples;
mod work;

pub use budget::Budget;
pub use cell::Cell;
pub use engine::{Asked, Engine};
pub use fill::Masker;
pub use per_reference::PerReference;
pub use references::References;
pub use shared::Shared;
pub use work::{Estimate, Estimator, Evaluations, Row, Span, Step};

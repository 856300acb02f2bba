//! Stages 2 and 3: canonical arrays → validated [`Ensemble`].

mod arrays;
mod ensemble;
mod export;
mod linear;
mod node;
mod placing;
mod split;
mod validate;
mod walk;

pub(crate) use arrays::TINY;
pub use arrays::{Accumulation, ArraysView, EnsembleArrays, InputRule, LinearArrays, flags};
pub use ensemble::{Ensemble, Tree};
pub use node::Node;
pub use split::{CategorySet, Split};
pub use walk::ROWS_ABREAST;

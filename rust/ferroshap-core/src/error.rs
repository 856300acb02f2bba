//! What can go wrong, with the evidence: which tree, node or byte, what was found, what was expected.
//!
//! The variants are the kinds a caller acts on; the Python exception tree has one class for each.

use std::fmt;

/// The result of everything fallible in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the core. [`fmt::Display`] gives one sentence that a user can act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes of a model file do not follow their format.
    #[error("{format}: {problem} at {place}")]
    Document {
        /// The format that was being read, as a person names it ("XGBoost JSON").
        format: &'static str,
        /// Where in the file.
        place: Place,
        /// What was found and what was expected.
        problem: String,
    },
    /// The arrays do not describe a valid tree ensemble.
    #[error("{place}: {field} is {found}, expected {expected}")]
    Model {
        /// Which tree and node, as far as known.
        place: NodePlace,
        /// The array at fault ("left child", "cover").
        field: &'static str,
        /// What was found there.
        found: String,
        /// What a valid model holds.
        expected: String,
    },
    /// A valid model, of a kind that the asked-for computation does not cover.
    #[error("{0}")]
    Unsupported(String),
    /// The rows do not fit the model.
    #[error("{0}")]
    Data(String),
    /// An option has a value that it cannot have.
    #[error("{0}")]
    Option(String),
    /// The model is valid, but a plan for it would exceed a limit. Names the limit and the way out.
    #[error("{0}")]
    Plan(String),
    /// The run was cancelled by its caller; the output is incomplete.
    #[error("cancelled")]
    Cancelled,
}

/// A position in a model file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Offset from the start of a binary or JSON file, in bytes.
    Byte(usize),
    /// Line of a text file, from 1.
    Line(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Byte(b) => write!(f, "byte {b}"),
            Place::Line(l) => write!(f, "line {l}"),
        }
    }
}

/// A position in an ensemble: the whole of it, a tree, or a node of a tree (as numbered in the input arrays).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NodePlace {
    /// Index of the tree.
    pub tree: Option<usize>,
    /// Index of the node within its tree.
    pub node: Option<usize>,
}

impl NodePlace {
    /// The ensemble as a whole.
    pub const ENSEMBLE: Self = Self { tree: None, node: None };

    /// A tree as a whole.
    pub fn tree(tree: usize) -> Self {
        Self { tree: Some(tree), node: None }
    }

    /// One node of a tree.
    pub fn node(tree: usize, node: usize) -> Self {
        Self { tree: Some(tree), node: Some(node) }
    }
}

impl fmt::Display for NodePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.tree, self.node) {
            (Some(t), Some(n)) => write!(f, "tree {t}, node {n}"),
            (Some(t), None) => write!(f, "tree {t}"),
            _ => f.write_str("ensemble"),
        }
    }
}

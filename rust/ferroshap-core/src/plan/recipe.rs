//! What the tables of a tree are made from, which takes much less memory than they do.

use super::subtrees::{Leaf, Shape};

/// The tables of a tree before they are made.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    /// What is counted at once, with the places of each group's tables, for eight features and one output each.
    pub(crate) shapes: Vec<(Shape, Vec<Vec<Place>>)>,
    pub(crate) counts: Counts,
    /// What the counts are divided by.
    pub(crate) total: f64,
    /// Values a leaf has.
    pub(crate) columns: usize,
    /// Lines that a pattern has in a table, one a weighting of the background.
    pub(crate) weightings: usize,
    /// The values of the leaves are in units, and the tables of whole numbers.
    pub(crate) wholes: bool,
}

/// The weights of the background's patterns, a list a shape.
#[derive(Debug, Clone)]
pub(crate) enum Counts {
    /// Independent features that satisfy their edges with the probabilities W: the path-dependent game.
    Covers,
    /// How many rows have each pattern.
    Rows(Vec<Vec<u32>>),
    /// `[pattern][weighting]`, their sums of weights.
    Weights(Vec<Vec<f64>>),
}

/// Where eight features of a group and one output have their table.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) column: usize,
    /// The first of its lines.
    pub(crate) first: usize,
    /// Each feature and its lane.
    pub(crate) lanes: Vec<(u32, u8)>,
}

impl Place {
    /// The lane of each feature of a leaf; `None` for those of another place.
    pub(super) fn lanes_of(&self, leaf: &Leaf) -> Vec<Option<u8>> {
        let lane = |slot: u32| self.lanes.iter().find(|(s, _)| *s == slot).map(|(_, lane)| *lane);
        leaf.features.iter().map(|feature| lane(feature.slot)).collect()
    }
}

impl Recipe {
    /// Memory of the counts, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        match &self.counts {
            Counts::Covers => 0,
            Counts::Rows(counts) => counts.iter().map(|of_shape| size_of_val(&of_shape[..])).sum(),
            Counts::Weights(sums) => sums.iter().map(|of_shape| size_of_val(&of_shape[..])).sum(),
        }
    }
}

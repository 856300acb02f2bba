//! What the tables of a tree are made from, which takes much less memory than they do.

use super::subtrees::{Leaf, Shape};

/// The tables of a tree before they are made.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    /// Each with the places of its tables, for eight features and one output each.
    pub(crate) groups: Vec<(Shape, Vec<Place>)>,
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

/// The weights of the background's patterns, a list a group.
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
    /// The first of the eight, in the group's slots.
    pub(crate) part: usize,
    pub(crate) column: usize,
    /// The first of its lines.
    pub(crate) first: usize,
    /// Of each feature.
    pub(crate) lanes: Vec<u8>,
}

impl Place {
    /// The lane of each feature of a leaf; `None` for those of another place.
    pub(super) fn lanes_of(&self, leaf: &Leaf) -> Vec<Option<u8>> {
        let lane = |at: u32| self.lanes.get((at as usize).wrapping_sub(self.part)).copied();
        leaf.features.iter().map(|feature| lane(feature.at)).collect()
    }
}

impl Recipe {
    /// Memory of the counts, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        match &self.counts {
            Counts::Covers => 0,
            Counts::Rows(counts) => counts.iter().map(|of_group| size_of_val(&of_group[..])).sum(),
            Counts::Weights(sums) => sums.iter().map(|of_group| size_of_val(&of_group[..])).sum(),
        }
    }
}

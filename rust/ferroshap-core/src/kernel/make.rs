//! Tables made at a level of vector instructions.

use crate::error::Result;
use crate::parallel::{Control, for_each_chunk};
use crate::plan::{Builder, Make, TreePlan, TreeTables};
use crate::simd::{Driver, Line, Simd};

/// Makes the tables of all trees that have none, for good.
pub(super) struct MakeAll<'a> {
    pub(super) trees: &'a [TreePlan],
    pub(super) threads: usize,
    pub(super) control: &'a dyn Control,
}

impl Driver for MakeAll<'_> {
    type Out = Result<()>;

    fn drive<S: Simd>(self, s: S) -> Result<()> {
        let mut trees: Vec<&TreePlan> = self.trees.iter().filter(|tree| tree.tables.made().is_none()).collect();
        for_each_chunk(&mut trees, 1, self.threads, self.control, Builder::default, |builder, _, tree, cancel| {
            let tables = &tree[0].tables;
            if let (false, Some(recipe)) = (cancel.requested(), tables.recipe()) {
                let mut lines = vec![Line::default(); tables.n_lines];
                s.vectorize(Make { builder, recipe, lines: &mut lines });
                tables.keep(lines);
            }
        })
    }
}

/// Makes tables in passing, one tree's in the place of another's.
#[derive(Debug, Default)]
pub(super) struct InPassing {
    builder: Builder,
    lines: Vec<Line>,
}

impl InPassing {
    /// The tables of a tree: those that are kept, or made anew.
    pub(super) fn lines<'a, S: Simd>(&'a mut self, s: S, tables: &'a TreeTables) -> &'a [Line] {
        match (tables.made(), tables.recipe()) {
            (Some(lines), _) => lines,
            (None, None) => &[],
            (None, Some(recipe)) => {
                self.lines.resize(tables.n_lines.max(self.lines.len()), Line::default());
                s.vectorize(Make { builder: &mut self.builder, recipe, lines: &mut self.lines });
                &self.lines
            }
        }
    }
}

//! A model compiled for the path-dependent game.

use std::sync::Arc;

use super::builder::{Builder, Make};
use super::groups::Workload;
use super::program::Compiler;
use super::tables::TreeTables;
use super::ways::{Ways, ways_within};
use super::{Options, Plan, PlanModel, TreePlan, Trees, outputs_of, paths};
use crate::model::{Ensemble, Tree};
use crate::simd::{Driver, Simd};
use crate::splits::code_slots;

/// Compiles it, with its tables.
pub(super) struct PathDependent<'a> {
    pub(super) model: &'a Ensemble,
    pub(super) options: Options,
}

impl Driver for PathDependent<'_> {
    type Out = Plan;

    fn drive<S: Simd>(self, s: S) -> Plan {
        let Self { model, options } = self;
        let load = Workload::new(model, options.expected_rows, None);
        let code_slots = code_slots(model);
        let (mut compiler, mut builder) = (Compiler::new(model), Builder::default());
        let mut plan_tree = |(tree, ways): (&Tree, Ways)| {
            let paths = paths::paths(model, tree, &code_slots, &ways, None);
            let outputs: Vec<u32> = outputs_of(model, tree).collect();
            let mut tables = TreeTables::new(paths.shapes, &outputs, 1, false);
            let builder = &mut builder;
            tables.make_for_good(|recipe, lines| s.vectorize(Make { builder, recipe, lines }));
            let (programs, points) = compiler.tree(tree, outputs_of(model, tree), &ways.of_nodes);
            let (splits, deep) = (paths.splits, Vec::new());
            TreePlan { splits, points, programs, tables, deep, output: tree.output, cost: ways.cost }
        };
        let ways = ways_within(model, load, options.table_bytes);
        let trees = model.trees().iter().zip(ways).map(&mut plan_tree).collect();
        let (expected, scale) = compiler.totals();
        Plan {
            model: PlanModel::new(model),
            trees: Trees::Made(trees),
            kept: None,
            level: options.level,
            weightings: 1,
            units: None,
            begun: Arc::default(),
            expected,
            scale,
        }
    }
}

//! Stage 6: a model compiled for one game, in the layout that a kernel reads.

mod builder;
mod deep;
mod groups;
mod interactions;
mod later;
mod pairs;
mod path_dependent;
mod paths;
mod program;
mod quadrature;
mod recipe;
mod shape;
mod shapley;
mod subtrees;
mod tables;
mod units;
mod ways;

pub use interactions::InteractionPlan;
pub use pairs::Wanted;
pub use quadrature::{Rule, gauss_legendre};

pub(crate) use builder::{Builder, FindMean, Make};
pub(crate) use deep::{DeepLeaf, KeptRows};
pub(crate) use groups::Workload;
pub(crate) use interactions::{Partner, SplitNode, TreeOfPairs, Visits, WeightedPoints};
pub(crate) use later::{Later, Trees};
pub(crate) use pairs::PairLayout;
use path_dependent::PathDependent;
pub(crate) use program::{MAX_POINTS, NodeStep, Op, PairStep, Points, Program, SplitStep, UnitStep};
pub(crate) use recipe::Counts;
pub(crate) use shapley::{LeafSums, PatternWeights, Weights, rank};
pub(crate) use tables::{Chunk, Lookup, TreeTables};
pub(crate) use units::{Units, whole};
use ways::Ways;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::error::{Error, Result};
use crate::model::{Ensemble, Tree};
use crate::simd::{BLOCK, Level, Mask};
use crate::splits::{MaskSplit, code_slots};

/// Most different features on one path that a plan accepts: 256 quadrature points.
pub const MAX_PATH_FEATURES: u32 = 512;

/// Tree SHAP of one model for one game, ready to run: of each tree some subtrees as pattern tables, the rest as programs of the
/// quadrature recurrence (path-dependent) or leaf by leaf (interventional).
#[derive(Debug, Clone)]
pub struct Plan {
    pub(crate) model: PlanModel,
    pub(crate) trees: Trees,
    /// For leaves by themselves.
    pub(crate) kept: Option<KeptRows>,
    pub(crate) level: Level,
    /// Weightings of the background: 1, or as many as each row mixes.
    pub(crate) weightings: usize,
    /// Sums are of whole numbers of these.
    pub(crate) units: Option<Units>,
    /// Whether a run has begun.
    pub(crate) begun: Arc<AtomicBool>,
    expected: Vec<f64>,
    scale: Vec<f64>,
}

/// What a plan is to be made for. The values do not depend on it beyond roundings; a row has the same bits in every call of one
/// plan.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// About how many rows will be explained: tables cost time to make, and pay off from some number of rows on.
    pub expected_rows: usize,
    /// The most memory that tables may take; what does not fit is explained in the slower ways that need none.
    pub table_bytes: usize,
    /// The vector instructions to use.
    pub level: Level,
}

impl Default for Options {
    fn default() -> Self {
        Self { expected_rows: 10_000, table_bytes: 152 << 20, level: Level::in_use() }
    }
}

/// What the plan keeps of the model: how rows are read and how large the result is.
#[derive(Debug, Clone)]
pub(crate) struct PlanModel {
    pub(crate) n_trees: usize,
    pub(crate) n_features: usize,
    pub(crate) n_outputs: usize,
    pub(crate) used_features: Vec<u32>,
    /// Slots that a categorical split tests, with their index in the code planes.
    pub(crate) code_slots: Vec<u32>,
    pub(crate) input: crate::model::InputRule,
}

/// One tree: its comparisons; a program for each output that its leaves add to, run over each group of points; tables.
#[derive(Debug, Clone)]
pub(crate) struct TreePlan {
    pub(crate) splits: Vec<MaskSplit>,
    pub(crate) points: Vec<Points>,
    pub(crate) programs: Vec<Program>,
    pub(crate) tables: TreeTables,
    pub(crate) deep: Vec<DeepLeaf>,
    /// The output that its leaves add to; `None`: to all, a column each.
    pub(crate) output: Option<u32>,
    /// Nanoseconds that it was chosen for: made, and run for as many rows as were expected.
    cost: f64,
}

/// What a plan is made of and what it costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// Trees of the model.
    pub trees: usize,
    /// Passes of the recurrence over a tree: one an output and group of quadrature points.
    pub passes: usize,
    /// Most quadrature points of a tree.
    pub points: usize,
    /// Memory of the compiled plan, in bytes, with what a thread needs of the background's rows where they are kept.
    pub bytes: usize,
    /// Expected work a row of the recurrence: splits times their quadrature points, over all outputs.
    pub split_points: usize,
    /// Whether the tables are made; while they are not, the fields that follow are 0.
    pub tables_made: bool,
    /// Groups of leaves that have a pattern table.
    pub groups: usize,
    /// Most bits of a group's pattern.
    pub bits: usize,
    /// Bytes of the tables.
    pub table_bytes: usize,
    /// Leaves that are explained by themselves, from the patterns of the background.
    pub deep_leaves: usize,
    /// Seconds, of one thread, that the cost model expects of making the tables, reading the background and explaining
    /// [`Options::expected_rows`].
    pub expected_seconds: f64,
    /// Weightings of the background that each row mixes: 1 for the raw output.
    pub weightings: usize,
    /// The vector instructions in use.
    pub level: Level,
}

impl Plan {
    /// Compiles the path-dependent game of `model`. O(leaves × points) and what the tables cost.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where the model holds no covers, [`Error::Plan`] above [`MAX_PATH_FEATURES`].
    pub fn path_dependent(model: &Ensemble, options: Options) -> Result<Self> {
        check(model)?;
        Ok(options.level.dispatch(PathDependent { model, options }))
    }

    /// An interventional plan whose trees are still to be made.
    pub(crate) fn against_background(model: &Ensemble, weightings: usize, units: Option<Units>, level: Level) -> Self {
        let (expected, scale) = (vec![0.0; model.n_outputs()], model.rounding_scale());
        let (model, trees) = (PlanModel::new(model), Trees::Made(Vec::new()));
        Self { model, trees, kept: None, level, weightings, units, begun: Arc::default(), expected, scale }
    }

    /// Sets what is known only when the background is read.
    pub(crate) fn set_expected(&mut self, expected: Vec<f64>) {
        self.expected = expected;
    }

    /// The mean prediction under the game, `(o)`: what the values of a row are measured from.
    pub fn expected_value(&self) -> &[f64] {
        &self.expected
    }

    /// |base| + Σ over trees of the largest |leaf|, `(o)`: what rounding errors of a sum are measured in.
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    /// What the plan is made of; of tables that are not made yet ([`Plan::make_tables`]) there is nothing to say.
    pub fn describe(&self) -> Description {
        let trees = self.trees.made().unwrap_or_default();
        let points = |t: &TreePlan| t.points.iter().map(|p| p.q.len()).sum::<usize>();
        let in_steps = |t: &TreePlan| t.programs.iter().map(Program::splits).sum::<usize>();
        Description {
            trees: self.model.n_trees,
            passes: trees.iter().map(|t| t.points.len() * t.programs.len()).sum(),
            points: trees.iter().map(points).max().unwrap_or(0),
            bytes: trees.iter().map(TreePlan::bytes).sum::<usize>()
                + self.kept.as_ref().map_or(0, |kept| kept.bytes() + masks_of_kept(trees, kept.rows.len())),
            split_points: trees.iter().map(|t| in_steps(t) * points(t)).sum(),
            tables_made: self.trees.made().is_some(),
            groups: trees.iter().map(|t| t.tables.groups.len()).sum(),
            bits: trees.iter().flat_map(|t| &t.tables.groups).map(Vec::len).max().unwrap_or(0),
            table_bytes: trees.iter().map(|t| t.tables.bytes()).sum(),
            deep_leaves: trees.iter().map(|t| t.deep.len()).sum(),
            expected_seconds: trees.iter().map(|t| t.cost).sum::<f64>() / 1e9,
            weightings: self.weightings,
            level: self.level,
        }
    }
}

/// The trees, whose tables wait for a background.
pub(crate) fn before_background(
    model: &Ensemble,
    load: Workload,
    weightings: usize,
    units: Option<&Units>,
    table_bytes: usize,
) -> Vec<TreePlan> {
    let code_slots = code_slots(model);
    let plan_tree = |(tree, ways): (&Tree, Ways)| {
        let paths = paths::paths(model, tree, &code_slots, &ways, units);
        let (splits, deep) = (paths.splits, paths.deep);
        let outputs: Vec<u32> = outputs_of(model, tree).collect();
        let tables = TreeTables::new(paths.shapes, &outputs, weightings, units.is_some());
        let (points, programs, output) = (Vec::new(), Vec::new(), tree.output);
        TreePlan { splits, points, programs, tables, deep, output, cost: ways.cost }
    };
    let ways = ways::ways_within(model, load.with_weightings(weightings), table_bytes);
    model.trees().iter().zip(ways).map(plan_tree).collect()
}

/// The memory of a thread for the masks of the kept rows, of the tree that has most of those with leaves by themselves.
fn masks_of_kept(trees: &[TreePlan], rows: usize) -> usize {
    let with_deep = trees.iter().filter(|tree| !tree.deep.is_empty());
    let most = with_deep.map(|tree| 1 + 2 * tree.splits.len()).max().unwrap_or(0);
    most * rows.div_ceil(BLOCK) * size_of::<Mask>()
}

/// The masks of a background have numbers of 32 bits.
pub(crate) fn check_kept(trees: &[TreePlan], rows: usize) -> Result<()> {
    let masks = masks_of_kept(trees, rows) / size_of::<Mask>();
    if u32::try_from(masks).is_ok() {
        return Ok(());
    }
    Err(Error::Plan(format!(
        "a tree has leaves that are too deep for a table, and the comparisons of {rows} background rows at its splits would take \
         {} bytes a thread; take fewer background rows, allow more memory for tables, or train with a smaller depth",
        masks * size_of::<Mask>()
    )))
}

impl TreePlan {
    fn bytes(&self) -> usize {
        let splits = size_of_val(&self.splits[..]) + self.splits.iter().map(MaskSplit::bytes).sum::<usize>();
        let points = self.points.iter().map(|p| size_of_val(&p.q[..]) + size_of_val(&p.table[..])).sum::<usize>();
        let tables = self.tables.bytes() + self.deep.iter().map(DeepLeaf::bytes).sum::<usize>();
        splits + points + tables + self.programs.iter().map(Program::bytes).sum::<usize>()
    }
}

impl PlanModel {
    fn new(model: &Ensemble) -> Self {
        Self {
            n_trees: model.trees().len(),
            n_features: model.n_features(),
            n_outputs: model.n_outputs(),
            used_features: model.used_features().to_vec(),
            code_slots: code_slots(model),
            input: model.input(),
        }
    }
}

/// The outputs that a tree adds to.
pub(crate) fn outputs_of(model: &Ensemble, tree: &Tree) -> Range<u32> {
    match tree.output {
        Some(output) => output..output + 1,
        None => 0..model.n_outputs() as u32,
    }
}

/// Raises the error for a tree with too many features on a path; `of` says for what they are too many.
pub(crate) fn check_paths(model: &Ensemble, most: u32, of: &str) -> Result<()> {
    match model.trees().iter().position(|tree| tree.path_features > most) {
        None => Ok(()),
        Some(index) => Err(Error::Plan(format!(
            "tree {index} tests {} different features on one path, the limit{of} is {most}; train with a smaller depth",
            model.trees()[index].path_features
        ))),
    }
}

/// The model has what the path-dependent game needs.
fn check(model: &Ensemble) -> Result<()> {
    check_covers(model)?;
    check_paths(model, MAX_PATH_FEATURES, "")
}

/// The model has a mean value of each node.
pub(crate) fn check_covers(model: &Ensemble) -> Result<()> {
    if model.is_linear() {
        return Err(Error::Unsupported(
            "the model has linear trees (LightGBM's linear_tree): its file does not say what a leaf's linear terms are \
             on average, which path-dependent values need where a feature is absent, so they are not defined; \
             prediction works (TreeEnsemble.predict). Train without linear_tree for path-dependent values"
                .to_owned(),
        ));
    }
    if !model.has_cover() {
        return Err(Error::Unsupported(
            "path-dependent SHAP values need the cover of every node, and this model holds none; pass background rows \
             (data=), for values that need no covers, or retrain or re-save it with a version of its library that stores \
             covers"
                .into(),
        ));
    }
    Ok(())
}

//! Stage 6: a model compiled for one game, in the layout that a kernel reads.

mod interactions;
mod pairs;
mod program;
mod quadrature;
mod shape;
mod splits;

pub use interactions::InteractionPlan;
pub use pairs::Wanted;
pub use quadrature::{Rule, gauss_legendre};

pub(crate) use interactions::{Partner, SplitNode, TreeOfPairs, Visits, WeightedPoints};
pub(crate) use pairs::PairLayout;
pub(crate) use program::{MAX_POINTS, NodeStep, Op, PairStep, Points, Program, SplitStep, UnitStep};
pub(crate) use splits::{Compare, MaskSplit, code, code_slots};

use crate::error::{Error, Result};
use crate::model::Ensemble;
use crate::simd::Level;

/// Most different features on one path that a plan accepts: 256 quadrature points.
pub const MAX_PATH_FEATURES: u32 = 512;

/// Path-dependent Tree SHAP of one model, ready to run: one quadrature-recurrence program a tree and output.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(crate) model: PlanModel,
    pub(crate) trees: Vec<TreePlan>,
    pub(crate) level: Level,
    expected: Vec<f64>,
    scale: Vec<f64>,
}

/// What the plan keeps of the model: how rows are read and how large the result is.
#[derive(Debug, Clone)]
pub(crate) struct PlanModel {
    pub(crate) n_features: usize,
    pub(crate) n_outputs: usize,
    pub(crate) used_features: Vec<u32>,
    /// Slots that a categorical split tests, with their index in the code planes.
    pub(crate) code_slots: Vec<u32>,
    pub(crate) input: crate::model::InputRule,
}

/// One tree: its comparisons, and a program for each output that its leaves add to and each group of points.
#[derive(Debug, Clone)]
pub(crate) struct TreePlan {
    pub(crate) splits: Vec<MaskSplit>,
    pub(crate) points: Vec<Points>,
    pub(crate) programs: Vec<Program>,
}

/// What a plan is made of and what it costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// Trees that the recurrence explains.
    pub trees: usize,
    /// Passes over a tree: one an output and group of quadrature points.
    pub passes: usize,
    /// Most quadrature points of a tree.
    pub points: usize,
    /// Memory of the compiled plan, in bytes.
    pub bytes: usize,
    /// Expected work a row: splits times their quadrature points, over all outputs.
    pub split_points: usize,
    /// The vector instructions in use.
    pub level: Level,
}

impl Plan {
    /// Compiles the path-dependent game of `model` for the vector level in use. O(leaves × points).
    ///
    /// # Errors
    /// [`Error::Unsupported`] where the model holds no covers, [`Error::Plan`] above [`MAX_PATH_FEATURES`].
    pub fn path_dependent(model: &Ensemble) -> Result<Self> {
        Self::path_dependent_at(model, Level::in_use())
    }

    /// The same for a given vector level (for tests; the values have the same bits at every level).
    ///
    /// # Errors
    /// As [`Plan::path_dependent`].
    pub fn path_dependent_at(model: &Ensemble, level: Level) -> Result<Self> {
        check(model)?;
        let mut compiler = program::Compiler::new(model);
        let trees = model.trees().iter().map(|tree| compiler.tree(tree)).collect();
        let (expected, scale) = compiler.totals();
        Ok(Self { model: PlanModel::new(model), trees, level, expected, scale })
    }

    /// The mean prediction under the game, `(o)`: what the values of a row are measured from.
    pub fn expected_value(&self) -> &[f64] {
        &self.expected
    }

    /// |base| + Σ over trees of the largest |leaf|, `(o)`: what rounding errors of a sum are measured in.
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    /// What the plan is made of.
    pub fn describe(&self) -> Description {
        let points = |t: &TreePlan| t.points.iter().map(|p| p.q.len()).sum::<usize>();
        Description {
            trees: self.trees.len(),
            passes: self.trees.iter().map(|t| t.points.len() * t.programs.len()).sum(),
            points: self.trees.iter().map(points).max().unwrap_or(0),
            bytes: self.trees.iter().map(TreePlan::bytes).sum(),
            split_points: self.trees.iter().map(|t| t.splits.len() * points(t) * t.programs.len()).sum(),
            level: self.level,
        }
    }
}

impl TreePlan {
    fn bytes(&self) -> usize {
        let splits = size_of_val(&self.splits[..]) + self.splits.iter().map(MaskSplit::bytes).sum::<usize>();
        let points = self.points.iter().map(|p| size_of_val(&p.q[..]) + size_of_val(&p.table[..])).sum::<usize>();
        splits + points + self.programs.iter().map(Program::bytes).sum::<usize>()
    }
}

impl PlanModel {
    fn new(model: &Ensemble) -> Self {
        Self {
            n_features: model.n_features(),
            n_outputs: model.n_outputs(),
            used_features: model.used_features().to_vec(),
            code_slots: splits::code_slots(model),
            input: model.input(),
        }
    }
}

/// The model has what the path-dependent game needs.
fn check(model: &Ensemble) -> Result<()> {
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
    if let Some((index, tree)) = model.trees().iter().enumerate().find(|(_, t)| t.path_features > MAX_PATH_FEATURES) {
        return Err(Error::Plan(format!(
            "tree {index} tests {} different features on one path, the limit is {MAX_PATH_FEATURES}; train with a \
             smaller depth",
            tree.path_features
        )));
    }
    Ok(())
}

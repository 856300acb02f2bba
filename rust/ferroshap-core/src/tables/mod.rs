//! Interventional Tree SHAP against a whole background, by pattern tables.
//!
//! For a leaf with d different features on its path, a row x matters only by its pattern a ∈ {0,1}^d: bit g says whether
//! x satisfies every edge on feature g. So does a background row z, by its pattern q. The background becomes a histogram
//! h[q] once; then the values of every possible row are a table T[a][g] (`leaf.rs`), and a row costs one look-up a leaf,
//! however large the background is.
//!
//! The game: v(S) = Σ_z ω_z f(x_S, z_rest), ω the normalised weights of the background (interventional, or marginal,
//! Shapley values: Lundberg et al. 2020; for patterns: Nadel and Wettenstein 2026).

mod fold;
mod leaf;
mod pair_groups;
mod pair_table;
mod pairs;
mod paths;
mod run;

use crate::error::{Error, Result};
use crate::model::{Accumulation, Ensemble, InputRule};
use crate::parallel::Control;
use crate::plan::MaskSplit;
use crate::predict::Sum;
use crate::rows::Rows;
use crate::simd::Level;

use leaf::{DENSE_FEATURES, LeafTable};

pub use pairs::InteractionTables;
pub use run::ROWS_OF_A_TASK;

/// Most different features on one path: a pattern is one word.
pub const MAX_PATH_FEATURES: u32 = 64;

/// Interventional Tree SHAP of one model against one background, ready to run.
#[derive(Debug, Clone)]
pub struct Tables {
    n_features: usize,
    n_outputs: usize,
    used_features: Vec<u32>,
    code_slots: Vec<u32>,
    input: InputRule,
    level: Level,
    trees: Vec<TreeTables>,
    expected: Vec<f64>,
    scale: Vec<f64>,
}

/// The comparisons of a tree and the tables of its leaves.
#[derive(Debug, Clone)]
struct TreeTables {
    splits: Vec<MaskSplit>,
    /// The output that it adds to; `None`: to all of them.
    output: Option<u32>,
    leaves: Vec<LeafTable>,
}

impl Tables {
    /// Folds `background` with its `weights` (`None`: all equal) into tables. O(background rows × splits) and the tables.
    ///
    /// # Errors
    /// [`Error::Data`] for a background without rows, of another width, or with weights that are negative, not finite or
    /// all zero; [`Error::Plan`] above [`MAX_PATH_FEATURES`]; [`Error::Unsupported`] for linear leaves;
    /// [`Error::Cancelled`].
    pub fn interventional(
        model: &Ensemble,
        background: &Rows<'_>,
        weights: Option<&[f64]>,
        threads: usize,
        control: &dyn Control,
    ) -> Result<Self> {
        let at = (Level::in_use(), DENSE_FEATURES);
        Self::interventional_at(model, background, weights, threads, control, at)
    }

    /// The same for a given vector level, and with tables of all patterns for paths of at most so many features (for tests;
    /// the values have the same bits at every level).
    ///
    /// # Errors
    /// As [`Tables::interventional`].
    pub fn interventional_at(
        model: &Ensemble,
        background: &Rows<'_>,
        weights: Option<&[f64]>,
        threads: usize,
        control: &dyn Control,
        (level, dense_features): (Level, usize),
    ) -> Result<Self> {
        check(model, background, weights)?;
        let code_slots = crate::plan::code_slots(model);
        let mut tables = Self {
            n_features: model.n_features(),
            n_outputs: model.n_outputs(),
            used_features: model.used_features().to_vec(),
            input: model.input(),
            level,
            trees: model.trees().iter().map(|tree| paths::tree(model, tree, &code_slots, dense_features)).collect(),
            code_slots,
            expected: vec![0.0; model.n_outputs()],
            scale: model.base().iter().map(|b| b.abs() / model.accumulation().divisor()).collect(),
        };
        tables.fold(background, weights, threads, control)?;
        tables.add_totals(model, background, weights, threads, control)?;
        Ok(tables)
    }

    /// The weighted mean prediction of the background, `(o)`: what the values of a row are measured from.
    pub fn expected_value(&self) -> &[f64] {
        &self.expected
    }

    /// |base| + Σ over trees of the largest |leaf|, `(o)`: what rounding errors of a sum are measured in.
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    /// Memory of the tables, in bytes.
    pub fn bytes(&self) -> usize {
        self.trees.iter().flat_map(|tree| &tree.leaves).map(LeafTable::bytes).sum()
    }

    /// Patterns of the background, over all leaves.
    pub fn patterns(&self) -> usize {
        self.trees.iter().flat_map(|tree| &tree.leaves).map(LeafTable::patterns).sum()
    }

    /// The vector instructions in use.
    pub fn level(&self) -> Level {
        self.level
    }

    fn add_totals(
        &mut self,
        model: &Ensemble,
        background: &Rows<'_>,
        weights: Option<&[f64]>,
        threads: usize,
        control: &dyn Control,
    ) -> Result<()> {
        let (n, o) = (background.len(), self.n_outputs);
        let mut predicted = vec![0.0; n * o];
        model.predict(background, Sum::Float64, &mut predicted, threads, control)?;
        let total: f64 = weights.map_or(n as f64, |w| w.iter().sum());
        for (row, values) in predicted.chunks_exact(o).enumerate() {
            let weight = weights.map_or(1.0, |w| w[row]);
            self.expected.iter_mut().zip(values).for_each(|(sum, v)| *sum += weight * v);
        }
        self.expected.iter_mut().for_each(|sum| *sum /= total);
        let divisor = model.accumulation().divisor();
        for tree in model.trees() {
            let first = tree.output.unwrap_or(0) as usize;
            let mut largest = vec![0f64; model.leaf_width()];
            for node in tree.node_range() {
                if let crate::model::Node::Leaf { leaf } = model.node(node) {
                    largest.iter_mut().zip(model.leaf(leaf)).for_each(|(l, v)| *l = l.max((v / divisor).abs()));
                }
            }
            self.scale[first..].iter_mut().zip(largest).for_each(|(s, l)| *s += l);
        }
        Ok(())
    }
}

fn check(model: &Ensemble, background: &Rows<'_>, weights: Option<&[f64]>) -> Result<()> {
    if model.is_linear() {
        return Err(Error::Unsupported(
            "the model has linear trees (LightGBM's linear_tree), for which values against a background are not supported \
             yet; train without linear_tree"
                .to_owned(),
        ));
    }
    let n = background.len();
    if n == 0 {
        return Err(Error::Data("the background has no rows, expected at least one".to_owned()));
    }
    background.check(model.n_features(), n, 1)?;
    if let Some(weights) = weights {
        if weights.len() != n {
            return Err(Error::Data(format!("{} weights for {n} background rows", weights.len())));
        }
        if let Some(bad) = weights.iter().position(|w| !(*w >= 0.0 && w.is_finite())) {
            let found = weights[bad];
            return Err(Error::Data(format!("the weight of background row {bad} is {found}, expected 0 or more")));
        }
        if weights.iter().all(|w| *w == 0.0) {
            return Err(Error::Data("the weights of the background are all zero".to_owned()));
        }
    }
    match model.trees().iter().position(|tree| tree.path_features > MAX_PATH_FEATURES) {
        Some(index) => Err(Error::Plan(format!(
            "tree {index} tests {} different features on one path, the limit for values against a background is \
             {MAX_PATH_FEATURES}; train with a smaller depth",
            model.trees()[index].path_features
        ))),
        None => Ok(()),
    }
}

/// What a leaf's values are divided by.
fn divisor(accumulation: Accumulation) -> f64 {
    accumulation.divisor()
}

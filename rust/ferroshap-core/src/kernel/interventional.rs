//! Plans against a background: folded in at once, or walked until that pays off.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::background::check;
use super::fold::{Folding, Weighted};
use super::make::MakeAll;
use super::walk::{Met, Walks};
use crate::error::{Error, Result};
use crate::model::Ensemble;
use crate::parallel::{Control, NoRowYet};
use crate::plan::{KeptRows, Later, Options, Plan, TreePlan, Trees, Units, Workload, before_background, check_kept};
use crate::predict::Sum;
use crate::rows::{RowMajor, Rows};

/// Pairs that are walked without a look at how many leaves they meet, which takes two walks.
const FEW_PAIRS: usize = 8;

/// What they are taken to meet of each tree.
const LEAVES_OF_A_TREE: f64 = 8.0;

impl Plan {
    /// Compiles the interventional game of `model` against `background`: v(S) = Σ_z ω_z f(x_S, z_rest), ω the normalised
    /// `weights` (`None`: all equal). O(background rows × splits) and what the tables cost; against few background rows of equal
    /// weight O(background rows × trees × depth), and the tables are made by the first run that they pay off in.
    ///
    /// # Errors
    /// [`Error::Data`] for a background without rows, of another width, or with weights that are negative, not finite or
    /// all zero; [`Error::Plan`] above [`MAX_BACKGROUND_PATH`]; [`Error::Unsupported`] for linear leaves;
    /// [`Error::Cancelled`].
    pub fn interventional(
        model: &Arc<Ensemble>,
        background: &Rows<'_>,
        weights: Option<&[f64]>,
        options: Options,
        threads: usize,
        control: &dyn Control,
    ) -> Result<Self> {
        if weights.is_none()
            && let Some(units) = Units::new(model, background.len())
        {
            check(model, background, None)?;
            return Self::in_units(model, background, units, options, threads, control);
        }
        Self::folded(model, background, weights, None, options, threads, control)
    }

    /// The same for several weightings of the background at once: `by`, `(b, R)` row-major, are factors of any sign by which the
    /// weights of a row are multiplied, and [`Plan::run_mixed`] adds the R games up as each row wants them. The expected value is
    /// that of the first.
    ///
    /// # Errors
    /// As [`Plan::interventional`], and [`Error::Data`] for factors that are not finite or not `(b, R)`, R at least 1.
    pub fn against_weightings(
        model: &Ensemble,
        background: &Rows<'_>,
        weights: Option<&[f64]>,
        by: &[f64],
        options: Options,
        threads: usize,
        control: &dyn Control,
    ) -> Result<Self> {
        if background.is_empty() || by.is_empty() || !by.len().is_multiple_of(background.len()) {
            let (found, n) = (by.len(), background.len());
            return Err(Error::Data(format!(
                "{found} factors of weights for {n} background rows, expected some for each"
            )));
        }
        if let Some(bad) = by.iter().find(|factor| !factor.is_finite()) {
            return Err(Error::Data(format!("a factor of the weights is {bad}, expected finite numbers")));
        }
        Self::folded(model, background, weights, Some(by), options, threads, control)
    }

    fn folded(
        model: &Ensemble,
        background: &Rows<'_>,
        weights: Option<&[f64]>,
        by: Option<&[f64]>,
        options: Options,
        threads: usize,
        control: &dyn Control,
    ) -> Result<Self> {
        check(model, background, weights)?;
        let weightings = by.map_or(1, |by| by.len() / background.len());
        let mut plan = Self::against_background(model, weightings, None, options.level);
        let load = Workload::new(model, options.expected_rows, Some(background.len()));
        let trees = before_background(model, load, weightings, None, options.table_bytes);
        check_kept(&trees, background.len())?;
        let weighted = Weighted::new(weights, by, weightings);
        let total = weights.map_or(background.len() as f64, |w| w.iter().sum());
        let folding = Folding {
            model: &plan.model,
            weighted: &weighted,
            total,
            wholes: false,
            level: plan.level,
            threads,
            control,
        };
        let (trees, mut expected) = folding.fold(trees, background)?;
        let divisor = model.accumulation().divisor();
        expected.iter_mut().zip(model.base()).for_each(|(sum, base)| *sum += base / divisor);
        if trees.iter().any(|tree| !tree.deep.is_empty()) {
            let mut rows = RowMajor::default();
            rows.fill(background, 0..background.len(), model);
            plan.kept = Some(KeptRows { rows: Arc::new(rows), weights: weighted.of_rows, total });
        }
        plan.trees = Trees::Made(trees);
        plan.set_expected(expected);
        Ok(plan)
    }

    /// Few background rows of one weight: what counts the pairs does not show in the values, so tables can wait.
    fn in_units(
        model: &Arc<Ensemble>,
        background: &Rows<'_>,
        units: Units,
        options: Options,
        threads: usize,
        control: &dyn Control,
    ) -> Result<Self> {
        let (b, o) = (background.len(), model.n_outputs());
        let mut plan = Self::against_background(model, 1, Some(units), options.level);
        let mut margins = vec![0.0; b * o];
        model.predict(background, Sum::Float64, &mut margins, threads, control)?;
        let mut mean = vec![0.0; o];
        margins.chunks_exact(o).for_each(|row| mean.iter_mut().zip(row).for_each(|(sum, v)| *sum += v));
        plan.set_expected(mean.into_iter().map(|sum| sum / b as f64).collect());
        let mut rows = RowMajor::default();
        rows.fill(background, 0..b, model);
        let rows = Arc::new(rows);
        plan.kept = Some(KeptRows { rows: rows.clone(), weights: None, total: b as f64 });
        plan.trees = Trees::Later(Arc::new(Later::new(model.clone(), rows, options)));
        Ok(plan)
    }

    /// Folds in a background that was to be folded in when that pays off: [`Plan::describe`] can tell of the tables, and every row
    /// is looked up from now on. The values are the same.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn make_tables(&self, threads: usize, control: &dyn Control) -> Result<()> {
        match &self.trees {
            Trees::Made(_) => Ok(()),
            Trees::Later(later) => self.make(later, threads, control).map(|_| ()),
        }
    }

    /// How `rows` are to be explained.
    pub(super) fn way(&self, rows: &Rows<'_>, threads: usize, control: &dyn Control) -> Result<Way<'_>> {
        let later = match &self.trees {
            Trees::Made(trees) => return self.with_tables(trees, rows, threads, control),
            Trees::Later(later) => later,
        };
        let leaves = match rows.len() * later.background.len() {
            0..=FEW_PAIRS => LEAVES_OF_A_TREE * self.model.n_trees as f64,
            _ => later.leaves_of_a_pair(|| met_leaves(&later.model, rows, &later.background)),
        };
        if later.walks_pay(rows.len(), leaves) {
            return Ok(Way::Pairs(later));
        }
        self.with_tables(self.make(later, threads, control)?, rows, threads, control)
    }

    /// Large tables are made in passing by a first run whose threads need them once each, and for good by any other.
    fn with_tables<'a>(
        &self,
        trees: &'a [TreePlan],
        rows: &Rows<'_>,
        threads: usize,
        control: &dyn Control,
    ) -> Result<Way<'a>> {
        let is_first = !self.begun.swap(true, Ordering::Relaxed);
        if !(is_first && rows.len() <= threads.max(1) * self.rows_in_passing()) {
            self.level.dispatch(MakeAll { trees, threads, control: &NoRowYet(control) })?;
        }
        Ok(Way::Trees(trees))
    }

    fn make<'a>(&self, later: &'a Later, threads: usize, control: &dyn Control) -> Result<&'a [TreePlan]> {
        let _one_at_a_time = later.lock();
        if let Some(trees) = later.made() {
            return Ok(trees);
        }
        let (model, options, b) = (&later.model, later.options, later.background.len());
        let load = Workload::new(model, options.expected_rows, Some(b));
        let folding = Folding {
            model: &self.model,
            weighted: &Weighted::new(None, None, 1),
            total: b as f64,
            wholes: true,
            level: self.level,
            threads,
            control: &NoRowYet(control),
        };
        let trees = before_background(model, load, 1, self.units.as_ref(), options.table_bytes);
        Ok(later.keep(folding.fold(trees, &*later.background)?.0))
    }
}

/// How rows are explained.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way<'a> {
    Trees(&'a [TreePlan]),
    /// Each with each background row.
    Pairs(&'a Later),
}

/// How many leaves a pair meets, about: of the first and the last row.
fn met_leaves(model: &Ensemble, rows: &Rows<'_>, background: &RowMajor) -> f64 {
    let (n, b) = (rows.len(), background.len());
    let walks = Walks::new(model, vec![1.0; model.n_outputs()]);
    let mut phi = vec![Met::default(); model.used_features().len() * model.n_outputs()];
    let mut met = 0.0;
    for (row, z) in [(0, b - 1), (n - 1, 0)] {
        let mut tile = RowMajor::default();
        tile.fill(rows, row..row + 1, model);
        let mut z = background.row(z).to_vec();
        for tree in model.trees() {
            met += f64::from(walks.tree(tree, tile.row_mut(0), &mut z, &mut phi).0);
        }
    }
    met / 2.0
}

//! Trees of a plan that are made when they pay off.
//!
//! Making tables takes as long as explaining many rows without them, and a call of a few rows against a few background rows is over
//! long before. Where sums are of whole numbers (`plan/units.rs`) both ways give the same bits, so such a plan begins by walking
//! pairs of a row and a background row, and makes its tables once the walks have cost, or are about to cost, as much.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::{Options, TreePlan};
use crate::model::{Ensemble, Tree};
use crate::rows::RowMajor;

/// Nanoseconds, as measured: a leaf that a walk of a pair meets, with the way there.
const MET_LEAF: f64 = 22.0;

/// Making what one leaf needs of its tree's tables, and a background row there; a tree, whatever its size.
const MADE_TREE: f64 = 6000.0;
const MADE_LEAF: f64 = 400.0;
const MADE_ROW: f64 = 1.0;

/// A row at a leaf of a tree whose paths have at most so many different features.
const LOOKED_UP: [(u32, f64); 2] = [(8, 0.7), (u32::MAX, 3.0)];

/// Different features of a path from which on leaves are by themselves.
const DEEP_FEATURES: u32 = 13;

/// Such a leaf in every call, for the rows and for the background: at all, and a row of the first thousand, which mostly have patterns of
/// their own, and of the others.
const DEEP_LEAF: f64 = 5000.0;
const DEEP_ROW: f64 = 50.0;
const DEEP_MORE_ROWS: f64 = 15.0;

/// The trees of a plan.
#[derive(Debug, Clone)]
pub(crate) enum Trees {
    Made(Vec<TreePlan>),
    Later(Arc<Later>),
}

impl Trees {
    /// The trees, if they are made.
    pub(crate) fn made(&self) -> Option<&[TreePlan]> {
        match self {
            Self::Made(trees) => Some(trees),
            Self::Later(later) => later.made(),
        }
    }
}

/// What the trees are to be made from.
#[derive(Debug)]
pub(crate) struct Later {
    pub(crate) model: Arc<Ensemble>,
    pub(crate) background: Arc<RowMajor>,
    pub(crate) options: Options,
    made: OnceLock<Vec<TreePlan>>,
    making: Mutex<()>,
    leaves: OnceLock<f64>,
    /// Nanoseconds that a row takes at the tables when the trees are made, about, and leaves that will be by themselves.
    of_a_row: f64,
    deep_leaves: usize,
    /// Nanoseconds that walks are taken to have cost so far beyond that.
    spent: AtomicU64,
}

impl Later {
    pub(crate) fn new(model: Arc<Ensemble>, background: Arc<RowMajor>, options: Options) -> Self {
        let (made, making) = (OnceLock::new(), Mutex::new(()));
        let is_deep = |tree: &&Tree| tree.path_features >= DEEP_FEATURES;
        let of_a_row = model.trees().iter().filter(|tree| !is_deep(tree)).map(looked_up).sum();
        let deep_leaves = model.trees().iter().filter(is_deep).map(|tree| tree.n_nodes.div_ceil(2) as usize).sum();
        let (leaves, spent) = (OnceLock::new(), AtomicU64::new(0));
        Self { model, background, options, made, making, leaves, of_a_row, deep_leaves, spent }
    }

    pub(crate) fn made(&self) -> Option<&[TreePlan]> {
        self.made.get().map(Vec::as_slice)
    }

    /// To be held while the trees are made, so that nobody else makes them.
    pub(crate) fn lock(&self) -> MutexGuard<'_, ()> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the trees.
    pub(crate) fn keep(&self, trees: Vec<TreePlan>) -> &[TreePlan] {
        self.made.get_or_init(|| trees)
    }

    /// How many leaves a pair meets, counted by the first that asks.
    pub(crate) fn leaves_of_a_pair(&self, count: impl FnOnce() -> f64) -> f64 {
        *self.leaves.get_or_init(count)
    }

    /// Whether walks of `rows` rows more, of whose pairs each meets this many leaves, cost less than making the trees and running them;
    /// then they count as spent.
    pub(crate) fn walks_pay(&self, rows: usize, leaves: f64) -> bool {
        let (n, b) = (rows as f64, self.background.len() as f64);
        let deep = self.made().map_or(self.deep_leaves, |trees| trees.iter().map(|tree| tree.deep.len()).sum());
        let deep = deep as f64 * (at_deep_leaf(n) + at_deep_leaf(b));
        let more = n * b * leaves * MET_LEAF - n * self.of_a_row - deep;
        if more <= 0.0 || self.made().is_some() {
            return more <= 0.0;
        }
        let making =
            self.model.trees().len() as f64 * MADE_TREE + self.model.n_leaves() as f64 * (MADE_LEAF + MADE_ROW * b);
        let before = self.spent.fetch_add(more as u64, Ordering::Relaxed);
        before as f64 + more < making
    }
}

/// Nanoseconds of a row at a tree that is made.
fn looked_up(tree: &Tree) -> f64 {
    let of_a_leaf = LOOKED_UP.iter().find(|(most, _)| tree.path_features <= *most).map_or(0.0, |(_, cost)| *cost);
    of_a_leaf * f64::from(tree.n_nodes.div_ceil(2))
}

/// Nanoseconds of so many rows at a leaf by itself.
fn at_deep_leaf(rows: f64) -> f64 {
    let first = rows.min(1000.0);
    DEEP_LEAF + first * DEEP_ROW + (rows - first) * DEEP_MORE_ROWS
}

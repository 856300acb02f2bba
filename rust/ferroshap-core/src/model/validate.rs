//! The laws of a model's arrays, one function each; those of its nodes are looked at by the walk that places them.

use super::arrays::{ArraysView, EnsembleArrays};
use super::ensemble::Ensemble;
use super::linear::{self, Linear};
use super::placing::Placing;
use crate::error::{Error, NodePlace, Result};

impl Ensemble {
    /// The model that `arrays` describe: every law checked, the nodes that a root reaches renumbered so that siblings
    /// are neighbours and parents come first.
    ///
    /// # Errors
    /// [`Error::Model`](crate::Error::Model) names the tree, the node and the law that is broken.
    pub fn try_new(arrays: &EnsembleArrays) -> Result<Self> {
        Self::try_from_view(&arrays.view())
    }

    /// The same from borrowed arrays.
    ///
    /// # Errors
    /// As [`Ensemble::try_new`].
    pub fn try_from_view(arrays: &ArraysView<'_>) -> Result<Self> {
        lengths(arrays)?;
        sets(arrays)?;
        finite_base(arrays)?;
        let width = leaf_width(arrays)?;
        if let Some(linear) = arrays.linear {
            linear::check(linear, arrays.left.len(), arrays.n_features, |node| arrays.left[node] < 0)?;
            if width != 1 {
                return Err(broken(NodePlace::ENSEMBLE, "linear leaves", "vectors", "single numbers"));
            }
        }
        let used_features = used_features(arrays);
        let mut out = Self {
            n_features: arrays.n_features,
            n_outputs: arrays.n_outputs,
            used_features,
            trees: Vec::with_capacity(arrays.tree_outputs.len()),
            nodes: Vec::with_capacity(arrays.left.len()),
            cover: arrays.cover.map(|c| Vec::with_capacity(c.len())),
            leaf_width: width,
            leaf_values: Vec::with_capacity(arrays.values.len() / 2 + width),
            largest_leaves: vec![0.0; arrays.n_outputs],
            largest_leaf: vec![0.0; arrays.n_outputs],
            set_starts: arrays.set_starts.iter().map(|&s| s as usize).collect(),
            set_words: arrays.set_words.to_vec(),
            base: arrays.base.to_vec(),
            accumulation: arrays.accumulation,
            input: arrays.input,
            linear: arrays.linear.map(|_| Linear::new()),
        };
        let mut placing = Placing::new(arrays, &out.used_features);
        for tree in 0..arrays.tree_outputs.len() {
            placing.tree(tree, &mut out)?;
        }
        Ok(out)
    }
}

#[cold]
pub(super) fn broken(
    place: NodePlace,
    field: &'static str,
    found: impl ToString,
    expected: impl Into<String>,
) -> Error {
    Error::Model { place, field, found: found.to_string(), expected: expected.into() }
}

/// All arrays have the length that the others imply, and the tree ranges tile the nodes.
fn lengths(a: &ArraysView<'_>) -> Result<()> {
    let (t, v) = (a.tree_outputs.len(), a.left.len());
    let at = NodePlace::ENSEMBLE;
    if a.n_outputs == 0 || a.base.len() != a.n_outputs {
        return Err(broken(at, "length of base", a.base.len(), format!("{} outputs, at least one", a.n_outputs)));
    }
    if a.n_features > i32::MAX as usize || v > i32::MAX as usize {
        return Err(broken(at, "size", format!("{} features, {v} nodes", a.n_features), "fewer than 2^31 of each"));
    }
    let mut nodes = [
        ("length of right", a.right.len()),
        ("length of feature", a.feature.len()),
        ("length of threshold", a.threshold.len()),
        ("length of flags", a.flags.len()),
        ("length of category_set", a.category_set.len()),
        ("length of cover", a.cover.map_or(v, <[f64]>::len)),
    ]
    .into_iter();
    if let Some((field, found)) = nodes.find(|&(_, length)| length != v) {
        return Err(broken(at, field, found, format!("{v}, the length of left")));
    }
    let starts = a.tree_starts;
    if starts.len() != t + 1 || starts[0] != 0 || starts[t] != v as i64 {
        return Err(broken(at, "tree_starts", format!("{} entries", starts.len()), format!("{} from 0 to {v}", t + 1)));
    }
    match starts.windows(2).position(|w| w[0] >= w[1]) {
        Some(tree) => {
            Err(broken(NodePlace::tree(tree), "number of nodes", starts[tree + 1] - starts[tree], "at least 1"))
        }
        None => Ok(()),
    }
}

/// The bit sets tile their words.
fn sets(a: &ArraysView<'_>) -> Result<()> {
    let (s, words) = (a.set_starts, a.set_words.len() as i64);
    let tiled = s.first() == Some(&0) && s.last() == Some(&words) && s.windows(2).all(|w| w[0] <= w[1]);
    if tiled {
        return Ok(());
    }
    Err(broken(NodePlace::ENSEMBLE, "set_starts", format!("{} entries", s.len()), format!("ascending, 0 to {words}")))
}

fn finite_base(a: &ArraysView<'_>) -> Result<()> {
    match a.base.iter().find(|b| !b.is_finite()) {
        Some(b) => Err(broken(NodePlace::ENSEMBLE, "base score", b, "a finite number")),
        None if !(a.accumulation.divisor() > 0.0 && a.accumulation.divisor().is_finite()) => {
            let found = a.accumulation.divisor();
            Err(broken(
                NodePlace::ENSEMBLE,
                "divisor",
                found,
                "the number of trees or the sum of their weights, above 0",
            ))
        }
        None => Ok(()),
    }
}

/// Leaves are single numbers that go to one output, or vectors over all outputs.
fn leaf_width(a: &ArraysView<'_>) -> Result<usize> {
    let v = a.left.len();
    let vector = a.tree_outputs.iter().any(|&o| o < 0);
    let width = if vector { a.n_outputs } else { 1 };
    if Some(a.values.len()) != v.checked_mul(width) {
        return Err(broken(NodePlace::ENSEMBLE, "length of values", a.values.len(), format!("{v} nodes × {width}")));
    }
    for (tree, &output) in a.tree_outputs.iter().enumerate() {
        if (output < 0) != vector || output >= a.n_outputs as i32 {
            let expected = if vector { "-1, as for the other trees" } else { "below the number of outputs" };
            return Err(broken(NodePlace::tree(tree), "output", output, expected));
        }
    }
    Ok(width)
}

/// The features that inner nodes and linear leaves name, ascending, dead nodes included only if they name a real feature.
fn used_features(a: &ArraysView<'_>) -> Vec<u32> {
    let by_leaves = a.linear.iter().flat_map(|linear| linear.features.iter().map(|&f| f as u32));
    if a.n_features > MOST_MARKED {
        let inner = a.left.iter().zip(a.feature).filter(|&(&left, _)| left >= 0).map(|(_, &f)| f as u32);
        let mut used: Vec<u32> = inner.filter(|&f| (f as usize) < a.n_features).chain(by_leaves).collect();
        used.sort_unstable();
        used.dedup();
        return used;
    }
    let mut is_used = vec![false; a.n_features + 1]; // the last one for what is no feature
    for (&left, &feature) in a.left.iter().zip(a.feature) {
        is_used[(feature as u32 as usize).min(a.n_features)] |= left >= 0; // no branch: inner nodes and leaves are in no order
    }
    by_leaves.for_each(|f| is_used[f as usize] = true);
    (0..a.n_features as u32).filter(|&f| is_used[f as usize]).collect()
}

/// Up to so many features are marked in a list of all, which is faster than to sort and to search those in use. More may be
/// said to be there than there is memory for.
pub(super) const MOST_MARKED: usize = 1 << 16;

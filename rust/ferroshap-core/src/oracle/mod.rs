//! The definition, spelled out: slow on purpose, never optimised, what every kernel is tested against.

mod game;
mod pairs;

use crate::model::{Ensemble, Node};
use crate::rows::{RowMajor, Rows};

pub use game::{random_game, shapley_of_game};
pub use pairs::{interactions_by_enumeration, interventional_interactions_by_enumeration};

/// Path-dependent SHAP values of every row by enumerating all coalitions, `(n, f, o)`, followed by the expected values
/// `(o)`. O(n × trees × 2^features × leaves): for up to about a dozen used features.
pub fn shap_by_enumeration(model: &Ensemble, rows: &Rows<'_>) -> (Vec<f64>, Vec<f64>) {
    let (f, o) = (model.n_features(), model.n_outputs());
    let (mut phi, mut expected) = (vec![0.0; rows.len() * f * o], vec![0.0; o]);
    for (row, games) in path_dependent_games(model, rows).iter().enumerate() {
        expected.copy_from_slice(&games[0]);
        add_shapley(model, games, row, &mut phi);
    }
    (phi, expected)
}

/// Interventional SHAP values of every row by enumerating all coalitions, `(n, f, o)`, followed by the expected values
/// `(o)`: v(S) is the mean, by `weights`, of the predictions of the background rows with the features of S from the row.
/// O(n × background rows × trees × 2^features).
pub fn interventional_by_enumeration(
    model: &Ensemble,
    rows: &Rows<'_>,
    background: &Rows<'_>,
    weights: &[f64],
) -> (Vec<f64>, Vec<f64>) {
    let (f, o) = (model.n_features(), model.n_outputs());
    let (mut phi, mut expected) = (vec![0.0; rows.len() * f * o], vec![0.0; o]);
    for (row, games) in interventional_games(model, rows, background, weights).iter().enumerate() {
        expected.copy_from_slice(&games[0]);
        add_shapley(model, games, row, &mut phi);
    }
    (phi, expected)
}

/// For every row the worth of every coalition against the background, `[row][coalition][output]`.
fn interventional_games(
    model: &Ensemble,
    rows: &Rows<'_>,
    background: &Rows<'_>,
    weights: &[f64],
) -> Vec<Vec<Vec<f64>>> {
    let (o, m) = (model.n_outputs(), model.used_features().len());
    let (mut tile, mut behind) = (RowMajor::default(), RowMajor::default());
    tile.fill(rows, 0..rows.len(), model);
    behind.fill(background, 0..background.len(), model);
    let total: f64 = weights.iter().sum();
    let mean = |x: &[f64], s: usize| {
        let mut sums = vec![0.0; o];
        for (z, weight) in weights.iter().enumerate() {
            let pick = |slot: usize| if s >> slot & 1 != 0 { x[slot] } else { behind.row(z)[slot] };
            let mixed: Vec<f64> = (0..m).map(pick).collect();
            let predicted = worth(model, &mixed, usize::MAX);
            sums.iter_mut().zip(predicted).for_each(|(sum, p)| *sum += weight / total * p);
        }
        sums
    };
    (0..rows.len()).map(|row| (0..1usize << m).map(|s| mean(tile.row(row), s)).collect()).collect()
}

/// For every row the worth of every coalition along the trees, `[row][coalition][output]`.
fn path_dependent_games(model: &Ensemble, rows: &Rows<'_>) -> Vec<Vec<Vec<f64>>> {
    let coalitions = 1usize << model.used_features().len();
    let mut tile = RowMajor::default();
    tile.fill(rows, 0..rows.len(), model);
    (0..rows.len()).map(|row| (0..coalitions).map(|s| worth(model, tile.row(row), s)).collect()).collect()
}

/// The Shapley values of a game given by its worth for every coalition, into a row of `phi`.
fn add_shapley(model: &Ensemble, games: &[Vec<f64>], row: usize, phi: &mut [f64]) {
    let (f, o, m) = (model.n_features(), model.n_outputs(), model.used_features().len());
    for (slot, &feature) in model.used_features().iter().enumerate() {
        for s in (0..1usize << m).filter(|s| s >> slot & 1 == 0) {
            let weight = 1.0 / (m as f64 * binomial(m - 1, s.count_ones() as usize));
            for output in 0..o {
                let gain = games[s | 1 << slot][output] - games[s][output];
                phi[(row * f + feature as usize) * o + output] += weight * gain;
            }
        }
    }
}

fn binomial(n: usize, k: usize) -> f64 {
    (0..k).fold(1.0, |b, i| b * (n - i) as f64 / (i + 1) as f64)
}

/// The prediction when the features of `coalition` (bits by slot) are known and the others follow the covers.
fn worth(model: &Ensemble, x: &[f64], coalition: usize) -> Vec<f64> {
    let mut out: Vec<f64> = model.base().to_vec();
    for tree in model.trees() {
        let mean = expect(model, tree.root, x, coalition);
        let first = tree.output.unwrap_or(0) as usize;
        out[first..].iter_mut().zip(mean).for_each(|(o, m)| *o += m);
    }
    out.iter().map(|o| o / model.accumulation().divisor()).collect()
}

fn expect(model: &Ensemble, node: u32, x: &[f64], coalition: usize) -> Vec<f64> {
    match model.node(node) {
        Node::Leaf { leaf } => model.leaf(leaf).to_vec(),
        Node::Inner { split, left } => {
            let side = |child| expect(model, child, x, coalition);
            if coalition >> split.slot & 1 != 0 {
                return side(left + u32::from(!model.goes_left(&split, x[split.slot as usize])));
            }
            let w = model.left_share(left).unwrap_or(0.5);
            side(left).iter().zip(side(left + 1)).map(|(l, r)| w * l + (1.0 - w) * r).collect()
        }
    }
}

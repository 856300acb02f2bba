//! Order 2, by the definition: the Shapley interaction index of every pair of features.

use super::{add_shapley, binomial, interventional_games, path_dependent_games};
use crate::model::Ensemble;
use crate::rows::Rows;

/// Path-dependent interaction values of every row, `(n, f, f, o)`: off the diagonal half of the pair's interaction index,
/// on it what is left of the feature's SHAP value. O(n × 2^features × features²) beside the worths.
pub fn interactions_by_enumeration(model: &Ensemble, rows: &Rows<'_>) -> Vec<f64> {
    path_dependent_games(model, rows).iter().flat_map(|games| matrix(model, games)).collect()
}

/// The same against a background, as [`interventional_by_enumeration`](super::interventional_by_enumeration).
pub fn interventional_interactions_by_enumeration(
    model: &Ensemble,
    rows: &Rows<'_>,
    background: &Rows<'_>,
    weights: &[f64],
) -> Vec<f64> {
    let games = interventional_games(model, rows, background, weights);
    games.iter().flat_map(|games| matrix(model, games)).collect()
}

/// `(f, f, o)` of one row: Σ_S |S|! (M − |S| − 2)! / (M − 1)! · (v(S ∪ gh) − v(S ∪ g) − v(S ∪ h) + v(S)), halved.
fn matrix(model: &Ensemble, games: &[Vec<f64>]) -> Vec<f64> {
    let (f, o, used) = (model.n_features(), model.n_outputs(), model.used_features());
    let (mut out, mut phi) = (vec![0.0; f * f * o], vec![0.0; f * o]);
    add_shapley(model, games, 0, &mut phi);
    for (g, &of_g) in used.iter().enumerate() {
        for output in 0..o {
            let at = |h: usize| (of_g as usize * f + h) * o + output;
            let mut others = 0.0;
            for (h, &of_h) in used.iter().enumerate().filter(|(h, _)| *h != g) {
                for s in (0..games.len()).filter(|s| s >> g & 1 == 0 && s >> h & 1 == 0) {
                    let m = used.len() - 1;
                    let weight = 1.0 / (m as f64 * binomial(m - 1, s.count_ones() as usize));
                    let worth = |more: usize| games[s | more][output];
                    let delta = worth(1 << g | 1 << h) - worth(1 << g) - worth(1 << h) + worth(0);
                    out[at(of_h as usize)] += 0.5 * weight * delta;
                }
                others += out[at(of_h as usize)];
            }
            out[at(of_g as usize)] = phi[of_g as usize * o + output] - others;
        }
    }
    out
}

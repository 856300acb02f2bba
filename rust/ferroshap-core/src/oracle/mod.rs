//! The definition, spelled out: slow on purpose, never optimised, what every kernel is tested against.

use crate::model::{Ensemble, Node};
use crate::rows::{RowMajor, Rows};

/// Path-dependent SHAP values of every row by enumerating all coalitions, `(n, f, o)`, followed by the expected values
/// `(o)`. O(n × trees × 2^features × leaves): for up to about a dozen used features.
pub fn shap_by_enumeration(model: &Ensemble, rows: &Rows<'_>) -> (Vec<f64>, Vec<f64>) {
    let (f, o, m) = (model.n_features(), model.n_outputs(), model.used_features().len());
    let mut tile = RowMajor::default();
    tile.fill(rows, 0..rows.len(), model);
    let (mut phi, mut expected) = (vec![0.0; rows.len() * f * o], vec![0.0; o]);
    for row in 0..rows.len() {
        let games: Vec<Vec<f64>> = (0..1usize << m).map(|s| worth(model, tile.row(row), s)).collect();
        expected.copy_from_slice(&games[0]);
        for (slot, &feature) in model.used_features().iter().enumerate() {
            for s in (0..1usize << m).filter(|s| s >> slot & 1 == 0) {
                let size = s.count_ones() as usize;
                let weight = 1.0 / (m as f64 * binomial(m - 1, size));
                for output in 0..o {
                    let gain = games[s | 1 << slot][output] - games[s][output];
                    phi[(row * f + feature as usize) * o + output] += weight * gain;
                }
            }
        }
    }
    (phi, expected)
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

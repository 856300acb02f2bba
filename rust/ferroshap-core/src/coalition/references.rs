//! The references and what the model says about them.

use crate::error::{Error, Result};

/// Weighted references with their outputs.
#[derive(Debug)]
pub struct References {
    /// ω, sum 1.
    pub(crate) weights: Vec<f64>,
    /// f(b), `(B, K)`.
    outputs: Vec<f64>,
    /// Players of a row.
    pub(crate) n_players: usize,
}

impl References {
    /// Of positive weights, whatever their sum, and outputs `(B, K)`.
    ///
    /// # Errors
    /// [`Error::Data`] for no references, weights that are not positive and finite, or outputs of another shape.
    pub fn new(weights: &[f64], outputs: Vec<f64>, n_players: usize) -> Result<Self> {
        if weights.is_empty() {
            return Err(Error::Data("no background rows; give one at least".into()));
        }
        if let Some(b) = weights.iter().position(|w| !(w.is_finite() && *w > 0.0)) {
            let found = weights[b];
            return Err(Error::Data(format!(
                "the weight of background row {b} is {found}; expected a positive number"
            )));
        }
        if outputs.is_empty() || !outputs.len().is_multiple_of(weights.len()) {
            let found = outputs.len();
            return Err(Error::Data(format!("{found} outputs for {} background rows; expected (B, K)", weights.len())));
        }
        let total: f64 = weights.iter().sum();
        Ok(Self { weights: weights.iter().map(|w| w / total).collect(), outputs, n_players })
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// Never.
    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// Outputs of the model.
    pub fn n_outputs(&self) -> usize {
        self.outputs.len() / self.weights.len()
    }

    /// f(x) − f(b), `(B, K)`.
    pub(crate) fn deltas(&self, row: &[f64]) -> Vec<f64> {
        self.outputs.chunks_exact(row.len()).flat_map(|b| row.iter().zip(b).map(|(x, b)| x - b)).collect()
    }

    /// Σ ω f(b), in order of the references.
    pub(crate) fn mean(&self) -> Vec<f64> {
        let mut out = vec![0.0; self.n_outputs()];
        for (outputs, weight) in self.outputs.chunks_exact(out.len()).zip(&self.weights) {
            out.iter_mut().zip(outputs).for_each(|(sum, output)| *sum += weight * output);
        }
        out
    }
}

//! Values against single background rows, by walks of pairs (`kernel/walk.rs`). Time n · b: for the explanations of single
//! references, and for links whose weights are of pairs.

use std::sync::Arc;

use super::background::check as check_background;
use super::run::Written;
use super::walk::Walks;
use crate::error::{Error, Result};
use crate::links::PairWeights;
use crate::model::Ensemble;
use crate::parallel::{Control, NoRowYet, for_each_chunk};
use crate::predict::Sum;
use crate::rows::{RowMajor, Rows};

/// Pairs of a task: as many as take a few milliseconds.
const PAIRS_OF_A_TASK: usize = 1 << 10;

/// A model and a background whose rows are references one by one.
#[derive(Debug)]
pub struct ReferencePlan {
    model: Arc<Ensemble>,
    tile: RowMajor,
    /// Normalised.
    weights: Vec<f64>,
    /// `(b, o)` of the references.
    margins: Vec<f64>,
}

impl ReferencePlan {
    /// Reads the background, which is kept. O(background rows × trees × depth).
    ///
    /// # Errors
    /// As [`Plan::interventional`](crate::plan::Plan::interventional).
    pub fn new(
        model: &Arc<Ensemble>,
        background: &Rows<'_>,
        weights: Option<&[f64]>,
        threads: usize,
        control: &dyn Control,
    ) -> Result<Self> {
        check_background(model, background, weights)?;
        let b = background.len();
        let mut tile = RowMajor::default();
        tile.fill(background, 0..b, model);
        let weights = match weights {
            Some(weights) => {
                let total: f64 = weights.iter().sum();
                weights.iter().map(|w| w / total).collect()
            }
            None => vec![1.0 / b as f64; b],
        };
        let mut margins = vec![0.0; b * model.n_outputs()];
        model.predict(background, Sum::Float64, &mut margins, threads, control)?;
        Ok(Self { model: model.clone(), tile, weights, margins })
    }

    /// How many references there are.
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// Rows that a thread explains together.
    fn rows_of_a_task(&self) -> usize {
        (PAIRS_OF_A_TASK / self.len()).max(1)
    }

    /// Writes the raw values of each row against each reference, `(n, b, f, o)` row-major. O(n × b × nodes that a pair meets).
    ///
    /// # Errors
    /// [`Error::Data`] for rows or an output of another shape, [`Error::Cancelled`].
    pub fn each<W: Written>(
        &self,
        rows: &Rows<'_>,
        out: &mut [W],
        threads: usize,
        control: &dyn Control,
    ) -> Result<()> {
        let (f, o, b) = (self.model.n_features(), self.model.n_outputs(), self.len());
        rows.check(f, out.len(), b * f * o)?;
        let together = self.rows_of_a_task();
        control.begin(together);
        let scratch = || Scratch::new(&self.model);
        for_each_chunk(out, together * b * f * o, threads, control, scratch, |walk, index, out, cancel| {
            walk.read(rows, index * together, together);
            for (row, out) in out.chunks_exact_mut(b * f * o).enumerate() {
                for (z, out) in out.chunks_exact_mut(f * o).enumerate() {
                    if cancel.requested() {
                        return;
                    }
                    walk.pair(row, self.tile.row(z));
                    out.fill(W::from_f64(0.0));
                    for (values, &feature) in walk.phi.chunks_exact(o).zip(self.model.used_features()) {
                        let to = &mut out[feature as usize * o..][..o];
                        to.iter_mut().zip(values).for_each(|(to, v)| *to = W::from_f64(*v));
                    }
                }
            }
        })
    }

    /// Writes Σ_z ω_z W(x, z) φ_raw(x, z), `(n, f, k)` row-major with k the outputs of `by`, W that of the margins times `scale`,
    /// and times `scale` itself; the references are added in their order. O(n × b × nodes that a pair meets).
    ///
    /// # Errors
    /// [`Error::Data`] for rows or an output of another shape, [`Error::Cancelled`].
    pub fn weighted<W: Written>(
        &self,
        rows: &Rows<'_>,
        by: PairWeights,
        scale: f64,
        out: &mut [W],
        threads: usize,
        control: &dyn Control,
    ) -> Result<()> {
        let (f, o) = (self.model.n_features(), self.model.n_outputs());
        let outputs = by.outputs(o);
        rows.check(f, out.len(), f * outputs)?;
        let mut margins = vec![0.0; rows.len() * o];
        self.model.predict(rows, Sum::Float64, &mut margins, threads, &NoRowYet(control))?;
        if margins.iter().any(|m| !m.is_finite()) {
            return Err(Error::Data("a prediction is not finite, and has no rescaled values".to_owned()));
        }
        margins.iter_mut().for_each(|m| *m *= scale);
        let of_references: Vec<f64> = self.margins.iter().map(|m| m * scale).collect();
        let together = self.rows_of_a_task();
        control.begin(together);
        let scratch = || Scratch::new(&self.model);
        for_each_chunk(out, together * f * outputs, threads, control, scratch, |walk, index, out, cancel| {
            walk.read(rows, index * together, together);
            let mut sums = vec![0.0; self.model.used_features().len() * outputs];
            let mut w = vec![0.0; outputs * o];
            for (row, out) in out.chunks_exact_mut(f * outputs).enumerate() {
                sums.fill(0.0);
                let of_row = &margins[(index * together + row) * o..][..o];
                for (z, weight) in self.weights.iter().enumerate() {
                    if cancel.requested() {
                        return;
                    }
                    by.weigh(of_row, &of_references[z * o..][..o], &mut w);
                    w.iter_mut().for_each(|w| *w *= weight * scale);
                    walk.pair(row, self.tile.row(z));
                    for (values, sums) in walk.phi.chunks_exact(o).zip(sums.chunks_exact_mut(outputs)) {
                        for (sum, w) in sums.iter_mut().zip(w.chunks_exact(o)) {
                            *sum += w.iter().zip(values).map(|(w, v)| w * v).sum::<f64>();
                        }
                    }
                }
                out.fill(W::from_f64(0.0));
                for (sums, &feature) in sums.chunks_exact(outputs).zip(self.model.used_features()) {
                    let to = &mut out[feature as usize * outputs..][..outputs];
                    to.iter_mut().zip(sums).for_each(|(to, v)| *to = W::from_f64(*v));
                }
            }
        })
    }
}

/// What a thread needs to walk pairs.
struct Scratch<'a> {
    model: &'a Ensemble,
    walks: Walks<'a>,
    rows: RowMajor,
    reference: Vec<f64>,
    /// `[slot][output]` of the pair at hand.
    phi: Vec<f64>,
}

impl<'a> Scratch<'a> {
    fn new(model: &'a Ensemble) -> Self {
        let phi = vec![0.0; model.used_features().len() * model.n_outputs()];
        let walks = Walks::new(model, vec![1.0; model.n_outputs()]);
        Self { model, walks, rows: RowMajor::default(), reference: Vec::new(), phi }
    }

    fn read(&mut self, rows: &Rows<'_>, start: usize, length: usize) {
        self.rows.fill(rows, start..rows.len().min(start + length), self.model);
    }

    /// The raw values of a row against a reference, into `phi`.
    fn pair(&mut self, row: usize, z: &[f64]) {
        self.phi.fill(0.0);
        self.reference.clear();
        self.reference.extend_from_slice(z);
        for tree in self.model.trees() {
            self.walks.tree(tree, self.rows.row_mut(row), &mut self.reference, &mut self.phi);
        }
    }
}

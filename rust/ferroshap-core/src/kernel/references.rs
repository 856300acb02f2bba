//! Values against single background rows, by walking a row and a reference down each tree together (Lundberg et al. 2020,
//! algorithm 3). Time n · b: for the explanations of single references, and for links whose weights are of pairs.
//!
//! Where row and reference go apart at a feature that no split above has decided, both sides are walked: beneath the row's side
//! the feature is one of the k that come from the row, beneath the other one of the β that come from the reference. A leaf of
//! value v adds v (k−1)! β! / (k+β)! to the former and −v k! (β−1)! / (k+β)! to the latter.

use super::fold::check as check_background;
use super::run::Written;
use crate::error::{Error, Result};
use crate::links::PairWeights;
use crate::model::{Ensemble, Node};
use crate::parallel::{Control, for_each_chunk};
use crate::plan::Weights;
use crate::predict::Sum;
use crate::rows::{RowMajor, Rows};

/// Pairs of a task: as many as take a few milliseconds.
const PAIRS_OF_A_TASK: usize = 1 << 10;

/// A model and a background whose rows are references one by one.
#[derive(Debug)]
pub struct ReferencePlan {
    model: Ensemble,
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
        model: &Ensemble,
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
    pub fn rows_of_a_task(&self) -> usize {
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
        let scratch = || Walk::new(&self.model);
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
        self.model.predict(rows, Sum::Float64, &mut margins, threads, control)?;
        if margins.iter().any(|m| !m.is_finite()) {
            return Err(Error::Data("a prediction is not finite, and has no rescaled values".to_owned()));
        }
        margins.iter_mut().for_each(|m| *m *= scale);
        let of_references: Vec<f64> = self.margins.iter().map(|m| m * scale).collect();
        let together = self.rows_of_a_task();
        let scratch = || Walk::new(&self.model);
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

/// Who decides a feature, on the way down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decided {
    Open,
    Row,
    Reference,
}

/// What a thread needs to walk pairs.
struct Walk<'a> {
    model: &'a Ensemble,
    rows: RowMajor,
    decided: Vec<Decided>,
    weights: Weights,
    divisor: f64,
    /// `[slot][output]` of the pair at hand.
    phi: Vec<f64>,
}

impl<'a> Walk<'a> {
    fn new(model: &'a Ensemble) -> Self {
        let mut weights = Weights::default();
        weights.set(model.trees().iter().map(|tree| tree.path_features as usize).max().unwrap_or(0));
        let slots = model.used_features().len();
        let (decided, phi) = (vec![Decided::Open; slots], vec![0.0; slots * model.n_outputs()]);
        let divisor = model.accumulation().divisor();
        Self { model, rows: RowMajor::default(), decided, weights, divisor, phi }
    }

    fn read(&mut self, rows: &Rows<'_>, start: usize, length: usize) {
        self.rows.fill(rows, start..rows.len().min(start + length), self.model);
    }

    /// The raw values of a row against a reference, into `phi`.
    fn pair(&mut self, row: usize, z: &[f64]) {
        self.phi.fill(0.0);
        let rows = std::mem::take(&mut self.rows);
        let x = rows.row(row);
        let model = self.model;
        for tree in model.trees() {
            for column in 0..model.leaf_width() {
                let output = tree.output.map_or(column, |output| output as usize);
                Pair { walk: self, x, z, column, output }.below(tree.root, 0, 0);
            }
        }
        self.rows = rows;
    }
}

/// One tree and one column of its leaves' values.
struct Pair<'w, 'a> {
    walk: &'w mut Walk<'a>,
    x: &'w [f64],
    z: &'w [f64],
    column: usize,
    output: usize,
}

impl Pair<'_, '_> {
    /// Σ v wA and Σ v wB over the leaves below `node` that the pair reaches, with `k` features from the row and `beta` from the
    /// reference above. Calls nest at most as deep as a path has different features.
    fn below(&mut self, mut node: u32, k: usize, beta: usize) -> (f64, f64) {
        loop {
            let model = self.walk.model;
            match model.node(node) {
                Node::Leaf { leaf } => {
                    let v = model.leaf(leaf)[self.column] / self.walk.divisor;
                    let weights = &self.walk.weights;
                    return (v * weights.of_a(beta)[k], v * weights.of_b(beta)[k]);
                }
                Node::Inner { split, left } => {
                    let slot = split.slot as usize;
                    let child = |x: f64| left + u32::from(!model.goes_left(&split, x));
                    node = match self.walk.decided[slot] {
                        Decided::Row => child(self.x[slot]),
                        Decided::Reference => child(self.z[slot]),
                        Decided::Open => {
                            let (of_x, of_z) = (child(self.x[slot]), child(self.z[slot]));
                            if of_x != of_z {
                                return self.apart(slot, (of_x, of_z), k, beta);
                            }
                            of_x
                        }
                    };
                }
            }
        }
    }

    fn apart(&mut self, slot: usize, (of_x, of_z): (u32, u32), k: usize, beta: usize) -> (f64, f64) {
        self.walk.decided[slot] = Decided::Row;
        let row = self.below(of_x, k + 1, beta);
        self.walk.decided[slot] = Decided::Reference;
        let reference = self.below(of_z, k, beta + 1);
        self.walk.decided[slot] = Decided::Open;
        self.walk.phi[slot * self.walk.model.n_outputs() + self.output] += row.0 - reference.1;
        (row.0 + reference.0, row.1 + reference.1)
    }
}

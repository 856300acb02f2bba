//! Saabas values: along the way of a row the change of a node's mean value is given to the feature that its split tests (Saabas
//! 2014, "Interpreting random forests"). They add up to the prediction and cost what it costs, but they are no Shapley values:
//! features that are tested late get what their order gives them.

use super::run::Written;
use crate::error::Result;
use crate::model::{Ensemble, Node};
use crate::parallel::{Control, for_each_chunk};
use crate::plan::check_covers;
use crate::rows::{RowMajor, Rows};

/// Rows of a task.
const ROWS: usize = 256;

/// A model and the mean value of each of its nodes, by the covers.
#[derive(Debug)]
pub struct SaabasPlan {
    model: Ensemble,
    /// `[node][column of the leaves' values]`
    means: Vec<f64>,
    expected: Vec<f64>,
    scale: Vec<f64>,
}

impl SaabasPlan {
    /// Makes the means. O(nodes).
    ///
    /// # Errors
    /// [`Error::Unsupported`](crate::Error::Unsupported) where the model holds no covers, or has linear leaves.
    pub fn new(model: &Ensemble) -> Result<Self> {
        check_covers(model)?;
        let (width, divisor) = (model.leaf_width(), model.accumulation().divisor());
        let nodes = model.trees().iter().map(|tree| tree.node_range().end as usize).max().unwrap_or(0);
        let mut means = vec![0.0; nodes * width];
        let mut expected: Vec<f64> = model.base().iter().map(|base| base / divisor).collect();
        for tree in model.trees() {
            for node in tree.node_range().rev() {
                for column in 0..width {
                    means[node as usize * width + column] = match model.node(node) {
                        Node::Leaf { leaf } => model.leaf(leaf)[column] / divisor,
                        Node::Inner { left, .. } => {
                            let w = model.left_share(left).unwrap_or(0.5);
                            let at = left as usize * width + column;
                            w * means[at] + (1.0 - w) * means[at + width]
                        }
                    };
                }
            }
            let first = tree.output.unwrap_or(0) as usize;
            let root = &means[tree.root as usize * width..][..width];
            expected[first..].iter_mut().zip(root).for_each(|(sum, mean)| *sum += mean);
        }
        Ok(Self { means, expected, scale: model.rounding_scale(), model: model.clone() })
    }

    /// The mean prediction by the covers, `(o)`: that of the path-dependent game.
    pub fn expected_value(&self) -> &[f64] {
        &self.expected
    }

    /// As [`Plan::scale`](crate::plan::Plan::scale).
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    /// Memory, in bytes.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.means[..])
    }

    /// Rows that a thread explains together.
    pub fn rows_of_a_task(&self) -> usize {
        ROWS
    }

    /// Writes the values of `rows`, `(n, f, o)` row-major, into `out`; trees are added in order. O(rows × trees × depth).
    ///
    /// # Errors
    /// As [`Plan::run`](crate::plan::Plan::run).
    pub fn run<W: Written>(&self, rows: &Rows<'_>, out: &mut [W], threads: usize, control: &dyn Control) -> Result<()> {
        let (f, o) = (self.model.n_features(), self.model.n_outputs());
        rows.check(f, out.len(), f * o)?;
        let used = self.model.used_features();
        let scratch = || (RowMajor::default(), vec![0.0; used.len() * o]);
        for_each_chunk(out, ROWS * f * o, threads, control, scratch, |(tile, phi), index, out, cancel| {
            if cancel.requested() {
                return;
            }
            let start = index * ROWS;
            tile.fill(rows, start..rows.len().min(start + ROWS), &self.model);
            for (row, out) in out.chunks_exact_mut(f * o).enumerate() {
                self.explain(tile.row(row), phi);
                out.fill(W::from_f64(0.0));
                for (values, &feature) in phi.chunks_exact(o).zip(used) {
                    let to = &mut out[feature as usize * o..][..o];
                    to.iter_mut().zip(values).for_each(|(to, v)| *to = W::from_f64(*v));
                }
            }
        })
    }

    /// The values of a row, `[slot][output]`.
    fn explain(&self, x: &[f64], phi: &mut [f64]) {
        let (o, width) = (self.model.n_outputs(), self.model.leaf_width());
        phi.fill(0.0);
        for tree in self.model.trees() {
            let first = tree.output.unwrap_or(0) as usize;
            let mut node = tree.root;
            while let Node::Inner { split, left } = self.model.node(node) {
                let slot = split.slot as usize;
                let child = left + u32::from(!self.model.goes_left(&split, x[slot]));
                let means = |node: u32| &self.means[node as usize * width..][..width];
                let to = &mut phi[slot * o + first..][..width];
                for ((sum, after), before) in to.iter_mut().zip(means(child)).zip(means(node)) {
                    *sum += after - before;
                }
                node = child;
            }
        }
    }
}

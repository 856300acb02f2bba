//! Saabas values: along the way of a row the change of a node's mean value is given to the feature that its split tests (Saabas
//! 2014, "Interpreting random forests"). They add up to the prediction and cost what it costs, but they are no Shapley values:
//! features that are tested late get what their order gives them.

use super::run::Written;
use crate::error::Result;
use crate::model::{Ensemble, Node, ROWS_ABREAST};
use crate::parallel::{Control, for_each_chunk};
use crate::plan::check_covers;
use crate::rows::{RowMajor, Rows};

/// Rows of a task.
const ROWS: usize = 64;

/// Numbers of a block's sums, over [`ROWS_ABREAST`]: they stay in a fast cache while trees come and go.
const BLOCK_NUMBERS: usize = 2 << 10;

/// A model and the mean value of each of its nodes, by the covers, as the step from its parent's.
#[derive(Debug)]
pub struct SaabasPlan {
    model: Ensemble,
    /// By how much a node's mean is more than its parent's, `[node][column of the leaves' values]`; of a root the mean.
    changes: Vec<f64>,
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
        let mut changes = vec![0.0; numbers_of(model)];
        let mut expected: Vec<f64> = model.base().iter().map(|base| base / divisor).collect();
        for tree in model.trees() {
            // a mean until the parent, whose number is lower, makes it a change
            for node in tree.node_range().rev() {
                for column in 0..width {
                    let here = node as usize * width + column;
                    changes[here] = match model.node(node) {
                        Node::Leaf { leaf } => model.leaf(leaf)[column] / divisor,
                        Node::Inner { left, .. } => {
                            let w = model.left_share(left).unwrap_or(0.5);
                            let (l, r) = (left as usize * width + column, (left as usize + 1) * width + column);
                            let mean = w * changes[l] + (1.0 - w) * changes[r];
                            (changes[l], changes[r]) = (changes[l] - mean, changes[r] - mean);
                            mean
                        }
                    };
                }
            }
            let first = tree.output.unwrap_or(0) as usize;
            let root = &changes[tree.root as usize * width..][..width];
            expected[first..].iter_mut().zip(root).for_each(|(sum, mean)| *sum += mean);
        }
        Ok(Self { changes, expected, scale: model.rounding_scale(), model: model.clone() })
    }

    /// The mean prediction by the covers, `(o)`: that of the path-dependent game.
    pub fn expected_value(&self) -> &[f64] {
        &self.expected
    }

    /// As [`Plan::scale`](crate::plan::Plan::scale).
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    /// The memory that the means of a model take, in bytes.
    pub fn bytes_of(model: &Ensemble) -> usize {
        numbers_of(model) * size_of::<f64>()
    }

    /// Memory, in bytes.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.changes[..])
    }

    /// Writes the values of `rows`, `(n, f, o)` row-major, into `out`; trees are added in order. O(rows × trees × depth),
    /// memory a thread O(features × outputs).
    ///
    /// # Errors
    /// As [`Plan::run`](crate::plan::Plan::run).
    pub fn run<W: Written>(&self, rows: &Rows<'_>, out: &mut [W], threads: usize, control: &dyn Control) -> Result<()> {
        let (f, o) = (self.model.n_features(), self.model.n_outputs());
        rows.check(f, out.len(), f * o)?;
        let used = self.model.used_features();
        let width = used.len() * o;
        let block = (BLOCK_NUMBERS / width.max(1)).clamp(1, ROWS / ROWS_ABREAST) * ROWS_ABREAST;
        let scratch = || (RowMajor::default(), vec![0.0; block * width]);
        control.begin(ROWS);
        for_each_chunk(out, ROWS * f * o, threads, control, scratch, |(tile, sums), index, out, cancel| {
            let start = index * ROWS;
            tile.fill(rows, start..rows.len().min(start + ROWS), &self.model);
            for (first, out) in (0..).step_by(block).zip(out.chunks_mut(block * f * o)) {
                if cancel.requested() {
                    return;
                }
                let n = out.len() / (f * o);
                let sums = &mut sums[..n * width];
                self.explain(tile, first..first + n, sums);
                out.fill(W::from_f64(0.0));
                for (row, out) in out.chunks_exact_mut(f * o).enumerate() {
                    for (values, &feature) in sums[row * width..][..width].chunks_exact(o).zip(used) {
                        let to = &mut out[feature as usize * o..][..o];
                        to.iter_mut().zip(values).for_each(|(to, v)| *to = W::from_f64(*v));
                    }
                }
            }
        })
    }

    /// The values of some rows of a tile, `[row][slot][output]`.
    fn explain(&self, tile: &RowMajor, range: std::ops::Range<usize>, sums: &mut [f64]) {
        let (o, width) = (self.model.n_outputs(), self.model.leaf_width());
        let of_row = self.model.used_features().len() * o;
        sums.fill(0.0);
        for tree in self.model.trees() {
            let first = tree.output.unwrap_or(0) as usize;
            for (group, start) in range.clone().step_by(ROWS_ABREAST).enumerate() {
                // the last group repeats its last row, whose copies are not counted
                let rows = std::array::from_fn(|i| tile.row((start + i).min(range.end - 1)));
                let (sums, n) = (&mut sums[group * ROWS_ABREAST * of_row..], range.end - start);
                let mut at = [tree.root; ROWS_ABREAST];
                for _ in 0..tree.depth {
                    let before = at;
                    self.model.step(tree, &rows, &mut at);
                    for (row, (node, child)) in before.into_iter().zip(at).enumerate().take(n) {
                        if node == child {
                            continue; // a leaf
                        }
                        let slot = self.model.slot(node) as usize;
                        let to = &mut sums[row * of_row + slot * o + first..][..width];
                        let by = &self.changes[child as usize * width..][..width];
                        to.iter_mut().zip(by).for_each(|(sum, change)| *sum += change);
                    }
                    if at == before {
                        break;
                    }
                }
            }
        }
    }
}

/// One for each node and column of the leaves' values.
fn numbers_of(model: &Ensemble) -> usize {
    let nodes = model.trees().iter().map(|tree| tree.node_range().end as usize).max().unwrap_or(0);
    nodes * model.leaf_width()
}

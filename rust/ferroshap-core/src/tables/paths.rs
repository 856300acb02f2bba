//! The paths of a tree: for each leaf its different features, and the mask that says which rows satisfy all edges on each.

use super::leaf::LeafTable;
use super::{TreeTables, divisor};
use crate::model::{Ensemble, Node, Tree};
use crate::plan::MaskSplit;

/// A feature of a path: its slot, and the mask of its deepest edge, which holds the ones above.
#[derive(Clone, Copy)]
struct Step {
    slot: u32,
    mask: u32,
}

/// The splits of a tree, numbered as their nodes come, and its leaves with empty histograms.
pub(super) fn tree(model: &Ensemble, tree: &Tree, code_slots: &[u32], dense_features: usize) -> TreeTables {
    let mut out = TreeTables { splits: Vec::new(), output: tree.output, leaves: Vec::new() };
    let mut pending: Vec<(u32, Vec<Step>)> = vec![(tree.root, Vec::new())];
    while let Some((node, path)) = pending.pop() {
        match model.node(node) {
            Node::Leaf { leaf } => {
                let divisor = divisor(model.accumulation());
                let values = model.leaf(leaf).iter().map(|v| v / divisor).collect();
                let (slots, masks) = path.iter().map(|step| (step.slot, step.mask)).unzip();
                out.leaves.push(LeafTable::new(slots, masks, values, dense_features));
            }
            Node::Inner { split, left } => {
                let at = path.iter().position(|step| step.slot == split.slot);
                let above = at.map_or(0, |at| path[at].mask);
                let number = out.splits.len() as u32;
                out.splits.push(MaskSplit::new(model, &split, code_slots, above));
                for side in [1, 0] {
                    let step = Step { slot: split.slot, mask: 1 + 2 * number + side };
                    let mut below = path.clone();
                    match at {
                        Some(at) => below[at] = step,
                        None => below.push(step),
                    }
                    pending.push((left + side, below));
                }
            }
        }
    }
    out
}

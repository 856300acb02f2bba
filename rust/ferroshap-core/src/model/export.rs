//! The way back: a validated [`Ensemble`] as canonical arrays, for storing it.

use super::arrays::{EnsembleArrays, LinearArrays};
use super::ensemble::Ensemble;
use super::node::Node;

impl Ensemble {
    /// Arrays from which [`Ensemble::try_new`] makes a model with the same trees in the same order, children and all, so
    /// that predictions and SHAP values have the same bits. Nodes that no root reaches are not among them.
    pub fn to_arrays(&self) -> EnsembleArrays {
        let nodes = self.nodes.len();
        let mut a = EnsembleArrays {
            n_features: self.n_features,
            n_outputs: self.n_outputs,
            tree_starts: Vec::with_capacity(self.trees.len() + 1),
            tree_outputs: self.trees.iter().map(|t| t.output.map_or(-1, |o| o as i32)).collect(),
            left: vec![-1; nodes],
            right: vec![-1; nodes],
            feature: vec![0; nodes],
            threshold: vec![0.0; nodes],
            flags: vec![0; nodes],
            category_set: vec![-1; nodes],
            set_starts: self.set_starts.iter().map(|&s| s as i64).collect(),
            set_words: self.set_words.clone(),
            values: vec![0.0; nodes * self.leaf_width],
            cover: self.cover.clone(),
            base: self.base.clone(),
            accumulation: self.accumulation,
            input: self.input,
            linear: self.linear.as_ref().map(|_| LinearArrays { starts: vec![0], ..Default::default() }),
        };
        a.tree_starts.extend(self.trees.iter().map(|t| i64::from(t.root)));
        a.tree_starts.push(nodes as i64);
        for tree in &self.trees {
            for index in tree.node_range() {
                let at = index as usize;
                match self.node(index) {
                    Node::Leaf { leaf } => {
                        self.export_linear(Some(leaf), &mut a);
                        a.values[at * self.leaf_width..][..self.leaf_width].copy_from_slice(self.leaf(leaf));
                    }
                    Node::Inner { split, left } => {
                        self.export_linear(None, &mut a);
                        a.left[at] = (left - tree.root) as i32;
                        a.right[at] = a.left[at] + 1;
                        a.feature[at] = self.used_features[split.slot as usize] as i32;
                        a.threshold[at] = split.threshold;
                        a.flags[at] = split.flags;
                        a.category_set[at] = split.set.map_or(-1, |s| s as i32);
                    }
                }
            }
        }
        a
    }

    /// The linear function of the next node.
    fn export_linear(&self, leaf: Option<u32>, a: &mut EnsembleArrays) {
        let (Some(from), Some(to)) = (&self.linear, &mut a.linear) else { return };
        let mut constant = 0.0;
        if let Some(leaf) = leaf {
            let (start, terms) = from.leaf(leaf);
            constant = start;
            for (slot, coefficient) in terms {
                to.features.push(self.used_features[slot as usize] as i32);
                to.coefficients.push(coefficient);
            }
        }
        to.constants.push(constant);
        to.starts.push(to.features.len() as i64);
    }
}

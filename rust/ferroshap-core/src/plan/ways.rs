//! How each node of a tree is explained: the cut into groups, chosen from below by the costs of [`super::groups`].

use super::groups::{Candidates, Group, MOST_BITS, Workload, deep, step};
use crate::model::{Ensemble, Node, Tree};
use crate::simd::Line;

/// What a line of a table costs more, row by row, until the tables fit their memory; then there are none.
const PRICES: [f64; 9] = [0.0, 0.0008, 0.0016, 0.0032, 0.0064, 0.0128, 0.0256, 0.06, 0.2];

/// The ways of all trees whose tables take at most `bytes`: lines are made dearer until they do.
pub(super) fn ways_within(model: &Ensemble, load: Workload, bytes: usize) -> Vec<Ways> {
    let candidates: Vec<Candidates> = model.trees().iter().map(|tree| Candidates::new(model, tree)).collect();
    let trees = || model.trees().iter().zip(&candidates);
    for price in PRICES {
        let mut taken = 0usize;
        let of_tree = |(tree, candidates)| {
            let ways = ways(model, tree, candidates, load, price);
            taken = taken.saturating_add(ways.lines.saturating_mul(load.weightings() * size_of::<Line>()));
            (taken <= bytes).then_some(ways)
        };
        if let Some(ways) = trees().map(of_tree).collect() {
            return ways;
        }
    }
    trees().map(|(tree, candidates)| ways(model, tree, candidates, load, f64::INFINITY)).collect()
}

/// How a tree is explained.
pub(super) struct Ways {
    /// Of every node, counted from the root; below a group the nodes have none of their own.
    pub(super) of_nodes: Vec<Way>,
    /// Of every node, whether the patterns of its subtree can be counted at once, for all groups in it: an addition for each
    /// background row in the place of one for each group.
    pub(super) counted: Vec<bool>,
    /// Lines of the tables.
    lines: usize,
    /// Nanoseconds of all: making the tables, the background, the rows.
    pub(super) cost: f64,
}

/// How a node is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The subtree is one group.
    Group,
    /// No step here: both children by tables.
    Split,
    /// A step of the recurrence, or a leaf of it.
    Recurrence,
    /// A leaf by itself.
    Deep,
}

/// Chooses where each line of a table costs `price` more, row by row.
fn ways(model: &Ensemble, tree: &Tree, candidates: &Candidates, fair: Workload, price: f64) -> Ways {
    let load = fair.with_dearer_lines(price);
    let Candidates { features, leaves, groups } = candidates;
    let size = tree.n_nodes as usize;
    let outputs = if tree.output.is_some() { 1.0 } else { model.n_outputs() as f64 };
    let step = step(tree.path_features, outputs, load);
    let mut way = vec![Way::Recurrence; size];
    // (by tables alone, the best)
    let mut costs = vec![(f64::INFINITY, 0.0); size];
    for node in tree.node_range().rev() {
        let at = (node - tree.root) as usize;
        let as_group = groups[at].as_ref().map_or(f64::INFINITY, |group| group.cost(load, outputs));
        costs[at] = match model.node(node) {
            Node::Leaf { .. } => match load.background {
                None => (as_group, as_group.min(0.0)),
                Some(background) => {
                    let alone = outputs * deep(features[at], load, background);
                    way[at] = if as_group <= alone { Way::Group } else { Way::Deep };
                    (as_group.min(alone), as_group.min(alone))
                }
            },
            Node::Inner { left, .. } => {
                let (first, second) = (costs[(left - tree.root) as usize], costs[(left - tree.root) as usize + 1]);
                let halves = first.0 + second.0;
                let tables = as_group.min(halves);
                let step = step + first.1 + second.1;
                way[at] = match () {
                    () if load.background.is_none() && step <= tables => Way::Recurrence,
                    () if as_group <= halves => Way::Group,
                    () => Way::Split,
                };
                (tables, if load.background.is_none() { tables.min(step) } else { tables })
            }
        };
    }
    only_tables_below_splits(model, tree, &costs, &mut way);
    let counted = counted(model, tree, candidates, &way, load);
    let mut chosen = Ways { of_nodes: way, counted, lines: 0, cost: 0.0 };
    let mut pending = vec![(tree.root, false)];
    while let Some((node, mut held)) = pending.pop() {
        let at = (node - tree.root) as usize;
        if !held && (chosen.counted[at] || chosen.of_nodes[at] == Way::Group) {
            held = true;
            chosen.cost += load.counting(features[at] + leaves[at] - 1);
        }
        match (chosen.of_nodes[at], load.background) {
            (Way::Group, _) => {
                chosen.lines += outputs as usize * groups[at].as_ref().map_or(0, Group::lines);
                chosen.cost += groups[at].as_ref().map_or(0.0, |group| group.cost(fair, outputs));
            }
            (Way::Deep, Some(background)) => chosen.cost += outputs * deep(features[at], fair, background),
            (way, _) => {
                if let Node::Inner { left, .. } = model.node(node) {
                    chosen.cost += if way == Way::Recurrence { step } else { 0.0 };
                    pending.extend([(left, held), (left + 1, held)]);
                }
            }
        }
    }
    chosen
}

/// Where a subtree has tables only, and patterns of so few bits that each comes several times.
fn counted(model: &Ensemble, tree: &Tree, candidates: &Candidates, way: &[Way], load: Workload) -> Vec<bool> {
    let mut has_tables_only = vec![false; way.len()];
    let mut counted = vec![false; way.len()];
    let Some(background) = load.background else { return counted };
    let most_bits = ((background / 4.0).log2() as u32).min(MOST_BITS);
    for node in tree.node_range().rev() {
        let at = (node - tree.root) as usize;
        has_tables_only[at] = match (way[at], model.node(node)) {
            (Way::Group, _) => true,
            (Way::Split, Node::Inner { left, .. }) => {
                let first = (left - tree.root) as usize;
                has_tables_only[first] && has_tables_only[first + 1]
            }
            _ => false,
        };
        counted[at] = has_tables_only[at] && candidates.features[at] + candidates.leaves[at] - 1 <= most_bits;
    }
    counted
}

/// Below a node that has no step, a subtree that the recurrence would take at less cost goes by tables all the same.
fn only_tables_below_splits(model: &Ensemble, tree: &Tree, costs: &[(f64, f64)], way: &mut [Way]) {
    for node in tree.node_range() {
        let at = (node - tree.root) as usize;
        if let (Way::Split, Node::Inner { left, .. }) = (way[at], model.node(node)) {
            for child in [left, left + 1] {
                let below = (child - tree.root) as usize;
                if way[below] == Way::Recurrence {
                    way[below] = match model.node(child) {
                        Node::Inner { left, .. } => {
                            let first = (left - tree.root) as usize;
                            let halves = costs[first].0 + costs[first + 1].0;
                            if costs[below].0 < halves { Way::Group } else { Way::Split }
                        }
                        Node::Leaf { .. } => Way::Group,
                    };
                }
            }
        }
    }
}

//! The comparisons of a tree, and the paths to its groups and to the leaves that stand alone.

use super::deep::DeepLeaf;
use super::subtrees::{Below, Feature, Group, Half, Leaf, Shape, Subtree};
use super::units::Units;
use super::ways::{Way, Ways};
use crate::model::{Ensemble, Node, Tree};
use crate::splits::MaskSplit;

/// What tables need to know of a tree.
#[derive(Debug, Default)]
pub(super) struct Paths {
    /// The comparison of each inner node; ancestors come first.
    pub(super) splits: Vec<MaskSplit>,
    /// Subtrees with the groups in them.
    pub(super) shapes: Vec<Shape>,
    pub(super) deep: Vec<DeepLeaf>,
}

/// A feature of a path: the mask of its deepest edge, which holds the ones above, and the shares of its edges multiplied.
#[derive(Debug, Clone, Copy)]
struct Step {
    slot: u32,
    mask: u32,
    weight: f64,
}

/// The numbers of a tree's inner nodes, by node counted from the root: the masks of node `i` are `1 + 2 i` and `2 + 2 i`.
pub(super) fn numbers(model: &Ensemble, tree: &Tree) -> Vec<u32> {
    let mut inner = 0;
    let number = |node| match model.node(node) {
        Node::Inner { .. } => {
            inner += 1;
            inner - 1
        }
        Node::Leaf { .. } => u32::MAX,
    };
    tree.node_range().map(number).collect()
}

/// Walks a tree whose nodes are explained in these `ways`.
/// `units`: the values of the leaves are in those.
pub(super) fn paths(model: &Ensemble, tree: &Tree, code_slots: &[u32], ways: &Ways, units: Option<&Units>) -> Paths {
    let (ways, counted) = (&ways.of_nodes[..], &ways.counted[..]);
    let walk = Walk { model, tree, numbers: numbers(model, tree), units };
    let mut out = Paths::default();
    let mut splits: Vec<Option<MaskSplit>> = Vec::new();
    // a node, what is above it, and whether a group holds it
    let mut pending: Vec<(u32, Vec<Step>, bool)> = vec![(tree.root, Vec::new(), false)];
    let mut spare: Vec<Vec<Step>> = Vec::new(); // paths that are not needed any more
    while let Some((node, mut path, mut held)) = pending.pop() {
        let at = (node - tree.root) as usize;
        if !held && (counted[at] || ways[at] == Way::Group) {
            out.shapes.push(walk.shape(node, &path, ways));
            held = true;
        }
        match model.node(node) {
            Node::Leaf { leaf } => {
                if !held && ways[at] == Way::Deep {
                    let (slots, masks) = path.iter().map(|step| (step.slot, step.mask)).unzip();
                    out.deep.push(DeepLeaf { slots, masks, values: walk.values(leaf) });
                }
                spare.push(path);
            }
            Node::Inner { split, left } => {
                let above = path.iter().find(|step| step.slot == split.slot).map_or(0, |step| step.mask);
                let number = walk.numbers[at] as usize;
                if splits.len() <= number {
                    splits.resize(number + 1, None);
                }
                splits[number] = Some(MaskSplit::new(model, &split, code_slots, above));
                let mut right = spare.pop().unwrap_or_default();
                right.clone_from(&path);
                walk.step(node, false, &mut right);
                pending.push((left + 1, right, held));
                walk.step(node, true, &mut path);
                pending.push((left, path, held));
            }
        }
    }
    out.splits = splits.into_iter().flatten().collect();
    out
}

struct Walk<'a> {
    model: &'a Ensemble,
    tree: &'a Tree,
    numbers: Vec<u32>,
    units: Option<&'a Units>,
}

impl Walk<'_> {
    /// Takes the edge to a child; the place on the path where its feature is, and what was there.
    fn step(&self, node: u32, to_left: bool, path: &mut Vec<Step>) -> (usize, Option<Step>) {
        let Node::Inner { split, left } = self.model.node(node) else { return (path.len(), None) };
        let share = self.model.left_share(left).unwrap_or(0.5);
        let mask = 1 + 2 * self.numbers[(node - self.tree.root) as usize] + u32::from(!to_left);
        let share = if to_left { share } else { 1.0 - share };
        let at = path.iter().position(|step| step.slot == split.slot).unwrap_or(path.len());
        let before = path.get(at).copied();
        match path.get_mut(at) {
            Some(step) => *step = Step { mask, weight: step.weight * share, ..*step },
            None => path.push(Step { slot: split.slot, mask, weight: share }),
        }
        (at, before)
    }

    fn values(&self, leaf: u32) -> Vec<f64> {
        let divisor = self.model.accumulation().divisor();
        let first = self.tree.output.unwrap_or(0) as usize;
        let value = |(column, v): (usize, &f64)| {
            let v = v / divisor;
            self.units.map_or(v, |units| units.in_units(first + column, v))
        };
        self.model.leaf(leaf).iter().enumerate().map(value).collect()
    }

    /// The subtree below `root`, whose patterns are counted at once: bits of the path's features, then of its splits, which say "goes
    /// left, and satisfies what is above on the feature".
    fn shape(&self, root: u32, path: &[Step], ways: &[Way]) -> Shape {
        let bits = path.iter().map(|step| step.mask).collect();
        let mut shape = Shape { bits, subtrees: Vec::new(), groups: Vec::new() };
        self.subtree(root, &mut path.to_vec(), &mut shape, ways, false);
        shape
    }

    /// Adds the subtree below `node`, which has few leaves; its splits.
    fn subtree(&self, node: u32, path: &mut Vec<Step>, shape: &mut Shape, ways: &[Way], mut held: bool) -> usize {
        let (at, features) = (shape.subtrees.len(), path.len());
        if !held && ways[(node - self.tree.root) as usize] == Way::Group {
            let (slots, bits) = path.iter().map(|step| (step.slot, step.mask)).unzip();
            shape.groups.push(Group { subtree: at, bits, slots });
            held = true;
        }
        let (split, left) = match self.model.node(node) {
            Node::Leaf { leaf } => {
                let features = path.iter().map(|step| Feature { slot: step.slot, weight: step.weight }).collect();
                let below = Below::Leaf(Leaf { values: self.values(leaf), features });
                shape.subtrees.push(Subtree { features: path.len(), splits: 0, below });
                return 0;
            }
            Node::Inner { split, left } => (split, left),
        };
        let mask = 1 + 2 * self.numbers[(node - self.tree.root) as usize];
        shape.bits.push(mask);
        if let (true, Some(group)) = (held, shape.groups.last_mut()) {
            group.bits.push(mask);
            if !group.slots.contains(&split.slot) {
                group.slots.push(split.slot);
            }
        }
        // its place, before those of its halves
        shape.subtrees.push(Subtree { features, splits: 0, below: Below::Leaf(Leaf::default()) });
        let mut splits = 1;
        let halves = [(left, true), (left + 1, false)].map(|(child, goes_left)| {
            let subtree = shape.subtrees.len();
            let (tested, before) = self.step(node, goes_left, path);
            splits += self.subtree(child, path, shape, ways, held);
            match before {
                Some(step) => path[tested] = step,
                None => path.truncate(features),
            }
            Half { subtree, tested, goes_left }
        });
        shape.subtrees[at] = Subtree { features, splits, below: Below::Halves(halves) };
        splits
    }
}

//! What two rows leave of trees: the leaves that their mixtures reach, by the players that decide between them.

use crate::model::{Ensemble, Tree};

/// Steps after which the trees so far are gone through: their masks stay in the nearest cache.
const ENOUGH: usize = 192;

/// Two rows by slot, and what they go through.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) model: &'a Ensemble,
    /// By slot.
    pub(super) players: &'a [u32],
    /// The explained row.
    pub(super) x: &'a [f64],
    /// The background row.
    pub(super) b: &'a [f64],
}

/// Some trees as mixtures of two rows go through them.
///
/// A mixture without players of the row reaches the first leaf of a tree. Each step has another leaf for the mixtures that are
/// `under` an earlier step (0: all of them) and have its player from the row, whatever the steps before gave them: steps are
/// ordered so that the last of them that a mixture meets has its leaf.
#[derive(Debug, Default)]
pub(super) struct Restricted {
    pub(super) trees: Vec<Reached>,
    pub(super) steps: Vec<Step>,
    /// Of the trees' first leaves, `[tree][width]`.
    pub(super) first: Vec<f64>,
    /// Of the steps' leaves, `[step][width]`.
    pub(super) values: Vec<f64>,
    pub(super) width: usize,
    pending: Vec<Pending>,
    choices: Vec<Choice>,
}

/// A tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reached {
    /// The first output that its leaves add to.
    pub(super) output: u32,
    /// Where its steps end; they begin where those of the tree before end.
    pub(super) end: u32,
}

/// A choice for the explained row; the number of a step is its place plus one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) under: u32,
    pub(super) player: u32,
}

/// A branch that mixtures with `player` from the row take.
#[derive(Debug)]
struct Pending {
    node: u32,
    under: u32,
    player: u32,
    path: Option<u32>,
}

/// What the path to a branch says about a player; `before` is the choice above.
#[derive(Debug)]
struct Choice {
    before: Option<u32>,
    player: u32,
    of_row: bool,
}

impl Restricted {
    /// Goes through the first of `trees`, as many as are gone through at once; the others come back.
    pub(super) fn fill<'t>(&mut self, pair: &Pair<'_>, trees: &'t [Tree]) -> &'t [Tree] {
        self.trees.clear();
        self.steps.clear();
        self.first.clear();
        self.values.clear();
        self.width = pair.model.leaf_width();
        for (at, tree) in trees.iter().enumerate() {
            if self.steps.len() + self.trees.len() >= ENOUGH {
                return &trees[at..];
            }
            if tree.plain { self.add::<true>(pair, tree) } else { self.add::<false>(pair, tree) }
        }
        &[]
    }

    fn add<const PLAIN: bool>(&mut self, pair: &Pair<'_>, tree: &Tree) {
        self.choices.clear();
        // a step of a walk reads the row also where it has arrived, and rows of a model without splits have nothing to be read
        let alone = tree.depth == 0;
        let leaf = if alone { pair.model.leaf_at(tree.root) } else { self.down::<PLAIN>(pair, tree.root, 0, None) };
        self.first.extend_from_slice(pair.model.leaf(leaf));
        // the branch below the others first: those above overrule what it says of their mixtures
        while let Some(Pending { node, under, player, path }) = self.pending.pop() {
            self.steps.push(Step { under, player });
            let path = self.choose(path, player, true);
            let leaf = self.down::<PLAIN>(pair, node, self.steps.len() as u32, path);
            self.values.extend_from_slice(pair.model.leaf(leaf));
        }
        self.trees.push(Reached { output: tree.output.unwrap_or(0), end: self.steps.len() as u32 });
    }

    /// The leaf that mixtures under step `under` reach from a node if all players that nothing is known of come from the background
    /// row; the branches of the others are pending.
    #[inline]
    fn down<const PLAIN: bool>(&mut self, pair: &Pair<'_>, mut node: u32, under: u32, mut path: Option<u32>) -> u32 {
        loop {
            let (x, b) = (pair.model.child::<PLAIN>(node, pair.x), pair.model.child::<PLAIN>(node, pair.b));
            if x == b {
                if x == node {
                    return pair.model.leaf_at(node);
                }
                node = x;
                continue;
            }
            let player = pair.players[pair.model.slot(node) as usize];
            node = match self.known(path, player) {
                Some(true) => x,
                Some(false) => b,
                None => {
                    self.pending.push(Pending { node: x, under, player, path });
                    path = self.choose(path, player, false);
                    b
                }
            };
        }
    }

    fn choose(&mut self, before: Option<u32>, player: u32, of_row: bool) -> Option<u32> {
        self.choices.push(Choice { before, player, of_row });
        Some(self.choices.len() as u32 - 1)
    }

    /// Whether a path has taken a player from the row.
    #[inline]
    fn known(&self, mut path: Option<u32>, player: u32) -> Option<bool> {
        while let Some(at) = path {
            let choice = &self.choices[at as usize];
            if choice.player == player {
                return Some(choice.of_row);
            }
            path = choice.before;
        }
        None
    }
}

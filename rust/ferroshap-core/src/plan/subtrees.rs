//! Groups of leaves before they have tables: subtrees, and how a pattern of one follows from that of the one above.
//!
//! A pattern of a subtree has a bit for each feature of the path to it (all edges on it are satisfied), then one for each split
//! of its own, the first half's before the second's. The halves of a split see of it the path's features and the split itself,
//! the *head*, and their own splits, which stay as they are; so a half's pattern is a number by the head and its own splits.

/// A subtree whose patterns are counted at once, and the groups in it that have a table each.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// Masks of the pattern's bits.
    pub(crate) bits: Vec<u32>,
    /// All of it first, then the subtrees of the first half before those of the second.
    pub(crate) subtrees: Vec<Subtree>,
    pub(crate) groups: Vec<Group>,
}

/// A subtree that has a table.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    /// Its place among the subtrees.
    pub(crate) subtree: usize,
    /// Masks of its own pattern's bits.
    pub(crate) bits: Vec<u32>,
    /// Features of its leaves.
    pub(crate) slots: Vec<u32>,
}

/// A subtree.
#[derive(Debug, Clone)]
pub(crate) struct Subtree {
    /// Different features of the path to it.
    pub(crate) features: usize,
    /// Splits of its own.
    pub(crate) splits: usize,
    pub(crate) below: Below,
}

#[derive(Debug, Clone)]
pub(crate) enum Below {
    Leaf(Leaf),
    Halves([Half; 2]),
}

/// A subtree below a split.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Half {
    /// Its place among the subtrees.
    pub(crate) subtree: usize,
    /// The feature of the split: its place on the path to it, or the path's length where it is a new one.
    pub(crate) tested: usize,
    pub(crate) goes_left: bool,
}

/// A leaf of a group.
#[derive(Debug, Clone, Default)]
pub(crate) struct Leaf {
    /// One value, or one an output of the tree.
    pub(crate) values: Vec<f64>,
    pub(crate) features: Vec<Feature>,
}

/// A feature of the path to a leaf, by bit of the leaf's pattern.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Feature {
    pub(crate) slot: u32,
    /// Product of the cover shares of the edges: W.
    pub(crate) weight: f64,
}

impl Subtree {
    /// How many subtrees it is made of, itself included.
    pub(crate) fn size(&self) -> usize {
        2 * self.splits + 1
    }

    /// Bits of its pattern.
    pub(crate) fn bits(&self) -> usize {
        self.features + self.splits
    }
}

/// For halves that were met, their pattern's features for each head, without their splits.
#[derive(Debug, Default)]
pub(crate) struct Heads {
    of: Vec<Vec<u16>>,
}

impl Heads {
    /// Makes those of a split below a path of so many features.
    pub(crate) fn meet(&mut self, path: usize, halves: &[Half; 2]) {
        for half in halves {
            let at = number(path, *half);
            if self.of.len() <= at {
                self.of.resize(at + 1, Vec::new());
            }
            if self.of[at].is_empty() {
                self.of[at] = of_heads(path, *half);
            }
        }
    }

    /// Those of a half that was met.
    pub(crate) fn of(&self, path: usize, half: Half) -> &[u16] {
        &self.of[number(path, half)]
    }
}

fn number(path: usize, half: Half) -> usize {
    (path * (path + 1) / 2 + half.tested) * 2 + usize::from(half.goes_left)
}

fn of_heads(path: usize, Half { tested, goes_left, .. }: Half) -> Vec<u16> {
    let split = 1 << path;
    let of_head = |head: usize| {
        let satisfied = (head & split != 0) == goes_left && (tested == path || head >> tested & 1 != 0);
        (head & (split - 1) & !(1 << tested) | usize::from(satisfied) << tested) as u16
    };
    (0..2 * split).map(of_head).collect()
}

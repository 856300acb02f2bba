//! A row and a background row walk down a tree together (Lundberg et al. 2020, algorithm 3).
//!
//! Where they go apart at a feature that no split above has decided, both sides are walked: beneath the row's side the feature is
//! one of the k that come from the row, beneath the other one of the β that come from the background. A leaf of value v adds
//! v (k−1)! β! / (k+β)! to the former and −v k! (β−1)! / (k+β)! to the latter.

use crate::model::{Ensemble, Tree};
use crate::plan::{Weights, whole};

/// What the leaves of a pair add up to.
pub(super) trait Sum: Copy + Default {
    /// A leaf of value `v` with the weight `w` of its k and β.
    fn of_leaf(v: f64, w: f64) -> Self;
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
}

impl Sum for f64 {
    #[inline(always)]
    fn of_leaf(v: f64, w: f64) -> Self {
        v * w
    }
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self + other
    }
    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self - other
    }
}

/// In units of the model, to which the value has been brought.
impl Sum for i64 {
    #[inline(always)]
    fn of_leaf(v: f64, w: f64) -> Self {
        whole(v * w)
    }
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }
}

/// How many leaves there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Met(pub(super) u32);

impl Sum for Met {
    #[inline(always)]
    fn of_leaf(_: f64, _: f64) -> Self {
        Self(1)
    }
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
    #[inline(always)]
    fn minus(self, _: Self) -> Self {
        self
    }
}

/// A model as walks read it.
#[derive(Debug)]
pub(super) struct Walks<'a> {
    model: &'a Ensemble,
    weights: Weights,
    /// What a leaf's value is multiplied by, an output each, after the division by `divisor`.
    factors: Vec<f64>,
    divisor: f64,
}

impl<'a> Walks<'a> {
    pub(super) fn new(model: &'a Ensemble, factors: Vec<f64>) -> Self {
        let mut weights = Weights::default();
        weights.set(model.trees().iter().map(|tree| tree.path_features as usize).max().unwrap_or(0));
        Self { model, weights, factors, divisor: model.accumulation().divisor() }
    }

    /// Adds what a tree says of a row against a background row to `phi`, `[slot][output]`; what all its leaves add up to. The rows
    /// are changed on the way, and are as before at the end. O(nodes that the pair meets).
    pub(super) fn tree<N: Sum>(&self, tree: &Tree, x: &mut [f64], z: &mut [f64], phi: &mut [N]) -> N {
        let mut all = N::default();
        if tree.depth == 0 {
            return all; // no feature is tested
        }
        for column in 0..self.model.leaf_width() {
            let output = tree.output.map_or(column, |output| output as usize);
            let mut pair = Pair { walks: self, x, z, column, output, phi };
            let (of_a, _) =
                if tree.plain { pair.below::<true>(tree.root, 0, 0) } else { pair.below::<false>(tree.root, 0, 0) };
            all = all.plus(of_a);
        }
        all
    }
}

/// One tree and one column of its leaves' values.
struct Pair<'w, 'a, N> {
    walks: &'w Walks<'a>,
    /// The values that decide for the row and for the background row. Of a feature that is decided both hold the same.
    x: &'w mut [f64],
    z: &'w mut [f64],
    column: usize,
    output: usize,
    phi: &'w mut [N],
}

impl<N: Sum> Pair<'_, '_, N> {
    /// Σ v wA and Σ v wB over the leaves below `node` that the pair reaches, with `k` features from the row and `beta` from the
    /// background above. Calls nest at most as deep as a path has different features.
    fn below<const PLAIN: bool>(&mut self, mut node: u32, k: usize, beta: usize) -> (N, N) {
        let model = self.walks.model;
        loop {
            let (of_x, of_z) = (model.child::<PLAIN>(node, self.x), model.child::<PLAIN>(node, self.z));
            if of_x != of_z {
                return self.apart::<PLAIN>(node, (of_x, of_z), k, beta);
            }
            if of_x == node {
                let Walks { weights, factors, divisor, .. } = self.walks;
                let v = model.leaf(model.leaf_at(node))[self.column] / divisor * factors[self.output];
                return (N::of_leaf(v, weights.of_a(beta)[k]), N::of_leaf(v, weights.of_b(beta)[k]));
            }
            node = of_x;
        }
    }

    fn apart<const PLAIN: bool>(&mut self, node: u32, (of_x, of_z): (u32, u32), k: usize, beta: usize) -> (N, N) {
        let slot = self.walks.model.slot(node) as usize;
        let (x, z) = (self.x[slot], self.z[slot]);
        self.z[slot] = x;
        let row = self.below::<PLAIN>(of_x, k + 1, beta);
        (self.x[slot], self.z[slot]) = (z, z);
        let background = self.below::<PLAIN>(of_z, k, beta + 1);
        self.x[slot] = x;
        let sum = &mut self.phi[slot * self.walks.factors.len() + self.output];
        *sum = sum.plus(row.0.minus(background.1));
        (row.0.plus(background.0), row.1.plus(background.1))
    }
}

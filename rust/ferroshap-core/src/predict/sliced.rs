//! The leaves that a block of rows reaches in a tree, by bit slices: every split is compared with all rows at once, and the
//! numbers of the leaves come out of the masks bit by bit (idea: Lucchese et al. 2015, QuickScorer, which keeps a bit a leaf;
//! here a bit of the leaf's number).
//!
//! Leaves are numbered from the right, so those of a subtree are neighbours. Plane k of a node has a bit a row: bit k of the
//! number of the leaf where the row arrives if it comes by the node. With the node's mask m (the row goes left)
//!
//! ```text
//! plane_k(node) = m & plane_k(left) | !m & plane_k(right)
//! plane_k(leaf) = bit k of its number
//! ```
//!
//! Most planes of small subtrees are constant, and the first that differs between the children of a balanced subtree is m.

use super::Number;
use crate::model::{Ensemble, Node, Tree};
use crate::rows::Columns;
use crate::simd::{BLOCK, Kernel, Mask, Simd, WORD};
use crate::splits::{Codes, Comparable, Compare, Test, left, part};

/// The masks before those of the splits: plane of a bit that is 0, or 1, in all rows.
const CONSTANT: [Mask; 2] = [[0; BLOCK / 8], [u8::MAX; BLOCK / 8]];

/// Most leaves of a tree that can be sliced.
pub(super) const MOST_LEAVES: usize = 256;

/// Room for the masks of a tree, a test and up to eight choices an inner node; a power of two, so that the number of a mask needs
/// no check.
pub(super) const MASKS: usize = 16 * MOST_LEAVES;

/// A tree as blocks of rows go through it; the masks of what is listed follow each other, after the constant ones.
#[derive(Debug)]
pub(super) struct Sliced<T, N> {
    /// Missing values go right.
    less_or_equal: Vec<Numeric<T>>,
    /// Missing values go left.
    not_greater: Vec<Numeric<T>>,
    others: Vec<Test>,
    choices: Vec<Choice>,
    /// The masks of the bits of the leaves' numbers, least significant first.
    bits: Vec<u32>,
    /// `[leaf's number][width]`
    values: Vec<N>,
    width: usize,
    /// The first output that the leaves add to.
    output: usize,
}

/// One of the two usual comparisons.
#[derive(Debug, Clone, Copy)]
struct Numeric<T> {
    plane: u32,
    threshold: T,
}

/// A plane made of two: `yes` for the rows in `mask`, `no` for the others, all by their numbers among the masks.
#[derive(Debug, Clone, Copy)]
struct Choice {
    mask: u16,
    yes: u16,
    no: u16,
}

impl<T: Comparable, N: Number> Sliced<T, N> {
    /// O(nodes × log leaves); every call makes its own, so it is to be quick.
    pub(super) fn new(model: &Ensemble, tree: &Tree, code_slots: &[u32]) -> Self {
        let (root, nodes, width) = (tree.root as usize, tree.n_nodes as usize, model.leaf_width());
        let node = |at: usize| model.node((root + at) as u32);
        let total = nodes.div_ceil(2);
        let mut made = Self {
            less_or_equal: Vec::with_capacity(total / 2),
            not_greater: Vec::with_capacity(total / 2),
            others: Vec::new(),
            choices: Vec::with_capacity(total),
            bits: Vec::new(),
            values: vec![N::from_f64(0.0); total * width],
            width,
            output: tree.output.unwrap_or(0) as usize,
        };
        // children come after their parent
        let mut places = vec![Place { leaves: 1, ..Place::default() }; nodes];
        for at in (0..nodes).rev() {
            if let Node::Inner { split, left } = node(at) {
                let child = left as usize - root;
                let (list, mask) = made.list(Test::new(model, &split, code_slots));
                let leaves = places[child].leaves + places[child + 1].leaves;
                places[at] = Place { leaves, list, mask, ..Place::default() };
            }
        }
        for at in 0..nodes {
            let Place { first, .. } = places[at];
            match node(at) {
                Node::Inner { left, .. } => {
                    let child = left as usize - root;
                    places[child].first = first + places[child + 1].leaves;
                    places[child + 1].first = first;
                }
                Node::Leaf { leaf } => {
                    let to = &mut made.values[first as usize * width..][..width];
                    to.iter_mut().zip(model.leaf(leaf)).for_each(|(to, v)| *to = N::from_f64(*v));
                }
            }
        }
        let starts = made.starts();
        let bits = places[0].varying();
        // of each node the planes that vary among its leaves; the others are bits of any of its leaves' numbers
        let mut planes = vec![0; nodes * bits];
        for at in (0..nodes).rev() {
            let Node::Inner { left, .. } = node(at) else { continue };
            let (child, place) = (left as usize - root, places[at]);
            let mask = starts[place.list] + place.mask;
            for bit in 0..place.varying() {
                let plane = |of: usize| {
                    if bit < places[of].varying() { planes[of * bits + bit] } else { places[of].first >> bit & 1 }
                };
                planes[at * bits + bit] = match (plane(child), plane(child + 1)) {
                    (yes, no) if yes == no => yes,
                    (1, 0) => mask,
                    (yes, no) => {
                        let [mask, yes, no] = [mask, yes, no].map(|number| number as u16);
                        made.choices.push(Choice { mask, yes, no });
                        starts[3] + made.choices.len() as u32 - 1
                    }
                };
            }
        }
        planes.truncate(bits);
        made.bits = planes;
        made
    }

    /// Lists a test; which list, and where in it.
    fn list(&mut self, test: Test) -> (usize, u32) {
        let numeric = |t| Numeric { plane: test.plane, threshold: T::threshold(t) };
        match test.compare {
            Compare::LessOrEqual(t) => {
                self.less_or_equal.push(numeric(t));
                (0, self.less_or_equal.len() as u32 - 1)
            }
            Compare::NotGreater(t) => {
                self.not_greater.push(numeric(t));
                (1, self.not_greater.len() as u32 - 1)
            }
            _ => {
                self.others.push(test);
                (2, self.others.len() as u32 - 1)
            }
        }
    }

    /// The first mask of each list of tests, and of the choices.
    fn starts(&self) -> [u32; 4] {
        let mut starts = [CONSTANT.len() as u32; 4];
        for (list, length) in [self.less_or_equal.len(), self.not_greater.len(), self.others.len()].iter().enumerate() {
            starts[list + 1] = starts[list] + *length as u32;
        }
        starts
    }
}

/// What is known of a node while its tree is made: its leaves' numbers, and which test is its own.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    first: u32,
    leaves: u32,
    list: usize,
    mask: u32,
}

impl Place {
    /// How many low bits differ between its leaves' numbers.
    fn varying(self) -> usize {
        (u32::BITS - (self.first ^ (self.first + self.leaves - 1)).leading_zeros()) as usize
    }
}

/// Adds the leaves of a tree to the sums of a block, `(n, o)`.
pub(super) struct AddLeaves<'a, T, N> {
    pub(super) tree: &'a Sliced<T, N>,
    pub(super) columns: &'a Columns<T>,
    pub(super) codes: &'a Codes,
    pub(super) masks: &'a mut [Mask; MASKS],
    pub(super) n_outputs: usize,
    pub(super) sums: &'a mut [N],
}

impl<S: Simd, T: Comparable, N: Number> Kernel<S> for AddLeaves<'_, T, N> {
    #[inline(always)]
    fn run(self, s: S) {
        let Self { tree, columns, codes, masks, n_outputs, sums } = self;
        let (constant, rest) = masks.split_at_mut(CONSTANT.len());
        constant.copy_from_slice(&CONSTANT);
        let (less_or_equal, rest) = rest.split_at_mut(tree.less_or_equal.len());
        for (split, mask) in tree.less_or_equal.iter().zip(less_or_equal) {
            let plane = columns.plane(split.plane);
            for (word, to) in mask.as_chunks_mut::<8>().0.iter_mut().enumerate() {
                *to = T::le(s, part(plane, word), split.threshold).to_le_bytes();
            }
        }
        let (not_greater, rest) = rest.split_at_mut(tree.not_greater.len());
        for (split, mask) in tree.not_greater.iter().zip(not_greater) {
            let plane = columns.plane(split.plane);
            for (word, to) in mask.as_chunks_mut::<8>().0.iter_mut().enumerate() {
                *to = T::ngt(s, part(plane, word), split.threshold).to_le_bytes();
            }
        }
        for (test, mask) in tree.others.iter().zip(rest) {
            let (mask, _) = mask.as_chunks_mut::<8>();
            for (to, left) in mask.iter_mut().zip(left(s, test, columns, codes, BLOCK / WORD)) {
                *to = left.to_le_bytes();
            }
        }
        for (choice, number) in tree.choices.iter().zip(tree.starts()[3] as usize..) {
            let mask = masks[choice.mask as usize % MASKS];
            let (yes, no) = (masks[choice.yes as usize % MASKS], masks[choice.no as usize % MASKS]);
            let mut made = [0; BLOCK / 8];
            for (i, to) in made.iter_mut().enumerate() {
                *to = mask[i] & yes[i] | !mask[i] & no[i];
            }
            masks[number % MASKS] = made;
        }
        let mut numbers = [0; BLOCK];
        s.indices(&masks[..], &tree.bits, sums.len() / n_outputs, &mut numbers);
        if n_outputs == 1 {
            for (sum, number) in sums.iter_mut().zip(&numbers) {
                *sum += tree.values[*number as usize];
            }
        } else if tree.width == 1 {
            for (sums, number) in sums.chunks_exact_mut(n_outputs).zip(&numbers) {
                sums[tree.output] += tree.values[*number as usize];
            }
        } else {
            for (sums, number) in sums.chunks_exact_mut(n_outputs).zip(&numbers) {
                let values = &tree.values[*number as usize * n_outputs..][..n_outputs];
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum += *value;
                }
            }
        }
    }
}

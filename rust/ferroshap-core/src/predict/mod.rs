//! Stage 5: the library's raw output, bit for bit, and the float64 sum that SHAP values add up to.

mod mixtures;
mod sliced;

use std::ops::AddAssign;

use crate::error::{Error, Result};
use crate::model::{Accumulation, Ensemble, ROWS_ABREAST, Tree};
use crate::parallel::{Control, for_each_chunk};
use crate::rows::{Columns, Lane, RowMajor, Rows};
use crate::simd::{BLOCK, Driver, Level, Mask, Simd};
use crate::splits::{Codes, Comparable, code_slots};
pub use mixtures::{MixtureModel, Mixtures};
use sliced::{AddLeaves, MASKS, MOST_LEAVES, Sliced};

/// Which sum of the leaves a prediction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    /// In the library's own precision and order; float32 results are held exactly.
    Library,
    /// In float64, whatever the library uses: what base value and SHAP values add up to.
    Float64,
}

/// What a prediction is, and how it is made.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// How leaves are added.
    pub sum: Sum,
    /// Another base in each row, `(n, o)` row-major, in the place of the model's own (XGBoost's `base_margin`).
    pub bases: Option<&'a [f64]>,
    /// The vector instructions to use; the result has the same bits with any.
    pub level: Level,
}

impl Options<'_> {
    /// From the model's own base, at the level in use.
    pub fn new(sum: Sum) -> Self {
        Self { sum, bases: None, level: Level::in_use() }
    }
}

/// The precision of a sum.
trait Number: Lane + AddAssign + Sync {}

impl<N: Lane + AddAssign + Sync> Number for N {}

/// Rows that are walked through one tree before the next tree is taken.
const WALKED: usize = 64;

impl Ensemble {
    /// Writes the raw predictions of `rows`, `(n, o)` row-major, into `out`. O(rows × trees × depth).
    ///
    /// # Errors
    /// As [`Ensemble::predict_with`].
    pub fn predict(
        &self,
        rows: &Rows<'_>,
        sum: Sum,
        out: &mut [f64],
        threads: usize,
        control: &dyn Control,
    ) -> Result<()> {
        self.predict_with(rows, Options::new(sum), out, threads, control)
    }

    /// The same with more to choose.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) where `rows` have another number of columns than the model or the bases another
    /// length than `out`, [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn predict_with(
        &self,
        rows: &Rows<'_>,
        options: Options<'_>,
        out: &mut [f64],
        threads: usize,
        control: &dyn Control,
    ) -> Result<()> {
        rows.check(self.n_features(), out.len(), self.n_outputs())?;
        let (n, o) = (rows.len(), self.n_outputs());
        if let Some(found) = options.bases.map(<[f64]>::len).filter(|&length| length != n * o) {
            return Err(Error::Data(format!("the bases are {found} numbers, expected {n} rows × {o} outputs")));
        }
        let call = Call { model: self, rows, options, base_first: true, out, threads, control };
        match (options.sum, self.accumulation()) {
            (Sum::Library, Accumulation::F32FromBase) => call.run::<f32>(),
            (Sum::Library, Accumulation::F32FromZeroThenBase) => Call { base_first: false, ..call }.run::<f32>(),
            (Sum::Library, Accumulation::F64FromZeroThenBase) => Call { base_first: false, ..call }.run::<f64>(),
            _ => call.run::<f64>(),
        }
    }
}

/// A prediction to be made.
struct Call<'a, 'r> {
    model: &'a Ensemble,
    rows: &'a Rows<'r>,
    options: Options<'a>,
    /// Whether sums start from the base or end with it.
    base_first: bool,
    out: &'a mut [f64],
    threads: usize,
    control: &'a dyn Control,
}

impl Call<'_, '_> {
    /// Sums of type `N`: float32 as XGBoost adds, each leaf rounded first.
    fn run<N: Number>(self) -> Result<()> {
        let level = self.options.level;
        if self.model.input().round_to_f32 {
            level.dispatch(Blocks::<f32, N>::new(self))
        } else {
            level.dispatch(Blocks::<f64, N>::new(self))
        }
    }

    /// Whether making a [`Sliced`] tree and comparing every row with all of its splits takes less time than walking each row
    /// down. Measured (one thread of a Zen 5, 20,000 rows, ns a row and tree): a walk takes 9.5 with 16 leaves, 12.6 with 64, 14.3
    /// with 128, 17.2 with 256; slices take with AVX-512 1.2, 2.6, 4.3 and 8.0 where lanes are float32, 2.1, 5.8, 9.9 and 17.4 where
    /// they are float64, with AVX2 half as much again at most, and 7.5 with 16 leaves without either. To make them pays
    /// off from two to six rows a leaf on.
    fn pays(&self, tree: &Tree) -> bool {
        let leaves = tree.n_nodes.div_ceil(2) as usize;
        let (most, rows_a_leaf) = match (self.options.level, self.model.input().round_to_f32) {
            (Level::Avx512 | Level::Avx2, true) => (MOST_LEAVES, 4),
            (Level::Avx512 | Level::Avx2, false) => (MOST_LEAVES / 2, 8),
            _ => (MOST_LEAVES / 16, 8),
        };
        leaves <= most && self.rows.len() >= BLOCK.max(rows_a_leaf * leaves) && !self.model.is_linear()
    }
}

/// The rows block by block, for rows of lane type `T`.
struct Blocks<'a, 'r, T, N> {
    call: Call<'a, 'r>,
    code_slots: Vec<u32>,
    /// `None`: rows walk through the tree.
    trees: Vec<Option<Sliced<T, N>>>,
}

impl<'a, 'r, T: Comparable, N: Number> Blocks<'a, 'r, T, N> {
    fn new(call: Call<'a, 'r>) -> Self {
        let code_slots = code_slots(call.model);
        let trees = call.model.trees().iter();
        let trees = trees.map(|tree| call.pays(tree).then(|| Sliced::new(call.model, tree, &code_slots))).collect();
        Self { call, code_slots, trees }
    }
}

/// What a thread needs for a block.
struct Scratch<T, N> {
    columns: Columns<T>,
    codes: Codes,
    masks: Box<[Mask; MASKS]>,
    walking: RowMajor,
    sums: Vec<N>,
}

impl<T: Comparable + Sync, N: Number> Driver for Blocks<'_, '_, T, N> {
    type Out = Result<()>;

    fn drive<S: Simd>(self, s: S) -> Result<()> {
        let Self { call, code_slots, trees } = self;
        let Call { model, rows, options, base_first, out, threads, control } = call;
        let (n, o, own, divisor) = (rows.len(), model.n_outputs(), model.base(), model.accumulation().divisor());
        let (any_sliced, any_walked) = (trees.iter().any(Option::is_some), trees.iter().any(Option::is_none));
        let block = if any_sliced { BLOCK } else { WALKED };
        let scratch = || Scratch {
            columns: Columns::<T>::new(if any_sliced { model.used_features().len() } else { 0 }, BLOCK),
            codes: Codes::new(code_slots.len()),
            masks: Box::new([[0; BLOCK / 8]; MASKS]),
            walking: RowMajor::default(),
            sums: Vec::<N>::new(),
        };
        control.begin(block);
        for_each_chunk(out, block * o, threads, control, scratch, |scratch, index, out, _| {
            let Scratch { columns, codes, masks, walking, sums } = scratch;
            let start = index * block;
            let range = start..(start + block).min(n);
            if any_sliced {
                columns.fill(rows, range.clone(), model.used_features(), model.input());
                codes.fill(columns, &code_slots, model.input());
            }
            if any_walked {
                walking.fill(rows, range, model);
            }
            // the base of the i-th number of the block, row by row
            let base = |i: usize| N::from_f64(options.bases.map_or_else(|| own[i % o], |bases| bases[start * o + i]));
            sums.clear();
            sums.extend((0..out.len()).map(|i| if base_first { base(i) } else { N::from_f64(0.0) }));
            for (tree, sliced) in model.trees().iter().zip(&trees) {
                match sliced {
                    Some(tree) => s.vectorize(AddLeaves { tree, columns, codes, masks, n_outputs: o, sums }),
                    None => walk(model, tree, walking, sums),
                }
            }
            if !base_first {
                sums.iter_mut().enumerate().for_each(|(i, sum)| *sum += base(i));
            }
            out.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum.to_f64());
            if divisor != 1.0 {
                out.iter_mut().for_each(|v| *v /= divisor);
            }
        })
    }
}

/// Adds the leaf that each row of the tile reaches to the row's sums.
fn walk<N: Number>(model: &Ensemble, tree: &Tree, tile: &RowMajor, sums: &mut [N]) {
    let (n, o, first) = (tile.len(), model.n_outputs(), tree.output.unwrap_or(0) as usize);
    for start in (0..n).step_by(ROWS_ABREAST) {
        // the last group repeats its last row
        let rows = std::array::from_fn(|i| tile.row((start + i).min(n - 1)));
        let leaves = model.leaves_of(tree, &rows);
        for (row, leaf) in (start..n).zip(leaves) {
            let sums = &mut sums[row * o + first..];
            match model.linear_leaf(leaf, tile.row(row)) {
                Some(value) => sums[0] += N::from_f64(value),
                None => sums.iter_mut().zip(model.leaf(leaf)).for_each(|(sum, v)| *sum += N::from_f64(*v)),
            }
        }
    }
}

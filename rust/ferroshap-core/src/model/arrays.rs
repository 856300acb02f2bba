//! What an adapter hands over: one meaning per field, nothing checked yet.

/// A tree ensemble of any family as plain arrays; `t` trees, `v` nodes over all trees, `o` outputs.
///
/// Becomes a model only through [`Ensemble::try_new`](super::Ensemble::try_new).
#[derive(Debug, Clone, Default)]
pub struct EnsembleArrays {
    /// Columns of the rows.
    pub n_features: usize,
    /// Outputs of a prediction.
    pub n_outputs: usize,
    /// `(t + 1)`: tree `i` owns the nodes `tree_starts[i]..tree_starts[i + 1]`, the first of them is its root.
    pub tree_starts: Vec<i64>,
    /// `(t)`: the output that a tree adds to; −1: its leaves are vectors over all outputs.
    pub tree_outputs: Vec<i32>,
    /// `(v)`: left child, counted within the tree; −1 at a leaf.
    pub left: Vec<i32>,
    /// `(v)`: right child, counted within the tree; −1 at a leaf.
    pub right: Vec<i32>,
    /// `(v)`: column that an inner node tests.
    pub feature: Vec<i32>,
    /// `(v)`: a numeric split sends x left if `x <= threshold`; NaN: never.
    pub threshold: Vec<f64>,
    /// `(v)`: see [`flags`].
    pub flags: Vec<u8>,
    /// `(v)`: −1 for a numeric split, else the index of its bit set; a set bit sends its category left.
    pub category_set: Vec<i32>,
    /// `(s + 1)`: set `i` owns the words `set_starts[i]..set_starts[i + 1]`.
    pub set_starts: Vec<i64>,
    /// 32 categories a word, least significant bit first.
    pub set_words: Vec<u32>,
    /// `(v, width)`, row-major, width 1 or `o`; only the rows of leaves are read.
    pub values: Vec<f64>,
    /// `(v)`: the training weight that reached a node; `None` where the file holds none.
    pub cover: Option<Vec<f64>>,
    /// `(o)`: what every prediction starts from, in the units of the raw output.
    pub base: Vec<f64>,
    /// How the library adds its trees up.
    pub accumulation: Accumulation,
    /// What the library does to a value before the first comparison.
    pub input: InputRule,
    /// Leaves that are linear functions (LightGBM's linear trees); `None`: there are none.
    pub linear: Option<LinearArrays>,
}

/// The fields of [`EnsembleArrays`], borrowed: a model is made without a copy of them.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "each is described there")]
pub struct ArraysView<'a> {
    pub n_features: usize,
    pub n_outputs: usize,
    pub tree_starts: &'a [i64],
    pub tree_outputs: &'a [i32],
    pub left: &'a [i32],
    pub right: &'a [i32],
    pub feature: &'a [i32],
    pub threshold: &'a [f64],
    pub flags: &'a [u8],
    pub category_set: &'a [i32],
    pub set_starts: &'a [i64],
    pub set_words: &'a [u32],
    pub values: &'a [f64],
    pub cover: Option<&'a [f64]>,
    pub base: &'a [f64],
    pub accumulation: Accumulation,
    pub input: InputRule,
    pub linear: Option<&'a LinearArrays>,
}

impl EnsembleArrays {
    /// The same, borrowed.
    pub fn view(&self) -> ArraysView<'_> {
        ArraysView {
            n_features: self.n_features,
            n_outputs: self.n_outputs,
            tree_starts: &self.tree_starts,
            tree_outputs: &self.tree_outputs,
            left: &self.left,
            right: &self.right,
            feature: &self.feature,
            threshold: &self.threshold,
            flags: &self.flags,
            category_set: &self.category_set,
            set_starts: &self.set_starts,
            set_words: &self.set_words,
            values: &self.values,
            cover: self.cover.as_deref(),
            base: &self.base,
            accumulation: self.accumulation,
            input: self.input,
            linear: self.linear.as_ref(),
        }
    }
}

/// Leaves that are linear functions: `constant + Σ coefficient · x`, or the leaf's value where an x is missing.
#[derive(Debug, Clone, Default)]
pub struct LinearArrays {
    /// `(v + 1)`: the terms of node `i` are `starts[i]..starts[i + 1]`; none: the leaf is its value.
    pub starts: Vec<i64>,
    /// The column of each term.
    pub features: Vec<i32>,
    /// What the column is multiplied by.
    pub coefficients: Vec<f64>,
    /// `(v)`: what the terms are added to, in their order.
    pub constants: Vec<f64>,
}

/// The bits of [`EnsembleArrays::flags`].
pub mod flags {
    /// A missing value goes left.
    pub const DEFAULT_LEFT: u8 = 1;
    /// NaN and everything within ±1e-35 (float32) count as missing (LightGBM's `zero_as_missing`).
    pub const ZERO_IS_MISSING: u8 = 2;
    /// A category beyond the bit set goes left.
    pub const OUT_OF_SET_LEFT: u8 = 4;
    /// A negative category goes left.
    pub const NEGATIVE_LEFT: u8 = 8;
}

/// The order and precision in which a library sums its leaves: what bit-equal predictions need.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Accumulation {
    /// float32, from the base score, tree by tree (XGBoost).
    F32FromBase,
    /// float32, from zero, the base score last (XGBoost 1.3 DART).
    F32FromZeroThenBase,
    /// float64, from the base, tree by tree (LightGBM has base 0).
    #[default]
    F64FromBase,
    /// float64, from zero, the base last (CatBoost).
    F64FromZeroThenBase,
    /// float64 sum of the trees divided at the end (forests, LightGBM's random-forest mode, AdaBoost).
    F64Mean {
        /// The number of trees or of iterations, or the sum of their weights.
        divisor: f64,
    },
}

impl Accumulation {
    /// What the sum of the leaves is divided by.
    pub fn divisor(self) -> f64 {
        match self {
            Accumulation::F64Mean { divisor } => divisor,
            _ => 1.0,
        }
    }

    /// Whether the library's raw output is float32.
    pub fn is_f32(self) -> bool {
        matches!(self, Accumulation::F32FromBase | Accumulation::F32FromZeroThenBase)
    }
}

/// What a library does to a value before the first comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InputRule {
    /// Round to float32 (XGBoost, scikit-learn trees).
    pub round_to_f32: bool,
    /// `|x| <= 1e-35` (float32) becomes 0 (LightGBM).
    pub flush_tiny: bool,
    /// A category is truncated before the test for negatives, so that −0.5 is category 0 (LightGBM).
    pub truncate_category_first: bool,
}

/// LightGBM's zero threshold: `1e-35` as a float32, widened.
pub(crate) const TINY: f64 = 1e-35_f32 as f64;

impl InputRule {
    /// The value as the library compares it; `missing` is a second value that counts as NaN (XGBoost's `missing=`).
    #[inline(always)]
    pub fn apply(self, x: f64, missing: Option<f64>) -> f64 {
        let x = if self.round_to_f32 { f64::from(x as f32) } else { x };
        if missing == Some(x) {
            f64::NAN
        } else if self.flush_tiny && x.abs() <= TINY {
            0.0
        } else {
            x
        }
    }
}

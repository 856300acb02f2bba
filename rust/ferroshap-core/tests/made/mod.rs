//! Random models and rows: not what a library would train.

use ferroshap_core::model::{Accumulation, Ensemble, EnsembleArrays, InputRule, flags};
use ndarray::Array2;

/// A deterministic stream of numbers (splitmix64).
struct Stream(u64);

impl Stream {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, n: u64) -> usize {
        usize::try_from(self.next() % n).unwrap_or(0)
    }

    /// In [−1, 1), a multiple of 1/8 half of the time, so that rows meet thresholds.
    fn number(&mut self) -> f64 {
        let x = (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
        if self.next().is_multiple_of(2) { (x * 8.0).round() / 8.0 } else { x }
    }
}

/// Features that trees test; a model has one more.
pub(crate) const FEATURES: u64 = 6;
const CATEGORICAL: usize = 5; // the last feature holds category codes

/// Any flags, any shape, shares of 0 among them.
pub(crate) fn ensemble(seed: u64, trees: usize, max_depth: usize, outputs: usize, round_to_f32: bool) -> Ensemble {
    let mut s = Stream(seed);
    let vector = outputs > 1 && seed.is_multiple_of(2);
    let width = if vector { outputs } else { 1 };
    let mut a = EnsembleArrays {
        n_features: FEATURES as usize + 1, // one that no tree tests
        n_outputs: outputs,
        tree_starts: vec![0],
        set_starts: vec![0],
        base: (0..outputs).map(|_| s.number()).collect(),
        cover: Some(Vec::new()),
        accumulation: Accumulation::F64Mean { divisor: 3.0 },
        linear: None,
        input: InputRule { round_to_f32, flush_tiny: !round_to_f32, truncate_category_first: !round_to_f32 },
        ..EnsembleArrays::default()
    };
    for tree in 0..trees {
        a.tree_outputs.push(if vector { -1 } else { i32::try_from(tree % outputs).unwrap_or(0) });
        let cover = 100.0;
        grow(&mut a, &mut s, max_depth, cover, width, tree);
        a.tree_starts.push(a.left.len() as i64);
    }
    Ensemble::try_new(&a).expect("the generator makes valid trees")
}

/// Appends a subtree and gives its index within the tree.
fn grow(a: &mut EnsembleArrays, s: &mut Stream, depth: usize, cover: f64, width: usize, tree: usize) -> i32 {
    let (node, start) = (a.left.len(), usize::try_from(a.tree_starts[tree]).unwrap_or(0));
    let feature = s.below(FEATURES);
    a.left.push(-1);
    a.right.push(-1);
    a.feature.push(feature as i32);
    a.threshold.push(if s.below(20) == 0 { f64::NAN } else { s.number() });
    a.flags.push((s.next() & u64::from(flags::DEFAULT_LEFT | flags::OUT_OF_SET_LEFT | flags::NEGATIVE_LEFT)) as u8);
    if s.below(5) == 0 {
        a.flags[node] |= flags::ZERO_IS_MISSING;
    }
    a.category_set.push(-1);
    a.values.extend((0..width).map(|_| s.number()));
    if let Some(covers) = &mut a.cover {
        covers.push(cover);
    }
    if depth > 0 && s.below(6) != 0 {
        if feature == CATEGORICAL {
            a.category_set[node] = a.set_starts.len() as i32 - 1;
            let most = if s.below(4) == 0 { 40 } else { 2 };
            let words = 1 + s.below(most);
            a.set_words.extend((0..words).map(|_| s.next() as u32));
            a.set_starts.push(a.set_words.len() as i64);
        }
        let share = if s.below(8) == 0 { 0.0 } else { 0.5 + 0.4 * s.number() };
        a.left[node] = grow(a, s, depth - 1, cover * share, width, tree);
        a.right[node] = grow(a, s, depth - 1, cover - cover * share, width, tree);
    }
    (node - start) as i32
}

/// Values on thresholds, special ones, category codes.
pub(crate) fn rows(seed: u64, n: usize) -> Array2<f64> {
    let mut s = Stream(seed ^ 0xabcd);
    Array2::from_shape_fn((n, FEATURES as usize + 1), |(_, feature)| match s.below(12) {
        0 => f64::NAN,
        1 => [0.0, -0.0, 1e-36, f64::INFINITY, f64::NEG_INFINITY, 1e39][s.below(6)],
        _ if feature == CATEGORICAL => [s.below(40) as f64, s.below(1500) as f64, -0.5, -3.0, 1.7][s.below(5)],
        _ => s.number(),
    })
}

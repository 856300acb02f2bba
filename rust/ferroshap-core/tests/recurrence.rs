//! Every vector level against the enumeration of coalitions, and against each other bit for bit.

use ferroshap_core::model::{Accumulation, Ensemble, EnsembleArrays, InputRule, flags};
use ferroshap_core::oracle::{interventional_by_enumeration, shap_by_enumeration};
use ferroshap_core::parallel::Uninterrupted;
use ferroshap_core::plan::{Options, Plan};
use ferroshap_core::predict::Sum;
use ferroshap_core::rows::{Rows, Values};
use ferroshap_core::simd::Level;
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

const FEATURES: u64 = 6;
const CATEGORICAL: usize = 5; // the last feature holds category codes

fn ensemble(seed: u64, trees: usize, max_depth: usize, outputs: usize, round_to_f32: bool) -> Ensemble {
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

fn rows(seed: u64, n: usize) -> Array2<f64> {
    let mut s = Stream(seed ^ 0xabcd);
    Array2::from_shape_fn((n, FEATURES as usize + 1), |(_, feature)| match s.below(12) {
        0 => f64::NAN,
        1 => [0.0, -0.0, 1e-36, f64::INFINITY, f64::NEG_INFINITY, 1e39][s.below(6)],
        _ if feature == CATEGORICAL => [s.below(40) as f64, s.below(1500) as f64, -0.5, -3.0, 1.7][s.below(5)],
        _ => s.number(),
    })
}

/// Rows that plans are made for: the recurrence for all, some tables, tables wherever they can be.
const EXPECTED_ROWS: [usize; 3] = [0, 20_000, usize::MAX];

fn options(levels: &[Level]) -> Vec<Options> {
    let of_level = |&level| EXPECTED_ROWS.map(|expected_rows| Options { expected_rows, level, ..Options::default() });
    levels.iter().flat_map(of_level).collect()
}

fn explain(model: &Ensemble, x: &Array2<f64>, options: Options, threads: usize) -> (Vec<f64>, Plan) {
    let plan = Plan::path_dependent(model, options).expect("covers are there");
    (run(&plan, model, x, threads), plan)
}

fn run(plan: &Plan, model: &Ensemble, x: &Array2<f64>, threads: usize) -> Vec<f64> {
    let mut out = vec![f64::NAN; x.nrows() * model.n_features() * model.n_outputs()];
    let rows = Rows { values: Values::F64(x.view()), missing: None };
    plan.run(&rows, &mut out, threads, &Uninterrupted).expect("nothing stops it");
    out
}

#[test]
fn every_level_agrees_with_the_enumeration_of_coalitions() {
    let levels = Level::available();
    let mut worst = 0f64;
    for seed in 0..60 {
        let model = ensemble(seed, 4, 1 + (seed % 6) as usize, 1 + (seed % 3) as usize, seed % 4 < 2);
        let x = rows(seed, 9);
        let (exact, expected) = shap_by_enumeration(&model, &Rows { values: Values::F64(x.view()), missing: None });
        let largest = exact.iter().fold(1e-300, |m: f64, v| m.max(v.abs()));
        for options in options(&levels) {
            let (values, plan) = explain(&model, &x, options, 1);
            let gap = exact.iter().zip(&values).fold(0f64, |m, (a, b)| m.max((a - b).abs()));
            assert!(gap <= 1e-12 * largest, "seed {seed}, {options:?}: off by {gap} of {largest}");
            worst = worst.max(gap / largest);
            let base = expected.iter().zip(plan.expected_value()).fold(0f64, |m, (a, b)| m.max((a - b).abs()));
            assert!(base <= 1e-13, "seed {seed}: expected value off by {base}");
        }
    }
    // shown by `cargo test -- --nocapture`, and in the log of a failure
    eprintln!("levels run: {levels:?}; worst gap {worst:e} of the largest value");
}

#[test]
fn all_levels_threads_and_batches_give_the_same_bits() {
    for seed in 100..112 {
        let model = ensemble(seed, 6, 9, 2, seed % 2 == 0);
        let x = rows(seed, 300);
        for options in options(&Level::available()) {
            let (reference, _) = explain(&model, &x, Options { level: Level::Scalar, ..options }, 1);
            let same = |other: &[f64]| reference.iter().zip(other).all(|(a, b)| a.to_bits() == b.to_bits());
            let plan = Plan::path_dependent(&model, options).expect("covers are there");
            for threads in [1, 2, 5] {
                assert!(same(&run(&plan, &model, &x, threads)), "seed {seed}, {options:?}, {threads} threads");
            }
            let alone: Vec<f64> = x
                .rows()
                .into_iter()
                .flat_map(|row| run(&plan, &model, &row.to_owned().insert_axis(ndarray::Axis(0)), 1))
                .collect();
            assert!(same(&alone), "seed {seed}, {options:?}: a row alone differs from the row in its batch");
        }
    }
}

#[test]
fn values_add_up_to_the_prediction_and_an_unused_feature_gets_nothing() {
    for seed in 200..230 {
        let model = ensemble(seed, 10, 8, 3, seed % 2 == 0);
        let x = rows(seed, 50);
        let (values, plan) = explain(&model, &x, Options::default(), 1);
        let mut sums = vec![0.0; 50 * 3];
        let view = Rows { values: Values::F64(x.view()), missing: None };
        model.predict(&view, Sum::Float64, &mut sums, 1, &Uninterrupted).expect("nothing stops it");
        for row in 0..50 {
            for output in 0..3 {
                let phi = |f: usize| values[(row * model.n_features() + f) * 3 + output];
                let total: f64 = (0..model.n_features()).map(phi).sum::<f64>() + plan.expected_value()[output];
                let gap = (total - sums[row * 3 + output]).abs();
                assert!(gap <= 1e-12 * plan.scale()[output], "seed {seed}, row {row}: {gap}");
                assert_eq!(phi(FEATURES as usize), 0.0);
            }
        }
    }
}

#[test]
fn tables_agree_with_the_enumeration_of_coalitions_against_the_background() {
    let mut worst = 0f64;
    for seed in 0..40 {
        let model = ensemble(seed, 3, 1 + (seed % 6) as usize, 1 + (seed % 3) as usize, seed % 4 < 2);
        let (x, z) = (rows(seed, 5), rows(seed + 1000, 7));
        let (x, z) = (
            Rows { values: Values::F64(x.view()), missing: None },
            Rows { values: Values::F64(z.view()), missing: None },
        );
        let weights = [1.0, 0.25, 0.0, 3.0, 1.0, 0.5, 2.0];
        let given = (seed % 2 == 0).then_some(&weights[..]);
        let (exact, expected) = interventional_by_enumeration(&model, &x, &z, given.unwrap_or(&[1.0; 7]));
        let largest = exact.iter().fold(1e-300, |m: f64, v| m.max(v.abs()));
        for expected_rows in EXPECTED_ROWS {
            let mut first: Option<Vec<f64>> = None;
            for level in Level::available() {
                let options = Options { expected_rows, level, ..Options::default() };
                let plan = Plan::interventional(&model, &z, given, options, 2, &Uninterrupted).expect("it is small");
                let mut values = vec![f64::NAN; exact.len()];
                plan.run(&x, &mut values, 2, &Uninterrupted).expect("nothing stops it");
                let gap = exact.iter().zip(&values).fold(0f64, |m, (a, b)| m.max((a - b).abs()));
                assert!(gap <= 1e-12 * largest, "seed {seed}, {options:?}: off by {gap} of {largest}");
                worst = worst.max(gap / largest);
                let base = expected.iter().zip(plan.expected_value()).fold(0f64, |m, (a, b)| m.max((a - b).abs()));
                assert!(base <= 1e-13, "seed {seed}: expected value off by {base}");
                let same = first.get_or_insert_with(|| values.clone());
                assert!(same.iter().zip(&values).all(|(a, b)| a.to_bits() == b.to_bits()), "seed {seed}, {options:?}");
            }
        }
    }
    eprintln!("worst gap {worst:e} of the largest value");
}

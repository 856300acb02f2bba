//! Every vector level against the enumeration of coalitions, and against each other bit for bit.

mod made;

use std::sync::Arc;

use ferroshap_core::model::Ensemble;
use ferroshap_core::oracle::{interventional_by_enumeration, shap_by_enumeration};
use ferroshap_core::parallel::Uninterrupted;
use ferroshap_core::plan::{Options, Plan};
use ferroshap_core::predict::Sum;
use ferroshap_core::rows::{Rows, Values};
use ferroshap_core::simd::Level;
use made::{FEATURES, ensemble, rows};
use ndarray::Array2;

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
        let model = Arc::new(ensemble(seed, 3, 1 + (seed % 6) as usize, 1 + (seed % 3) as usize, seed % 4 < 2));
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
                plan.make_tables(2, &Uninterrupted).expect("nothing stops it");
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

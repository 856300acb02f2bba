//! Values against single references, and weightings of a background, against the definition.

mod made;

use std::sync::Arc;

use ferroshap_core::kernel::ReferencePlan;
use ferroshap_core::links::{Link, PairWeights};
use ferroshap_core::model::Ensemble;
use ferroshap_core::oracle::interventional_by_enumeration;
use ferroshap_core::parallel::Uninterrupted;
use ferroshap_core::plan::{Options, Plan};
use ferroshap_core::rows::{Rows, Values};
use ferroshap_core::simd::Level;
use ndarray::{Array2, s};

fn view(values: &Array2<f64>) -> Rows<'_> {
    Rows { values: Values::F64(values.view()), missing: None }
}

/// `[row][reference][feature × output]`, by the definition.
fn by_definition(model: &Ensemble, rows: &Array2<f64>, background: &Array2<f64>) -> Vec<Vec<Vec<f64>>> {
    let width = model.n_features() * model.n_outputs();
    let of_reference = |z: usize| {
        let one = background.slice(s![z..=z, ..]).to_owned();
        interventional_by_enumeration(model, &view(rows), &view(&one), &[1.0]).0
    };
    let each: Vec<Vec<f64>> = (0..background.nrows()).map(of_reference).collect();
    (0..rows.nrows()).map(|row| each.iter().map(|phi| phi[row * width..][..width].to_vec()).collect()).collect()
}

fn close(found: &[f64], expected: &[f64], what: &str) {
    let largest = expected.iter().fold(1e-300f64, |most, v| most.max(v.abs()));
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-12 * largest, "{what}: {a} for {b} of {largest}");
    }
}

fn factors(n: usize, terms: usize) -> Vec<f64> {
    (0..n * terms).map(|i| ((i * 37 % 19) as f64 - 9.0) / 7.0).collect()
}

#[test]
fn values_against_each_reference_are_those_of_the_definition() {
    for seed in 0..12 {
        let outputs = 1 + seed as usize % 3;
        let model = made::ensemble(seed, 3, 5, outputs, seed % 2 == 0);
        let (rows, background) = (made::rows(seed, 5), made::rows(seed + 100, 7));
        let expected = by_definition(&model, &rows, &background);
        let plan = ReferencePlan::new(&Arc::new(model.clone()), &view(&background), None, 1, &Uninterrupted)
            .expect("a background");
        let width = model.n_features() * outputs;
        let mut found = vec![0.0; 5 * 7 * width];
        plan.each(&view(&rows), &mut found, 2, &Uninterrupted).expect("rows");
        close(&found, &expected.concat().concat(), &format!("seed {seed}"));
    }
}

#[test]
fn weightings_mix_as_the_definition_says_at_every_level() {
    for seed in 0..16 {
        let outputs = 1 + seed as usize % 3;
        let terms = 1 + seed as usize % 4;
        let model = made::ensemble(seed, 3, 6, outputs, seed % 2 == 0);
        let (rows, background) = (made::rows(seed, 11), made::rows(seed + 100, 9));
        let expected = by_definition(&model, &rows, &background);
        let (by, mix) = (factors(9, terms), factors(11, terms));
        let weights: Vec<f64> = (0..9).map(|z| f64::from(z % 4)).collect();
        let given = (seed % 3 == 0).then_some(&weights[..]);
        let share = |z: usize| given.map_or(1.0 / 9.0, |w| w[z] / w.iter().sum::<f64>());
        let width = model.n_features() * outputs;
        let mut sums = vec![0.0; 11 * width];
        for (row, of_row) in expected.iter().enumerate() {
            for (z, phi) in of_row.iter().enumerate() {
                let w: f64 = (0..terms).map(|r| mix[row * terms + r] * by[z * terms + r]).sum();
                sums[row * width..][..width].iter_mut().zip(phi).for_each(|(sum, v)| *sum += share(z) * w * v);
            }
        }
        // with tables, and without any: every leaf by itself
        for table_bytes in [1 << 30, 0] {
            let mut bits: Option<Vec<u64>> = None;
            for level in Level::available() {
                let options = Options { level, table_bytes, ..Options::default() };
                let plan = Plan::against_weightings(&model, &view(&background), given, &by, options, 1, &Uninterrupted)
                    .expect("a background");
                assert_eq!(plan.describe().weightings, terms);
                let mut found = vec![0.0; 11 * width];
                plan.run_mixed(&view(&rows), &mix, &mut found, 2, &Uninterrupted).expect("rows");
                close(&found, &sums, &format!("seed {seed}, {level}, {table_bytes} bytes"));
                let these: Vec<u64> = found.iter().map(|v| v.to_bits()).collect();
                assert!(bits.get_or_insert_with(|| these.clone()) == &these, "seed {seed}, {level}: other bits");
                let alone = rows.slice(s![4..5, ..]).to_owned();
                let mut one = vec![0.0; width];
                plan.run_mixed(&view(&alone), &mix[4 * terms..5 * terms], &mut one, 1, &Uninterrupted).expect("a row");
                assert_eq!(one, found[4 * width..5 * width], "seed {seed}: a row alone");
            }
        }
    }
}

#[test]
fn the_weights_of_pairs_are_those_of_the_definition() {
    for (seed, by) in [(1, PairWeights::Each(Link::Logistic)), (2, PairWeights::Softmax), (3, PairWeights::SoftmaxLoss)]
    {
        let model = made::ensemble(seed, 6, 4, 3, false);
        let (rows, background) = (made::rows(seed, 5), made::rows(seed + 100, 7));
        let expected = by_definition(&model, &rows, &background);
        let margins = |of: &Array2<f64>| {
            let mut out = vec![0.0; of.nrows() * 3];
            let sum = ferroshap_core::predict::Sum::Float64;
            model.predict(&view(of), sum, &mut out, 1, &Uninterrupted).expect("rows");
            out
        };
        let (of_rows, of_background) = (margins(&rows), margins(&background));
        let (f, k) = (model.n_features(), by.outputs(3));
        let mut sums = vec![0.0; 5 * f * k];
        let mut w = vec![0.0; k * 3];
        for row in 0..5 {
            for z in 0..7 {
                by.weigh(&of_rows[3 * row..3 * row + 3], &of_background[3 * z..3 * z + 3], &mut w);
                for feature in 0..f {
                    for (to, w) in w.chunks_exact(3).enumerate() {
                        let phi = &expected[row][z][3 * feature..3 * feature + 3];
                        let sum: f64 = w.iter().zip(phi).map(|(w, v)| w * v).sum();
                        sums[(row * f + feature) * k + to] += sum / 7.0;
                    }
                }
            }
        }
        let plan = ReferencePlan::new(&Arc::new(model.clone()), &view(&background), None, 1, &Uninterrupted)
            .expect("a background");
        let mut found = vec![0.0; 5 * f * k];
        plan.weighted(&view(&rows), by, 1.0, &mut found, 2, &Uninterrupted).expect("rows");
        close(&found, &sums, &format!("{by:?}"));
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let model = made::ensemble(1, 2, 3, 1, false);
    let (rows, background) = (made::rows(1, 2), made::rows(2, 3));
    let against = |by: &[f64]| {
        Plan::against_weightings(&model, &view(&background), None, by, Options::default(), 1, &Uninterrupted)
    };
    let message = |by: &[f64]| against(by).map(|_| ()).expect_err("refused").to_string();
    assert_eq!(message(&[1.0; 4]), "4 factors of weights for 3 background rows, expected some for each");
    assert_eq!(message(&[1.0, f64::NAN, 1.0]), "a factor of the weights is NaN, expected finite numbers");
    let plan = against(&[1.0; 6]).expect("two weightings");
    let mut out = vec![0.0; 2 * model.n_features()];
    assert!(plan.run(&view(&rows), &mut out, 1, &Uninterrupted).is_err());
    assert!(plan.run_mixed(&view(&rows), &[1.0; 3], &mut out, 1, &Uninterrupted).is_err());
}

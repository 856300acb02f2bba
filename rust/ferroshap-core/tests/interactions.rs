//! Interaction values against the enumeration of coalitions, and bit for bit against themselves.

mod made;

use std::sync::Arc;

use ferroshap_core::model::Ensemble;
use ferroshap_core::oracle::{interactions_by_enumeration, interventional_interactions_by_enumeration};
use ferroshap_core::parallel::Uninterrupted;
use ferroshap_core::plan::{InteractionPlan, Options, Plan, Wanted};
use ferroshap_core::rows::{Rows, Values};
use ferroshap_core::simd::Level;
use ferroshap_core::tables::{InteractionTables, TableOptions};
use made::{ensemble, rows};
use ndarray::Array2;

fn view(x: &Array2<f64>) -> Rows<'_> {
    Rows { values: Values::F64(x.view()), missing: None }
}

fn explain(model: &Ensemble, x: &Array2<f64>, wanted: Wanted<'_>, level: Level, threads: usize) -> Vec<f64> {
    let plan = InteractionPlan::path_dependent_at(model, wanted, level).expect("covers are there");
    let mut out = vec![f64::NAN; x.nrows() * plan.row()];
    plan.run(&view(x), &mut out, threads, &Uninterrupted).expect("nothing stops it");
    out
}

fn gap(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).fold(0f64, |m, (a, b)| if (a - b).is_nan() { f64::NAN } else { m.max((a - b).abs()) })
}

fn same(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

#[test]
fn every_level_agrees_with_the_enumeration_of_coalitions() {
    let mut worst = 0f64;
    for seed in 0..60 {
        let model = ensemble(seed, 4, 1 + (seed % 6) as usize, 1 + (seed % 3) as usize, seed % 4 < 2);
        let x = rows(seed, 9);
        let exact = interactions_by_enumeration(&model, &view(&x));
        let largest = exact.iter().fold(1e-300, |m: f64, v| m.max(v.abs()));
        for level in Level::available() {
            let values = explain(&model, &x, Wanted::Matrix, level, 1);
            let gap = gap(&exact, &values);
            assert!(gap <= 1e-12 * largest, "seed {seed}, {level}: off by {gap} of {largest}");
            worst = worst.max(gap / largest);
        }
    }
    eprintln!("worst gap {worst:e} of the largest value");
}

#[test]
fn rows_add_up_to_the_values_and_the_matrix_is_symmetric() {
    for seed in 200..230 {
        let (n, model) = (40, ensemble(seed, 10, 8, 3, seed % 2 == 0));
        let x = rows(seed, n);
        let (f, o) = (model.n_features(), model.n_outputs());
        let plan = Plan::path_dependent(&model, Options::default()).expect("covers are there");
        let mut phi = vec![f64::NAN; n * f * o];
        plan.run(&view(&x), &mut phi, 1, &Uninterrupted).expect("nothing stops it");
        let values = explain(&model, &x, Wanted::Matrix, Level::in_use(), 1);
        for row in 0..n {
            for output in 0..o {
                let at = |g: usize, h: usize| values[((row * f + g) * f + h) * o + output];
                for g in 0..f {
                    let sum: f64 = (0..f).map(|h| at(g, h)).sum();
                    let gap = (sum - phi[(row * f + g) * o + output]).abs();
                    assert!(gap <= 1e-12 * plan.scale()[output], "seed {seed}, row {row}, feature {g}: {gap}");
                    assert!((0..f).all(|h| at(g, h).to_bits() == at(h, g).to_bits()), "seed {seed}");
                    assert_eq!(at(g, f - 1), 0.0, "no tree tests the last feature");
                }
            }
        }
    }
}

#[test]
fn all_levels_threads_and_batches_give_the_same_bits() {
    for seed in 100..108 {
        let model = ensemble(seed, 6, 9, 2, seed % 2 == 0);
        let x = rows(seed, 300);
        let reference = explain(&model, &x, Wanted::Matrix, Level::Scalar, 1);
        for level in Level::available() {
            for threads in [1, 3] {
                assert!(same(&reference, &explain(&model, &x, Wanted::Matrix, level, threads)), "seed {seed}, {level}");
            }
            let alone: Vec<f64> = (x.rows().into_iter().take(40))
                .map(|row| row.to_owned().insert_axis(ndarray::Axis(0)))
                .flat_map(|row| explain(&model, &row, Wanted::Matrix, level, 1))
                .collect();
            assert!(same(&reference[..alone.len()], &alone), "seed {seed}, {level}: a row alone differs");
        }
    }
}

#[test]
fn chosen_pairs_have_the_bits_of_the_matrix() {
    for seed in 300..310 {
        let model = ensemble(seed, 6, 7, 2, true);
        let (x, f, o) = (rows(seed, 150), model.n_features(), model.n_outputs());
        let matrix = explain(&model, &x, Wanted::Matrix, Level::in_use(), 1);
        let asked = [(3, 1), (1, 3), (2, 2), (0, 5), (6, 6), (6, 0)];
        let chosen = explain(&model, &x, Wanted::Pairs(&asked), Level::in_use(), 1);
        for (row, values) in chosen.chunks_exact(asked.len() * o).enumerate() {
            for (values, &(g, h)) in values.chunks_exact(o).zip(&asked) {
                let at = ((row * f + g as usize) * f + h as usize) * o;
                assert!(same(values, &matrix[at..at + o]), "seed {seed}, row {row}, pair ({g}, {h})");
            }
        }
        assert!(InteractionPlan::path_dependent(&model, Wanted::Pairs(&[(0, 7)])).is_err());
    }
}

#[test]
fn magnitudes_are_those_of_the_rows_with_any_number_of_threads() {
    let model = ensemble(7, 6, 7, 3, true);
    let x = rows(7, 9000);
    let plan = InteractionPlan::path_dependent(&model, Wanted::Matrix).expect("covers are there");
    let matrix = explain(&model, &x, Wanted::Matrix, Level::in_use(), 1);
    let mut sums = vec![0.0; plan.row()];
    for row in matrix.chunks_exact(plan.row()) {
        sums.iter_mut().zip(row).for_each(|(sum, v)| *sum += v.abs());
    }
    let [one, three] = [1, 3].map(|threads| {
        let mut totals = vec![0.0; plan.row()];
        plan.add_magnitudes(&view(&x), &mut totals, threads, &Uninterrupted).expect("nothing stops it");
        totals
    });
    assert!(same(&one, &three));
    assert!(gap(&one, &sums) <= 1e-12 * sums.iter().fold(0.0, |m: f64, v| m.max(*v)));
}

#[test]
fn tables_agree_with_the_enumeration_of_coalitions_against_the_background() {
    let weights = [1.0, 0.25, 0.0, 3.0, 1.0, 0.5, 2.0];
    let mut worst = 0f64;
    for seed in 0..40 {
        let model = ensemble(seed, 3, 1 + (seed % 6) as usize, 1 + (seed % 3) as usize, seed % 4 < 2);
        let (x, z) = (rows(seed, 5), rows(seed + 1000, 7));
        let given = (seed % 2 == 0).then_some(&weights[..]);
        let exact =
            interventional_interactions_by_enumeration(&model, &view(&x), &view(&z), given.unwrap_or(&[1.0; 7]));
        let largest = exact.iter().fold(1e-300, |m: f64, v| m.max(v.abs()));
        for dense in [8, 2] {
            let mut first: Option<Vec<f64>> = None;
            for level in Level::available() {
                for threads in [1, 2] {
                    let tables = InteractionTables::interventional_with(
                        &model,
                        Wanted::Matrix,
                        &view(&z),
                        given,
                        threads,
                        &Uninterrupted,
                        TableOptions { level, dense_bits: dense, ..TableOptions::default() },
                    )
                    .expect("it is small");
                    let mut values = vec![f64::NAN; exact.len()];
                    tables.run(&view(&x), &mut values, threads, &Uninterrupted).expect("nothing stops it");
                    let gap = gap(&exact, &values);
                    assert!(gap <= 1e-12 * largest, "seed {seed}, {level}, dense to {dense}: {gap} of {largest}");
                    worst = worst.max(gap / largest);
                    assert!(same(first.get_or_insert_with(|| values.clone()), &values), "seed {seed}, {level}");
                }
            }
        }
    }
    eprintln!("worst gap {worst:e} of the largest value");
}

#[test]
fn tables_add_up_to_the_values_and_choose_pairs() {
    for seed in 400..410 {
        let (n, model) = (300, Arc::new(ensemble(seed, 10, 9, 3, seed % 2 == 0)));
        let (x, z, f, o) = (rows(seed, n), rows(seed + 1000, 200), model.n_features(), model.n_outputs());
        let plan =
            Plan::interventional(&model, &view(&z), None, Options::default(), 1, &Uninterrupted).expect("it is small");
        let mut phi = vec![f64::NAN; n * f * o];
        plan.run(&view(&x), &mut phi, 1, &Uninterrupted).expect("nothing stops it");
        let [matrix, chosen] = [Wanted::Matrix, Wanted::Pairs(&[(4, 2), (3, 3)])].map(|wanted| {
            let tables = InteractionTables::interventional(&model, wanted, &view(&z), None, 2, &Uninterrupted)
                .expect("it is small");
            let mut values = vec![f64::NAN; n * tables.row()];
            tables.run(&view(&x), &mut values, 2, &Uninterrupted).expect("nothing stops it");
            let (mut totals, mut sums) = (vec![0.0; tables.row()], vec![0.0; tables.row()]);
            tables.add_magnitudes(&view(&x), &mut totals, 2, &Uninterrupted).expect("nothing stops it");
            for row in values.chunks_exact(tables.row()) {
                sums.iter_mut().zip(row).for_each(|(sum, v)| *sum += v.abs());
            }
            assert!(gap(&totals, &sums) <= 1e-12 * sums.iter().fold(0.0, |m: f64, v| m.max(*v)));
            values
        });
        for row in 0..n {
            for output in 0..o {
                let at = |g: usize, h: usize| matrix[((row * f + g) * f + h) * o + output];
                for g in 0..f {
                    let sum: f64 = (0..f).map(|h| at(g, h)).sum();
                    let gap = (sum - phi[(row * f + g) * o + output]).abs();
                    assert!(gap <= 1e-12 * plan.scale()[output], "seed {seed}, row {row}, feature {g}: {gap}");
                }
                assert_eq!(chosen[(row * 2) * o + output].to_bits(), at(2, 4).to_bits());
                assert_eq!(chosen[(row * 2 + 1) * o + output].to_bits(), at(3, 3).to_bits());
            }
        }
    }
}

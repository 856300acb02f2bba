//! Some of the values, and aggregates of them: those of the whole, bit for bit at every level and for any threads.

mod made;

use ferroshap_core::Error;
use ferroshap_core::kernel::{Aggregation, Part, STATISTICS};
use ferroshap_core::model::Ensemble;
use ferroshap_core::parallel::Uninterrupted;
use ferroshap_core::plan::{Options, Plan};
use ferroshap_core::rows::{Rows, Values};
use ferroshap_core::simd::Level;
use made::{FEATURES, ensemble, rows};
use ndarray::{Array2, s};

const F: usize = FEATURES as usize + 1;

fn plans(model: &Ensemble) -> Vec<Plan> {
    let of = |level, expected_rows| Options { expected_rows, level, ..Options::default() };
    let levels = Level::available();
    levels
        .iter()
        .flat_map(|&level| [0, usize::MAX].map(|expected| of(level, expected)))
        .map(|options| Plan::path_dependent(model, options).expect("covers are there"))
        .collect()
}

fn whole(plan: &Plan, x: &Array2<f64>, outputs: usize) -> Vec<f64> {
    let mut out = vec![f64::NAN; x.nrows() * F * outputs];
    plan.run(&Rows { values: Values::F64(x.view()), missing: None }, &mut out, 1, &Uninterrupted).expect("it fits");
    out
}

#[test]
fn a_part_has_the_bits_of_the_whole_and_the_sums_of_all_features() {
    let (features, outputs) = ([4, 6, 4], [2, 1]);
    for seed in 0..8 {
        let model = ensemble(seed, 5, 7, 3, seed % 2 == 0);
        let x = rows(seed, 300);
        let view = Rows { values: Values::F64(x.view()), missing: None };
        for plan in plans(&model) {
            let all = whole(&plan, &x, 3);
            for threads in [1, 3] {
                let (mut out, mut sums) = (vec![f64::NAN; 300 * 6], vec![f64::NAN; 300 * 2]);
                let part = Part { features: &features, outputs: &outputs };
                plan.run_part(&view, part, &mut out, &mut sums, threads, &Uninterrupted).expect("it fits");
                for (row, values) in all.chunks_exact(3 * F).enumerate() {
                    for (j, &output) in outputs.iter().enumerate() {
                        for (i, &feature) in features.iter().enumerate() {
                            let want = values[3 * feature as usize + output as usize];
                            assert_eq!(out[row * 6 + i * 2 + j].to_bits(), want.to_bits());
                        }
                        let want: f64 = (0..F).map(|feature| values[3 * feature + output as usize]).sum();
                        assert_eq!(sums[row * 2 + j] + 0.0, want + 0.0, "seed {seed}, row {row}, output {output}");
                    }
                }
            }
        }
    }
}

/// Totals of a call: one group after the other.
fn aggregates(plan: &Plan, x: &Array2<f64>, groups: Option<&[u32]>, n_groups: usize, threads: usize) -> Vec<f64> {
    let cells = n_groups * F * 2;
    let mut totals = vec![0.0; STATISTICS * cells];
    totals[4 * cells..5 * cells].fill(f64::INFINITY);
    totals[5 * cells..].fill(f64::NEG_INFINITY);
    add(plan, x, groups, n_groups, threads, &mut totals);
    totals
}

fn add(plan: &Plan, x: &Array2<f64>, groups: Option<&[u32]>, n_groups: usize, threads: usize, totals: &mut [f64]) {
    let features: Vec<u32> = (0..F as u32).collect();
    let mut sums = vec![f64::NAN; x.nrows() * 2];
    let view = Rows { values: Values::F64(x.view()), missing: None };
    let part = Part { features: &features, outputs: &[0, 1] };
    let aggregation = Aggregation { part, groups, n_groups, totals, sums: &mut sums };
    plan.aggregate(&view, aggregation, threads, &Uninterrupted).expect("it fits");
}

fn same(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

#[test]
fn aggregates_are_those_of_the_values() {
    let (n, n_groups) = (1000, 5);
    let groups: Vec<u32> = (0..n as u32).map(|row| row * row % 3 + row / 700).collect();
    for seed in 0..4 {
        let model = ensemble(seed, 5, 7, 2, seed % 2 == 0);
        let x = rows(seed, n);
        for plan in plans(&model) {
            let totals = aggregates(&plan, &x, Some(&groups), n_groups, 1);
            let cells = n_groups * F * 2;
            let mut want = vec![0.0; STATISTICS * cells];
            want[4 * cells..5 * cells].fill(f64::INFINITY);
            want[5 * cells..].fill(f64::NEG_INFINITY);
            for (values, &group) in whole(&plan, &x, 2).chunks_exact(2 * F).zip(&groups) {
                for (at, value) in values.iter().enumerate() {
                    let cell = group as usize * 2 * F + at;
                    want[cell] += value;
                    want[2 * cells + cell] += value.abs();
                    want[4 * cells + cell] = value.min(want[4 * cells + cell]);
                    want[5 * cells + cell] = value.max(want[5 * cells + cell]);
                }
            }
            for cell in 0..cells {
                for sum in [0, 2] {
                    let gap = totals[sum * cells + cell] + totals[(sum + 1) * cells + cell] - want[sum * cells + cell];
                    assert!(gap.abs() <= 1e-13 * n as f64, "seed {seed}, cell {cell}: off by {gap}");
                }
                for extreme in [4, 5] {
                    assert_eq!(totals[extreme * cells + cell], want[extreme * cells + cell], "seed {seed}");
                }
            }
        }
    }
}

#[test]
fn aggregates_have_the_same_bits_at_every_level_for_any_threads_and_cut_after_whole_blocks() {
    let n = 1100;
    let groups: Vec<u32> = (0..n as u32).map(|row| row * row % 7 % 4).collect();
    for (seed, groups, n_groups) in [(7, None, 1), (8, Some(&groups[..]), 4)] {
        let model = ensemble(seed, 6, 9, 2, false);
        let x = rows(seed, n);
        let reference: Vec<Vec<f64>> =
            plans(&model)[..2].iter().map(|plan| aggregates(plan, &x, groups, n_groups, 1)).collect();
        for (at, plan) in plans(&model).iter().enumerate() {
            for threads in [1, 2, 5] {
                let found = aggregates(plan, &x, groups, n_groups, threads);
                assert!(same(&found, &reference[at % 2]), "seed {seed}, plan {at}, {threads} threads");
            }
            let first = 5 * 128;
            let mut found =
                aggregates(plan, &x.slice(s![..first, ..]).to_owned(), groups.map(|g| &g[..first]), n_groups, 2);
            let rest = x.slice(s![first.., ..]).to_owned();
            add(plan, &rest, groups.map(|g| &g[first..]), n_groups, 2, &mut found);
            assert!(same(&found, &reference[at % 2]), "seed {seed}, plan {at}, in two calls");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let model = ensemble(1, 3, 2, 2, false);
    let x = rows(1, 10);
    let view = Rows { values: Values::F64(x.view()), missing: None };
    let plan = Plan::path_dependent(&model, Options::default()).expect("covers are there");
    let run = |features: &[u32], outputs: &[u32], out: usize, sums: usize| {
        let (mut out, mut sums) = (vec![0f32; out], vec![0.0; sums]);
        plan.run_part(&view, Part { features, outputs }, &mut out, &mut sums, 1, &Uninterrupted)
    };
    assert!(run(&[0], &[1], 10, 10).is_ok());
    assert!(run(&[], &[1], 0, 10).is_ok());
    assert!(run(&[0], &[], 0, 0).is_ok());
    assert!(matches!(run(&[F as u32], &[1], 10, 10), Err(Error::Option(_))));
    assert!(matches!(run(&[0], &[2], 10, 10), Err(Error::Option(_))));
    assert!(matches!(run(&[0], &[1], 11, 10), Err(Error::Data(_))));
    assert!(matches!(run(&[0], &[1], 10, 9), Err(Error::Data(_))));
    let aggregate = |groups: Option<&[u32]>, n_groups: usize, totals: usize| {
        let (mut totals, mut sums) = (vec![0.0; totals], vec![0.0; 10]);
        let part = Part { features: &[0, 1], outputs: &[1] };
        let aggregation = Aggregation { part, groups, n_groups, totals: &mut totals, sums: &mut sums };
        plan.aggregate(&view, aggregation, 1, &Uninterrupted)
    };
    assert!(aggregate(None, 1, 12).is_ok());
    assert!(aggregate(Some(&[1; 10]), 2, 24).is_ok());
    assert!(aggregate(None, 2, 24).is_err());
    assert!(aggregate(Some(&[2; 10]), 2, 24).is_err());
    assert!(aggregate(Some(&[1; 9]), 2, 24).is_err());
    assert!(aggregate(None, 1, 10).is_err());
    let none = rows(1, 0);
    let none = Rows { values: Values::F64(none.view()), missing: None };
    let part = Part { features: &[0], outputs: &[0] };
    assert!(plan.run_part(&none, part, &mut [0f64; 0], &mut [], 2, &Uninterrupted).is_ok());
}

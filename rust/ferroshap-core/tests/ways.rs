//! Walks of pairs, tables of every layout and leaves by themselves give the same bits against few background rows.

mod made;

use std::sync::Arc;

use ferroshap_core::kernel::{Aggregation, Part, ReferencePlan, STATISTICS};
use ferroshap_core::model::{Ensemble, EnsembleArrays};
use ferroshap_core::parallel::Uninterrupted;
use ferroshap_core::plan::{Options, Plan};
use ferroshap_core::rows::{Rows, Values};
use ferroshap_core::simd::Level;
use made::{ensemble, rows};
use ndarray::{Array2, Axis};

fn view(x: &Array2<f64>) -> Rows<'_> {
    Rows { values: Values::F64(x.view()), missing: None }
}

fn plan(model: &Arc<Ensemble>, z: &Array2<f64>, options: Options) -> Plan {
    Plan::interventional(model, &view(z), None, options, 1, &Uninterrupted).expect("it is small")
}

fn run(plan: &Plan, model: &Ensemble, x: &Array2<f64>, threads: usize) -> Vec<u64> {
    let mut out = vec![f64::NAN; x.nrows() * model.n_features() * model.n_outputs()];
    plan.run(&view(x), &mut out, threads, &Uninterrupted).expect("nothing stops it");
    out.into_iter().map(f64::to_bits).collect()
}

/// Seven ways to lay out tables: none, all, and the choices for numbers of rows.
fn layouts() -> Vec<Options> {
    let default = Options::default();
    let of_rows = [1, 1000, 10_000, 10_000_000].map(|expected_rows| Options { expected_rows, ..default });
    let within = [0, 20_000].map(|table_bytes| Options { table_bytes, ..default });
    of_rows.into_iter().chain(within).collect()
}

#[test]
fn walks_and_tables_give_the_same_bits() {
    let mut layouts_met = std::collections::BTreeSet::new();
    for seed in 0..24 {
        let depth = 1 + (seed % 8) as usize;
        let model = Arc::new(ensemble(seed, 4, depth, 1 + (seed % 3) as usize, seed % 4 < 2));
        // two blocks of rows: with fewer, walks may still be cheaper than leaves by themselves
        let (x, z) = (rows(seed, 150), rows(seed + 1000, [1, 3, 40][(seed % 3) as usize]));
        let by_walks = plan(&model, &z, Options::default());
        let few = x.select(Axis(0), &[0]);
        let alone = run(&by_walks, &model, &few, 1);
        assert!(
            depth < 3 || z.nrows() > 3 || !by_walks.describe().tables_made,
            "seed {seed}: a pair is not worth tables"
        );
        by_walks.make_tables(1, &Uninterrupted).expect("nothing stops it");
        assert!(by_walks.describe().tables_made);
        let first = run(&by_walks, &model, &x, 2);
        assert_eq!(alone, first[..alone.len()], "seed {seed}: a row alone, by walks");
        for layout in layouts() {
            for level in Level::available() {
                let plan = plan(&model, &z, Options { level, ..layout });
                plan.make_tables(2, &Uninterrupted).expect("nothing stops it");
                let what = plan.describe();
                layouts_met.insert((what.groups > 0, what.deep_leaves > 0));
                assert_eq!(first, run(&plan, &model, &x, 2), "seed {seed}, {layout:?}, {level}");
                let copy = plan.clone();
                assert_eq!(first, run(&copy, &model, &x, 1), "seed {seed}, {layout:?}, {level}: copied");
            }
        }
    }
    assert!(layouts_met.contains(&(true, false)) && layouts_met.contains(&(false, true)), "{layouts_met:?}");
}

#[test]
fn parts_and_aggregates_of_walks_are_those_of_tables() {
    for seed in 50..60 {
        let model = Arc::new(ensemble(seed, 5, 6, 3, seed % 2 == 0));
        let (x, z) = (rows(seed, 2), rows(seed + 1000, 2));
        let (walks, tables) = (plan(&model, &z, Options::default()), plan(&model, &z, Options::default()));
        tables.make_tables(1, &Uninterrupted).expect("nothing stops it");
        let part = Part { features: &[4, 0, 6], outputs: &[2, 0] };
        let of = |plan: &Plan| {
            let (mut out, mut sums) = (vec![f64::NAN; 2 * 6], vec![f64::NAN; 2 * 2]);
            plan.run_part(&view(&x), part, &mut out, &mut sums, 2, &Uninterrupted).expect("nothing stops it");
            let (mut totals, mut of_rows) = (vec![0.0; STATISTICS * 6], vec![0.0; 2 * 2]);
            let aggregation = Aggregation { part, groups: None, n_groups: 1, totals: &mut totals, sums: &mut of_rows };
            plan.aggregate(&view(&x), aggregation, 1, &Uninterrupted).expect("nothing stops it");
            [out, sums, totals, of_rows].concat().into_iter().map(f64::to_bits).collect::<Vec<_>>()
        };
        assert_eq!(of(&walks), of(&tables), "seed {seed}");
        assert!(!walks.describe().tables_made, "seed {seed}: four pairs are not worth tables");
    }
}

#[test]
fn tables_are_made_when_they_pay_off() {
    let model = Arc::new(ensemble(7, 5, 6, 1, true));
    let (x, z) = (rows(1, 64), rows(2, 16));
    let plan = plan(&model, &z, Options::default());
    let first = run(&plan, &model, &x.select(Axis(0), &[0]), 1);
    assert!(!plan.describe().tables_made);
    for _ in 0..1000 {
        assert_eq!(first, run(&plan, &model, &x.select(Axis(0), &[0]), 1));
    }
    assert!(plan.describe().tables_made, "a thousand calls cost more than tables");
}

#[test]
fn leaves_of_no_usual_size_are_added_as_float64() {
    for scale in [0.0, 1e-310, 1e290] {
        let mut arrays = ensemble(3, 4, 5, 2, false).to_arrays();
        arrays.values.iter_mut().for_each(|v| *v *= scale);
        let model = Arc::new(Ensemble::try_new(&arrays).expect("as valid as before"));
        let (x, z) = (rows(1, 5), rows(2, 6));
        let plan = plan(&model, &z, Options::default());
        let values = run(&plan, &model, &x, 1).into_iter().map(f64::from_bits);
        assert!(values.clone().all(f64::is_finite), "{scale}");
        assert!(scale == 0.0 || values.into_iter().any(|v| v != 0.0), "{scale}");
    }
}

/// One tree, a chain: node `i` tests feature `i`, to the left a leaf, to the right the next.
fn chain(features: usize) -> Ensemble {
    let nodes = 2 * features + 1;
    let inner = |node: usize| node.is_multiple_of(2) && node + 1 < nodes;
    let of_inner = |f: &dyn Fn(usize) -> i32| (0..nodes).map(|node| if inner(node) { f(node) } else { -1 }).collect();
    let arrays = EnsembleArrays {
        n_features: features,
        n_outputs: 1,
        tree_starts: vec![0, nodes as i64],
        tree_outputs: vec![0],
        left: of_inner(&|node| node as i32 + 1),
        right: of_inner(&|node| node as i32 + 2),
        feature: (0..nodes).map(|node| if inner(node) { node as i32 / 2 } else { 0 }).collect(),
        threshold: vec![-0.8; nodes],
        flags: vec![0; nodes],
        category_set: vec![-1; nodes],
        set_starts: vec![0],
        values: (0..nodes).map(|node| (node as f64).sin()).collect(),
        base: vec![0.25],
        ..EnsembleArrays::default()
    };
    Ensemble::try_new(&arrays).expect("it is a tree")
}

#[test]
fn patterns_of_more_than_32_features_are_joined() {
    for features in [20, 33, 40, 64] {
        let model = Arc::new(chain(features));
        let number = |seed: usize, at: (usize, usize)| ((at.0 * 64 + at.1 + seed) as f64 * 0.618).fract() * 2.0 - 1.0;
        let x = Array2::from_shape_fn((60, features), |at| number(1, at));
        let z = Array2::from_shape_fn((40, features), |at| number(5000, at));
        let by_walks = plan(&model, &z.select(Axis(0), &[0, 1]), Options::default());
        let walked = run(&by_walks, &model, &x.select(Axis(0), &[0]), 1);
        assert!(!by_walks.describe().tables_made);
        by_walks.make_tables(1, &Uninterrupted).expect("nothing stops it");
        assert!(by_walks.describe().deep_leaves > 0);
        // a plan whose tables are made joins; one that walks does not
        let joined = plan(&model, &z, Options::default());
        joined.make_tables(1, &Uninterrupted).expect("nothing stops it");
        let joined = run(&joined, &model, &x, 1);
        let each = vec![1.0; z.nrows()];
        let in_floats = Plan::interventional(&model, &view(&z), Some(&each), Options::default(), 1, &Uninterrupted);
        let in_floats = run(&in_floats.expect("it is small"), &model, &x, 2);
        let pairs = ReferencePlan::new(&model, &view(&z), None, 1, &Uninterrupted).expect("a background");
        let mut by_pairs = vec![0.0; x.nrows() * z.nrows() * features];
        pairs.each(&view(&x), &mut by_pairs, 1, &Uninterrupted).expect("nothing stops it");
        for (row, of_row) in by_pairs.chunks_exact(z.nrows() * features).enumerate() {
            for g in 0..features {
                let mean = of_row.chunks_exact(features).map(|phi| phi[g]).sum::<f64>() / z.nrows() as f64;
                for found in [&joined, &in_floats] {
                    let gap = (f64::from_bits(found[row * features + g]) - mean).abs();
                    assert!(gap <= 1e-14, "{features} features, row {row}, feature {g}: off by {gap}");
                }
            }
        }
        let few = by_pairs[..2 * features].chunks_exact(features);
        for (g, found) in walked.iter().enumerate() {
            let mean = few.clone().map(|phi| phi[g]).sum::<f64>() / 2.0;
            assert!((f64::from_bits(*found) - mean).abs() <= 1e-14, "{features} features, feature {g}");
        }
    }
}

//! Walks of pairs, tables of every layout and leaves by themselves give the same bits against few background rows.

mod made;

use std::sync::Arc;

use ferroshap_core::kernel::{Aggregation, Part, STATISTICS};
use ferroshap_core::model::Ensemble;
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
        let (x, z) = (rows(seed, 9), rows(seed + 1000, [1, 3, 40][(seed % 3) as usize]));
        let by_walks = plan(&model, &z, Options::default());
        let few = x.select(Axis(0), &[0]);
        let alone = run(&by_walks, &model, &few, 1);
        assert!(depth < 3 || !by_walks.describe().tables_made, "seed {seed}: a pair is not worth tables");
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

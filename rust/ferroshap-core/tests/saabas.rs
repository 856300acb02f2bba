//! Saabas values against the definition, recursively, and bit for bit in any batch and on any threads.

mod made;

use ferroshap_core::kernel::{SaabasPlan, Written};
use ferroshap_core::model::{Ensemble, Node};
use ferroshap_core::parallel::Uninterrupted;
use ferroshap_core::plan::{Options, Plan};
use ferroshap_core::predict::Sum;
use ferroshap_core::rows::{RowMajor, Rows, Values};
use made::{FEATURES, ensemble, rows};
use ndarray::{Array2, ArrayView2, s};

const F: usize = FEATURES as usize + 1;

fn mean(model: &Ensemble, node: u32) -> Vec<f64> {
    match model.node(node) {
        Node::Leaf { leaf } => model.leaf(leaf).to_vec(),
        Node::Inner { left, .. } => {
            let w = model.left_share(left).expect("covers are there");
            mean(model, left).iter().zip(mean(model, left + 1)).map(|(l, r)| w * l + (1.0 - w) * r).collect()
        }
    }
}

/// Adds what the way from `node` on gives to the values of a row, `[feature][output]`.
fn follow(model: &Ensemble, node: u32, x: &[f64], first: usize, phi: &mut [f64]) {
    let Node::Inner { split, left } = model.node(node) else { return };
    let child = left + u32::from(!model.goes_left(&split, x[split.slot as usize]));
    let at = model.used_features()[split.slot as usize] as usize * model.n_outputs() + first;
    for (column, (after, before)) in mean(model, child).iter().zip(mean(model, node)).enumerate() {
        phi[at + column] += (after - before) / model.accumulation().divisor();
    }
    follow(model, child, x, first, phi);
}

fn by_recursion(model: &Ensemble, x: &Array2<f64>) -> Vec<f64> {
    let mut tile = RowMajor::default();
    tile.fill(&of(x.view()), 0..x.nrows(), model);
    let mut phi = vec![0.0; x.nrows() * F * model.n_outputs()];
    for (row, phi) in phi.chunks_exact_mut(F * model.n_outputs()).enumerate() {
        for tree in model.trees() {
            follow(model, tree.root, tile.row(row), tree.output.unwrap_or(0) as usize, phi);
        }
    }
    phi
}

fn of(x: ArrayView2<'_, f64>) -> Rows<'_> {
    Rows { values: Values::F64(x), missing: None }
}

fn run<W: Written>(plan: &SaabasPlan, x: ArrayView2<'_, f64>, outputs: usize, threads: usize, nothing: W) -> Vec<W> {
    let mut out = vec![nothing; x.nrows() * F * outputs];
    plan.run(&of(x), &mut out, threads, &Uninterrupted).expect("nothing stops it");
    out
}

#[test]
fn values_are_those_of_the_recursion_and_add_up() {
    for seed in 0..60 {
        let outputs = 1 + (seed % 3) as usize;
        let model = ensemble(seed, 5, (seed % 8) as usize, outputs, seed % 4 < 2);
        let x = rows(seed, 77);
        let plan = SaabasPlan::new(&model).expect("covers are there");
        let (values, exact) = (run(&plan, x.view(), outputs, 1, f64::NAN), by_recursion(&model, &x));
        let largest = exact.iter().fold(1e-300, |m: f64, v| m.max(v.abs()));
        let gap = exact.iter().zip(&values).fold(0f64, |m, (a, b)| m.max((a - b).abs()));
        assert!(gap <= 1e-14 * largest, "seed {seed}: off by {gap} of {largest}");

        let game = Plan::path_dependent(&model, Options::default()).expect("covers are there");
        let mut predicted = vec![f64::NAN; x.nrows() * outputs];
        model.predict(&of(x.view()), Sum::Float64, &mut predicted, 1, &Uninterrupted).expect("nothing stops it");
        for output in 0..outputs {
            let (base, scale) = (plan.expected_value()[output], plan.scale()[output]);
            assert!((base - game.expected_value()[output]).abs() <= 1e-14 * scale, "seed {seed}: base {base}");
            for (row, values) in values.chunks_exact(F * outputs).enumerate() {
                let total: f64 = base + values.iter().skip(output).step_by(outputs).sum::<f64>();
                let gap = (total - predicted[row * outputs + output]).abs();
                assert!(gap <= 1e-14 * scale, "seed {seed}, row {row}: adds up to {total}, off by {gap}");
            }
        }
    }
}

#[test]
fn threads_and_batches_give_the_same_bits_and_float32_is_rounded() {
    for seed in 100..112 {
        let outputs = 1 + (seed % 3) as usize;
        let model = ensemble(seed, 6, 7, outputs, seed % 2 == 0);
        let x = rows(seed, 300);
        let plan = SaabasPlan::new(&model).expect("covers are there");
        let whole = run(&plan, x.view(), outputs, 1, f64::NAN);
        let same = |other: &[f64]| whole.iter().zip(other).all(|(a, b)| a.to_bits() == b.to_bits());
        for threads in [2, 5] {
            assert!(same(&run(&plan, x.view(), outputs, threads, f64::NAN)), "seed {seed}, {threads} threads");
        }
        for batch in [1, 7, 8, 63, 64, 65] {
            let part = |at: usize| run(&plan, x.slice(s![at..(at + batch).min(300), ..]), outputs, 2, f64::NAN);
            let parts: Vec<f64> = (0..300).step_by(batch).flat_map(part).collect();
            assert!(same(&parts), "seed {seed}: batches of {batch} rows differ");
        }
        let rounded = run(&plan, x.view(), outputs, 1, f32::NAN);
        assert!(whole.iter().zip(&rounded).all(|(a, b)| (*a as f32).to_bits() == b.to_bits()), "seed {seed}: float32");
    }
}

#[test]
fn rows_of_another_width_and_an_output_of_another_length_are_refused() {
    let plan = SaabasPlan::new(&ensemble(1, 2, 3, 1, false)).expect("covers are there");
    let refused = |columns, length| {
        let x = Array2::zeros((2, columns));
        plan.run(&of(x.view()), &mut vec![0.0; length], 1, &Uninterrupted).expect_err("sizes differ").to_string()
    };
    assert!(refused(F - 1, 2 * F).contains("the model expects 7"));
    assert!(refused(F, 2 * F - 1).contains("expected 2 rows × 7"));
}

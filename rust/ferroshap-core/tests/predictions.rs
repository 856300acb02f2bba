//! Predictions against the definition, bit for bit: in any order of addition, for any number of rows (which says whether rows
//! walk or are compared in blocks), on any threads, at every level of vector instructions.

mod made;

use ferroshap_core::model::{Accumulation, Ensemble, Node};
use ferroshap_core::parallel::Uninterrupted;
use ferroshap_core::predict::{Options, Sum};
use ferroshap_core::rows::{RowMajor, Rows, Values};
use ferroshap_core::simd::Level;
use made::{ensemble, rows};
use ndarray::{Array2, ArrayView2, s};

const ORDERS: [Accumulation; 5] = [
    Accumulation::F32FromBase,
    Accumulation::F32FromZeroThenBase,
    Accumulation::F64FromBase,
    Accumulation::F64FromZeroThenBase,
    Accumulation::F64Mean { divisor: 3.0 },
];

fn of(x: ArrayView2<'_, f64>) -> Rows<'_> {
    Rows { values: Values::F64(x), missing: Some(0.125) }
}

fn leaf(model: &Ensemble, node: u32, x: &[f64]) -> u32 {
    match model.node(node) {
        Node::Leaf { leaf } => leaf,
        Node::Inner { split, left } => {
            leaf(model, left + u32::from(!model.goes_left(&split, x[split.slot as usize])), x)
        }
    }
}

/// Node by node, tree by tree, output by output.
fn by_definition(model: &Ensemble, x: &Array2<f64>, bases: Option<&[f64]>, sum: Sum) -> Vec<f64> {
    let (o, order) = (model.n_outputs(), model.accumulation());
    let mut tile = RowMajor::default();
    tile.fill(&of(x.view()), 0..x.nrows(), model);
    let mut out = Vec::new();
    for row in 0..x.nrows() {
        for output in 0..o {
            let base = bases.map_or(model.base()[output], |bases| bases[row * o + output]);
            let terms = model.trees().iter().filter_map(|tree| {
                let values = model.leaf(leaf(model, tree.root, tile.row(row)));
                let column = tree.output.map_or(Some(output), |own| (own as usize == output).then_some(0));
                column.map(|column| values[column])
            });
            out.push(match (sum, order) {
                (Sum::Library, Accumulation::F32FromBase) => {
                    f64::from(terms.fold(base as f32, |sum, v| sum + v as f32))
                }
                (Sum::Library, Accumulation::F32FromZeroThenBase) => {
                    f64::from(terms.fold(0.0, |sum: f32, v| sum + v as f32) + base as f32)
                }
                (Sum::Library, Accumulation::F64FromZeroThenBase) => terms.fold(0.0, |sum, v| sum + v) + base,
                _ => terms.fold(base, |sum, v| sum + v) / order.divisor(),
            });
        }
    }
    out
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|v| v.to_bits()).collect()
}

fn predicted(model: &Ensemble, x: ArrayView2<'_, f64>, options: Options<'_>, threads: usize) -> Vec<u64> {
    let mut out = vec![f64::NAN; x.nrows() * model.n_outputs()];
    model.predict_with(&of(x), options, &mut out, threads, &Uninterrupted).expect("nothing stops it");
    bits(&out)
}

#[test]
fn every_order_of_addition_has_the_bits_of_the_definition_at_every_level() {
    // depth 9: trees of up to some hundred leaves, on both sides of what pays off
    for (seed, depth) in (0..24_u64).zip([0, 1, 3, 5, 7, 9].into_iter().cycle()) {
        let (outputs, float32) = ([1, 1, 3][seed as usize % 3], (seed / 2).is_multiple_of(2));
        let model = ensemble(seed, 7, depth, outputs, float32);
        let x = rows(seed, 1100);
        let bases: Vec<f64> = (0..x.nrows() * outputs).map(|i| (i as f64 * 0.37).sin()).collect();
        for accumulation in ORDERS {
            let mut arrays = model.to_arrays();
            arrays.accumulation = accumulation;
            let model = Ensemble::try_new(&arrays).expect("the model is valid");
            for (sum, bases) in [(Sum::Library, None), (Sum::Float64, None), (Sum::Library, Some(&bases[..]))] {
                let expected = bits(&by_definition(&model, &x, bases, sum));
                for level in Level::available() {
                    let found = predicted(&model, x.view(), Options { sum, bases, level }, 1);
                    assert!(found == expected, "seed {seed}, {accumulation:?}, {sum:?}, {level}");
                }
            }
        }
    }
}

#[test]
fn a_row_has_the_same_bits_in_any_number_of_rows_and_on_any_threads() {
    for (seed, outputs) in [(3, 1), (4, 2), (5, 2)] {
        let model = ensemble(seed, 9, 6, outputs, seed == 4);
        let x = rows(seed, 1100);
        let all = bits(&by_definition(&model, &x, None, Sum::Library));
        for n in (1..=300).chain([511, 512, 513, 639, 640, 1100]) {
            let found = predicted(&model, x.slice(s![..n, ..]), Options::new(Sum::Library), 1);
            assert!(found == all[..n * outputs], "seed {seed}, {n} rows");
        }
        for threads in [2, 3, 7] {
            assert!(predicted(&model, x.view(), Options::new(Sum::Library), threads) == all, "{threads} threads");
        }
    }
}

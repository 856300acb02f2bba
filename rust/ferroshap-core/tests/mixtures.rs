//! Predictions of mixtures against those of the mixtures written out, bit for bit: of any players, in any order, on any threads,
//! at every level of vector instructions.

mod made;

use std::sync::Arc;

use ferroshap_core::Error;
use ferroshap_core::model::{Ensemble, LinearArrays};
use ferroshap_core::parallel::Uninterrupted;
use ferroshap_core::predict::{MixtureModel, Mixtures, Sum};
use ferroshap_core::rows::{Rows, Values};
use ferroshap_core::simd::Level;
use made::{FEATURES, ensemble, rows};
use ndarray::{Array2, s};

const COLUMNS: usize = FEATURES as usize + 1;

/// The row and the background row of a mixture.
type Pairs = fn(usize) -> (u32, u32);

/// Mixtures of some rows, from number 7 on, and background rows, with their sets of players.
struct Given {
    rows: Vec<u32>,
    references: Vec<u32>,
    sets: Vec<u64>,
}

fn of(x: &Array2<f64>) -> Rows<'_> {
    Rows { values: Values::F64(x.view()), missing: Some(0.125) }
}

/// A number that looks random.
fn mixed(i: usize) -> u64 {
    let z = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (z ^ z >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

fn given(n: usize, words: usize, pair: impl Fn(usize) -> (u32, u32)) -> Given {
    let (rows, references) = (0..n).map(pair).map(|(row, reference)| (7 + row, reference)).unzip();
    let sets = (0..n * words).map(|i| mixed(i) | mixed(i + 7).rotate_left(32)).collect();
    Given { rows, references, sets }
}

fn written_out(model: &Ensemble, x: &Array2<f64>, b: &Array2<f64>, players: &[usize], given: &Given) -> Vec<u64> {
    let words = given.sets.len() / given.rows.len();
    let mixtures = Array2::from_shape_fn((given.rows.len(), COLUMNS), |(i, column)| {
        let from_row = given.sets[i * words + players[column] / 64] >> (players[column] % 64) & 1 != 0;
        if from_row { x[(given.rows[i] as usize - 7, column)] } else { b[(given.references[i] as usize, column)] }
    });
    let mut out = vec![f64::NAN; given.rows.len() * model.n_outputs()];
    model.predict(&of(&mixtures), Sum::Float64, &mut out, 1, &Uninterrupted).expect("nothing stops it");
    out.iter().map(|v| v.to_bits()).collect()
}

fn predicted(model: &MixtureModel, o: usize, x: &Array2<f64>, given: &Given, level: Level, threads: usize) -> Vec<u64> {
    let mut out = vec![f64::NAN; given.rows.len() * o];
    let mixtures = Mixtures { first_row: 7, rows: &given.rows, references: &given.references, sets: &given.sets };
    model.predict(&of(x), mixtures, level, &mut out, threads, &Uninterrupted).expect("nothing stops it");
    out.iter().map(|v| v.to_bits()).collect()
}

#[test]
fn mixtures_have_the_bits_of_the_rows_written_out() {
    for (seed, depth) in (0..36_u64).zip([0, 1, 3, 5, 7, 9].into_iter().cycle()) {
        let (outputs, float32) = ([1, 1, 3][seed as usize % 3], (seed / 2).is_multiple_of(2));
        let model = Arc::new(ensemble(seed, 40, depth, outputs, float32));
        let (x, b) = (rows(seed, 3), rows(seed + 100, 5));
        // a player each, groups, and more players than a word has
        for (players, n_players) in
            [([0, 1, 2, 3, 4, 5, 6], 7), ([1, 0, 1, 0, 2, 1, 0], 3), ([0, 63, 64, 65, 127, 128, 129], 130)]
        {
            let mixer = MixtureModel::new(&model, &of(&b), &players, n_players).expect("it fits");
            // rows by themselves, all background rows of a coalition together, one group of many, single ones
            let orders: [(usize, Pairs); 4] = [
                (1500, |i| ((i / 500) as u32, (i / 100 % 5) as u32)),
                (1001, |i| ((i / 400) as u32, (i / 2 % 5) as u32)),
                (4700, |_| (2, 3)),
                (77, |i| (mixed(i) as u32 % 3, mixed(i + 99) as u32 % 5)),
            ];
            for (n, pair) in orders {
                let given = given(n, mixer.words(), pair);
                let expected = written_out(&model, &x, &b, &players, &given);
                for level in Level::available() {
                    for threads in [1, 3] {
                        let found = predicted(&mixer, outputs, &x, &given, level, threads);
                        assert!(found == expected, "seed {seed}, {n_players} players, {n}, {level}, {threads} threads");
                    }
                }
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let model = Arc::new(ensemble(3, 4, 4, 1, false));
    let (x, b) = (rows(1, 2), rows(2, 2));
    let data = |found: Result<_, Error>| matches!(found, Err(Error::Data(_)));
    let players: Vec<usize> = (0..COLUMNS).collect();
    assert!(data(MixtureModel::new(&model, &of(&b), &players[1..], 7).map(drop)));
    assert!(data(MixtureModel::new(&model, &of(&b), &players, 6).map(drop)));
    assert!(data(MixtureModel::new(&model, &of(&b.slice(s![.., 1..]).to_owned()), &players, 7).map(drop)));
    let mixer = MixtureModel::new(&model, &of(&b), &players, 7).expect("it fits");
    let call = |rows: &[u32], references: &[u32], sets: &[u64], n: usize| {
        let mixtures = Mixtures { first_row: 7, rows, references, sets };
        mixer.predict(&of(&x), mixtures, Level::in_use(), &mut vec![0.0; n], 1, &Uninterrupted)
    };
    assert_eq!(call(&[], &[], &[], 0), Ok(()));
    assert_eq!(call(&[8], &[1], &[5], 1), Ok(()));
    assert!(data(call(&[9], &[1], &[5], 1)));
    assert!(data(call(&[6], &[1], &[5], 1)));
    assert!(data(call(&[8], &[2], &[5], 1)));
    assert!(data(call(&[8], &[], &[5], 1)));
    assert!(data(call(&[8], &[1], &[5, 5], 1)));
    assert!(data(call(&[8], &[1], &[5], 2)));

    let mut arrays = model.to_arrays();
    let nodes = arrays.left.len();
    let leaf = arrays.left.iter().position(|&left| left < 0).expect("a tree has leaves");
    arrays.linear = Some(LinearArrays {
        starts: (0..=nodes).map(|node| i64::from(node > leaf)).collect(),
        features: vec![0],
        coefficients: vec![1.0],
        constants: vec![0.0; nodes],
    });
    let linear = Arc::new(Ensemble::try_new(&arrays).expect("it is valid"));
    let found = MixtureModel::new(&linear, &of(&b), &players, 7);
    assert!(matches!(found, Err(Error::Unsupported(_))));
}

//! What must not show in an estimate, what an engine may hold, and the edges.

use std::collections::VecDeque;

use ferroshap_core::coalition::{Budget, Engine, Estimate, PerReference, References, Row};
use ferroshap_core::parallel::Uninterrupted;

use crate::games::{Driven, Games, drive, largest_gap, per_reference, shared};

fn same(a: &Estimate, b: &Estimate) -> bool {
    let bits = |e: &Estimate| {
        [&e.values, &e.standard_errors, &e.background_se].map(|v| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>())
    };
    bits(a) == bits(b)
        && (a.n_evals, a.converged, a.exact, a.low_budget) == (b.n_evals, b.converged, b.exact, b.low_budget)
}

/// Rows against the same references: which players differ changes from row to row, so f(b) must not depend on the row.
fn rows(n: u64) -> Vec<Games> {
    let of = |i: u64| {
        let all = (1 << 9) - 1;
        let differs = if i.is_multiple_of(3) {
            vec![all; 6]
        } else {
            vec![all, 0b1011 << (i % 4), all >> (i % 2), 1 << (i % 9), all, all]
        };
        Games::new(9, 6, 2, 4, i).differing(differs)
    };
    (0..n).map(of).collect()
}

#[test]
fn batches_threads_and_other_rows_change_no_bit() {
    let games = rows(20);
    for (evaluations, tolerance) in [(6 * 20, None), (6 * 60, None), (6 * 200, Some(0.05))] {
        let alone: Vec<Estimate> = games
            .iter()
            .map(|g| {
                drive(&mut per_reference(g, evaluations, tolerance, 3, 1), &[g], Driven { most: 64, ahead: 0 })
                    .remove(0)
            })
            .collect();
        // the model's outputs of the references are those of the first row: only what is asked of the engine matters here
        for (most, ahead, threads) in [(2, 0, 1), (33, 2, 2), (100_000, 1, 4)] {
            for (g, alone) in games.iter().zip(&alone) {
                let mut engine = per_reference(g, evaluations, tolerance, 3, threads);
                let together = drive(&mut engine, &[g, g, g], Driven { most, ahead });
                assert_eq!(together.iter().map(|e| e.row).collect::<Vec<_>>(), [0, 1, 2]);
                assert!(together.iter().all(|e| same(e, alone)));
            }
        }
    }
}

#[test]
fn a_tolerance_stops_early_and_says_so() {
    let games = Games::new(12, 8, 1, 4, 1);
    let run = |tolerance| {
        drive(&mut per_reference(&games, 8 * 3000, tolerance, 0, 1), &[&games], Driven { most: 500, ahead: 0 })
            .remove(0)
    };
    let (all, some, never) = (run(None), run(Some(0.02)), run(Some(0.0)));
    assert!(some.converged && some.n_evals < all.n_evals / 3, "{} of {}", some.n_evals, all.n_evals);
    let range =
        some.values.iter().fold(0.0, |r: f64, v| r.max(*v)) - some.values.iter().fold(0.0, |r: f64, v| r.min(*v));
    assert!(some.standard_errors.iter().all(|&e| e <= 0.02 * range));
    assert!(!never.converged);
    assert!(never.n_evals == all.n_evals && largest_gap(&never.values, &all.values) < 1e-12);
}

/// Where all coalitions fit the budget a tolerance is met before they are all evaluated, or by the exact values.
#[test]
fn a_tolerance_that_is_not_met_ends_with_all_coalitions() {
    for players in 2..=10 {
        let all = (1_u64 << players) - 1;
        let games = Games::new(players, 4, 2, 4, 3).differing(vec![all, all >> 1, all, 0b11]);
        let driven = Driven { most: 64, ahead: 0 };
        let run = |tolerance| {
            let of_each = drive(&mut per_reference(&games, 4 * 1022, tolerance, 0, 1), &[&games], driven);
            [of_each, drive(&mut shared(&games, 4 * 1022, tolerance, 0), &[&games], driven)].concat()
        };
        for (never, all) in run(Some(0.0)).iter().zip(run(None)) {
            assert!(never.exact && never.converged && never.standard_errors.iter().all(|&e| e == 0.0));
            assert!(
                largest_gap(&never.values, &games.exact()) < 1e-12 && largest_gap(&all.values, &games.exact()) < 1e-12
            );
        }
        if players == 10 {
            for (some, all) in run(Some(0.1)).iter().zip(run(None)) {
                assert!(some.converged && !some.exact && some.n_evals < all.n_evals / 2, "{}", some.n_evals);
            }
        }
    }
}

#[test]
fn a_shared_design_keeps_the_laws() {
    let games = Games::new(10, 5, 2, 4, 2);
    for tolerance in [None, Some(0.05)] {
        let run = |most, ahead, n: usize| {
            drive(&mut shared(&games, 5 * 300, tolerance, 0), &vec![&games; n], Driven { most, ahead })
        };
        let alone = run(64, 0, 1).remove(0);
        for found in [run(2, 0, 2), run(77, 3, 3), run(100_000, 0, 2)].concat() {
            assert!(same(&found, &alone));
        }
    }
}

#[test]
fn values_are_the_same_without_standard_errors() {
    for tolerance in [None, Some(0.05)] {
        for mut games in rows(4) {
            let run = |games: &Games| {
                let driven = Driven { most: 64, ahead: 0 };
                let of_each = drive(&mut per_reference(games, 6 * 60, tolerance, 3, 1), &[games], driven);
                [of_each, drive(&mut shared(games, 6 * 60, tolerance, 3), &[games], driven)].concat()
            };
            let with = run(&games);
            games.errors = false;
            for (without, with) in run(&games).iter().zip(with) {
                assert!(without.standard_errors.iter().chain(&without.background_se).all(|error| error.is_nan()));
                let (standard_errors, background_se) = (with.standard_errors.clone(), with.background_se.clone());
                assert!(same(&Estimate { standard_errors, background_se, ..without.clone() }, &with));
            }
        }
    }
}

#[test]
fn memory_bounds_the_rows_in_flight() {
    let games = Games::new(12, 10, 1, 3, 1);
    let row_bytes = 10 * 200 * 8;
    let estimator =
        PerReference::new(games.references(), Budget { evaluations: 10 * 400, tolerance: None }, 0, 1 << 20, 1);
    let mut engine = Engine::new(estimator, 12, 1, 3 * row_bytes);
    (0..50).for_each(|row| engine.add_row(games.row(row)));
    let mut outstanding = VecDeque::new();
    loop {
        let asked = engine.ask(1000, &Uninterrupted).expect("asks");
        if asked.evaluations.is_empty() {
            break;
        }
        outstanding.push_back(asked);
    }
    // nothing was told: two or three rows of 4000 evaluations are in flight
    assert!((8..=12).contains(&outstanding.len()), "{}", outstanding.len());
}

#[test]
fn no_player_and_one_player() {
    for differs in [vec![0, 0], vec![4, 0], vec![4, 4]] {
        let games = Games::new(5, 2, 2, 2, 9).differing(differs);
        for design in 0..2 {
            let driven = Driven { most: 10, ahead: 0 };
            let found = match design {
                0 => drive(&mut per_reference(&games, 4, None, 0, 1), &[&games], driven).remove(0),
                _ => drive(&mut shared(&games, 4, None, 0), &[&games], driven).remove(0),
            };
            assert_eq!(found.n_evals, 0);
            assert!(found.exact && found.converged);
            assert!(largest_gap(&found.values, &games.exact()) < 1e-15);
        }
    }
}

/// A model that is evaluated coalition by coalition, for more players than there are games of.
fn drive_model(players: usize, budget: Budget, model: impl Fn(&[u64]) -> f64) -> Estimate {
    let words = players.div_ceil(64);
    let mut full = vec![u64::MAX; words];
    full[words - 1] >>= (64 - players % 64) % 64;
    let references = References::new(&[1.0, 3.0], vec![model(&vec![0; words]); 2], players).expect("valid");
    let mut engine = Engine::new(PerReference::new(references, budget, 0, 64 << 20, 2), players, 1, 64 << 20);
    engine.add_row(Row { row: 0, outputs: vec![model(&full)], differs: full.repeat(2), errors: true });
    loop {
        let asked = engine.ask(512, &Uninterrupted).expect("asks");
        if asked.evaluations.is_empty() {
            return engine.finished().remove(0);
        }
        let outputs: Vec<f64> = (0..asked.evaluations.len()).map(|i| model(asked.evaluations.mask(i))).collect();
        engine.tell(&asked, &outputs, &Uninterrupted).expect("tells");
    }
}

#[test]
fn many_players_and_few_coalitions() {
    let linear = |set: &[u64]| -> f64 {
        let members =
            |(i, word): (usize, &u64)| (0..64).filter(|b| word >> b & 1 != 0).map(|b| (64 * i + b) as f64).sum::<f64>();
        set.iter().enumerate().map(members).sum()
    };
    for (players, coalitions) in [(64, 160), (65, 200), (129, 400), (300, 700)] {
        let found = drive_model(players, Budget { evaluations: 2 * coalitions, tolerance: None }, linear);
        let expected: Vec<f64> = (0..players).map(|j| j as f64).collect();
        assert!(largest_gap(&found.values, &expected) < 1e-8 * players as f64);
        assert!(!found.low_budget);
    }
    let found = drive_model(700, Budget { evaluations: 40, tolerance: None }, linear);
    assert!(found.low_budget);
    assert!((found.values.iter().sum::<f64>() - 700.0 * 699.0 / 2.0).abs() < 1e-6);
}

#[test]
fn a_constant_model_has_exact_zeros() {
    let found = drive_model(40, Budget { evaluations: 2 * 900, tolerance: Some(0.01) }, |_| 0.1);
    assert!(found.converged);
    assert!(found.values.iter().chain(&found.standard_errors).all(|&x| x == 0.0));
    assert!(found.n_evals < 2 * 500); // the first round of those that double
}

#[test]
fn what_is_not_a_number_stays_with_its_output() {
    let games = Games::new(12, 3, 2, 3, 1);
    let mut engine = per_reference(&games, 3 * 100, None, 0, 1);
    engine.add_row(games.row(0));
    let mut first = true;
    let found = loop {
        let asked = engine.ask(1000, &Uninterrupted).expect("asks");
        if asked.evaluations.is_empty() {
            break engine.finished().remove(0);
        }
        let e = &asked.evaluations;
        let (_, references) = e.pairs();
        let output = |i: usize, o: usize| games.output(references[i] as usize, e.mask(i)[0], o);
        let mut outputs: Vec<f64> = (0..e.len()).flat_map(|i| [output(i, 0), output(i, 1)]).collect();
        if std::mem::take(&mut first) {
            outputs[1] = f64::NAN;
        }
        engine.tell(&asked, &outputs, &Uninterrupted).expect("tells");
    };
    assert!(found.values.iter().step_by(2).all(|x| x.is_finite()));
    assert!(found.values.iter().skip(1).step_by(2).all(|x| x.is_nan()));
}

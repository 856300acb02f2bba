//! Estimates of coalition games against the definition of Shapley values.

mod calibration;
mod games;
mod laws;

use games::{Driven, Games, drive, estimate, largest_gap, relative_error, shared};

fn sum_by_output(values: &[f64], outputs: usize) -> Vec<f64> {
    (0..outputs).map(|o| values.iter().skip(o).step_by(outputs).sum()).collect()
}

#[test]
fn enumerated_references_give_the_definition() {
    for (players, order) in [(1, 1), (2, 2), (3, 3), (6, 5), (9, 4), (10, 3)] {
        let games = Games::new(players, 4, 2, order, 3);
        let all = (1 << players) - 2;
        let found = estimate(&games, 4 * all.max(2), 0);
        assert!(largest_gap(&found.values, &games.exact()) < 1e-12);
        assert!(found.exact && found.converged && !found.low_budget);
        assert_eq!(found.n_evals, 4 * all);
        assert!(found.standard_errors.iter().all(|&e| e == 0.0));
    }
}

#[test]
fn references_that_differ_in_few_players_are_enumerated_over_those() {
    let games = Games::new(10, 5, 1, 4, 8).differing(vec![0b11, 0b1011, 0, 1 << 9, 0b10_1010_1010]);
    let found = estimate(&games, 5 * 20, 0);
    assert!(largest_gap(&found.values, &games.exact()) < 1e-12);
    assert!(found.exact);
    assert_eq!(found.n_evals, 2 + 6 + 30);
    assert_eq!(found.values[2], 0.0); // differs from no reference
}

#[test]
fn interactions_of_two_are_exact_from_enough_pairs_on() {
    for players in [4, 7, 12] {
        let games = Games::new(players, 3, 2, 2, 5);
        let found = estimate(&games, 3 * 3 * players as u64, 1);
        assert!(largest_gap(&found.values, &games.exact()) < 1e-11);
        assert!(found.standard_errors.iter().all(|&e| e < 1e-11));
    }
}

#[test]
fn values_add_up_whatever_the_budget() {
    let games = Games::new(12, 5, 2, 5, 2);
    for coalitions in [2, 4, 12, 30, 100, 1000] {
        let found = estimate(&games, 5 * coalitions, 0);
        assert!(!found.exact);
        assert!(found.n_evals <= 5 * coalitions);
        assert_eq!(found.low_budget, coalitions < 24);
        let gap = largest_gap(&sum_by_output(&found.values, 2), &sum_by_output(&games.exact(), 2));
        assert!(gap < 1e-12, "{coalitions}: {gap}");
    }
}

#[test]
fn errors_shrink_with_the_budget() {
    let games = Games::new(12, 10, 1, 5, 4);
    let exact = games.exact();
    let error = |coalitions: u64| -> f64 {
        let squares =
            (0..20).map(|seed| relative_error(&estimate(&games, 10 * coalitions, seed).values, &exact).powi(2));
        (squares.sum::<f64>() / 20.0).sqrt()
    };
    let errors = [error(24), error(96), error(384), error(1536)];
    assert!(errors.windows(2).all(|two| two[1] < 0.62 * two[0]), "{errors:?}");
}

#[test]
fn a_shared_design_gives_the_game_of_the_mean() {
    let games = Games::new(8, 4, 2, 4, 6).differing(vec![0b1111_1100, 0b0111_1110, 0b1111_0000, 0b0101_0110]);
    let all = drive(&mut shared(&games, 4 * 126, None, 0), &[&games], Driven { most: 37, ahead: 1 }).remove(0);
    assert!(all.exact);
    assert_eq!(all.n_evals, 4 * 126); // seven players count, the others are 0
    assert!(largest_gap(&all.values, &games.exact()) < 1e-12);
    let some = drive(&mut shared(&games, 4 * 60, None, 0), &[&games], Driven { most: 37, ahead: 1 }).remove(0);
    assert!(!some.exact && some.n_evals <= 4 * 60);
    let error = relative_error(&some.values, &games.exact());
    assert!(error < 0.15, "{error}");
}

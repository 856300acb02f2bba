//! Shapley values of any game of a few players, and games to try.

/// Shapley values by the definition: φ_j = Σ_{S ∌ j} s!(M − 1 − s)!/M! (v(S ∪ j) − v(S)). O(M 2^M).
pub fn shapley_of_game(players: usize, worth: &dyn Fn(u64) -> f64) -> Vec<f64> {
    let factorial = |n: usize| (1..=n).map(|i| i as f64).product::<f64>();
    let share = |s: usize| factorial(s) * factorial(players - 1 - s) / factorial(players);
    let worths: Vec<f64> = (0..1_u64 << players).map(worth).collect();
    let value = |j: usize| {
        let without = (0..1_usize << players).filter(|set| set >> j & 1 == 0);
        without.map(|set| share(set.count_ones() as usize) * (worths[set | 1 << j] - worths[set])).sum()
    };
    (0..players).map(value).collect()
}

/// A game of random interactions among up to `order` players, the same for the same seed.
pub fn random_game(players: usize, order: usize, seed: u64) -> impl Fn(u64) -> f64 {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut number = move || {
        // Knuth's multiplier (TAOCP 2, §3.3.4, table 1, line 26)
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let terms: Vec<(u64, f64)> = (0..4 * players)
        .map(|i| {
            let size = i % order.min(players) + 1;
            let set = (0..size).fold(0, |set, _| set | 1 << (number() % players));
            (set, number() as f64 / (1_u64 << 31) as f64 - 0.5)
        })
        .collect();
    move |set| terms.iter().filter(|(term, _)| set & term == *term).map(|(_, worth)| worth).sum()
}

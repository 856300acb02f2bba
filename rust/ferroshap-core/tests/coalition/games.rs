//! Games against several references, their exact values, and estimates of them.

use ferroshap_core::coalition::{Budget, Engine, Estimate, Estimator, PerReference, References, Row, Shared};
use ferroshap_core::oracle::{random_game, shapley_of_game};
use ferroshap_core::parallel::Uninterrupted;

/// A row against some references: of each a game of its own for each output, in which only some players count.
pub(crate) struct Games {
    pub(crate) players: usize,
    pub(crate) outputs: usize,
    pub(crate) differs: Vec<u64>,
    pub(crate) weights: Vec<f64>,
    /// Whether the row asks for standard errors.
    pub(crate) errors: bool,
    /// Worths of all coalitions, `[reference][output][set]`; the full coalition has the worth 0 against all of them.
    worths: Vec<Vec<Vec<f64>>>,
}

impl Games {
    /// Random interactions of up to `order` players: half of them the same for all references.
    pub(crate) fn new(players: usize, references: usize, outputs: usize, order: usize, seed: u64) -> Self {
        let all = (1_u64 << players) - 1;
        let common: Vec<_> = (0..outputs).map(|o| random_game(players, order, seed * 1000 + o as u64)).collect();
        let worths = (0..references)
            .map(|b| {
                let of = |o: usize| {
                    let own = random_game(players, order, seed * 1000 + 100 + (b * outputs + o) as u64);
                    let worth = |set: u64| common[o](set) + own(set);
                    (0..=all).map(|set| worth(set) - worth(all)).collect()
                };
                (0..outputs).map(of).collect()
            })
            .collect();
        let weights = (0..references).map(|b| 1.0 + (b % 3) as f64).collect();
        Self { players, outputs, differs: vec![all; references], weights, errors: true, worths }
    }

    /// Reference b counts in the players of `differs[b]` only.
    pub(crate) fn differing(mut self, differs: Vec<u64>) -> Self {
        self.differs = differs;
        self
    }

    /// What the model says of a coalition.
    pub(crate) fn output(&self, reference: usize, set: u64, output: usize) -> f64 {
        let rest = ((1 << self.players) - 1) & !self.differs[reference];
        self.worths[reference][output][(set | rest) as usize]
    }

    pub(crate) fn references(&self) -> References {
        let of = |b: usize| (0..self.outputs).map(move |o| self.output(b, 0, o));
        let outputs = (0..self.weights.len()).flat_map(of).collect();
        References::new(&self.weights, outputs, self.players).expect("valid")
    }

    pub(crate) fn row(&self, row: u32) -> Row {
        Row { row, outputs: vec![0.0; self.outputs], differs: self.differs.clone(), errors: self.errors }
    }

    /// Shapley values by the definition, `(P, K)`.
    pub(crate) fn exact(&self) -> Vec<f64> {
        let total: f64 = self.weights.iter().sum();
        let mut out = vec![0.0; self.players * self.outputs];
        for (b, weight) in self.weights.iter().enumerate() {
            for o in 0..self.outputs {
                let phi = shapley_of_game(self.players, &|set| self.output(b, set, o));
                phi.iter().enumerate().for_each(|(j, phi)| out[j * self.outputs + o] += weight / total * phi);
            }
        }
        out
    }
}

/// How an engine is driven.
#[derive(Clone, Copy)]
pub(crate) struct Driven {
    pub(crate) most: usize,
    pub(crate) ahead: usize,
}

/// Explains rows: `games[row]` is the game of row `row`.
pub(crate) fn drive<E: Estimator>(engine: &mut Engine<E>, games: &[&Games], driven: Driven) -> Vec<Estimate> {
    for (i, games) in games.iter().enumerate() {
        engine.add_row(games.row(i as u32));
    }
    let (mut out, mut outstanding) = (Vec::new(), std::collections::VecDeque::new());
    loop {
        let asked = engine.ask(driven.most, &Uninterrupted).expect("asks");
        assert!(asked.evaluations.len() <= driven.most.max(2));
        let empty = asked.evaluations.is_empty();
        if !empty {
            outstanding.push_back(asked);
        }
        if empty && outstanding.is_empty() {
            let pending: Vec<_> = engine.pending_values().iter().map(|(place, v)| (*place, v.to_vec())).collect();
            if pending.is_empty() {
                out.extend(engine.finished());
                return out;
            }
            for (place, values) in pending {
                engine.set_values(place, values, &Uninterrupted).expect("sets");
            }
        } else if empty || outstanding.len() > driven.ahead {
            let asked = outstanding.pop_front().expect("some");
            let (rows, references) = asked.evaluations.pairs();
            let outputs: Vec<f64> = (0..asked.evaluations.len())
                .flat_map(|i| {
                    let e = &asked.evaluations;
                    let games = games[rows[i] as usize];
                    let (b, set) = (references[i] as usize, e.mask(i)[0]);
                    assert_eq!(set & !games.differs.iter().fold(0, |all, d| all | d), 0);
                    (0..games.outputs).map(move |o| games.output(b, set, o))
                })
                .collect();
            engine.tell(&asked, &outputs, &Uninterrupted).expect("tells");
            out.extend(engine.finished());
        }
    }
}

pub(crate) fn per_reference(
    games: &Games,
    evaluations: u64,
    tolerance: Option<f64>,
    seed: u64,
    threads: usize,
) -> Engine<PerReference> {
    let budget = Budget { evaluations, tolerance };
    let estimator = PerReference::new(games.references(), budget, seed, 64 << 20, threads);
    Engine::new(estimator, games.players, games.outputs, 64 << 20)
}

/// One row, reference by reference.
pub(crate) fn estimate(games: &Games, evaluations: u64, seed: u64) -> Estimate {
    let mut engine = per_reference(games, evaluations, None, seed, 1);
    drive(&mut engine, &[games], Driven { most: 1000, ahead: 0 }).remove(0)
}

pub(crate) fn largest_gap(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// ‖a − b‖ / ‖b‖
pub(crate) fn relative_error(a: &[f64], b: &[f64]) -> f64 {
    let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>().sqrt();
    norm(&mut a.iter().zip(b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied())
}

pub(crate) fn shared(games: &Games, evaluations: u64, tolerance: Option<f64>, seed: u64) -> Engine<Shared> {
    let estimator = Shared::new(games.references(), Budget { evaluations, tolerance }, seed, 64 << 20, 1);
    Engine::new(estimator, games.players, games.outputs, 64 << 20)
}

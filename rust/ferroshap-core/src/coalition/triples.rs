//! Interactions of three players as control variates of a regression.
//!
//! Half differences are odd, so that what the main effects leave of them are interactions of three players and more. On x = ±1
//! for members and others the parity x_i x_j x_k is a game of Shapley values 2/3 for each of the three. Without that part,
//! g = x_i x_j x_k − (x_i + x_j + x_k)/3 is a game of Shapley values 0: any multiple may be taken from the targets, and the values
//! remain what they are; the best multiple takes the error that the triple makes.
//!
//! Of the players with the largest values all triples are considered; those whose correlation with the residuals cannot well be
//! chance are fitted, together with the main effects. That is done once for each fold of the pairs, without its own: the mean of the
//! multiples is taken from all pairs, but standard errors come from what each fold's leave in its own pairs, since what was fitted to
//! a residual leaves less of it.

use nalgebra::DMatrix;

use super::combinations::{contains, members};
use super::design::{Design, Round};
use super::solve::Factor;
use crate::simd::{Driver, Kernel, Level, Simd};

/// Players up to which the equations are solved beside those of the values: they take memory by the square.
const MOST_MAIN_EFFECTS: usize = 256;

/// Pairs a player from which there is enough to fit to.
const ENOUGH: usize = 5;

const FOLDS: usize = 5;

/// Players whose triples are considered.
const MOST_PLAYERS: usize = 24;

/// Standard errors from which a correlation is taken for one.
const SIGNIFICANT: f64 = 3.2;

/// Triples of a fold: one for so many pairs, and not more than that.
const PAIRS_A_TRIPLE: usize = 10;
const MOST_TRIPLES: usize = 64;

/// Next to nothing, in place of the 0 of what is not determined.
const RIDGE: f64 = 1e-9;

/// What triples foresee of the targets of every pair.
pub(crate) struct Foreseen {
    /// By one multiple of each triple, the mean over the folds: for the values.
    pub(crate) by_all: Vec<f64>,
    /// By multiples that were fitted to the other folds: what is left are residuals as new pairs would have them, for their errors.
    pub(crate) by_others: Vec<f64>,
}

/// What triples foresee of the targets `y` of every pair, beside the centred main effects `psi` that were fitted to all of them; `shift` is
/// Δ/M. None where pairs are few, or no triple is found.
pub(crate) fn foreseen(design: &Design, round: &Round, y: &[f64], psi: &[f64], shift: f64) -> Option<Foreseen> {
    let m = design.m();
    if !(4..=MOST_MAIN_EFFECTS).contains(&m) || round.pairs < ENOUGH * m || round.is_whole() {
        return None;
    }
    let mut out = None;
    Level::in_use().dispatch(Foresee { design, round, y, psi, shift, out: &mut out });
    out
}

struct Foresee<'a> {
    design: &'a Design,
    round: &'a Round,
    y: &'a [f64],
    psi: &'a [f64],
    shift: f64,
    out: &'a mut Option<Foreseen>,
}

impl Driver for Foresee<'_> {
    type Out = ();

    fn drive<S: Simd>(self, s: S) {
        s.vectorize(self);
    }
}

impl<S: Simd> Kernel<S> for Foresee<'_> {
    #[inline(always)]
    fn run(self, _: S) {
        let players = self.players();
        let chosen = self.chosen(&players);
        if chosen.iter().any(|triples| !triples.is_empty()) {
            *self.out = Some(self.fitted(&chosen));
        }
    }
}

type Triple = [usize; 3];

/// g of a triple.
#[inline(always)]
fn game(set: &[u64], triple: Triple) -> f64 {
    let x = triple.map(|j| if contains(set, j) { 1.0 } else { -1.0 });
    x[0] * x[1] * x[2] - (x[0] + x[1] + x[2]) / 3.0
}

impl Foresee<'_> {
    /// Those with the largest values, lowest first.
    fn players(&self) -> Vec<usize> {
        let size = |&j: &usize| (self.psi[j] + self.shift).abs();
        let mut players: Vec<usize> = (0..self.design.m()).collect();
        players.sort_by(|a, b| size(b).total_cmp(&size(a)));
        players.truncate(MOST_PLAYERS);
        players.sort_unstable();
        players
    }

    /// Of each fold the triples that correlate with the residuals of the others.
    #[inline(always)]
    fn chosen(&self, players: &[usize]) -> Vec<Vec<Triple>> {
        let (m, t) = (self.design.m(), players.len());
        let triples: Vec<Triple> = (0..t)
            .flat_map(|i| (i + 1..t).flat_map(move |j| (j + 1..t).map(move |k| [i, j, k])))
            .map(|places| places.map(|place| players[place]))
            .collect();
        // Σ g e and Σ g² of each triple, Σ e² and the number of pairs, by folds
        let (mut products, mut squares) =
            (vec![vec![0.0; triples.len()]; FOLDS], vec![vec![0.0; triples.len()]; FOLDS]);
        let (mut residuals, mut pairs) = ([0.0; FOLDS], [0.0; FOLDS]);
        let mut x = vec![0.0; t];
        for (p, (set, _)) in self.design.pairs(self.round).enumerate() {
            let e = self.y[p] - members(set).map(|j| self.psi[j]).sum::<f64>();
            for (place, &player) in players.iter().enumerate() {
                x[place] = if contains(set, player) { 1.0 } else { -1.0 };
            }
            let fold = p % FOLDS;
            residuals[fold] += e * e;
            pairs[fold] += 1.0;
            let (mut products, mut squares) = (products[fold].iter_mut(), squares[fold].iter_mut());
            for i in 0..t {
                for j in i + 1..t {
                    let (factor, rest) = (x[i] * x[j] - 1.0 / 3.0, (x[i] + x[j]) / 3.0);
                    let sums = products.by_ref().zip(squares.by_ref());
                    for (x, (product, square)) in x[j + 1..].iter().zip(sums) {
                        let g = factor * x - rest;
                        *product += g * e;
                        *square += g * g;
                    }
                }
            }
        }
        let others = |of: &[f64; FOLDS], fold: usize| (0..FOLDS).filter(|&f| f != fold).map(|f| of[f]).sum::<f64>();
        let of_fold = |fold: usize| {
            let n = others(&pairs, fold);
            let deviation = (others(&residuals, fold) / (n - m as f64).max(1.0)).sqrt();
            let sum = |of: &[Vec<f64>], at: usize| (0..FOLDS).filter(|&f| f != fold).map(|f| of[f][at]).sum::<f64>();
            let correlation = |at: usize| sum(&products, at).abs() / (sum(&squares, at).sqrt() * deviation);
            let mut found: Vec<(f64, usize)> =
                (0..triples.len()).map(|at| (correlation(at), at)).filter(|(c, _)| *c > SIGNIFICANT).collect();
            found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            found.truncate((n as usize / PAIRS_A_TRIPLE).min(MOST_TRIPLES));
            found.into_iter().map(|(_, at)| triples[at]).collect()
        };
        (0..FOLDS).map(of_fold).collect()
    }

    /// What the triples of each fold, fitted to the others, are in its pairs.
    #[inline(always)]
    fn fitted(&self, chosen: &[Vec<Triple>]) -> Foreseen {
        let m = self.design.m();
        let mut all: Vec<Triple> = chosen.concat();
        all.sort_unstable();
        all.dedup();
        // Σ w v v' over a fold, for v of a, the triples and the target; on and above the diagonal, by columns
        let size = m + all.len() + 1;
        let mut sums = vec![DMatrix::<f64>::zeros(size, size); FOLDS];
        let mut v = vec![0.0; size];
        for (p, (set, s)) in self.design.pairs(self.round).enumerate() {
            let share = f64::from(s) / m as f64;
            v[..m].fill(-share);
            members(set).for_each(|j| v[j] += 1.0);
            all.iter().enumerate().for_each(|(at, &triple)| v[m + at] = game(set, triple));
            v[size - 1] = self.y[p];
            let w = self.round.weight(s);
            for (b, column) in sums[p % FOLDS].as_mut_slice().chunks_exact_mut(size).enumerate() {
                let factor = w * v[b];
                column[..=b].iter_mut().zip(&v).for_each(|(sum, v)| *sum += factor * v);
            }
        }
        // of every fold, and their mean
        let mut multiples = vec![vec![0.0; all.len()]; FOLDS];
        let mut mean = vec![0.0; all.len()];
        for (fold, own) in chosen.iter().enumerate().filter(|(_, own)| !own.is_empty()) {
            let places: Vec<usize> = own.iter().filter_map(|triple| all.binary_search(triple).ok()).collect();
            let columns: Vec<usize> = (0..m).chain(places.iter().map(|at| m + at)).collect();
            let entry = |a: usize, b: usize| {
                (0..FOLDS).filter(|&f| f != fold).map(|f| sums[f][(a.min(b), a.max(b))]).sum::<f64>()
            };
            let mut normal = DMatrix::from_fn(columns.len(), columns.len(), |i, j| entry(columns[i], columns[j]));
            let diagonal = (0..m).map(|j| normal[(j, j)]).sum::<f64>() / m as f64;
            (0..m).for_each(|j| (0..m).for_each(|i| normal[(i, j)] += diagonal / m as f64));
            let ridge = RIDGE * normal.trace() / columns.len() as f64;
            (0..columns.len()).for_each(|j| normal[(j, j)] += ridge);
            let mut found = DMatrix::from_fn(columns.len(), 1, |i, _| entry(columns[i], size - 1));
            Factor::new(normal).solve(&mut found);
            for (i, &at) in places.iter().enumerate() {
                multiples[fold][at] = found[(m + i, 0)];
                mean[at] += found[(m + i, 0)] / FOLDS as f64;
            }
        }
        let mut out =
            Foreseen { by_all: Vec::with_capacity(self.round.pairs), by_others: Vec::with_capacity(self.round.pairs) };
        for (p, (set, _)) in self.design.pairs(self.round).enumerate() {
            let (mut by_all, mut by_others) = (0.0, 0.0);
            for (at, &triple) in all.iter().enumerate() {
                let g = game(set, triple);
                by_all += mean[at] * g;
                by_others += multiples[p % FOLDS][at] * g;
            }
            out.by_all.push(by_all);
            out.by_others.push(by_others);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::design::Shape;
    use super::*;
    use crate::oracle::shapley_of_game;

    #[test]
    fn the_game_of_a_triple_has_values_of_0() {
        for triple in [[0, 1, 2], [1, 4, 6]] {
            let values = shapley_of_game(7, &|set| game(&[set], triple));
            assert!(values.iter().all(|value| value.abs() < 1e-15), "{values:?}");
        }
    }

    /// Targets of two triples and nothing else are foreseen whole; of chance hardly anything.
    #[test]
    fn triples_are_foreseen_and_chance_is_not() {
        let design = Design::new(&Shape { m: 11, rounds: vec![200] }, 5, 0);
        let round = design.round(0);
        let of = |set: &[u64]| 3.0 * game(set, [1, 4, 6]) - 2.0 * game(set, [0, 6, 9]);
        let y: Vec<f64> = design.pairs(round).map(|(set, _)| of(set)).collect();
        let found = foreseen(&design, round, &y, &[0.0; 11], 1.0).expect("two triples");
        for ((by_all, by_others), y) in found.by_all.iter().zip(&found.by_others).zip(&y) {
            assert!((by_all - y).abs() < 1e-6 && (by_others - y).abs() < 1e-6);
        }
        let noise: Vec<f64> = (0..round.pairs).map(|p| ((p * 7919 + 13) % 997) as f64 / 997.0 - 0.5).collect();
        let left = foreseen(&design, round, &noise, &[0.0; 11], 1.0).map_or(0.0, |found| {
            found.by_all.iter().map(|x| x * x).sum::<f64>() / noise.iter().map(|x| x * x).sum::<f64>()
        });
        assert!(left < 0.1, "{left}");
        assert!(foreseen(&design, round, &vec![0.0; round.pairs], &[0.0; 11], 1.0).is_none());
    }
}

//! Kernel SHAP reference by reference: those that differ in few players exactly, the others by coalitions of their own and
//! pooled regressions.

use std::ops::Range;
use std::sync::Arc;

use super::budget::{Budget, Split, rounds};
use super::combinations::members;
use super::combinations::words;
use super::design::Shape;
use super::designs::{Designs, Shelf};
use super::exact::{self, Enumeration};
use super::players::{Players, union};
use super::pooled::{Pool, Sampled, Solved};
use super::references::References;
use super::ridge::Unit;
use super::spread::Spread;
use super::work::{Estimate, Estimator, Evaluations, Row, Step};
use crate::error::Result;
use crate::parallel::Control;

/// The estimator.
#[derive(Debug)]
pub struct PerReference {
    references: References,
    budget: Budget,
    shelf: Shelf,
    threads: usize,
}

/// What a reference is for a row.
#[derive(Debug)]
enum Part {
    /// The row does not differ from it.
    Same,
    /// All its coalitions, of players at these places among those that count.
    Enumerated { sums: Enumeration, places: Vec<usize> },
    /// Coalitions of the design of this unit.
    Sampled { unit: usize },
}

/// The work on a row.
#[derive(Debug)]
pub struct Work {
    players: Players,
    /// f(x) − f(b) of each reference, `(B, K)`.
    deltas: Vec<f64>,
    parts: Vec<Part>,
    designs: Option<Arc<Designs>>,
    sampled: Sampled,
    round: usize,
    /// Where the evaluations of each reference begin in this round, and where the last ends.
    starts: Vec<usize>,
    evaluated: u64,
}

impl PerReference {
    /// Of some references. A row's budget must allow two evaluations for each.
    pub fn new(references: References, budget: Budget, seed: u64, max_memory: usize, threads: usize) -> Self {
        Self { references, budget, shelf: Shelf::new(seed, max_memory), threads }
    }

    fn split(&self, row: &Row) -> Split {
        let words = words(self.references.n_players);
        let count = |set: &[u64]| set.iter().map(|word| word.count_ones() as usize).sum();
        let differing: Vec<usize> = row.differs.chunks_exact(words).map(count).collect();
        Split::new(self.budget.evaluations, &differing)
    }

    /// Evaluations of each reference in the round.
    fn lay_out(&self, work: &mut Work) {
        work.starts.clear();
        let mut at = 0;
        for part in &work.parts {
            work.starts.push(at);
            at += match part {
                Part::Same => 0,
                Part::Enumerated { places, .. } if work.round == 0 => {
                    2 * exact::pairs(places.len()).unwrap_or(0) as usize
                }
                Part::Enumerated { .. } => 0,
                Part::Sampled { .. } => {
                    work.designs.as_ref().map_or(0, |designs| 2 * new_pairs(designs, work.round).len())
                }
            };
        }
        work.starts.push(at);
        work.evaluated += at as u64;
    }

    /// The parts of `range` that are of one reference: which, and which pairs of its evaluations.
    fn pieces(work: &Work, range: Range<usize>) -> impl Iterator<Item = (usize, Range<usize>)> {
        let first = work.starts.partition_point(|&start| start <= range.start) - 1;
        (first..work.parts.len()).take_while(move |&b| work.starts[b] < range.end).filter_map(move |b| {
            let (start, end) = (work.starts[b].max(range.start), work.starts[b + 1].min(range.end));
            (start < end).then(|| (b, (start - work.starts[b]) / 2..(end - work.starts[b]) / 2))
        })
    }

    fn finish(&self, work: &Work, solved: Option<Solved>) -> Step {
        let (m, k, p) = (work.players.len(), self.references.n_outputs(), self.references.n_players);
        let values = self.values_of_all(work, solved.as_ref().map(|solved| solved.phi.as_slice()));
        let mut spread = vec![0.0; k * m];
        for (b, part) in work.parts.iter().enumerate() {
            if matches!(part, Part::Sampled { .. }) {
                continue;
            }
            let own = self.own(work, b);
            let weight = self.references.weights[b];
            spread
                .iter_mut()
                .zip(own.iter().zip(&values))
                .for_each(|(sum, (own, mean))| *sum += weight * (own - mean).powi(2));
        }
        let (mut variances, mut singular, mut low) = (vec![0.0; k * m], false, false);
        if let Some(solved) = solved {
            spread.iter_mut().zip(&solved.spread).for_each(|(sum, more)| *sum += more);
            variances = solved.variances;
            singular = solved.singular;
        }
        let mut exact = true;
        if let Some(designs) = &work.designs {
            exact = false;
            low = singular || designs.shape().rounds[work.round] < m;
        }
        let errors: Vec<f64> = variances.iter().map(|variance| variance.sqrt()).collect();
        let converged = exact || self.budget.tolerance.is_none_or(|tolerance| within(tolerance, &values, &errors, m));
        let rounds = work.designs.as_ref().map_or(1, |designs| designs.shape().rounds.len());
        if !converged && work.round + 1 < rounds {
            return Step::More;
        }
        let background = self.background_errors(work, &spread, &variances);
        Step::Done(Estimate {
            row: work.players.row.row,
            values: work.players.to_all(&values, p, k),
            standard_errors: work.players.to_all(&errors, p, k),
            background_se: if background.is_empty() {
                vec![f64::NAN; p * k]
            } else {
                work.players.to_all(&background, p, k)
            },
            varying: work.players.varying.clone(),
            n_evals: work.evaluated,
            converged,
            exact,
            low_budget: low,
        })
    }

    /// A reference's own values among the players that count, `(K, M)`; not of one that is sampled.
    fn own(&self, work: &Work, b: usize) -> Vec<f64> {
        let (m, k) = (work.players.len(), self.references.n_outputs());
        let mut out = vec![0.0; k * m];
        if let Part::Enumerated { sums, places } = &work.parts[b] {
            let values = sums.values(&work.deltas[b * k..][..k]);
            for (o, values) in values.chunks_exact(places.len()).enumerate() {
                values.iter().zip(places).for_each(|(value, place)| out[o * m + place] = *value);
            }
        }
        out
    }

    /// Σ ω φ of the references that are enumerated, and of the others, `(K, M)`.
    fn values_of_all(&self, work: &Work, sampled: Option<&[f64]>) -> Vec<f64> {
        let (m, k) = (work.players.len(), self.references.n_outputs());
        let mut out = sampled.map_or_else(|| vec![0.0; k * m], <[f64]>::to_vec);
        for b in 0..work.parts.len() {
            let weight = self.references.weights[b];
            if matches!(work.parts[b], Part::Enumerated { .. }) {
                out.iter_mut().zip(self.own(work, b)).for_each(|(sum, own)| *sum += weight * own);
            }
        }
        out
    }

    /// √(Σω²/(1 − Σω²) Σ ω (φ_u − φ)² − variance): the spread of the units' values, which also has their own errors in it,
    /// as an error of the mean. Empty for a single unit.
    fn background_errors(&self, work: &Work, spread: &[f64], variances: &[f64]) -> Vec<f64> {
        let single = |(part, weight): (&Part, &f64)| (!matches!(part, Part::Sampled { .. })).then_some(weight * weight);
        let single: f64 = work.parts.iter().zip(&self.references.weights).filter_map(single).sum();
        let squares = single + work.sampled.units.iter().map(|unit| unit.weight * unit.weight).sum::<f64>();
        if squares >= 1.0 {
            return Vec::new();
        }
        let factor = squares / (1.0 - squares);
        spread.iter().zip(variances).map(|(spread, variance)| (factor * spread - variance).max(0.0).sqrt()).collect()
    }
}

/// Pairs that a round adds.
fn new_pairs(designs: &Designs, round: usize) -> Range<usize> {
    let upto = |round| designs.design(0).round(round).pairs;
    (if round > 0 { upto(round - 1) } else { 0 })..upto(round)
}

/// Whether no standard error of an output is above `tolerance` times the range of its values.
pub(crate) fn within(tolerance: f64, values: &[f64], errors: &[f64], m: usize) -> bool {
    let m = m.max(1);
    values.chunks_exact(m).zip(errors.chunks_exact(m)).all(|(values, errors)| {
        let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
        errors.iter().all(|&error| error <= tolerance * (high - low))
    })
}

impl Estimator for PerReference {
    type Work = Work;

    fn begin(&mut self, row: Row, control: &dyn Control) -> Result<Work> {
        let split = self.split(&row);
        let players = Players::new(row, self.references.n_players);
        let (m, k, b) = (players.len(), self.references.n_outputs(), self.references.len());
        let deltas = self.references.deltas(&players.row.outputs);
        let designs = if split.pairs > 0 {
            let rounds = rounds(split.pairs, m, self.budget.tolerance);
            Some(self.shelf.get(Shape { m, rounds }, b, self.threads, control)?)
        } else {
            None
        };
        let groups = designs.as_ref().map_or(1, |designs| designs.len());
        let (mut unit_of, mut parts) = (vec![None; groups], Vec::with_capacity(b));
        let mut sampled = Sampled { units: Vec::new(), halves: Vec::new() };
        for reference in 0..b {
            let places = players.places(reference);
            parts.push(if places.is_empty() {
                Part::Same
            } else if split.enumerated[reference] {
                let sums = Enumeration::new(places.len(), &deltas[reference * k..][..k]);
                Part::Enumerated { sums, places }
            } else {
                let group = reference % groups;
                let unit = *unit_of[group].get_or_insert_with(|| {
                    sampled.units.push(Unit { group, weight: 0.0, delta: vec![0.0; k] });
                    sampled.units.len() - 1
                });
                let weight = self.references.weights[reference];
                let unit_ = &mut sampled.units[unit];
                unit_.weight += weight;
                unit_.delta.iter_mut().zip(&deltas[reference * k..]).for_each(|(sum, delta)| *sum += weight * delta);
                Part::Sampled { unit }
            });
        }
        for unit in &mut sampled.units {
            let weight = unit.weight;
            unit.delta.iter_mut().for_each(|delta| *delta /= weight);
        }
        if let Some(designs) = &designs {
            let pairs = new_pairs(designs, 0).len();
            sampled.halves = sampled.units.iter().map(|_| vec![0.0; pairs * k]).collect();
        }
        let mut work = Work { players, deltas, parts, designs, sampled, round: 0, starts: Vec::new(), evaluated: 0 };
        self.lay_out(&mut work);
        Ok(work)
    }

    fn bytes(&self, row: &Row) -> usize {
        let (k, b, split) = (self.references.n_outputs(), self.references.len(), self.split(row));
        let m: u32 = union(&row.differs, words(self.references.n_players)).iter().map(|word| word.count_ones()).sum();
        let units = split.enumerated.iter().filter(|&&enumerated| !enumerated).count();
        8 * k * (units * split.pairs + b * (m as usize + 1)) + 8 * row.differs.len()
    }

    fn n_evaluations(&self, work: &Work) -> usize {
        work.starts[work.parts.len()]
    }

    fn ask(&self, work: &Work, range: Range<usize>, out: &mut Evaluations) {
        let row = work.players.row.row;
        let mut push = |reference: usize, spread: &Spread, set: &[u64], all: &[u64]| {
            let mask = out.push(row, reference);
            spread.apply(set, mask);
            let at = out.masks.len() - all.len();
            let rest = out.push(row, reference).len();
            let (before, rest) = out.masks.split_at_mut(at + rest);
            rest.iter_mut().zip(all.iter().zip(&before[at..])).for_each(|(rest, (all, word))| *rest = all & !word);
        };
        for (b, pairs) in Self::pieces(work, range) {
            match &work.parts[b] {
                Part::Same => {}
                Part::Enumerated { .. } => {
                    let all = work.players.differing(b);
                    let players: Vec<usize> = members(all).collect();
                    let spread = Spread::new(players.len(), self.references.n_players, |i| [players[i]]);
                    pairs.for_each(|pair| push(b, &spread, &[exact::coalition(pair as u64)], all));
                }
                Part::Sampled { unit } => {
                    let Some(designs) = &work.designs else { continue };
                    let (design, from) =
                        (designs.design(work.sampled.units[*unit].group), new_pairs(designs, work.round).start);
                    pairs.for_each(|pair| push(b, &work.players.spread, design.mask(from + pair), &work.players.all));
                }
            }
        }
    }

    fn tell(&self, work: &mut Work, first: usize, outputs: &[f64]) {
        let k = self.references.n_outputs();
        let pieces: Vec<_> = Self::pieces(work, first..first + outputs.len() / k).collect();
        let mut rest = outputs;
        for (b, pairs) in pieces {
            let (own, after) = rest.split_at(2 * k * pairs.len());
            rest = after;
            match &mut work.parts[b] {
                Part::Same => {}
                Part::Enumerated { sums, .. } => sums.tell(pairs.start as u64, own),
                Part::Sampled { unit } => {
                    let Some(designs) = &work.designs else { continue };
                    let from = new_pairs(designs, work.round).start + pairs.start;
                    let share = self.references.weights[b] / work.sampled.units[*unit].weight;
                    let halves = &mut work.sampled.halves[*unit][from * k..];
                    for (halves, own) in halves.chunks_exact_mut(k).zip(own.chunks_exact(2 * k)) {
                        for (o, half) in halves.iter_mut().enumerate() {
                            *half += share * ((own[o] - own[k + o]) / 2.0);
                        }
                    }
                }
            }
        }
    }

    fn settle(&mut self, works: &mut [&mut Work], control: &dyn Control) -> Result<Vec<Step>> {
        let mut steps = Vec::with_capacity(works.len());
        let mut at = 0;
        while at < works.len() {
            let together = 1 + works[at + 1..].iter().take_while(|work| alike(works[at], work)).count();
            let group = &works[at..at + together];
            match &group[0].designs {
                None => steps.extend(group.iter().map(|work| self.finish(work, None))),
                Some(designs) => {
                    let pool = Pool { designs, round: group[0].round };
                    let sampled: Vec<&Sampled> = group.iter().map(|work| &work.sampled).collect();
                    let centre =
                        |row: usize, phi: &nalgebra::DMatrix<f64>| self.values_of_all(group[row], Some(phi.as_slice()));
                    let solved = pool.solve(&sampled, centre, self.threads, control)?;
                    steps.extend(group.iter().zip(solved).map(|(work, solved)| self.finish(work, Some(solved))));
                }
            }
            at += together;
        }
        for (work, step) in works.iter_mut().zip(&steps) {
            if matches!(step, Step::More) {
                work.round += 1;
                if let Some(designs) = &work.designs {
                    let n = new_pairs(designs, work.round).end * self.references.n_outputs();
                    work.sampled.halves.iter_mut().for_each(|halves| halves.resize(n, 0.0));
                }
                self.lay_out(work);
            }
        }
        Ok(steps)
    }
}

/// Whether works have the same regressions: then they are solved together.
fn alike(a: &Work, b: &Work) -> bool {
    let same = match (&a.designs, &b.designs) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (None, None) => true,
        _ => false,
    };
    let groups =
        |work: &Work| work.sampled.units.iter().map(|unit| (unit.group, unit.weight.to_bits())).collect::<Vec<_>>();
    same && a.round == b.round && groups(a) == groups(b)
}

//! Kernel SHAP reference by reference: those that differ in few players exactly, the others by coalitions of their own and
//! pooled regressions.

mod evaluations;
mod finish;

use std::iter::once;
use std::ops::Range;
use std::sync::Arc;

use evaluations::new_pairs;
pub(crate) use finish::within;

use super::budget::{Budget, Split, rounds};
use super::combinations::{size, words};
use super::design::Shape;
use super::designs::{Designs, Shelf};
use super::exact::Enumeration;
use super::players::{Players, union};
use super::pooled::{Pool, Sampled};
use super::references::References;
use super::ridge::Unit;
use super::shares::Shares;
use super::work::{Estimator, Evaluations, Row, Step};
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
        let shares = Shares::new(&references.weights);
        Self { references, budget, shelf: Shelf::new(shares, seed, max_memory), threads }
    }

    /// What is enumerated and drawn for a row in which m players differ from some reference.
    fn split(&self, row: &Row, m: usize) -> Split {
        let words = words(self.references.n_players);
        let differing: Vec<usize> = row.differs.chunks_exact(words).map(size).collect();
        Split::new(&self.budget, &self.shelf.shares, &differing, m)
    }
}

impl Estimator for PerReference {
    type Work = Work;

    fn begin(&mut self, row: Row, control: &dyn Control) -> Result<Work> {
        let players = Players::new(row, self.references.n_players);
        let split = self.split(&players.row, players.len());
        let (m, k, b) = (players.len(), self.references.n_outputs(), self.references.len());
        let deltas = self.references.deltas(&players.row.outputs);
        let designs = if split.pairs > 0 {
            let rounds = rounds(split.pairs, m, self.budget.tolerance);
            Some(self.shelf.get(Shape { m, rounds }, self.threads, control)?)
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
            let pairs = |unit: &Unit| new_pairs(designs.design(unit.group), 0).len();
            sampled.halves = sampled.units.iter().map(|unit| vec![0.0; pairs(unit) * k]).collect();
        }
        let mut work = Work { players, deltas, parts, designs, sampled, round: 0, starts: Vec::new(), evaluated: 0 };
        work.lay_out();
        Ok(work)
    }

    fn bytes(&self, row: &Row) -> usize {
        let (k, b) = (self.references.n_outputs(), self.references.len());
        let m = size(&union(&row.differs, words(self.references.n_players)));
        let split = self.split(row, m);
        let own = |b| if split.enumerated[b] { 0 } else { self.shelf.shares.pairs(once(b), split.pairs, m) };
        let pairs: usize = (0..b).map(own).sum();
        8 * k * (pairs + b * (m + 1)) + 8 * row.differs.len()
    }

    fn n_evaluations(&self, work: &Work) -> usize {
        work.starts[work.parts.len()]
    }

    fn ask(&self, work: &Work, range: Range<usize>, out: &mut Evaluations) {
        work.ask(range, out);
    }

    fn tell(&self, work: &mut Work, first: usize, outputs: &[f64]) {
        self.take(work, first, outputs);
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
                    let errors = group[0].players.row.errors || self.budget.tolerance.is_some();
                    let pool = Pool { designs, round: group[0].round, errors };
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
                    for (unit, halves) in work.sampled.units.iter().zip(&mut work.sampled.halves) {
                        let pairs = designs.design(unit.group).round(work.round).pairs;
                        halves.resize(pairs * self.references.n_outputs(), 0.0);
                    }
                }
                work.lay_out();
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
    same && a.round == b.round && a.players.row.errors == b.players.row.errors && groups(a) == groups(b)
}

//! Kernel SHAP with one set of coalitions for all references: the game is a function of the mean over the references, the
//! link, which the caller applies. Order of evaluation: pairs, in each the references, of each the pair's two sides.

use std::ops::Range;
use std::sync::Arc;

use super::budget::{Budget, rounds};
use super::combinations::{size, words};
use super::design::{Design, Shape};
use super::designs::{Designs, Shelf};
use super::exact::{self, Enumeration};
use super::normal::target;
use super::per_reference::within;
use super::players::Players;
use super::pooled::{Pool, Sampled};
use super::references::References;
use super::ridge::Unit;
use super::shares::Shares;
use super::triples::{self, Foreseen};
use super::work::{Estimate, Estimator, Evaluations, Row, Step};
use crate::error::Result;
use crate::parallel::Control;

/// Outputs up to which triples are looked for: each takes milliseconds.
const MOST_OUTPUTS: usize = 32;

/// The estimator.
#[derive(Debug)]
pub struct Shared {
    references: References,
    budget: Budget,
    shelf: Shelf,
    threads: usize,
}

/// The work on a row.
#[derive(Debug)]
pub struct Work {
    players: Players,
    /// Of the coalitions that are drawn; none if all are evaluated.
    designs: Option<Arc<Designs>>,
    round: usize,
    /// Pairs up to the end of this round.
    pairs: usize,
    /// Pairs before it.
    before: usize,
    /// Means over the references so far, `(pairs, 2, K)`.
    means: Vec<f64>,
    /// Values the caller has to link, or has linked: the empty coalition, all sides of all pairs, the full coalition.
    values: Vec<f64>,
    linked: bool,
    evaluated: u64,
}

impl Shared {
    /// As [`super::PerReference::new`]. Every row's values go through [`super::Engine::pending_values`].
    pub fn new(references: References, budget: Budget, seed: u64, max_memory: usize, threads: usize) -> Self {
        Self { references, budget, shelf: Shelf::new(Shares::equal(1), seed, max_memory), threads }
    }

    fn pairs_of(&self) -> u64 {
        self.budget.evaluations / self.references.len() as u64 / 2
    }

    /// Pairs of m players after each round; none if all that there are are evaluated at once.
    fn rounds(&self, m: usize) -> (usize, Option<Vec<usize>>) {
        let most = self.pairs_of();
        let all = exact::pairs(m).filter(|&all| all <= most);
        let pairs = all.unwrap_or(most) as usize;
        let rounds = rounds(pairs, m, self.budget.tolerance);
        (pairs, Some(rounds).filter(|rounds| all.is_none() || rounds.len() > 1))
    }

    fn begin_round(&self, work: &mut Work) {
        work.before = if work.round > 0 { work.pairs } else { 0 };
        work.pairs = match &work.designs {
            Some(designs) => designs.design(0).round(work.round).pairs,
            None => exact::pairs(work.players.len()).unwrap_or(0) as usize,
        };
        work.means.resize(2 * work.pairs * self.references.n_outputs(), 0.0);
        work.evaluated += (2 * (work.pairs - work.before) * self.references.len()) as u64;
        work.linked = false;
    }

    fn estimate(&self, work: &Work, control: &dyn Control) -> Result<Step> {
        let (m, k, p) = (work.players.len(), self.references.n_outputs(), self.references.n_players);
        let (empty, rest) = work.values.split_at(k);
        let (sides, full) = rest.split_at(rest.len() - k);
        let delta: Vec<f64> = full.iter().zip(empty).map(|(full, empty)| full - empty).collect();
        let (mut errors, mut low, mut last) = (vec![0.0; k * m], false, true);
        let values = match &work.designs {
            None if m == 0 => Vec::new(),
            None => {
                let mut sums = Enumeration::new(m, &delta);
                sums.tell(0, sides);
                sums.values(&delta)
            }
            Some(designs) => {
                let half = |sides: &[f64]| (0..k).map(|o| (sides[o] - sides[k + o]) / 2.0).collect::<Vec<_>>();
                let halves = sides.chunks_exact(2 * k).flat_map(half).collect();
                let mut sampled = Sampled { units: vec![Unit { group: 0, weight: 1.0, delta }], halves: vec![halves] };
                let solve = |sampled: &Sampled, errors: bool| {
                    let pool = Pool { designs, round: work.round, errors };
                    let centre = |_: usize, phi: &nalgebra::DMatrix<f64>| phi.as_slice().to_vec();
                    Ok(pool.solve(&[sampled], centre, self.threads, control)?.remove(0))
                };
                let asked = work.players.row.errors || self.budget.tolerance.is_some();
                let mut solved = solve(&sampled, false)?;
                let mut honest = Sampled { units: sampled.units.clone(), halves: sampled.halves.clone() };
                if take_triples(designs.design(0), work.round, &solved.phi, &mut sampled, &mut honest) {
                    solved = solve(&sampled, false)?;
                }
                if asked {
                    solved.accuracy = solve(&honest, true)?.accuracy;
                }
                if let Some(accuracy) = &solved.accuracy {
                    errors = accuracy.variances.iter().map(|variance| variance.sqrt()).collect();
                }
                low = solved.singular || work.pairs < m;
                last = work.round + 1 == designs.shape().rounds.len();
                solved.phi.as_slice().to_vec()
            }
        };
        let exact = work.designs.as_ref().is_none_or(|designs| designs.is_whole(work.round));
        let converged = exact || self.budget.tolerance.is_none_or(|tolerance| within(tolerance, &values, &errors, m));
        if !converged && !last {
            return Ok(Step::More);
        }
        Ok(Step::Done(Estimate {
            row: work.players.row.row,
            values: work.players.to_all(&values, p, k),
            standard_errors: if work.players.row.errors {
                work.players.to_all(&errors, p, k)
            } else {
                vec![f64::NAN; p * k]
            },
            background_se: vec![f64::NAN; p * k],
            varying: work.players.varying.clone(),
            n_evals: work.evaluated,
            converged,
            exact,
            low_budget: low,
        }))
    }
}

/// Takes from the half differences of every output what interactions of three players foresee of them, which changes no value but
/// for errors; `honest` loses what is foreseen without the pair itself. Whether there was any.
fn take_triples(
    design: &Design,
    round: usize,
    phi: &nalgebra::DMatrix<f64>,
    sampled: &mut Sampled,
    honest: &mut Sampled,
) -> bool {
    let (round, k, mut any) = (design.round(round), phi.ncols(), false);
    if k > MOST_OUTPUTS {
        return false;
    }
    for (o, phi) in phi.column_iter().enumerate() {
        let delta = sampled.units[0].delta[o];
        let shift = delta / phi.len() as f64;
        let halves = sampled.halves[0][o..].iter().step_by(k);
        let y: Vec<f64> =
            halves.zip(design.pairs(round)).map(|(half, (_, s))| target(*half, delta, design.off(s))).collect();
        let psi: Vec<f64> = phi.iter().map(|phi| phi - shift).collect();
        if let Some(Foreseen { by_all, by_others }) = triples::foreseen(design, round, &y, &psi, shift) {
            any = true;
            for (sampled, foreseen) in [(&mut *sampled, by_all), (&mut *honest, by_others)] {
                let halves = sampled.halves[0][o..].iter_mut().step_by(k);
                halves.zip(foreseen).for_each(|(half, foreseen)| *half -= foreseen);
            }
        }
    }
    any
}

impl Estimator for Shared {
    type Work = Work;

    fn begin(&mut self, row: Row, control: &dyn Control) -> Result<Work> {
        let players = Players::new(row, self.references.n_players);
        let m = players.len();
        let shape = self.rounds(m).1.map(|rounds| Shape { m, rounds });
        let designs = shape.map(|shape| self.shelf.get(shape, self.threads, control)).transpose()?;
        let mut work = Work {
            players,
            designs,
            round: 0,
            pairs: 0,
            before: 0,
            means: Vec::new(),
            values: Vec::new(),
            linked: false,
            evaluated: 0,
        };
        self.begin_round(&mut work);
        Ok(work)
    }

    fn bytes(&self, row: &Row) -> usize {
        let all = super::players::union(&row.differs, words(self.references.n_players));
        let (pairs, _) = self.rounds(size(&all));
        8 * self.references.n_outputs() * (5 * pairs + 2) + 8 * row.differs.len()
    }

    fn n_evaluations(&self, work: &Work) -> usize {
        2 * (work.pairs - work.before) * self.references.len()
    }

    fn ask(&self, work: &Work, range: Range<usize>, out: &mut Evaluations) {
        let (b, players) = (self.references.len(), &work.players);
        let (first, last) = (range.start / 2, range.end / 2);
        let (mut set, mut made) = (vec![0; out.words], usize::MAX);
        out.push_pairs(players.row.row, (first..last).map(|i| i % b), &players.all, |i, one| {
            let pair = work.before + (first + i) / b;
            if pair != made {
                match &work.designs {
                    Some(designs) => players.spread.apply(designs.design(0).mask(pair), &mut set),
                    None => players.spread.apply(&[exact::coalition(pair as u64)], &mut set),
                }
                made = pair;
            }
            one.copy_from_slice(&set);
        });
    }

    fn tell(&self, work: &mut Work, first: usize, outputs: &[f64]) {
        let (b, k) = (self.references.len(), self.references.n_outputs());
        for (i, outputs) in (first / 2..).zip(outputs.chunks_exact(2 * k)) {
            let weight = self.references.weights[i % b];
            let means = &mut work.means[2 * k * (work.before + i / b)..][..2 * k];
            means.iter_mut().zip(outputs).for_each(|(sum, output)| *sum += weight * output);
        }
    }

    fn settle(&mut self, works: &mut [&mut Work], control: &dyn Control) -> Result<Vec<Step>> {
        let mut steps = Vec::with_capacity(works.len());
        for work in works {
            let mut step = Step::Values;
            if !work.linked {
                work.values = [&self.references.mean()[..], &work.means[..], &work.players.row.outputs[..]].concat();
            }
            if work.linked || work.players.len() == 0 {
                step = self.estimate(work, control)?;
            }
            if matches!(step, Step::More) {
                work.round += 1;
                self.begin_round(work);
            }
            steps.push(step);
        }
        Ok(steps)
    }

    fn values<'a>(&self, work: &'a Work) -> &'a [f64] {
        &work.values
    }

    fn set_values(&self, work: &mut Work, values: Vec<f64>) {
        work.values = values;
        work.linked = true;
    }
}

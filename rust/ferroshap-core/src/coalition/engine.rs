//! Strings the evaluations of rows together into few large batches, whatever the estimator.
//!
//! Rows are begun in order, as many as memory allows, and each is asked for from beginning to end: what a row's estimate is
//! made of does not depend on the others.

use std::collections::{BTreeMap, VecDeque};

use super::work::{Estimate, Estimator, Evaluations, Row, Step};
use crate::error::{Error, Result};
use crate::parallel::Control;

/// Rows that are settled together, at most: enough that what they have in common is done once for many.
const SETTLED_TOGETHER: usize = 16;

/// Evaluations that room is made for before it is known how many there are, at most.
const USUAL: usize = 1 << 16;

/// Evaluations to be made, and where their outputs belong.
#[derive(Debug)]
pub struct Asked {
    /// What to evaluate.
    pub evaluations: Evaluations,
    ticket: u64,
    slices: Vec<Slice>,
}

/// Consecutive evaluations of one work.
#[derive(Debug, Clone, Copy)]
struct Slice {
    work: u64,
    first: usize,
    n: usize,
}

#[derive(Debug)]
struct Running<W> {
    work: W,
    bytes: usize,
    /// Of this round: all evaluations, those that were asked for, those of which the outputs are known.
    n: usize,
    asked: usize,
    told: usize,
}

/// Asks for evaluations of rows and makes estimates of what comes back.
#[derive(Debug)]
pub struct Engine<E: Estimator> {
    estimator: E,
    n_players: usize,
    n_outputs: usize,
    max_memory: usize,
    waiting: VecDeque<Row>,
    /// By order of the rows.
    running: BTreeMap<u64, Running<E::Work>>,
    begun: u64,
    /// Works whose round is complete.
    complete: Vec<u64>,
    /// Works that wait for a function of their values.
    linked: Vec<u64>,
    done: BTreeMap<u64, Estimate>,
    asked: u64,
    told: u64,
}

impl<E: Estimator> Engine<E> {
    /// An engine without rows. `max_memory` bounds what the rows in flight hold, in bytes; one row always goes.
    pub fn new(estimator: E, n_players: usize, n_outputs: usize, max_memory: usize) -> Self {
        Self {
            estimator,
            n_players,
            n_outputs,
            max_memory,
            waiting: VecDeque::new(),
            running: BTreeMap::new(),
            begun: 0,
            complete: Vec::new(),
            linked: Vec::new(),
            done: BTreeMap::new(),
            asked: 0,
            told: 0,
        }
    }

    /// Adds a row, after the others.
    pub fn add_row(&mut self, row: Row) {
        self.waiting.push_back(row);
    }

    /// Up to `most` evaluations (at least a pair), of as many rows as they are of. None if nothing can be asked before
    /// something is told or given; with nothing outstanding either, all rows are done.
    ///
    /// # Errors
    /// What stops an estimator.
    pub fn ask(&mut self, most: usize, control: &dyn Control) -> Result<Asked> {
        let most = most.max(2) & !1;
        let evaluations = Evaluations::new(self.n_players, most.min(USUAL));
        let mut asked = Asked { evaluations, ticket: self.asked, slices: Vec::new() };
        while asked.evaluations.len() < most {
            let next = self.running.iter().find(|(_, running)| running.asked < running.n).map(|(&id, _)| id);
            let id = match next {
                Some(id) => id,
                None if self.begin_next(control)? => continue,
                None if asked.evaluations.is_empty() && self.settle_all(control)? => continue,
                None => break,
            };
            let Some(running) = self.running.get_mut(&id) else { break };
            let n = (running.n - running.asked).min(most - asked.evaluations.len());
            let range = running.asked..running.asked + n;
            self.estimator.ask(&running.work, range, &mut asked.evaluations);
            asked.slices.push(Slice { work: id, first: running.asked, n });
            running.asked += n;
        }
        if !asked.evaluations.is_empty() {
            self.asked += 1;
        }
        Ok(asked)
    }

    /// Takes the outputs `(n, K)` of what was asked for; in the order of asking.
    ///
    /// # Errors
    /// [`Error::Data`] for outputs that are not of the oldest question, or of another number.
    pub fn tell(&mut self, asked: &Asked, outputs: &[f64], control: &dyn Control) -> Result<()> {
        if asked.evaluations.is_empty() {
            return Ok(());
        }
        if asked.ticket != self.told {
            let problem = format!("outputs of batch {} were told when those of {} were due", asked.ticket, self.told);
            return Err(Error::Data(format!("{problem}; tell each batch once, in the order of asking")));
        }
        let (n, k) = (asked.evaluations.len(), self.n_outputs);
        if outputs.len() != n * k {
            return Err(Error::Data(format!("{} outputs for {n} evaluations of {k} outputs each", outputs.len())));
        }
        self.told += 1;
        let mut rest = outputs;
        for slice in &asked.slices {
            let (own, after) = rest.split_at(slice.n * k);
            rest = after;
            let Some(running) = self.running.get_mut(&slice.work) else { continue };
            self.estimator.tell(&mut running.work, slice.first, own);
            running.told += slice.n;
            if running.told == running.n {
                self.complete.push(slice.work);
            }
        }
        if self.complete.len() >= SETTLED_TOGETHER { self.settle_all(control).map(drop) } else { Ok(()) }
    }

    /// The estimates that were made since the last call, in order of the rows. Rows that are complete may wait for others,
    /// to be settled with them, as long as there is something to ask or outstanding.
    pub fn finished(&mut self) -> Vec<Estimate> {
        std::mem::take(&mut self.done).into_values().collect()
    }

    /// Values that wait for a function of them (a link): the place of the row, what it is called, `(coalitions, K)`.
    pub fn pending_values(&self) -> Vec<(u64, &[f64])> {
        let values = |id: &u64| self.running.get(id).map(|running| (*id, self.estimator.values(&running.work)));
        self.linked.iter().filter_map(values).collect()
    }

    /// Gives the function of the values of a row, by its place.
    ///
    /// # Errors
    /// [`Error::Data`] if none are pending there, or for another number of values.
    pub fn set_values(&mut self, place: u64, values: Vec<f64>, control: &dyn Control) -> Result<()> {
        let at = self.linked.iter().position(|&id| id == place);
        let (Some(at), Some(running)) = (at, self.running.get_mut(&place)) else {
            return Err(Error::Data(format!("no values are pending for row {place}")));
        };
        let expected = self.estimator.values(&running.work).len();
        if values.len() != expected {
            return Err(Error::Data(format!("{} values for row {place}, which has {expected} pending", values.len())));
        }
        self.estimator.set_values(&mut running.work, values);
        self.linked.swap_remove(at);
        self.complete.push(place);
        self.settle_all(control).map(drop)
    }

    /// Begins the next row that waits, if it fits; complete rows make room.
    fn begin_next(&mut self, control: &dyn Control) -> Result<bool> {
        let Some(row) = self.waiting.front() else { return Ok(false) };
        let bytes = self.estimator.bytes(row);
        let held: usize = self.running.values().map(|running| running.bytes).sum();
        if !self.running.is_empty() && held.saturating_add(bytes) > self.max_memory {
            return self.settle_all(control);
        }
        let Some(row) = self.waiting.pop_front() else { return Ok(false) };
        let work = self.estimator.begin(row, control)?;
        let n = self.estimator.n_evaluations(&work);
        if n == 0 {
            self.complete.push(self.begun);
        }
        self.running.insert(self.begun, Running { work, bytes, n, asked: 0, told: 0 });
        self.begun += 1;
        Ok(true)
    }

    /// Ends the rounds that are complete; whether there were any.
    fn settle_all(&mut self, control: &dyn Control) -> Result<bool> {
        let mut complete = std::mem::take(&mut self.complete);
        complete.sort_unstable();
        for ids in complete.chunks(SETTLED_TOGETHER) {
            let mut works: Vec<_> =
                self.running.iter_mut().filter(|(id, _)| ids.contains(id)).map(|(_, r)| r).collect();
            let mut inner: Vec<&mut E::Work> = works.iter_mut().map(|running| &mut running.work).collect();
            let steps = self.estimator.settle(&mut inner, control)?;
            for (&id, step) in ids.iter().zip(steps) {
                match step {
                    Step::Done(estimate) => {
                        self.running.remove(&id);
                        self.done.insert(id, estimate);
                    }
                    Step::Values => self.linked.push(id),
                    Step::More => {
                        let Some(running) = self.running.get_mut(&id) else { continue };
                        running.n = self.estimator.n_evaluations(&running.work);
                        (running.asked, running.told) = (0, 0);
                    }
                }
            }
        }
        Ok(!complete.is_empty())
    }
}

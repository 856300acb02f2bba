//! What an estimator does for a row, as the engine sees it: it names evaluations by number, takes their outputs in order,
//! and says at the end of a round whether it has an estimate or wants more.

use std::ops::Range;

use super::combinations::words;
use crate::error::Result;
use crate::parallel::Control;

/// A row to be explained.
#[derive(Debug)]
pub struct Row {
    /// What the caller calls it.
    pub row: u32,
    /// The model's outputs for it, `(K)`.
    pub outputs: Vec<f64>,
    /// For each reference the set of players in which the row is not identical to it.
    pub differs: Vec<u64>,
    /// Whether standard errors are wanted: they take about as long as the values.
    pub errors: bool,
}

/// Evaluations: of each the row, the reference, and the players that come from the row (the others from the reference).
#[derive(Debug)]
pub struct Evaluations {
    spans: Vec<Span>,
    /// Sets of players, `words` each.
    pub masks: Vec<u64>,
    /// Words of a set.
    pub words: usize,
    /// Players.
    pub n_players: usize,
}

/// Consecutive evaluations of a row and a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Row, as the caller calls it.
    pub row: u32,
    /// Reference.
    pub reference: u32,
    /// Number of the evaluation after its last.
    pub end: usize,
}

impl Evaluations {
    /// None yet, with room for some.
    pub(crate) fn new(n_players: usize, room: usize) -> Self {
        let words = words(n_players);
        Self { spans: Vec::new(), masks: Vec::with_capacity(room.saturating_mul(words)), words, n_players }
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.masks.len() / self.words
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.masks.is_empty()
    }

    /// The players of evaluation `i`.
    pub fn mask(&self, i: usize) -> &[u64] {
        &self.masks[i * self.words..][..self.words]
    }

    /// In order, of neighbours one or the other differs.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Row and reference of each evaluation.
    pub fn pairs(&self) -> (Vec<u32>, Vec<u32>) {
        let (mut rows, mut references) = (Vec::with_capacity(self.len()), Vec::with_capacity(self.len()));
        for span in &self.spans {
            rows.resize(span.end, span.row);
            references.resize(span.end, span.reference);
        }
        (rows, references)
    }

    /// Adds a pair of the row for each of `references`: the set that `set` writes for it, and the other players of `all`.
    pub(crate) fn push_pairs(
        &mut self,
        row: u32,
        references: impl Iterator<Item = usize>,
        all: &[u64],
        mut set: impl FnMut(usize, &mut [u64]),
    ) {
        let (words, at) = (self.words, self.masks.len());
        let mut end = self.len();
        for reference in references {
            end += 2;
            match self.spans.last_mut() {
                Some(span) if (span.row, span.reference) == (row, reference as u32) => span.end = end,
                _ => self.spans.push(Span { row, reference: reference as u32, end }),
            }
        }
        self.masks.resize(end * words, 0);
        if words == 1 {
            for (i, [one, other]) in self.masks[at..].as_chunks_mut().0.iter_mut().enumerate() {
                set(i, std::slice::from_mut(one));
                *other = all[0] & !*one;
            }
            return;
        }
        for (i, sides) in self.masks[at..].chunks_exact_mut(2 * words).enumerate() {
            let (one, other) = sides.split_at_mut(words);
            set(i, one);
            other.iter_mut().zip(one.iter().zip(all)).for_each(|(other, (one, all))| *other = all & !one);
        }
    }
}

/// What is known about the values of a row.
#[derive(Debug, Clone)]
pub struct Estimate {
    /// The row, as the caller calls it.
    pub row: u32,
    /// Shapley values, `(P, K)`.
    pub values: Vec<f64>,
    /// Standard errors from the choice of coalitions, `(P, K)`; NaN where they were not asked for.
    pub standard_errors: Vec<f64>,
    /// Standard errors from the choice of references, `(P, K)`; NaN where they cannot be told (a single reference, or a
    /// shared design), or were not asked for.
    pub background_se: Vec<f64>,
    /// Players in which the row differs from some reference, lowest first; the others have the value 0.
    pub varying: Vec<u32>,
    /// Model rows that were evaluated.
    pub n_evals: u64,
    /// Whether the tolerance was met; true where none was asked for.
    pub converged: bool,
    /// Whether all coalitions that count were evaluated.
    pub exact: bool,
    /// Whether there were fewer than two coalitions a player (and reference): the values are a guess with a pull to the
    /// mean of the references.
    pub low_budget: bool,
}

/// How a round ended.
#[derive(Debug)]
pub enum Step {
    /// There is an estimate; the work is over.
    Done(Estimate),
    /// Another round, whose evaluations are numbered from 0 again.
    More,
    /// The caller has to give a function of the values first.
    Values,
}

/// A way to estimate Shapley values from evaluations.
pub trait Estimator: Send {
    /// What it keeps of a row.
    type Work: Send;

    /// Begins a row.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`] and what else stops work.
    fn begin(&mut self, row: Row, control: &dyn Control) -> Result<Self::Work>;

    /// An upper bound for the bytes that the work on a row holds while it runs.
    fn bytes(&self, row: &Row) -> usize;

    /// How many evaluations this round has; even.
    fn n_evaluations(&self, work: &Self::Work) -> usize;

    /// Adds evaluations of this round by number; whole pairs.
    fn ask(&self, work: &Self::Work, range: Range<usize>, out: &mut Evaluations);

    /// Takes the outputs of evaluations from number `first` on, `(n, K)`; whole pairs, each once, in order.
    fn tell(&self, work: &mut Self::Work, first: usize, outputs: &[f64]);

    /// Ends a round of some rows.
    ///
    /// # Errors
    /// As [`Self::begin`].
    fn settle(&mut self, works: &mut [&mut Self::Work], control: &dyn Control) -> Result<Vec<Step>>;

    /// The values that a work waits for a function of ([`Step::Values`]), `(coalitions, K)`.
    fn values<'a>(&self, _work: &'a Self::Work) -> &'a [f64] {
        &[]
    }

    /// Gives the function of the values; the work is settled again.
    fn set_values(&self, _work: &mut Self::Work, _values: Vec<f64>) {}
}

//! Predictions of mixtures of two rows that are never written: the columns of some players from an explained row, the others
//! from a background row.
//!
//! Where a split sends both rows the same way, it sends all their mixtures there; elsewhere a mixture goes with the row that it has
//! the column of. So two rows leave few branches of a tree (`restricted.rs`), each a choice by one player, and mixtures go through
//! them by the hundred: a bit a mixture, a set of bits a player (`lanes.rs`). The sums are those of [`Sum::Float64`](super::Sum), bit
//! for bit: each mixture gets one leaf of every tree, in the order of the trees.

mod groups;
mod lanes;
mod restricted;

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::model::Ensemble;
use crate::parallel::{Control, for_each_chunk};
use crate::rows::{RowMajor, Rows};
use crate::simd::{Driver, Level, Simd};
use groups::{Grouped, Task};
use lanes::{AddRestricted, Lanes, TOGETHER};
use restricted::{Pair, Restricted};

/// A model, the background rows, and the player of each column.
#[derive(Debug)]
pub struct MixtureModel {
    model: Arc<Ensemble>,
    background: RowMajor,
    /// By slot.
    players: Vec<u32>,
    n_players: usize,
}

/// Which mixtures.
#[derive(Debug, Clone, Copy)]
pub struct Mixtures<'a> {
    /// The number of the first row that is given.
    pub first_row: u32,
    /// Of each mixture the row, by number.
    pub rows: &'a [u32],
    /// Of each the background row.
    pub references: &'a [u32],
    /// Of each the players that come from the row: a bit a player, least significant first, in as many words as that takes.
    pub sets: &'a [u64],
}

impl MixtureModel {
    /// Of background rows as the model has them, and the player of every column. O(rows × columns).
    ///
    /// # Errors
    /// [`Error::Unsupported`] for leaves that are linear functions: what they give depends on all columns of a mixture.
    /// [`Error::Data`] for rows of another width, or players out of range.
    pub fn new(
        model: &Arc<Ensemble>,
        background: &Rows<'_>,
        player_of_column: &[usize],
        n_players: usize,
    ) -> Result<Self> {
        if model.is_linear() {
            let what = "leaves that are linear functions have no values until a mixture is written";
            return Err(Error::Unsupported(format!("{what}; predict the rows of mixtures instead")));
        }
        background.check(model.n_features(), background.len(), 1)?;
        let (found, columns) = (player_of_column.len(), model.n_features());
        if found != columns || player_of_column.iter().any(|&player| player >= n_players) {
            let problem = format!("players of {found} columns, of {n_players} players in all");
            return Err(Error::Data(format!("{problem}; expected one of these for each of {columns} columns")));
        }
        let mut rows = RowMajor::default();
        rows.fill(background, 0..background.len(), model);
        let players = model.used_features().iter().map(|&f| player_of_column[f as usize] as u32).collect();
        Ok(Self { model: Arc::clone(model), background: rows, players, n_players })
    }

    /// Words of a set of players.
    pub fn words(&self) -> usize {
        self.n_players.div_ceil(64).max(1)
    }

    /// Writes the float64 sums of the leaves, `(mixtures, o)`, divided and from the base as [`Ensemble::predict`] gives them. For the
    /// mixtures of two rows O(trees × branches) once, and that over the lanes of a vector for each of them.
    ///
    /// # Errors
    /// [`Error::Data`] where a row or background row is not there or lengths do not fit, [`Error::Cancelled`].
    pub fn predict(
        &self,
        rows: &Rows<'_>,
        mixtures: Mixtures<'_>,
        level: Level,
        out: &mut [f64],
        threads: usize,
        control: &dyn Control,
    ) -> Result<()> {
        rows.check(self.model.n_features(), rows.len(), 1)?;
        let (n, o) = (mixtures.rows.len(), self.model.n_outputs());
        let fits = mixtures.references.len() == n && mixtures.sets.len() == n * self.words() && out.len() == n * o;
        if !fits {
            let (references, sets) = (mixtures.references.len(), mixtures.sets.len());
            return Err(Error::Data(format!(
                "{n} mixtures have {references} background rows, {sets} words of players and room for {} numbers; expected {n}, {} \
                 and {}",
                out.len(),
                n * self.words(),
                n * o
            )));
        }
        let (Some(&first), Some(&last)) = (mixtures.rows.iter().min(), mixtures.rows.iter().max()) else {
            return Ok(());
        };
        let first_row = mixtures.first_row;
        let reference = mixtures.references.iter().max().copied().unwrap_or(0);
        if first < first_row || (last - first_row) as usize >= rows.len() || reference as usize >= self.background.len()
        {
            return Err(Error::Data(format!(
                "mixtures of rows {first} to {last} and background rows up to {reference}; there are {} rows from {first_row} on and {}",
                rows.len(),
                self.background.len()
            )));
        }
        let mut own = RowMajor::default();
        own.fill(rows, (first - first_row) as usize..(last - first_row) as usize + 1, &self.model);
        let call = Call { of: self, rows: own, first, mixtures, out, threads, control };
        level.dispatch(call)
    }
}

/// Predictions to be made.
struct Call<'a> {
    of: &'a MixtureModel,
    /// From number `first` on.
    rows: RowMajor,
    first: u32,
    mixtures: Mixtures<'a>,
    out: &'a mut [f64],
    threads: usize,
    control: &'a dyn Control,
}

impl Driver for Call<'_> {
    type Out = Result<()>;

    fn drive<S: Simd>(self, s: S) -> Result<()> {
        let Self { of, rows, first, mixtures, out, threads, control } = self;
        let o = of.model.n_outputs();
        let grouped = Grouped::new(mixtures.rows, mixtures.references);
        let mut sorted = if grouped.order.is_some() { vec![0.0; out.len()] } else { Vec::new() };
        let target = if grouped.order.is_some() { &mut sorted[..] } else { &mut *out };
        let mut tasks = grouped.tasks(o, target);
        let scratch = || (Restricted::default(), Lanes::<S>::new(of.n_players, o));
        for_each_chunk(&mut tasks, 1, threads, control, scratch, |(restricted, lanes), _, tasks, _| {
            for Task { row, reference, from, out } in tasks {
                let pair = Pair {
                    model: &of.model,
                    players: &of.players,
                    x: rows.row((*row - first) as usize),
                    b: of.background.row(*reference as usize),
                };
                let place = |i: usize| grouped.order.as_ref().map_or(*from + i, |order| order[*from + i] as usize);
                let words = of.words();
                lanes.begin(out.len() / o, of.model.base(), s, |i| &mixtures.sets[place(i) * words..][..words]);
                let mut trees = of.model.trees();
                while !trees.is_empty() {
                    trees = restricted.fill(&pair, trees);
                    for block in 0..lanes.blocks() {
                        s.vectorize(AddRestricted { restricted, lanes, block });
                    }
                }
                lanes.finish(s, of.model.accumulation().divisor(), out);
            }
        })?;
        if let Some(order) = &grouped.order {
            for (found, &place) in sorted.chunks_exact(o).zip(order) {
                out[place as usize * o..][..o].copy_from_slice(found);
            }
        }
        Ok(())
    }
}

const _: () = assert!(TOGETHER.is_multiple_of(64));

//! Model input for evaluations of a matrix: the columns of a coalition from the explained row, the others from the
//! reference.

use super::cell::{Cell, EIGHT, chosen};
use super::combinations::insert;
use super::combinations::words;
use super::spread::Spread;
use super::work::{Evaluations, Span};
use crate::error::{Error, Result};
use crate::parallel::{Control, for_each_chunk};
use crate::simd::{Driver, Kernel, Level, Simd};

/// A background matrix, whose columns are players or belong to them.
#[derive(Debug)]
pub struct Masker<T> {
    background: Vec<T>,
    columns: usize,
    player_of_column: Vec<usize>,
    n_players: usize,
    /// Sets of players as sets of columns.
    spread: Spread,
}

/// Evaluations that one task fills.
const TASK: usize = 256;

impl<T: Cell> Masker<T> {
    /// Of a background `(B, C)`, row by row, and the player of each column.
    ///
    /// # Errors
    /// [`Error::Data`] for a background of another width, or a player out of range.
    pub fn new(background: Vec<T>, player_of_column: Vec<usize>, n_players: usize) -> Result<Self> {
        let columns = player_of_column.len();
        if columns == 0 || background.is_empty() || !background.len().is_multiple_of(columns) {
            let found = background.len();
            return Err(Error::Data(format!("a background of {found} numbers for {columns} columns; expected (B, C)")));
        }
        if let Some(column) = player_of_column.iter().position(|&player| player >= n_players) {
            let player = player_of_column[column];
            return Err(Error::Data(format!(
                "column {column} belongs to player {player}, there are {n_players} players"
            )));
        }
        let mut columns_of = vec![Vec::new(); n_players];
        player_of_column.iter().enumerate().for_each(|(column, &player)| columns_of[player].push(column));
        let spread = Spread::new(n_players, columns, |player| columns_of[player].iter().copied());
        Ok(Self { background, columns, player_of_column, n_players, spread })
    }

    /// For each row of x `(n, C)` and each background row the set of players of which some column is not the same.
    pub fn differs(&self, x: &[T]) -> Vec<u64> {
        let words = words(self.n_players);
        let mut out = Vec::new();
        for x in x.chunks_exact(self.columns) {
            for b in self.background.chunks_exact(self.columns) {
                let at = out.len();
                out.resize(at + words, 0);
                for (column, (&x, &b)) in x.iter().zip(b).enumerate() {
                    if !T::same(x, b) {
                        insert(&mut out[at..], self.player_of_column[column]);
                    }
                }
            }
        }
        out
    }

    /// Writes the input `(evaluations, C)`; x holds the rows from number `first_row` on.
    ///
    /// # Errors
    /// [`Error::Data`] if a row or reference is not there, or the shapes do not fit.
    pub fn fill(
        &self,
        evaluations: &Evaluations,
        x: &[T],
        first_row: u32,
        out: &mut [T],
        threads: usize,
        control: &dyn Control,
    ) -> Result<()> {
        let (n, columns) = (evaluations.len(), self.columns);
        if out.len() != n * columns || !x.len().is_multiple_of(columns) || evaluations.n_players != self.n_players {
            let shape = format!("{} of {} players into {} cells", n, evaluations.n_players, out.len());
            return Err(Error::Data(format!("{shape}; expected {} players and {columns} cells each", self.n_players)));
        }
        let rows = first_row..first_row + (x.len() / columns) as u32;
        if let Some(Span { row, .. }) = evaluations.spans().iter().find(|span| !rows.contains(&span.row)) {
            return Err(Error::Data(format!("row {row} is not among those given, {rows:?}")));
        }
        let references = self.background.len() / columns;
        if evaluations.spans().iter().any(|span| span.reference as usize >= references) {
            return Err(Error::Data(format!(
                "evaluations of more references than the {references} of this background"
            )));
        }
        let level = Level::in_use();
        for_each_chunk(
            out,
            TASK * columns,
            threads,
            control,
            || vec![0; self.spread.words()],
            |set, task, out, _| {
                level.dispatch(Blend { masker: self, evaluations, x, first_row, first: task * TASK, set, out });
            },
        )
    }
}

/// Fills one task.
struct Blend<'a, T> {
    masker: &'a Masker<T>,
    evaluations: &'a Evaluations,
    x: &'a [T],
    first_row: u32,
    first: usize,
    set: &'a mut [u64],
    out: &'a mut [T],
}

impl<T: Cell> Driver for Blend<'_, T> {
    type Out = ();

    fn drive<S: Simd>(self, s: S) {
        s.vectorize(self);
    }
}

impl<T: Cell, S: Simd> Kernel<S> for Blend<'_, T> {
    #[inline(always)]
    fn run(self, _: S) {
        let Self { masker, evaluations, x: rows, first_row, first, set, out } = self;
        let (columns, last) = (masker.columns, first + out.len() / masker.columns);
        // a row and a reference, with room for whole eights
        let eights = columns.div_ceil(EIGHT);
        let (mut x, mut b) = (vec![[T::default(); EIGHT]; eights], vec![[T::default(); EIGHT]; eights]);
        let (mut at, spans) = (first, evaluations.spans());
        for &Span { row, reference, end } in &spans[spans.partition_point(|span| span.end <= first)..] {
            if at >= last {
                break;
            }
            let end = end.min(last);
            copy(&rows[(row - first_row) as usize * columns..][..columns], &mut x);
            copy(&masker.background[reference as usize * columns..][..columns], &mut b);
            let mut mixed = Mixed { x: &x, b: &b, columns, out: &mut out[(at - first) * columns..] };
            let masks = &evaluations.masks[at * evaluations.words..end * evaluations.words];
            if masker.spread.keeps_words() {
                match eights {
                    1 => masks.iter().for_each(|&word| mixed.narrow::<1>(word)),
                    2 => masks.iter().for_each(|&word| mixed.narrow::<2>(word)),
                    3 => masks.iter().for_each(|&word| mixed.narrow::<3>(word)),
                    4 => masks.iter().for_each(|&word| mixed.narrow::<4>(word)),
                    _ => masks.iter().for_each(|word| mixed.wide(std::slice::from_ref(word))),
                }
            } else {
                for mask in masks.chunks_exact(evaluations.words) {
                    masker.spread.apply(mask, set);
                    mixed.wide(set);
                }
            }
            at = end;
        }
    }
}

/// Eights of a word.
const EIGHTS: usize = 64 / EIGHT;

/// A row and a reference by eights, and where their mixtures go.
struct Mixed<'a, T> {
    x: &'a [[T; EIGHT]],
    b: &'a [[T; EIGHT]],
    columns: usize,
    out: &'a mut [T],
}

impl<T: Cell> Mixed<'_, T> {
    /// Writes the mixture of a set of columns. The last eight of a row reaches into the next row, which is written after it.
    #[inline(always)]
    fn wide(&mut self, set: &[u64]) {
        let (whole, rest) = self.out.as_chunks_mut();
        let words = set.iter().zip(self.x.chunks(EIGHTS).zip(self.b.chunks(EIGHTS)));
        for ((&word, (x, b)), out) in words.zip(whole.chunks_mut(EIGHTS)) {
            let mut bits = word;
            for ((x, b), out) in x.iter().zip(b).zip(out) {
                *out = chosen(bits, x, b);
                bits >>= EIGHT;
            }
        }
        if whole.len() < self.x.len() {
            let at = whole.len();
            let cells = chosen(set[at / EIGHTS] >> (at % EIGHTS * EIGHT), &self.x[at], &self.b[at]);
            rest.copy_from_slice(&cells[..rest.len()]);
        }
        self.step();
    }

    /// The same for columns of N eights: what is mixed stays in registers.
    #[inline(always)]
    fn narrow<const N: usize>(&mut self, word: u64) {
        let (whole, _) = self.out.as_chunks_mut();
        let (Some(out), Some(x), Some(b)) =
            (whole.first_chunk_mut::<N>(), self.x.first_chunk::<N>(), self.b.first_chunk::<N>())
        else {
            return self.wide(&[word]);
        };
        for at in 0..N {
            out[at] = chosen(word >> (at * EIGHT), &x[at], &b[at]);
        }
        self.step();
    }

    /// On to the next row.
    #[inline(always)]
    fn step(&mut self) {
        self.out = &mut std::mem::take(&mut self.out)[self.columns..];
    }
}

/// Writes a row into eights.
#[inline(always)]
fn copy<T: Cell>(row: &[T], eights: &mut [[T; EIGHT]]) {
    for (eight, row) in eights.iter_mut().zip(row.chunks(EIGHT)) {
        eight[..row.len()].copy_from_slice(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::Uninterrupted;

    fn check<T: Cell + PartialEq + std::fmt::Debug>(of: impl Fn(usize) -> T, columns: usize, group: usize) {
        let players = columns.div_ceil(group);
        let masker =
            Masker::new((0..3 * columns).map(&of).collect(), (0..columns).map(|c| c / group).collect(), players);
        let masker = masker.expect("valid");
        let x: Vec<T> = (0..2 * columns).map(|i| of(1000 + i)).collect();
        let mut evaluations = Evaluations::new(players, 0);
        let mut all = vec![0; words(players)];
        (0..players).for_each(|j| insert(&mut all, j));
        for i in 0..300 {
            evaluations.push_pairs(7 + i % 2, std::iter::once(i as usize % 3), &all, |_, set| {
                (0..players).filter(|j| (j * 7 + i as usize * 13) % 5 < 2).for_each(|j| insert(set, j));
            });
        }
        let expected: Vec<T> = (0..600 * columns)
            .map(|at| {
                let (pair, side, c) = (at / columns / 2, at / columns % 2, at % columns);
                let member = ((c / group * 7 + pair * 13) % 5 < 2) == (side == 0);
                if member { x[pair % 2 * columns + c] } else { of(pair % 3 * columns + c) }
            })
            .collect();
        for threads in [1, 3] {
            let mut out = vec![T::default(); 600 * columns];
            masker.fill(&evaluations, &x, 7, &mut out, threads, &Uninterrupted).expect("fits");
            assert!(out == expected);
        }
    }

    #[test]
    fn members_come_from_the_row_and_the_others_from_the_reference() {
        for columns in [1, 5, 64, 65, 130] {
            for group in [1, 3] {
                check(|i| i as f64, columns, group);
                check(|i| i as f32, columns, group);
                check(|i| i as u8, columns, group);
                check(|i| i as i16, columns, group);
                check(|i| i % 3 == 0, columns, group);
            }
        }
    }

    #[test]
    fn the_same_is_equal_or_both_missing() {
        let masker = Masker::new(vec![f64::NAN, -0.0, 1.0, 1e6], vec![0, 1, 2, 2], 3).expect("valid");
        assert_eq!(masker.differs(&[f64::NAN, 0.0, 1.0, 1e6 + 1e-9, 0.0, f64::NAN, 1.0, 1e6]), [0b100, 0b011]);
    }
}

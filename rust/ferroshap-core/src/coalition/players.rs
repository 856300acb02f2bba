//! Which players count in a row: those in which it differs from some reference. The others have the value 0.

use super::combinations::{contains, members, words};
use super::spread::Spread;
use super::work::Row;

/// A row by the players that count.
#[derive(Debug)]
pub(crate) struct Players {
    /// The row.
    pub(crate) row: Row,
    /// The players that count, lowest first.
    pub(crate) varying: Vec<u32>,
    /// Sets of them as sets of all players.
    pub(crate) spread: Spread,
    /// The set of all of them.
    pub(crate) all: Vec<u64>,
    words: usize,
}

impl Players {
    /// Of a row of `n_players`.
    pub(crate) fn new(row: Row, n_players: usize) -> Self {
        let words = words(n_players);
        let all = union(&row.differs, words);
        let varying: Vec<u32> = members(&all).map(|player| player as u32).collect();
        let spread = Spread::new(varying.len(), n_players, |i| [varying[i] as usize]);
        Self { row, varying, spread, all, words }
    }

    /// How many count.
    pub(crate) fn len(&self) -> usize {
        self.varying.len()
    }

    /// The set of players that differ from a reference.
    pub(crate) fn differing(&self, reference: usize) -> &[u64] {
        &self.row.differs[reference * self.words..][..self.words]
    }

    /// Where among the players that count those are that differ from a reference.
    pub(crate) fn places(&self, reference: usize) -> Vec<usize> {
        let differing = self.differing(reference);
        (0..self.len()).filter(|&i| contains(differing, self.varying[i] as usize)).collect()
    }

    /// Values of the players that count, `(K, M)`, as values of all, `(P, K)`.
    pub(crate) fn to_all(&self, values: &[f64], n_players: usize, k: usize) -> Vec<f64> {
        let mut out = vec![0.0; n_players * k];
        for (o, values) in values.chunks_exact(self.len().max(1)).enumerate() {
            values.iter().zip(&self.varying).for_each(|(value, &player)| out[player as usize * k + o] = *value);
        }
        out
    }
}

/// The union of sets.
pub(crate) fn union(sets: &[u64], words: usize) -> Vec<u64> {
    let mut all = vec![0; words];
    sets.chunks_exact(words).for_each(|set| all.iter_mut().zip(set).for_each(|(all, word)| *all |= word));
    all
}

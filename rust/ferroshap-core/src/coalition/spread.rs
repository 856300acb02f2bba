//! Sets of the players that count in a row, as sets of all players (or of columns): four members at a time, by tables.

use super::combinations::{insert, words};

/// Where the members of small sets are in large ones.
#[derive(Debug, Clone)]
pub(crate) struct Spread {
    /// Of each four small members, for each choice of them, the large members: `[four][choice][words]`.
    tables: Vec<u64>,
    words: usize,
    /// Small and large sets are the same.
    same: bool,
}

impl Spread {
    /// Small member i stands for the large members that `of(i)` gives.
    pub(crate) fn new<I: IntoIterator<Item = usize>>(small: usize, large: usize, of: impl Fn(usize) -> I) -> Self {
        let (words, fours) = (words(large), small.div_ceil(4));
        let mut tables = vec![0; fours * 16 * words];
        let mut same = small == large;
        for i in 0..small {
            for member in of(i) {
                same &= member == i;
                for choice in (0..16).filter(|choice| choice >> (i % 4) & 1 != 0) {
                    insert(&mut tables[(i / 4 * 16 + choice) * words..][..words], member);
                }
            }
        }
        Self { tables, words, same }
    }

    /// Words of a large set.
    pub(crate) fn words(&self) -> usize {
        self.words
    }

    /// Whether small sets are large ones as they are, of one word each.
    pub(crate) fn keeps_words(&self) -> bool {
        self.same && self.words == 1
    }

    /// Writes the large set of a small one.
    #[inline(always)]
    pub(crate) fn apply(&self, small: &[u64], out: &mut [u64]) {
        if self.same {
            out.iter_mut().zip(small).for_each(|(out, small)| *out = *small); // few words: no call
            return;
        }
        out.fill(0);
        for (four, tables) in self.tables.chunks_exact(16 * self.words).enumerate() {
            let choice = (small[four / 16] >> (four % 16 * 4) & 15) as usize;
            let found = &tables[choice * self.words..][..self.words];
            out.iter_mut().zip(found).for_each(|(out, found)| *out |= found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::combinations::members;
    use super::*;

    #[test]
    fn small_members_become_the_large_ones() {
        let players = [3, 4, 70, 90, 129, 130];
        let spread = Spread::new(6, 131, |i| [players[i]]);
        let mut out = vec![9; words(131)];
        spread.apply(&[0b10_1101], &mut out);
        assert_eq!(members(&out).collect::<Vec<_>>(), [3, 70, 90, 130]);
        let columns = Spread::new(2, 5, |i| if i == 0 { vec![0, 2, 4] } else { vec![1, 3] });
        let mut out = vec![0];
        columns.apply(&[2], &mut out);
        assert_eq!(out, [0b01010]);
    }
}

//! The s-subsets of M players by number, and draws of them without replacement.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use super::random::{Permutation, Stream, mixed};

/// Words of a set of players.
pub(crate) fn words(players: usize) -> usize {
    players.div_ceil(64).max(1)
}

/// Puts a player into a set.
pub(crate) fn insert(set: &mut [u64], player: usize) {
    set[player / 64] |= 1 << (player % 64);
}

/// Whether a set has a player.
pub(crate) fn contains(set: &[u64], player: usize) -> bool {
    set[player / 64] >> (player % 64) & 1 != 0
}

/// How many players a set has.
pub(crate) fn size(set: &[u64]) -> usize {
    set.iter().map(|word| word.count_ones() as usize).sum()
}

/// The players of a set, lowest first.
pub(crate) fn members(set: &[u64]) -> impl Iterator<Item = usize> + '_ {
    set.iter().enumerate().flat_map(|(i, &word)| {
        let mut left = word;
        std::iter::from_fn(move || {
            let lowest = left.trailing_zeros();
            left &= left.wrapping_sub(1);
            (lowest < 64).then_some(64 * i + lowest as usize)
        })
    })
}

/// The players of 0 … m − 1 that are not in the set.
pub(crate) fn complement(set: &[u64], m: usize, out: &mut [u64]) {
    for (i, (out, word)) in out.iter_mut().zip(set).enumerate() {
        let within = m.saturating_sub(64 * i);
        *out = !word & if within >= 64 { u64::MAX } else { (1 << within) - 1 };
    }
}

/// Larger numbers of subsets are not told apart.
const MANY: u64 = 1 << 63;

/// How many subsets of s of m players there are; `None` from 2⁶³ on.
pub(crate) fn count(m: usize, s: usize) -> Option<u64> {
    // C(m, i + 1) = C(m, i) (m − i)/(i + 1), which grows up to the middle
    let next = |n: u128, i: usize| Some(n * (m - i) as u128 / (i as u128 + 1)).filter(|&n| n < u128::from(MANY));
    (0..s.min(m - s)).try_fold(1, next).map(|n| n as u64)
}

/// Binomial coefficients C(n, k) for n ≤ m and k ≤ s, capped at 2⁶³: the numbers of the s-subsets of m players in
/// colexicographic order ("combinadics"; Knuth, TAOCP 4A, §7.2.1.3, theorem L).
#[derive(Debug, Clone)]
pub(crate) struct Subsets {
    m: usize,
    s: usize,
    /// C(n, k) at [k][n].
    binomials: Vec<u64>,
}

impl Subsets {
    /// All subsets of s of m players.
    pub(crate) fn new(m: usize, s: usize) -> Self {
        let mut binomials = vec![0_u64; (s + 1) * (m + 1)];
        binomials[..=m].fill(1);
        for k in 1..=s {
            for n in 1..=m {
                // C(n, k) = C(n − 1, k − 1) + C(n − 1, k)
                let sum = binomials[(k - 1) * (m + 1) + n - 1].saturating_add(binomials[k * (m + 1) + n - 1]);
                binomials[k * (m + 1) + n] = sum.min(MANY);
            }
        }
        Self { m, s, binomials }
    }

    /// Subset number `rank`, below [`count`]: the largest n with C(n, k) ≤ rank is its largest member, and so on
    /// with what is left. s binary searches.
    pub(crate) fn unrank(&self, mut rank: u64, out: &mut [u64]) {
        let mut above = self.m;
        for k in (1..=self.s).rev() {
            let column = &self.binomials[k * (self.m + 1)..][..above];
            let player = column.partition_point(|&c| c <= rank) - 1;
            insert(out, player);
            rank -= column[player];
            above = player;
        }
    }
}

/// Different subsets of one size in random order, one after the other: a longer draw begins with the shorter one.
#[derive(Debug)]
pub(crate) struct Draw {
    m: usize,
    s: usize,
    /// Of two complements one stands for the pair: the one with player 0.
    halved: bool,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// All subsets in an order that is computed.
    Permuted { subsets: Subsets, order: Permutation, next: u64 },
    /// Subsets of random permutations of the players, what was drawn before left out.
    Drawn { blocks: Blocks, seen: HashSet<u64, Mixed> },
}

impl Draw {
    /// Draws from the s-subsets of m players; s = m / 2 from those with player 0, for their complements are the others.
    /// `expected` is how many will be asked for at most; `balanced` makes every player occur equally often as far as
    /// possible, where the subsets are many more than that.
    pub(crate) fn new(stream: Stream, m: usize, s: usize, expected: u64, balanced: bool) -> Self {
        let halved = 2 * s == m;
        // the subsets with player 0 are those of the other players, one smaller
        let (of, size) = if halved { (m - 1, s - 1) } else { (m, s) };
        let way = match count(of, size) {
            Some(count) if !balanced || count / 2 < expected => {
                Way::Permuted { order: Permutation::new(stream, count), subsets: Subsets::new(of, size), next: 0 }
            }
            _ => Way::Drawn { blocks: Blocks::new(stream, m, balanced), seen: HashSet::default() },
        };
        Self { m, s, halved, way }
    }

    /// Whether players occur equally often as far as possible.
    pub(crate) fn is_balanced(&self) -> bool {
        matches!(&self.way, Way::Drawn { blocks, .. } if blocks.carry)
    }

    /// The next subset, into a set that is empty. As many as there are.
    pub(crate) fn next(&mut self, out: &mut [u64]) {
        match &mut self.way {
            Way::Permuted { subsets, order, next } => {
                let rank = order.at(*next);
                *next += 1;
                subsets.unrank(rank, out);
                if self.halved {
                    shift_up(out);
                    insert(out, 0);
                }
            }
            Way::Drawn { blocks, seen } => loop {
                out.fill(0);
                blocks.next(self.s, out);
                if self.halved && !contains(out, 0) {
                    let set = out.to_vec();
                    complement(&set, self.m, out);
                }
                // sets of more than 64 players that were mixed into the same word would merely be drawn again
                if seen.insert(out.iter().fold(0, |all, &word| mixed(all ^ word))) {
                    return;
                }
            },
        }
    }
}

/// A hash of words that are mixed already.
type Mixed = BuildHasherDefault<Word>;

/// The word itself.
#[derive(Debug, Default)]
struct Word(u64);

impl Hasher for Word {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = self.0 << 8 | u64::from(byte));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

/// Player j becomes player j + 1.
fn shift_up(set: &mut [u64]) {
    let mut carry = 0;
    for word in set {
        (*word, carry) = (*word << 1 | carry, *word >> 63);
    }
}

/// Random permutations of the players, cut into consecutive blocks.
#[derive(Debug)]
struct Blocks {
    stream: Stream,
    m: usize,
    /// Whether what is left of a permutation goes into the next block: then every player has been in as many blocks as
    /// every other, up to one.
    carry: bool,
    permutations: u64,
    /// The last permutation, and how much of it was cut off.
    order: Vec<u32>,
    cut: usize,
}

impl Blocks {
    fn new(stream: Stream, m: usize, carry: bool) -> Self {
        Self { stream, m, carry, permutations: 0, order: Vec::new(), cut: 0 }
    }

    fn next(&mut self, s: usize, out: &mut [u64]) {
        if !self.carry {
            self.cut = self.order.len();
        }
        let (mut size, mut waiting) = (0, Vec::new());
        while size < s {
            if self.cut == self.order.len() {
                self.order = self.stream.within(self.permutations).permutation(self.m);
                (self.permutations, self.cut) = (self.permutations + 1, 0);
            }
            let player = self.order[self.cut];
            self.cut += 1;
            if contains(out, player as usize) {
                waiting.push(player);
            } else {
                insert(out, player as usize);
                size += 1;
            }
        }
        // players that the block had already, from the permutation before, come first in the next one
        self.cut -= waiting.len();
        self.order[self.cut..][..waiting.len()].copy_from_slice(&waiting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(m: usize, s: usize, n: usize, balanced: bool) -> Vec<Vec<u64>> {
        let mut draw = Draw::new(Stream::new(5, 0, s as u64), m, s, n as u64, balanced);
        let make = |_| {
            let mut set = vec![0; words(m)];
            draw.next(&mut set);
            set
        };
        (0..n).map(make).collect()
    }

    #[test]
    fn numbers_of_subsets_are_exact_up_to_their_limit() {
        assert_eq!(count(66, 33), Some(7_219_428_434_016_265_740));
        assert_eq!((count(67, 33), count(1 << 40, 2)), (None, None));
        assert_eq!((count(5, 0), count(5, 5), count(100, 98)), (Some(1), Some(1), Some(4950)));
    }

    #[test]
    fn subsets_by_number_are_all_subsets() {
        let subsets = Subsets::new(9, 4);
        let count = count(9, 4).expect("few");
        assert_eq!(count, 126);
        let all: HashSet<u64> = (0..count)
            .map(|rank| {
                let mut set = [0];
                subsets.unrank(rank, &mut set);
                set[0]
            })
            .collect();
        assert_eq!(all.len(), 126);
        assert!(all.iter().all(|set| set.count_ones() == 4 && *set < 1 << 9));
    }

    #[test]
    fn draws_are_different_and_of_their_size() {
        for (m, s, n) in [(7, 3, 35), (8, 4, 35), (70, 2, 2415), (70, 35, 300), (2000, 1000, 20), (130, 65, 40)] {
            for balanced in [false, true] {
                let sets = drawn(m, s, n, balanced);
                assert_eq!(sets.iter().collect::<HashSet<_>>().len(), n);
                for set in &sets {
                    assert_eq!(members(set).count(), s);
                    assert!(members(set).all(|player| player < m));
                    assert!(2 * s != m || contains(set, 0));
                }
                assert_eq!(sets[..n / 2], drawn(m, s, n, balanced)[..n / 2]);
            }
        }
    }

    #[test]
    fn balanced_draws_have_every_player_equally_often() {
        let mut counts = [0; 41];
        for set in drawn(41, 7, 100, true) {
            members(&set).for_each(|player| counts[player] += 1);
        }
        assert!(counts.iter().all(|&n| n == 17 || n == 18), "{counts:?}"); // 100 · 7 / 41 = 17.07
    }

    #[test]
    fn a_complement_is_the_rest() {
        for m in [1, 63, 64, 65, 130] {
            let (mut set, mut rest) = (vec![0; words(m)], vec![0; words(m)]);
            insert(&mut set, m / 2);
            complement(&set, m, &mut rest);
            assert_eq!(members(&rest).collect::<Vec<_>>(), (0..m).filter(|&j| j != m / 2).collect::<Vec<_>>());
        }
    }
}

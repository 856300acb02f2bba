//! Mixtures of two rows side by side, one a lane.

use super::restricted::Restricted;
use crate::simd::{Kernel, Simd};

/// Mixtures of a block.
pub(super) const TOGETHER: usize = 512;

/// Vectors that are summed in registers.
const VECTORS: usize = 8;

/// A bit a mixture of a block.
type Mask = [u8; TOGETHER / 8];

/// What the mixtures of two rows are summed up in, and which players each has from the explained row.
#[derive(Debug)]
pub(super) struct Lanes<S: Simd> {
    n: usize,
    n_players: usize,
    n_outputs: usize,
    /// `[block][player]`
    sets: Vec<Mask>,
    /// Of the steps of a block, after all mixtures.
    masks: Vec<Mask>,
    /// `[block][output]`, then the vectors of a block.
    sums: Vec<S::V>,
}

impl<S: Simd> Lanes<S> {
    /// For mixtures of so many players.
    pub(super) fn new(n_players: usize, n_outputs: usize) -> Self {
        Self { n: 0, n_players, n_outputs, sets: Vec::new(), masks: Vec::new(), sums: Vec::new() }
    }

    /// How many blocks there are.
    pub(super) fn blocks(&self) -> usize {
        self.n.div_ceil(TOGETHER)
    }

    const VECTORS_OF_A_BLOCK: usize = TOGETHER / S::LANES;

    /// Begins `n` mixtures, whose sets of players `set` gives, from the base.
    pub(super) fn begin<'s>(&mut self, n: usize, base: &[f64], s: S, set: impl Fn(usize) -> &'s [u64]) {
        self.n = n;
        self.sets.resize(self.blocks() * self.n_players, [0; TOGETHER / 8]);
        for first in (0..n).step_by(64) {
            let (block, at) = (first / TOGETHER, first % TOGETHER / 8);
            for (word, players) in self.sets[block * self.n_players..][..self.n_players].chunks_mut(64).enumerate() {
                let mut bits = [0; 64];
                for (i, bits) in bits.iter_mut().enumerate().take(n - first) {
                    *bits = set(first + i)[word];
                }
                transpose(&mut bits);
                for (mask, bits) in players.iter_mut().zip(bits) {
                    mask[at..at + 8].copy_from_slice(&bits.to_le_bytes());
                }
            }
        }
        self.sums.clear();
        for _ in 0..self.blocks() {
            for &base in base {
                self.sums.extend(std::iter::repeat_n(s.splat(base), Self::VECTORS_OF_A_BLOCK));
            }
        }
    }

    /// Writes the sums `(n, o)`, divided.
    pub(super) fn finish(&self, s: S, divisor: f64, out: &mut [f64]) {
        let o = self.n_outputs;
        for (block, out) in out.chunks_mut(TOGETHER * o).enumerate() {
            for output in 0..o {
                let sums = &self.sums[(block * o + output) * Self::VECTORS_OF_A_BLOCK..];
                for (out, sums) in out.chunks_mut(S::LANES * o).zip(sums) {
                    for (to, sum) in out[output..].iter_mut().step_by(o).zip(s.lanes(*sums)) {
                        *to = if divisor == 1.0 { sum } else { sum / divisor };
                    }
                }
            }
        }
    }
}

/// Exchanges rows and columns: bit i of word j becomes bit j of word i (Warren 2013, Hacker's Delight, §7-3).
fn transpose(words: &mut [u64; 64]) {
    let (mut width, mut low) = (32, u64::from(u32::MAX));
    while width > 0 {
        for at in (0..64).filter(|at| at & width == 0) {
            let swapped = (words[at] >> width ^ words[at | width]) & low;
            words[at] ^= swapped << width;
            words[at | width] ^= swapped;
        }
        width /= 2;
        low ^= low << width;
    }
}

/// Adds some trees to the sums of a block.
pub(super) struct AddRestricted<'a, S: Simd> {
    pub(super) restricted: &'a Restricted,
    pub(super) lanes: &'a mut Lanes<S>,
    pub(super) block: usize,
}

impl<S: Simd> Kernel<S> for AddRestricted<'_, S> {
    #[inline(always)]
    fn run(self, s: S) {
        let Self { restricted: Restricted { trees, steps, first, values, width, .. }, lanes, block } = self;
        let Lanes { n, n_players, n_outputs, sets, masks, sums } = lanes;
        let sets = &sets[block * *n_players..][..*n_players];
        masks.clear();
        masks.push([u8::MAX; TOGETHER / 8]);
        for step in steps {
            let (under, set) = (&masks[step.under as usize], &sets[step.player as usize]);
            let mut mask = [0; TOGETHER / 8];
            mask.iter_mut().zip(under.iter().zip(set)).for_each(|(mask, (under, set))| *mask = under & set);
            masks.push(mask);
        }
        let of_a_block = TOGETHER / S::LANES;
        let sums = &mut sums[block * *n_outputs * of_a_block..][..*n_outputs * of_a_block];
        let lanes = (*n - block * TOGETHER).min(TOGETHER);
        for part in 0..lanes.div_ceil(VECTORS * S::LANES) {
            for output in 0..*width {
                let mut begin = 0;
                for (tree, first) in trees.iter().zip(first.chunks_exact(*width)) {
                    let mut reached = [s.splat(first[output]); VECTORS];
                    for step in begin..tree.end as usize {
                        let value = s.splat(values[step * *width + output]);
                        let mask = &masks[step + 1];
                        for (i, reached) in reached.iter_mut().enumerate() {
                            *reached = s.select(s.mask(mask, part * VECTORS + i), value, *reached);
                        }
                    }
                    begin = tree.end as usize;
                    let sums = &mut sums[(tree.output as usize + output) * of_a_block + part * VECTORS..][..VECTORS];
                    for (sum, reached) in sums.iter_mut().zip(reached) {
                        *sum = s.add(*sum, reached);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_transposed() {
        let of = |i: usize| (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut words = std::array::from_fn(of);
        transpose(&mut words);
        for (j, word) in words.iter().enumerate() {
            for i in 0..64 {
                assert_eq!(word >> i & 1, of(i) >> j & 1);
            }
        }
    }
}

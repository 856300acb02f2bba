//! Random numbers by counter: number `index` of a stream is a function of (seed, reference, layer, index) alone, so
//! nothing that happens elsewhere can change it.

/// A stream of random words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stream(u64);

/// Increment of the counter: 2⁶⁴ over the golden ratio, odd (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014, §2).
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// A bijection of 64-bit words in which every bit of the input reaches every bit of the output (Stafford's variant 13 of
/// the finaliser of MurmurHash3, as in the same paper, §3).
pub(crate) fn mixed(word: u64) -> u64 {
    let word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ word >> 31
}

impl Stream {
    /// The stream of a layer of the design of a reference.
    pub(crate) fn new(seed: u64, reference: u64, layer: u64) -> Self {
        [reference, layer].iter().fold(Self(mixed(seed ^ GAMMA)), |stream, &part| stream.within(part))
    }

    /// A stream of its own for each `part`.
    pub(crate) fn within(self, part: u64) -> Self {
        Self(mixed(self.0 ^ mixed(part.wrapping_add(1).wrapping_mul(GAMMA))))
    }

    /// Random word `index`.
    pub(crate) fn word(self, index: u64) -> u64 {
        mixed(self.0.wrapping_add(index.wrapping_add(1).wrapping_mul(GAMMA)))
    }

    /// Random number `index` below `n`; the bias is below n / 2⁶⁴.
    pub(crate) fn below(self, index: u64, n: usize) -> usize {
        ((u128::from(self.word(index)) * n as u128) >> 64) as usize
    }

    /// The numbers 0 … n − 1 in random order (Fisher and Yates).
    pub(crate) fn permutation(self, n: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..n as u32).collect();
        for last in (1..n).rev() {
            order.swap(last, self.below(last as u64, last + 1));
        }
        order
    }
}

/// A random permutation of 0 … n − 1 that is computed number by number: a Feistel network on the smallest
/// even number of bits, walked until it comes back below n (Black and Rogaway, "Ciphers with arbitrary finite domains",
/// CT-RSA 2002, §5 "cycle walking"), at most four steps on average.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Permutation {
    stream: Stream,
    n: u64,
    half: u32,
}

const ROUNDS: u64 = 6;

impl Permutation {
    /// Of 0 … n − 1, n ≤ 2⁶³.
    pub(crate) fn new(stream: Stream, n: u64) -> Self {
        let bits = (64 - n.saturating_sub(1).leading_zeros()).max(2);
        Self { stream, n, half: bits.div_ceil(2) }
    }

    /// Number `index` of the permutation.
    pub(crate) fn at(self, index: u64) -> u64 {
        let low = (1_u64 << self.half) - 1;
        let mut at = index;
        loop {
            let (mut left, mut right) = (at >> self.half, at & low);
            for round in 0..ROUNDS {
                (left, right) = (right, left ^ self.stream.within(round).word(right) & low);
            }
            at = left << self.half | right;
            if at < self.n {
                return at;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permutations_hold_every_number_once() {
        for n in [1, 2, 3, 5, 16, 17, 1000, 4097] {
            let permutation = Permutation::new(Stream::new(7, 3, 2), n);
            let mut all: Vec<u64> = (0..n).map(|i| permutation.at(i)).collect();
            all.sort_unstable();
            assert_eq!(all, (0..n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn every_order_of_three_is_as_likely() {
        let mut counts = std::collections::HashMap::new();
        for reference in 0..6000 {
            let stream = Stream::new(1, reference, 0);
            let by_network: Vec<u64> = (0..3).map(|i| Permutation::new(stream, 3).at(i)).collect();
            *counts.entry((0, by_network)).or_insert(0) += 1;
            let by_exchange = stream.permutation(3).into_iter().map(u64::from).collect();
            *counts.entry((1, by_exchange)).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 12);
        // 1000 expected, standard deviation 29
        assert!(counts.values().all(|&n| (870..=1130).contains(&n)), "{counts:?}");
    }

    #[test]
    fn streams_of_neighbours_have_nothing_in_common() {
        let of =
            |seed, reference, layer| (0..64).map(|i| Stream::new(seed, reference, layer).word(i)).collect::<Vec<_>>();
        let streams = [of(0, 0, 0), of(1, 0, 0), of(0, 1, 0), of(0, 0, 1)];
        for (i, a) in streams.iter().enumerate() {
            for b in &streams[i + 1..] {
                let equal: u32 = a.iter().zip(b).map(|(a, b)| (a ^ b).count_zeros()).sum();
                assert!((1850..=2250).contains(&equal), "{equal} of 4096 bits"); // 2048 expected, deviation 32
            }
        }
    }
}

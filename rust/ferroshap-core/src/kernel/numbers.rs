//! Patterns and the order in which they were met.

/// Patterns of at most so many features have a place each.
const DIRECT_FEATURES: usize = 14;

/// Numbers different patterns 0, 1, 2, …
#[derive(Debug, Default)]
pub(super) struct Numbers {
    is_direct: bool,
    /// The number of each pattern, and 1; 0: not met.
    direct: Vec<u32>,
    /// Open addressing: number and 1, and the pattern, of each place; a power of two of them.
    numbers: Vec<u32>,
    keys: Vec<u64>,
    /// The patterns by number.
    pub(super) met: Vec<u64>,
}

impl Numbers {
    /// Begins again, with patterns of `features` features.
    pub(super) fn clear(&mut self, features: usize) {
        if self.is_direct {
            self.met.iter().for_each(|pattern| self.direct[*pattern as usize] = 0);
        } else {
            self.numbers.fill(0);
        }
        self.met.clear();
        self.is_direct = features <= DIRECT_FEATURES;
        if self.is_direct && self.direct.is_empty() {
            self.direct = vec![0; 1 << DIRECT_FEATURES];
        } else if !self.is_direct && self.numbers.is_empty() {
            (self.numbers, self.keys) = (vec![0; 1 << 12], vec![0; 1 << 12]);
        }
    }

    /// The number of a pattern.
    #[inline(always)]
    pub(super) fn number(&mut self, pattern: u64) -> u32 {
        if self.is_direct {
            let place = &mut self.direct[pattern as usize];
            if *place == 0 {
                self.met.push(pattern);
                *place = self.met.len() as u32;
            }
            return *place - 1;
        }
        let mut place = self.place(pattern);
        loop {
            match self.numbers[place] {
                0 => return self.insert(pattern, place),
                number if self.keys[place] == pattern => return number - 1,
                _ => place = (place + 1) & (self.keys.len() - 1),
            }
        }
    }

    /// Where a pattern is looked for first: the high bits of a product (Fibonacci hashing). Patterns come from a model and its rows,
    /// which gain nothing by colliding.
    #[inline(always)]
    fn place(&self, pattern: u64) -> usize {
        (pattern.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - self.keys.len().trailing_zeros())) as usize
    }

    fn insert(&mut self, pattern: u64, place: usize) -> u32 {
        self.met.push(pattern);
        (self.numbers[place], self.keys[place]) = (self.met.len() as u32, pattern);
        if 2 * self.met.len() > self.keys.len() {
            self.grow();
        }
        self.met.len() as u32 - 1
    }

    #[cold]
    fn grow(&mut self) {
        let size = 2 * self.keys.len();
        (self.numbers, self.keys) = (vec![0; size], vec![0; size]);
        for number in 0..self.met.len() {
            let pattern = self.met[number];
            let mut place = self.place(pattern);
            while self.numbers[place] != 0 {
                place = (place + 1) & (size - 1);
            }
            (self.numbers[place], self.keys[place]) = (number as u32 + 1, pattern);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Numbers;

    #[test]
    fn patterns_are_numbered_in_the_order_in_which_they_are_met() {
        let mut numbers = Numbers::default();
        for features in [3, 14, 15, 64, 2, 40] {
            numbers.clear(features);
            let mut met: Vec<u64> = Vec::new();
            for i in 0..30_000u64 {
                // some thousand different ones, in the low and in the high bits
                let pattern = (i * i % 5003).wrapping_mul(0x0400_0000_4001) & (u64::MAX >> (64 - features));
                let number = numbers.number(pattern) as usize;
                if number == met.len() {
                    assert!(i > 2000 || !met.contains(&pattern), "{features} features: {pattern} was met");
                    met.push(pattern);
                }
                assert_eq!(met[number], pattern, "{features} features");
            }
            assert_eq!(numbers.met, met);
            let (mut sorted, all) = (met.clone(), met.len());
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), all, "{features} features: each is numbered once");
        }
    }
}

//! The vector operations that the kernels need, once a level; the only place with `unsafe`.
//!
//! A kernel is written once, generic over [`Simd`], one row a lane. The same operations in the same order happen in
//! every lane at every level, without fused multiply-add, so all levels give the same bits.
//!
//! A value of a level's type is the proof that the processor has its instructions: it comes from [`Level::detect`] only.
//! Kernels enter a level through [`Simd::vectorize`]; everything called from there must be `#[inline(always)]`, for a
//! function that is merely called does not inherit the level's instruction set.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;

#[cfg(target_arch = "aarch64")]
pub(crate) use neon::Neon;
pub(crate) use portable::Portable;
#[cfg(target_arch = "x86_64")]
pub(crate) use {avx2::Avx2, avx512::Avx512};

use std::fmt;

use crate::error::{Error, Result};

/// Rows that one comparison covers.
pub(crate) const WORD: usize = 64;

/// Rows of a block, which a mask has a bit each for.
pub(crate) const BLOCK: usize = 128;

/// A bit a row of a block.
pub(crate) type Mask = [u8; BLOCK / 8];

/// Patterns that [`Simd::covered`] does at once.
pub(crate) const COVERED: usize = 16;

/// A number a row of a block: its pattern by some masks.
pub(crate) type Indices = [u16; BLOCK];

/// Rows that [`Simd::indices`] leaves or takes together.
const INDEXED: usize = 32;

/// Eight numbers of a table, in one line of the cache: float64, or whole numbers by their bits.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C, align(64))]
pub(crate) struct Line(pub(crate) [f64; 8]);

/// A whole number as the lanes hold it.
#[inline(always)]
pub(crate) fn of_whole(whole: i64) -> f64 {
    f64::from_bits(whole.cast_unsigned())
}

/// The whole number that a lane holds.
#[inline(always)]
pub(crate) fn whole_of(lane: f64) -> i64 {
    lane.to_bits().cast_signed()
}

/// a + b of whole numbers that lanes hold.
#[inline(always)]
fn added(a: f64, b: f64) -> f64 {
    of_whole(whole_of(a).wrapping_add(whole_of(b)))
}

/// A kernel: code that one level runs with its instructions.
pub(crate) trait Kernel<S: Simd> {
    /// The body; implementations are `#[inline(always)]`.
    fn run(self, s: S);
}

/// One level of vector instructions.
pub(crate) trait Simd: Copy + Send + Sync + 'static {
    /// A vector of float64.
    type V: Copy + Send + Sync;
    /// A choice for each lane.
    type M: Copy;
    /// Eight float64 in vectors.
    type L: Copy;
    /// Lanes of a vector.
    const LANES: usize;

    /// Runs a kernel with this level's instructions.
    fn vectorize<K: Kernel<Self>>(self, kernel: K);

    /// The same number in every lane.
    fn splat(self, x: f64) -> Self::V;
    /// a + b
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// a − b
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// a · b
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// The lanes of a vector as an array; the first [`Self::LANES`] are meant.
    fn lanes(self, v: Self::V) -> [f64; 8];
    /// The choice for the rows of vector `vector`, from a bit a row, least significant first.
    fn mask(self, bits: &[u8], vector: usize) -> Self::M;
    /// `yes` where chosen, `no` elsewhere.
    fn select(self, mask: Self::M, yes: Self::V, no: Self::V) -> Self::V;

    /// The eight numbers of a line.
    fn line(self, from: &Line) -> Self::L;
    /// Asks for a line that will be read soon.
    fn prefetch(self, _line: &Line) {}
    /// a + b
    fn add_lines(self, a: Self::L, b: Self::L) -> Self::L;
    /// a · x
    fn scale_line(self, a: Self::L, x: f64) -> Self::L;
    /// Line `i` of the result holds number `i` of each line.
    fn transpose(self, lines: [Self::L; 8]) -> [Self::L; 8];
    /// Adds a line to as many vectors as hold eight numbers.
    fn add_line_to(self, to: &mut [Self::V], line: Self::L);

    /// a + b of whole numbers, which the lanes hold by their bits; wraps around.
    fn add_wholes(self, a: Self::V, b: Self::V) -> Self::V;
    /// [`Self::add_lines`] of whole numbers.
    fn add_lines_of_wholes(self, a: Self::L, b: Self::L) -> Self::L;
    /// [`Self::add_line_to`] of whole numbers.
    fn add_line_of_wholes_to(self, to: &mut [Self::V], line: Self::L);
    /// For the first `rows` rows of a block, at least, the number whose bit `j` is the row's bit in mask `bits[j]`; at most 16 bits.
    fn indices(self, masks: &[Mask], bits: &[u32], rows: usize, out: &mut Indices) {
        let (eights, _) = out.as_chunks_mut::<8>();
        for (number, eight) in eights.iter_mut().enumerate().take(rows.div_ceil(8)) {
            *eight = [0; 8];
            for (j, &mask) in bits.iter().enumerate() {
                let byte = masks[mask as usize][number];
                for (row, index) in eight.iter_mut().enumerate() {
                    *index |= u16::from(byte >> row & 1) << j;
                }
            }
        }
    }

    /// A bit a pattern: with the bits of `a` it is `full`.
    fn covered(self, patterns: &[u32; COVERED], a: u32, full: u32) -> u16 {
        let mut out = 0;
        for (lane, q) in patterns.iter().enumerate() {
            out |= u16::from(q | a == full) << lane;
        }
        out
    }

    /// A bit a row: `x <= threshold` (no for NaN).
    fn le_f32(self, x: &[f32; WORD], threshold: f32) -> u64;
    /// A bit a row: `!(x > threshold)` (yes for NaN).
    fn ngt_f32(self, x: &[f32; WORD], threshold: f32) -> u64;
    /// A bit a row: `x <= threshold` (no for NaN).
    fn le_f64(self, x: &[f64; WORD], threshold: f64) -> u64;
    /// A bit a row: `!(x > threshold)` (yes for NaN).
    fn ngt_f64(self, x: &[f64; WORD], threshold: f64) -> u64;
    /// A bit a row: the bit of `words` that its code, at most `last`, numbers.
    fn test_bits(self, codes: &[u32; WORD], words: &[u32], last: u32) -> u64 {
        let mut out = 0;
        for (row, &code) in codes.iter().enumerate() {
            let code = code.min(last);
            out |= u64::from(words[(code / 32) as usize] >> (code % 32) & 1) << row;
        }
        out
    }
}

/// A level of vector instructions by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Plain Rust, on any processor.
    Scalar,
    /// aarch64, two float64 at a time.
    Neon,
    /// x86-64, four float64 at a time.
    Avx2,
    /// x86-64, eight float64 at a time.
    Avx512,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Scalar => "scalar",
            Level::Neon => "neon",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
        })
    }
}

impl std::str::FromStr for Level {
    type Err = Error;

    /// A level by its name.
    ///
    /// # Errors
    /// [`Error::Option`] for a name that is unknown or a level that this processor lacks.
    fn from_str(name: &str) -> Result<Self> {
        let available = Level::available();
        available.iter().copied().find(|level| level.to_string() == name).ok_or_else(|| {
            let names: Vec<String> = available.iter().map(Level::to_string).collect();
            Error::Option(format!("SIMD level {name:?} is not available here; this processor has {}", names.join(", ")))
        })
    }
}

impl Level {
    /// Whether this processor has the level.
    pub fn is_available(self) -> bool {
        match self {
            Level::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => Avx2::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => Avx512::detect().is_some(),
            #[cfg(target_arch = "aarch64")]
            Level::Neon => Neon::detect().is_some(),
            #[allow(unreachable_patterns, reason = "the other architectures' levels")]
            _ => false,
        }
    }

    /// The levels that this processor has, lowest first.
    pub fn available() -> Vec<Level> {
        [Level::Scalar, Level::Neon, Level::Avx2, Level::Avx512].into_iter().filter(|l| l.is_available()).collect()
    }

    /// The best level of this processor, or a lower one that `FERROSHAP_SIMD` names (`scalar`, `avx2`, `avx512`, `neon`).
    /// The variable can only lower the level: a name that is unknown or above the processor changes nothing.
    pub fn in_use() -> Level {
        let available = Level::available();
        let best = available.last().copied().unwrap_or(Level::Scalar);
        let asked = std::env::var("FERROSHAP_SIMD").ok();
        asked.and_then(|name| available.iter().copied().find(|l| l.to_string() == name)).unwrap_or(best)
    }
}

/// A kernel driver that works with any level: what [`Level::dispatch`] calls with the level's proof.
pub(crate) trait Driver {
    /// What comes back.
    type Out;
    /// The work, outside of the level's instruction set; kernels inside enter it with [`Simd::vectorize`].
    fn drive<S: Simd>(self, s: S) -> Self::Out;
}

impl Level {
    /// Calls `driver` with the proof of this level, or of the plain one where the processor lacks it.
    pub(crate) fn dispatch<D: Driver>(self, driver: D) -> D::Out {
        match self {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => match Avx512::detect() {
                Some(s) => driver.drive(s),
                None => driver.drive(Portable),
            },
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => match Avx2::detect() {
                Some(s) => driver.drive(s),
                None => driver.drive(Portable),
            },
            #[cfg(target_arch = "aarch64")]
            Level::Neon => match Neon::detect() {
                Some(s) => driver.drive(s),
                None => driver.drive(Portable),
            },
            _ => driver.drive(Portable),
        }
    }
}

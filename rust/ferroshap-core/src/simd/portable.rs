//! The level of last resort: plain Rust on arrays, which the compiler turns into whatever the target's baseline has.

use super::{Kernel, Line, Simd, WORD, added};

/// Four lanes without any instruction set of their own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable;

const N: usize = 4;

#[inline(always)]
fn each(f: impl Fn(usize) -> f64) -> [f64; N] {
    [f(0), f(1), f(2), f(3)]
}

#[inline(always)]
fn bits<T: Copy>(x: &[T; WORD], test: impl Fn(T) -> bool) -> u64 {
    let mut out = 0;
    for (row, &x) in x.iter().enumerate() {
        out |= u64::from(test(x)) << row;
    }
    out
}

impl Simd for Portable {
    type V = [f64; N];
    type M = [u64; N];
    type L = [f64; 8];
    const LANES: usize = N;

    #[inline(always)]
    fn vectorize<K: Kernel<Self>>(self, kernel: K) {
        kernel.run(self);
    }

    #[inline(always)]
    fn splat(self, x: f64) -> Self::V {
        [x; N]
    }

    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        each(|i| a[i] + b[i])
    }

    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        each(|i| a[i] - b[i])
    }

    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        each(|i| a[i] * b[i])
    }

    #[inline(always)]
    fn lanes(self, v: Self::V) -> [f64; 8] {
        [v[0], v[1], v[2], v[3], 0.0, 0.0, 0.0, 0.0]
    }

    #[inline(always)]
    fn mask(self, bits: &[u8], vector: usize) -> Self::M {
        let four = u64::from(bits[vector / 2] >> (vector % 2 * 4));
        // all ones where the bit is set: a select by bit operations, without branches
        [four & 1, four >> 1 & 1, four >> 2 & 1, four >> 3 & 1].map(|bit| bit.wrapping_neg())
    }

    #[inline(always)]
    fn select(self, mask: Self::M, yes: Self::V, no: Self::V) -> Self::V {
        each(|i| f64::from_bits(yes[i].to_bits() & mask[i] | no[i].to_bits() & !mask[i]))
    }

    #[inline(always)]
    fn line(self, from: &Line) -> Self::L {
        from.0
    }

    #[inline(always)]
    fn add_lines(self, a: Self::L, b: Self::L) -> Self::L {
        let mut sum = a;
        sum.iter_mut().zip(b).for_each(|(sum, b)| *sum += b);
        sum
    }

    #[inline(always)]
    fn scale_line(self, a: Self::L, x: f64) -> Self::L {
        a.map(|number| number * x)
    }

    #[inline(always)]
    fn transpose(self, lines: [Self::L; 8]) -> [Self::L; 8] {
        let mut turned = [[0.0; 8]; 8];
        for (i, line) in lines.iter().enumerate() {
            for (j, &x) in line.iter().enumerate() {
                turned[j][i] = x;
            }
        }
        turned
    }

    #[inline(always)]
    fn add_line_to(self, to: &mut [Self::V], line: Self::L) {
        for (vector, part) in to.iter_mut().zip(line.chunks_exact(N)) {
            vector.iter_mut().zip(part).for_each(|(sum, x)| *sum += x);
        }
    }

    #[inline(always)]
    fn add_wholes(self, a: Self::V, b: Self::V) -> Self::V {
        each(|i| added(a[i], b[i]))
    }

    #[inline(always)]
    fn add_lines_of_wholes(self, a: Self::L, b: Self::L) -> Self::L {
        let mut sum = a;
        sum.iter_mut().zip(b).for_each(|(sum, b)| *sum = added(*sum, b));
        sum
    }

    #[inline(always)]
    fn add_line_of_wholes_to(self, to: &mut [Self::V], line: Self::L) {
        for (vector, part) in to.iter_mut().zip(line.chunks_exact(N)) {
            vector.iter_mut().zip(part).for_each(|(sum, x)| *sum = added(*sum, *x));
        }
    }

    #[inline(always)]
    fn le_f32(self, x: &[f32; WORD], threshold: f32) -> u64 {
        bits(x, |x| x <= threshold)
    }

    #[inline(always)]
    fn ngt_f32(self, x: &[f32; WORD], threshold: f32) -> u64 {
        !bits(x, |x| x > threshold)
    }

    #[inline(always)]
    fn le_f64(self, x: &[f64; WORD], threshold: f64) -> u64 {
        bits(x, |x| x <= threshold)
    }

    #[inline(always)]
    fn ngt_f64(self, x: &[f64; WORD], threshold: f64) -> u64 {
        !bits(x, |x| x > threshold)
    }
}

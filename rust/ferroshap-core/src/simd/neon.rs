//! NEON: two lanes.

use std::arch::aarch64::*;

use super::{Kernel, Line, Portable, Simd, WORD};

/// The proof that the processor has NEON.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Neon(());

impl Neon {
    /// The proof, if this processor has the level.
    pub(crate) fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self(()))
    }
}

impl Simd for Neon {
    type V = float64x2_t;
    type M = uint64x2_t;
    type L = [f64; 8];
    const LANES: usize = 2;

    #[inline(always)]
    fn vectorize<K: Kernel<Self>>(self, kernel: K) {
        // NEON is part of the aarch64 baseline: no function needs to enable it.
        kernel.run(self);
    }

    #[inline(always)]
    fn splat(self, x: f64) -> Self::V {
        // SAFETY: `self` exists, so the processor has NEON.
        unsafe { vdupq_n_f64(x) }
    }

    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` exists, so the processor has NEON.
        unsafe { vaddq_f64(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` exists, so the processor has NEON.
        unsafe { vsubq_f64(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` exists, so the processor has NEON.
        unsafe { vmulq_f64(a, b) }
    }

    #[inline(always)]
    fn lanes(self, v: Self::V) -> [f64; 8] {
        let mut out = [0.0; 8];
        // SAFETY: `self` exists, so the processor has NEON; `out` has room for two float64.
        unsafe { vst1q_f64(out.as_mut_ptr(), v) }
        out
    }

    #[inline(always)]
    fn mask(self, bits: &[u8], vector: usize) -> Self::M {
        let two = u64::from(bits[vector / 4] >> (vector % 4 * 2));
        let lanes = [(two & 1).wrapping_neg(), (two >> 1 & 1).wrapping_neg()];
        // SAFETY: `self` exists, so the processor has NEON; `lanes` holds two u64.
        unsafe { vld1q_u64(lanes.as_ptr()) }
    }

    #[inline(always)]
    fn select(self, mask: Self::M, yes: Self::V, no: Self::V) -> Self::V {
        // SAFETY: `self` exists, so the processor has NEON.
        unsafe { vbslq_f64(mask, yes, no) }
    }

    #[inline(always)]
    fn line(self, from: &Line) -> Self::L {
        from.0
    }

    #[inline(always)]
    fn add_lines(self, a: Self::L, b: Self::L) -> Self::L {
        Portable.add_lines(a, b)
    }

    #[inline(always)]
    fn scale_line(self, a: Self::L, x: f64) -> Self::L {
        Portable.scale_line(a, x)
    }

    #[inline(always)]
    fn transpose(self, lines: [Self::L; 8]) -> [Self::L; 8] {
        Portable.transpose(lines)
    }

    #[inline(always)]
    fn add_line_to(self, to: &mut [Self::V], line: Self::L) {
        for (vector, part) in to.iter_mut().zip(line.chunks_exact(2)) {
            // SAFETY: `self` exists, so the processor has NEON; the load reads the two numbers of `part`.
            *vector = self.add(*vector, unsafe { vld1q_f64(part.as_ptr()) });
        }
    }

    #[inline(always)]
    fn add_wholes(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` exists, so the processor has NEON.
        unsafe { vreinterpretq_f64_s64(vaddq_s64(vreinterpretq_s64_f64(a), vreinterpretq_s64_f64(b))) }
    }

    #[inline(always)]
    fn add_lines_of_wholes(self, a: Self::L, b: Self::L) -> Self::L {
        Portable.add_lines_of_wholes(a, b)
    }

    #[inline(always)]
    fn add_line_of_wholes_to(self, to: &mut [Self::V], line: Self::L) {
        for (vector, part) in to.iter_mut().zip(line.chunks_exact(2)) {
            // SAFETY: `self` exists, so the processor has NEON; the load reads the two numbers of `part`.
            *vector = self.add_wholes(*vector, unsafe { vld1q_f64(part.as_ptr()) });
        }
    }

    #[inline(always)]
    fn le_f32(self, x: &[f32; WORD], threshold: f32) -> u64 {
        Portable.le_f32(x, threshold)
    }

    #[inline(always)]
    fn ngt_f32(self, x: &[f32; WORD], threshold: f32) -> u64 {
        Portable.ngt_f32(x, threshold)
    }

    #[inline(always)]
    fn le_f64(self, x: &[f64; WORD], threshold: f64) -> u64 {
        Portable.le_f64(x, threshold)
    }

    #[inline(always)]
    fn ngt_f64(self, x: &[f64; WORD], threshold: f64) -> u64 {
        Portable.ngt_f64(x, threshold)
    }
}

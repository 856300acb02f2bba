//! AVX2: four lanes, a choice is a vector of all-ones or all-zeros lanes.

use std::arch::x86_64::*;

use super::{Kernel, Simd, WORD};

/// The proof that the processor has AVX2.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// The proof, if this processor has the level.
    pub(crate) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }
}

/// The lanes of a choice for each value of four bits.
#[repr(align(32))]
struct Choices([[u64; 4]; 16]);

static CHOICES: Choices = {
    let mut table = [[0; 4]; 16];
    let mut bits = 0;
    while bits < 16 {
        let mut lane = 0;
        while lane < 4 {
            table[bits][lane] = if bits >> lane & 1 != 0 { u64::MAX } else { 0 };
            lane += 1;
        }
        bits += 1;
    }
    Choices(table)
};

#[inline]
#[target_feature(enable = "avx2")]
fn enter<K: Kernel<Avx2>>(s: Avx2, kernel: K) {
    kernel.run(s);
}

impl Simd for Avx2 {
    type V = __m256d;
    type M = __m256d;
    const LANES: usize = 4;

    #[inline(always)]
    fn vectorize<K: Kernel<Self>>(self, kernel: K) {
        // SAFETY: `self` exists, so `detect` has found AVX2 on this processor.
        unsafe { enter(self, kernel) }
    }

    #[inline(always)]
    fn splat(self, x: f64) -> Self::V {
        // SAFETY: `self` exists, so the processor has AVX2, which includes AVX.
        unsafe { _mm256_set1_pd(x) }
    }

    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` exists, so the processor has AVX2, which includes AVX.
        unsafe { _mm256_add_pd(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` exists, so the processor has AVX2, which includes AVX.
        unsafe { _mm256_sub_pd(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` exists, so the processor has AVX2, which includes AVX.
        unsafe { _mm256_mul_pd(a, b) }
    }

    #[inline(always)]
    fn lanes(self, v: Self::V) -> [f64; 8] {
        let mut out = [0.0; 8];
        // SAFETY: `self` exists, so the processor has AVX2, which includes AVX; `out` has room for four float64.
        unsafe { _mm256_storeu_pd(out.as_mut_ptr(), v) }
        out
    }

    #[inline(always)]
    fn mask(self, bits: &[u8], vector: usize) -> Self::M {
        let four = bits[vector / 2] >> (vector % 2 * 4) & 15;
        // SAFETY: `self` exists, so the processor has AVX2, which includes AVX; the load reads one 32-byte aligned entry.
        unsafe { _mm256_load_pd(CHOICES.0[four as usize].as_ptr().cast()) }
    }

    #[inline(always)]
    fn select(self, mask: Self::M, yes: Self::V, no: Self::V) -> Self::V {
        // SAFETY: `self` exists, so the processor has AVX2, which includes AVX.
        unsafe { _mm256_blendv_pd(no, yes, mask) }
    }

    #[inline(always)]
    fn le_f32(self, x: &[f32; WORD], threshold: f32) -> u64 {
        let mut out = 0;
        for i in 0..8 {
            // SAFETY: `self` exists, so the processor has AVX2, which includes AVX; the load reads 8 of the 64 values.
            let part = unsafe {
                let x = _mm256_loadu_ps(x.as_ptr().add(8 * i));
                _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LE_OQ>(x, _mm256_set1_ps(threshold)))
            };
            out |= u64::from(part.cast_unsigned()) << (8 * i);
        }
        out
    }

    #[inline(always)]
    fn ngt_f32(self, x: &[f32; WORD], threshold: f32) -> u64 {
        let mut out = 0;
        for i in 0..8 {
            // SAFETY: `self` exists, so the processor has AVX2, which includes AVX; the load reads 8 of the 64 values.
            let part = unsafe {
                let x = _mm256_loadu_ps(x.as_ptr().add(8 * i));
                _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_NGT_UQ>(x, _mm256_set1_ps(threshold)))
            };
            out |= u64::from(part.cast_unsigned()) << (8 * i);
        }
        out
    }

    #[inline(always)]
    fn le_f64(self, x: &[f64; WORD], threshold: f64) -> u64 {
        let mut out = 0;
        for i in 0..16 {
            // SAFETY: `self` exists, so the processor has AVX2, which includes AVX; the load reads 4 of the 64 values.
            let part = unsafe {
                let x = _mm256_loadu_pd(x.as_ptr().add(4 * i));
                _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_LE_OQ>(x, _mm256_set1_pd(threshold)))
            };
            out |= u64::from(part.cast_unsigned()) << (4 * i);
        }
        out
    }

    #[inline(always)]
    fn ngt_f64(self, x: &[f64; WORD], threshold: f64) -> u64 {
        let mut out = 0;
        for i in 0..16 {
            // SAFETY: `self` exists, so the processor has AVX2, which includes AVX; the load reads 4 of the 64 values.
            let part = unsafe {
                let x = _mm256_loadu_pd(x.as_ptr().add(4 * i));
                _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_NGT_UQ>(x, _mm256_set1_pd(threshold)))
            };
            out |= u64::from(part.cast_unsigned()) << (4 * i);
        }
        out
    }
}

//! AVX2: four lanes, a choice is a vector of all-ones or all-zeros lanes.

use std::arch::x86_64::*;

use super::{COVERED, INDEXED, Indices, Kernel, Line, Mask, Simd, WORD};

/// The proof that the processor has AVX2.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// The proof, if this processor has the level.
    pub(crate) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt")).then_some(Self(()))
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
#[target_feature(enable = "avx2,popcnt")]
fn enter<K: Kernel<Avx2>>(s: Avx2, kernel: K) {
    kernel.run(s);
}

/// A 4 × 4 matrix with rows and columns exchanged.
#[inline]
#[target_feature(enable = "avx2")]
fn turned(a: __m256d, b: __m256d, c: __m256d, d: __m256d) -> [__m256d; 4] {
    let (ab0, ab1) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
    let (cd0, cd1) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
    [
        _mm256_permute2f128_pd::<0x20>(ab0, cd0),
        _mm256_permute2f128_pd::<0x20>(ab1, cd1),
        _mm256_permute2f128_pd::<0x31>(ab0, cd0),
        _mm256_permute2f128_pd::<0x31>(ab1, cd1),
    ]
}

impl Simd for Avx2 {
    type V = __m256d;
    type M = __m256d;
    type L = [__m256d; 2];
    const LANES: usize = 4;

    #[inline(always)]
    fn vectorize<K: Kernel<Self>>(self, kernel: K) {
        // SAFETY: `self` exists, so `detect` has found AVX2 and POPCNT on this processor.
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
    fn line(self, from: &Line) -> Self::L {
        let at = from.0.as_ptr();
        // SAFETY: `self` exists, so the processor has AVX2; the loads read the eight numbers of a line, which is aligned.
        unsafe { [_mm256_load_pd(at), _mm256_load_pd(at.add(4))] }
    }

    #[inline(always)]
    fn prefetch(self, line: &Line) {
        // SAFETY: `self` exists, so the processor has AVX2, which includes SSE; a prefetch reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(line.0.as_ptr().cast()) }
    }

    #[inline(always)]
    fn add_lines(self, a: Self::L, b: Self::L) -> Self::L {
        [self.add(a[0], b[0]), self.add(a[1], b[1])]
    }

    #[inline(always)]
    fn scale_line(self, a: Self::L, x: f64) -> Self::L {
        let x = self.splat(x);
        [self.mul(a[0], x), self.mul(a[1], x)]
    }

    #[inline(always)]
    fn transpose(self, l: [Self::L; 8]) -> [Self::L; 8] {
        // SAFETY: `self` exists, so the processor has AVX2.
        let quarter = |rows: usize, half: usize| unsafe {
            turned(l[rows][half], l[rows + 1][half], l[rows + 2][half], l[rows + 3][half])
        };
        let (a, b, c, d) = (quarter(0, 0), quarter(4, 0), quarter(0, 1), quarter(4, 1));
        [[a[0], b[0]], [a[1], b[1]], [a[2], b[2]], [a[3], b[3]], [c[0], d[0]], [c[1], d[1]], [c[2], d[2]], [c[3], d[3]]]
    }

    #[inline(always)]
    fn add_line_to(self, to: &mut [Self::V], line: Self::L) {
        to[0] = self.add(to[0], line[0]);
        to[1] = self.add(to[1], line[1]);
    }

    #[inline(always)]
    fn add_wholes(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` exists, so the processor has AVX2.
        unsafe { _mm256_castsi256_pd(_mm256_add_epi64(_mm256_castpd_si256(a), _mm256_castpd_si256(b))) }
    }

    #[inline(always)]
    fn add_lines_of_wholes(self, a: Self::L, b: Self::L) -> Self::L {
        [self.add_wholes(a[0], b[0]), self.add_wholes(a[1], b[1])]
    }

    #[inline(always)]
    fn add_line_of_wholes_to(self, to: &mut [Self::V], line: Self::L) {
        to[0] = self.add_wholes(to[0], line[0]);
        to[1] = self.add_wholes(to[1], line[1]);
    }

    #[inline(always)]
    fn covered(self, patterns: &[u32; COVERED], a: u32, full: u32) -> u16 {
        // SAFETY: `self` exists, so the processor has AVX2; each load reads 8 of the 16 patterns.
        let eight = |first: usize| unsafe {
            let q = _mm256_loadu_si256(patterns.as_ptr().add(first).cast());
            let both = _mm256_or_si256(q, _mm256_set1_epi32(a.cast_signed()));
            let equal = _mm256_cmpeq_epi32(both, _mm256_set1_epi32(full.cast_signed()));
            _mm256_movemask_ps(_mm256_castsi256_ps(equal)) as u16
        };
        eight(0) | eight(8) << 8
    }

    #[inline(always)]
    fn indices(self, masks: &[Mask], bits: &[u32], rows: usize, out: &mut Indices) {
        let (halves, _) = out.as_chunks_mut::<{ 2 * INDEXED }>();
        for (half, out) in halves.iter_mut().enumerate().take(rows.div_ceil(2 * INDEXED)) {
            // SAFETY: `self` exists, so the processor has AVX2; the stores write the 64 numbers of half a block.
            unsafe {
                let lane =
                    _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, i16::MIN);
                let mut found = [_mm256_setzero_si256(); 4];
                let mut value = _mm256_set1_epi16(1);
                for &mask in bits {
                    let (rows, _) = masks[mask as usize].as_chunks::<2>();
                    for (found, sixteen) in found.iter_mut().zip(&rows[4 * half..]) {
                        let sixteen = _mm256_set1_epi16(i16::from_le_bytes(*sixteen));
                        let set = _mm256_cmpeq_epi16(_mm256_and_si256(sixteen, lane), lane);
                        *found = _mm256_or_si256(*found, _mm256_and_si256(set, value));
                    }
                    value = _mm256_add_epi16(value, value);
                }
                for (sixteen, found) in found.into_iter().enumerate() {
                    _mm256_storeu_si256(out.as_mut_ptr().add(16 * sixteen).cast(), found);
                }
            }
        }
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

//! AVX-512 (F, BW, DQ): eight lanes, a mask register a choice.

use std::arch::x86_64::*;

use super::{BLOCK, COVERED, INDEXED, Indices, Kernel, Line, Mask, Simd, WORD};

/// The proof that the processor has AVX-512 F, BW and DQ.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// The proof, if this processor has the level.
    pub(crate) fn detect() -> Option<Self> {
        let all = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("popcnt");
        all.then_some(Self(()))
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,popcnt")]
fn enter<K: Kernel<Avx512>>(s: Avx512, kernel: K) {
    kernel.run(s);
}

/// The first least significant.
#[inline(always)]
fn join([a, b, c, d]: [u16; 4]) -> u64 {
    // in twos, which stay in mask registers
    let (low, high) = (u32::from(a) | u32::from(b) << 16, u32::from(c) | u32::from(d) << 16);
    u64::from(low) | u64::from(high) << 32
}

impl Avx512 {
    /// [`Simd::indices`] of the quarters of a block from `first` on.
    #[inline(always)]
    fn quarters<const N: usize>(self, masks: &[Mask], bits: &[u32], first: usize, out: &mut [[u16; INDEXED]; N]) {
        // SAFETY: `self` exists, so the processor has AVX-512 BW; each store writes the 32 numbers of a quarter.
        unsafe {
            let mut found = [_mm512_setzero_si512(); N];
            let mut value = _mm512_set1_epi16(1);
            for &mask in bits {
                let (rows, _) = masks[mask as usize].as_chunks::<4>();
                for (found, rows) in found.iter_mut().zip(&rows[first..]) {
                    *found = _mm512_mask_add_epi16(*found, u32::from_le_bytes(*rows), *found, value);
                }
                value = _mm512_add_epi16(value, value);
            }
            for (out, found) in out.iter_mut().zip(found) {
                _mm512_storeu_si512(out.as_mut_ptr().cast(), found);
            }
        }
    }
}

impl Simd for Avx512 {
    type V = __m512d;
    type M = __mmask8;
    type L = __m512d;
    const LANES: usize = 8;

    #[inline(always)]
    fn vectorize<K: Kernel<Self>>(self, kernel: K) {
        // SAFETY: `self` exists, so `detect` has found AVX-512 F, BW, DQ and POPCNT on this processor.
        unsafe { enter(self, kernel) }
    }

    #[inline(always)]
    fn splat(self, x: f64) -> Self::V {
        // SAFETY: `self` exists, so the processor has AVX-512 F.
        unsafe { _mm512_set1_pd(x) }
    }

    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` exists, so the processor has AVX-512 F.
        unsafe { _mm512_add_pd(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` exists, so the processor has AVX-512 F.
        unsafe { _mm512_sub_pd(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` exists, so the processor has AVX-512 F.
        unsafe { _mm512_mul_pd(a, b) }
    }

    #[inline(always)]
    fn lanes(self, v: Self::V) -> [f64; 8] {
        let mut out = [0.0; 8];
        // SAFETY: `self` exists, so the processor has AVX-512 F; `out` has room for eight float64.
        unsafe { _mm512_storeu_pd(out.as_mut_ptr(), v) }
        out
    }

    #[inline(always)]
    fn mask(self, bits: &[u8], vector: usize) -> Self::M {
        bits[vector]
    }

    #[inline(always)]
    fn select(self, mask: Self::M, yes: Self::V, no: Self::V) -> Self::V {
        // SAFETY: `self` exists, so the processor has AVX-512 F.
        unsafe { _mm512_mask_blend_pd(mask, no, yes) }
    }

    #[inline(always)]
    fn line(self, from: &Line) -> Self::L {
        // SAFETY: `self` exists, so the processor has AVX-512 F; a line is eight numbers, aligned to 64 bytes.
        unsafe { _mm512_load_pd(from.0.as_ptr()) }
    }

    #[inline(always)]
    fn prefetch(self, line: &Line) {
        // SAFETY: `self` exists, so the processor has AVX-512 F, which includes SSE; a prefetch reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(line.0.as_ptr().cast()) }
    }

    #[inline(always)]
    fn add_lines(self, a: Self::L, b: Self::L) -> Self::L {
        self.add(a, b)
    }

    #[inline(always)]
    fn scale_line(self, a: Self::L, x: f64) -> Self::L {
        self.mul(a, self.splat(x))
    }

    #[inline(always)]
    fn transpose(self, l: [Self::L; 8]) -> [Self::L; 8] {
        // SAFETY: `self` exists, so the processor has AVX-512 F.
        unsafe {
            // numbers 0, 2, 4, 6 (1, 3, 5, 7) of two lines side by side
            let even = |i: usize| _mm512_unpacklo_pd(l[i], l[i + 1]);
            let odd = |i: usize| _mm512_unpackhi_pd(l[i], l[i + 1]);
            // of four lines, numbers k and k + 4, then all of k
            let fours =
                |a: __m512d, b: __m512d| (_mm512_shuffle_f64x2::<0x88>(a, b), _mm512_shuffle_f64x2::<0xDD>(a, b));
            let ((e04, e26), (f04, f26)) = (fours(even(0), even(2)), fours(even(4), even(6)));
            let ((o15, o37), (p15, p37)) = (fours(odd(0), odd(2)), fours(odd(4), odd(6)));
            let eights =
                |a: __m512d, b: __m512d| (_mm512_shuffle_f64x2::<0x88>(a, b), _mm512_shuffle_f64x2::<0xDD>(a, b));
            let ((r0, r4), (r2, r6)) = (eights(e04, f04), eights(e26, f26));
            let ((r1, r5), (r3, r7)) = (eights(o15, p15), eights(o37, p37));
            [r0, r1, r2, r3, r4, r5, r6, r7]
        }
    }

    #[inline(always)]
    fn add_line_to(self, to: &mut [Self::V], line: Self::L) {
        to[0] = self.add(to[0], line);
    }

    #[inline(always)]
    fn add_wholes(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` exists, so the processor has AVX-512 F.
        unsafe { _mm512_castsi512_pd(_mm512_add_epi64(_mm512_castpd_si512(a), _mm512_castpd_si512(b))) }
    }

    #[inline(always)]
    fn add_lines_of_wholes(self, a: Self::L, b: Self::L) -> Self::L {
        self.add_wholes(a, b)
    }

    #[inline(always)]
    fn add_line_of_wholes_to(self, to: &mut [Self::V], line: Self::L) {
        to[0] = self.add_wholes(to[0], line);
    }

    #[inline(always)]
    fn covered(self, patterns: &[u32; COVERED], a: u32, full: u32) -> u16 {
        // SAFETY: `self` exists, so the processor has AVX-512 F; the load reads the 16 patterns.
        unsafe {
            let q = _mm512_loadu_si512(patterns.as_ptr().cast());
            let both = _mm512_or_si512(q, _mm512_set1_epi32(a.cast_signed()));
            _mm512_cmpeq_epi32_mask(both, _mm512_set1_epi32(full.cast_signed()))
        }
    }

    #[inline(always)]
    fn indices(self, masks: &[Mask], bits: &[u32], rows: usize, out: &mut Indices) {
        let (quarters, _) = out.as_chunks_mut::<INDEXED>();
        if let (true, Some(all)) = (rows > BLOCK - INDEXED, quarters.first_chunk_mut()) {
            return self.quarters::<{ BLOCK / INDEXED }>(masks, bits, 0, all);
        }
        let (quarters, _) = quarters.as_chunks_mut::<1>();
        for (quarter, out) in quarters.iter_mut().enumerate().take(rows.div_ceil(INDEXED)) {
            self.quarters(masks, bits, quarter, out);
        }
    }

    #[inline(always)]
    fn le_f32(self, x: &[f32; WORD], threshold: f32) -> u64 {
        // SAFETY: `self` exists, so the processor has AVX-512 F; each load reads 16 of the 64 values of `x`.
        unsafe {
            let t = _mm512_set1_ps(threshold);
            let part = |i: usize| _mm512_cmp_ps_mask::<_CMP_LE_OQ>(_mm512_loadu_ps(x.as_ptr().add(16 * i)), t);
            join([part(0), part(1), part(2), part(3)])
        }
    }

    #[inline(always)]
    fn ngt_f32(self, x: &[f32; WORD], threshold: f32) -> u64 {
        // SAFETY: `self` exists, so the processor has AVX-512 F; each load reads 16 of the 64 values of `x`.
        unsafe {
            let t = _mm512_set1_ps(threshold);
            let part = |i: usize| _mm512_cmp_ps_mask::<_CMP_NGT_UQ>(_mm512_loadu_ps(x.as_ptr().add(16 * i)), t);
            join([part(0), part(1), part(2), part(3)])
        }
    }

    #[inline(always)]
    fn le_f64(self, x: &[f64; WORD], threshold: f64) -> u64 {
        let mut out = 0;
        for i in 0..8 {
            // SAFETY: `self` exists, so the processor has AVX-512 F; the load reads 8 of the 64 values of `x`.
            let part = unsafe {
                _mm512_cmp_pd_mask::<_CMP_LE_OQ>(_mm512_loadu_pd(x.as_ptr().add(8 * i)), _mm512_set1_pd(threshold))
            };
            out |= u64::from(part) << (8 * i);
        }
        out
    }

    #[inline(always)]
    fn ngt_f64(self, x: &[f64; WORD], threshold: f64) -> u64 {
        let mut out = 0;
        for i in 0..8 {
            // SAFETY: `self` exists, so the processor has AVX-512 F; the load reads 8 of the 64 values of `x`.
            let part = unsafe {
                _mm512_cmp_pd_mask::<_CMP_NGT_UQ>(_mm512_loadu_pd(x.as_ptr().add(8 * i)), _mm512_set1_pd(threshold))
            };
            out |= u64::from(part) << (8 * i);
        }
        out
    }

    #[inline(always)]
    fn test_bits(self, codes: &[u32; WORD], words: &[u32], last: u32) -> u64 {
        let mut out = 0;
        if words.len() <= 16 {
            let mut table = [0u32; 16];
            table[..words.len()].copy_from_slice(words);
            for i in 0..4 {
                // SAFETY: `self` exists, so the processor has AVX-512 F; the loads read the 16 words of `table` and 16 of
                // the 64 codes; the permutation picks a lane of `table` by the low four bits of its index.
                let part = unsafe {
                    let code = _mm512_loadu_si512(codes.as_ptr().add(16 * i).cast());
                    let code = _mm512_min_epu32(code, _mm512_set1_epi32(last.cast_signed()));
                    let table = _mm512_loadu_si512(table.as_ptr().cast());
                    let word = _mm512_permutexvar_epi32(_mm512_srli_epi32::<5>(code), table);
                    let bit = _mm512_sllv_epi32(_mm512_set1_epi32(1), _mm512_and_si512(code, _mm512_set1_epi32(31)));
                    _mm512_test_epi32_mask(word, bit)
                };
                out |= u64::from(part) << (16 * i);
            }
            return out;
        }
        for (row, &code) in codes.iter().enumerate() {
            let code = code.min(last);
            out |= u64::from(words[(code / 32) as usize] >> (code % 32) & 1) << row;
        }
        out
    }
}

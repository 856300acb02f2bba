//! Choices between numbers by bits, eight at a time and without a branch.

/// A number in a matrix, of a kind whose bits can be chosen between.
pub trait Cell: Copy + Default + Send + Sync + 'static {
    /// `yes` for −1, `no` for 0.
    fn choose(mask: i8, yes: Self, no: Self) -> Self;
    /// Whether two values are the same to a model: equal, or both not a number.
    fn same(a: Self, b: Self) -> bool;
}

macro_rules! integers {
    ($($t:ty)*) => { $(impl Cell for $t {
        #[inline(always)]
        fn choose(mask: i8, yes: Self, no: Self) -> Self {
            let mask = mask as Self;
            (yes & mask) | (no & !mask)
        }
        fn same(a: Self, b: Self) -> bool {
            a == b
        }
    })* };
}
integers!(u8 i8 u16 i16 u32 i32 u64 i64);

macro_rules! floats {
    ($($t:ty, $bits:ty;)*) => { $(impl Cell for $t {
        #[inline(always)]
        fn choose(mask: i8, yes: Self, no: Self) -> Self {
            Self::from_bits(<$bits>::choose(mask, yes.to_bits(), no.to_bits()))
        }
        fn same(a: Self, b: Self) -> bool {
            a == b || a.is_nan() && b.is_nan()
        }
    })* };
}
floats!(f32, u32; f64, u64;);

impl Cell for bool {
    #[inline(always)]
    fn choose(mask: i8, yes: Self, no: Self) -> Self {
        u8::choose(mask, yes.into(), no.into()) != 0
    }

    fn same(a: Self, b: Self) -> bool {
        a == b
    }
}

/// Numbers that are chosen together.
pub(crate) const EIGHT: usize = 8;

/// For each choice −1 where the bit is set, else 0. A table, since of shifts of a known number compilers make code number by
/// number.
const MASKS: [[i8; EIGHT]; 256] = {
    let mut out = [[0; EIGHT]; 256];
    let mut bits = 0;
    while bits < 256 {
        let mut lane = 0;
        while lane < EIGHT {
            out[bits][lane] = -((bits >> lane & 1) as i8);
            lane += 1;
        }
        bits += 1;
    }
    out
};

/// Number i of `yes` where bit i is set, else of `no`.
#[inline(always)]
pub(crate) fn chosen<T: Cell>(bits: u64, yes: &[T; EIGHT], no: &[T; EIGHT]) -> [T; EIGHT] {
    let mask = &MASKS[bits as usize % MASKS.len()];
    let mut out = [T::default(); EIGHT];
    for lane in 0..EIGHT {
        out[lane] = T::choose(mask[lane], yes[lane], no[lane]);
    }
    out
}

//! The regressions of up to eight rows and outputs of one unit side by side: a coalition's members are walked once for all
//! of them. Each lane has the sums, in the order, that it has alone.

use nalgebra::DMatrix;

use super::combinations::members;
use super::design::{Design, Round};
use crate::simd::{Driver, Kernel, Level, Simd};

/// Rows and outputs at once.
pub(crate) const LANES: usize = 8;

/// A number for each.
pub(crate) type Lanes = [f64; LANES];

/// Products that are summed in registers.
const AT_ONCE: usize = 4;

/// The pairs of a design up to the end of a round, with the members of each coalition in a list.
pub(crate) struct Listed<'a> {
    pub(crate) m: usize,
    pub(crate) round: &'a Round,
    pub(crate) sizes: Vec<u32>,
    /// s/M − 1/2.
    pub(crate) off: Vec<f64>,
    players: Vec<u32>,
}

impl<'a> Listed<'a> {
    /// Lists them.
    pub(crate) fn new(design: &'a Design, round: &'a Round) -> Self {
        let sizes: Vec<u32> = design.sizes(round).collect();
        let off = sizes.iter().map(|&s| f64::from(s) / design.m() as f64 - 0.5).collect();
        let mut players = vec![0; sizes.iter().map(|&s| s as usize).sum()];
        let mut rest = &mut players[..];
        for (set, s) in design.pairs(round) {
            let (own, after) = std::mem::take(&mut rest).split_at_mut(s as usize);
            own.iter_mut().zip(members(set)).for_each(|(place, player)| *place = player as u32);
            rest = after;
        }
        Self { m: design.m(), round, sizes, off, players }
    }

    /// Pair by pair the size and the members.
    #[inline(always)]
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (u32, &[u32])> {
        let mut rest = &self.players[..];
        self.sizes.iter().map(move |&s| {
            let (own, after) = rest.split_at(s as usize);
            rest = after;
            (s, own)
        })
    }
}

/// r = Σ w a y, `(M)`, of targets y of every pair. O(pairs · M).
pub(crate) fn right_side(listed: &Listed<'_>, targets: &[Lanes]) -> Vec<Lanes> {
    let mut out = vec![[0.0; LANES]; listed.m];
    Level::in_use().dispatch(Work::RightSide { listed, targets, out: &mut out });
    out
}

/// y − a'φ of every pair, for centred φ `(M)`, in the place of y.
pub(crate) fn residuals(listed: &Listed<'_>, phi: &[Lanes], targets: &mut [Lanes]) {
    Level::in_use().dispatch(Work::Residuals { listed, phi, targets });
}

/// K v for symmetric K, each sum in the order of the columns.
pub(crate) fn times(k: &DMatrix<f64>, v: &[Lanes]) -> Vec<Lanes> {
    let mut out = vec![[0.0; LANES]; v.len()];
    Level::in_use().dispatch(Work::Times { k: k.as_slice(), v, out: &mut out });
    out
}

enum Work<'a> {
    RightSide { listed: &'a Listed<'a>, targets: &'a [Lanes], out: &'a mut [Lanes] },
    Residuals { listed: &'a Listed<'a>, phi: &'a [Lanes], targets: &'a mut [Lanes] },
    Times { k: &'a [f64], v: &'a [Lanes], out: &'a mut [Lanes] },
}

impl Driver for Work<'_> {
    type Out = ();

    fn drive<S: Simd>(self, s: S) {
        s.vectorize(self);
    }
}

impl<S: Simd> Kernel<S> for Work<'_> {
    #[inline(always)]
    fn run(self, _: S) {
        match self {
            Work::RightSide { listed, targets, out } => {
                let mut shared = [0.0; LANES];
                for ((s, set), y) in listed.pairs().zip(targets) {
                    let (w, size) = (listed.round.weight(s), f64::from(s));
                    let mut wy = *y;
                    wy.iter_mut().for_each(|y| *y *= w);
                    (0..LANES).for_each(|lane| shared[lane] += wy[lane] * size);
                    for &j in set {
                        add(&mut out[j as usize], &wy);
                    }
                }
                for out in out {
                    (0..LANES).for_each(|lane| out[lane] -= shared[lane] / listed.m as f64);
                }
            }
            Work::Residuals { listed, phi, targets } => {
                for ((_, set), y) in listed.pairs().zip(targets) {
                    let mut fitted = [0.0; LANES];
                    for &j in set {
                        add(&mut fitted, &phi[j as usize]);
                    }
                    (0..LANES).for_each(|lane| y[lane] -= fitted[lane]);
                }
            }
            Work::Times { k, v, out } => {
                let m = v.len();
                for (block, out) in out.chunks_mut(AT_ONCE).enumerate() {
                    let first = block * AT_ONCE;
                    let mut sums = [[0.0; LANES]; AT_ONCE];
                    for (j, v) in v.iter().enumerate() {
                        let column = &k[j * m + first..][..out.len()];
                        for (sum, &k) in sums.iter_mut().zip(column) {
                            (0..LANES).for_each(|lane| sum[lane] += k * v[lane]);
                        }
                    }
                    out.copy_from_slice(&sums[..out.len()]);
                }
            }
        }
    }
}

#[inline(always)]
fn add(to: &mut Lanes, from: &Lanes) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

//! Some features and outputs of every row, and what all its features add up to: the rest is never written.

use std::marker::PhantomData;

use super::run::{Block, Scratch, Written};
use crate::error::{Error, Result};
use crate::parallel::{Control, for_each_chunk};
use crate::plan::Plan;
use crate::rows::Rows;
use crate::simd::{BLOCK, Driver, Kernel, Simd};
use crate::splits::Comparable;

/// Which values are wanted, by position, in this order.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// Features.
    pub features: &'a [u32],
    /// Outputs.
    pub outputs: &'a [u32],
}

impl Part<'_> {
    /// Values a row.
    pub(super) fn width(&self) -> usize {
        self.features.len() * self.outputs.len()
    }

    pub(super) fn check(&self, plan: &Plan) -> Result<()> {
        let within = |what: &str, chosen: &[u32], count: usize| match chosen.iter().find(|&&at| at as usize >= count) {
            Some(at) => Err(Error::Option(format!("there is no {what} {at}: the number of {what}s is {count}"))),
            None => Ok(()),
        };
        plan.check_plain()?;
        within("feature", self.features, plan.model.n_features)?;
        within("output", self.outputs, plan.model.n_outputs)
    }

    /// The slot of each feature; None: no tree splits on it.
    pub(super) fn slots(&self, plan: &Plan) -> Vec<Option<usize>> {
        let used = &plan.model.used_features;
        self.features.iter().map(|feature| used.binary_search(feature).ok()).collect()
    }
}

impl Plan {
    /// Writes a part of the SHAP values of `rows`, `(n, features, outputs)` row-major, into `out`, and into `sums`, `(n, outputs)`,
    /// what all the features of a row add up to. The values are those of [`Plan::run`]; trees of other outputs take no time.
    ///
    /// # Errors
    /// As [`Plan::run`]; [`Error::Option`] for a feature or output that is not there.
    pub fn run_part<W: Written>(
        &self,
        rows: &Rows<'_>,
        part: Part<'_>,
        out: &mut [W],
        sums: &mut [f64],
        threads: usize,
        control: &dyn Control,
    ) -> Result<()> {
        part.check(self)?;
        rows.check(self.model.n_features, out.len(), part.width())?;
        rows.check(self.model.n_features, sums.len(), part.outputs.len())?;
        if self.model.input.round_to_f32 {
            self.level.dispatch(Run::<f32, W> {
                plan: self,
                rows,
                part,
                out,
                sums,
                threads,
                control,
                lane: PhantomData,
            })
        } else {
            self.level.dispatch(Run::<f64, W> {
                plan: self,
                rows,
                part,
                out,
                sums,
                threads,
                control,
                lane: PhantomData,
            })
        }
    }
}

struct Run<'a, 'r, T, W> {
    plan: &'a Plan,
    rows: &'a Rows<'r>,
    part: Part<'a>,
    out: &'a mut [W],
    sums: &'a mut [f64],
    threads: usize,
    control: &'a dyn Control,
    lane: PhantomData<T>,
}

impl<T: Comparable, W: Written> Driver for Run<'_, '_, T, W> {
    type Out = Result<()>;

    fn drive<S: Simd>(self, s: S) -> Result<()> {
        let Run { plan, rows, part, mut out, mut sums, threads, control, .. } = self;
        let (width, outputs) = (part.width(), part.outputs.len());
        let way = plan.way(rows, threads, control)?;
        let together = way.rows_of_a_task(plan, rows.len(), threads);
        control.begin(together);
        let slots = part.slots(plan);
        let mut tasks = Vec::with_capacity(rows.len().div_ceil(together));
        for start in (0..rows.len()).step_by(together) {
            let length = together.min(rows.len() - start);
            let of_task;
            (of_task, out) = out.split_at_mut(length * width);
            let sums_of_task;
            (sums_of_task, sums) = sums.split_at_mut(length * outputs);
            tasks.push((length, of_task, sums_of_task));
        }
        let scratch = || Scratch::<S, T>::new(s, plan, way);
        for_each_chunk(&mut tasks, 1, threads, control, scratch, |scratch, index, task, cancel| {
            let Some((length, out, sums)) = task.first_mut() else { return };
            let start = index * together;
            scratch.explain(rows, None, start..start + *length, Some(part.outputs), cancel);
            for (number, block) in scratch.blocks.iter().enumerate() {
                let first = number * BLOCK;
                let here = first..first + block.length;
                let out = &mut out[here.start * width..here.end * width];
                let sums = &mut sums[here.start * outputs..here.end * outputs];
                s.vectorize(PartPass { block, plan, outputs: part.outputs, slots: &slots, out });
                s.vectorize(SumPass { block, plan, outputs: part.outputs, sums });
            }
        })
    }
}

/// The values of a block's rows for one feature and output.
#[inline(always)]
pub(super) fn plane<S: Simd, T>(s: S, block: &Block<S, T>, plan: &Plan, output: u32, slot: usize) -> [f64; BLOCK] {
    let vectors = BLOCK / S::LANES;
    let at = (output as usize * (plan.model.used_features.len() + 1) + slot) * vectors;
    let mut out = [0.0; BLOCK];
    for (out, vector) in out.chunks_exact_mut(S::LANES).zip(&block.phi[at..at + vectors]) {
        out.copy_from_slice(&s.lanes(*vector)[..S::LANES]);
    }
    out
}

/// The wanted values of a block.
struct PartPass<'a, S: Simd, T, W> {
    block: &'a Block<S, T>,
    plan: &'a Plan,
    outputs: &'a [u32],
    slots: &'a [Option<usize>],
    /// `[row][feature][output]`
    out: &'a mut [W],
}

impl<S: Simd, T, W: Written> Kernel<S> for PartPass<'_, S, T, W> {
    #[inline(always)]
    fn run(self, s: S) {
        let width = self.slots.len() * self.outputs.len();
        for (i, slot) in self.slots.iter().enumerate() {
            for (j, &output) in self.outputs.iter().enumerate() {
                let values = slot.map_or([0.0; BLOCK], |slot| plane(s, self.block, self.plan, output, slot));
                let at = i * self.outputs.len() + j;
                for (row, &x) in self.out.chunks_exact_mut(width).zip(&values) {
                    row[at] = W::from_f64(x);
                }
            }
        }
    }
}

/// What all features of a row add up to, in order.
pub(super) struct SumPass<'a, S: Simd, T> {
    pub(super) block: &'a Block<S, T>,
    pub(super) plan: &'a Plan,
    pub(super) outputs: &'a [u32],
    /// `[row][output]`
    pub(super) sums: &'a mut [f64],
}

impl<S: Simd, T> Kernel<S> for SumPass<'_, S, T> {
    #[inline(always)]
    fn run(self, s: S) {
        for (j, &output) in self.outputs.iter().enumerate() {
            let mut sums = [0.0; BLOCK];
            for slot in 0..self.plan.model.used_features.len() {
                let values = plane(s, self.block, self.plan, output, slot);
                for (sum, x) in sums.iter_mut().zip(values) {
                    *sum += x;
                }
            }
            for (row, sum) in self.sums.chunks_exact_mut(self.outputs.len()).zip(sums) {
                row[j] = sum;
            }
        }
    }
}

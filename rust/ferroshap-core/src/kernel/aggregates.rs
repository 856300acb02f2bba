//! What the values of many rows have in common: their sum, the sum of their sizes, the least and the largest, for groups of
//! rows. No row's values are kept.
//!
//! A block of 128 rows, counted from the first, is put in order by group, and the statistics of its rows of one group are
//! made in eight lanes: row `i` of them adds to lane `i mod 8`, the lanes are added in pairs. Blocks are added to the totals
//! in order, with the rounding error of every addition kept beside the sum. So the bits depend on neither threads nor vector
//! level, and the error hardly on the number of rows.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use super::part::{Part, SumPass, plane};
use super::run::{Block, Scratch};
use crate::error::{Error, Result};
use crate::parallel::{Control, for_each_chunk};
use crate::plan::Plan;
use crate::rows::Rows;
use crate::simd::{BLOCK, Driver, Kernel, Simd};
use crate::splits::Comparable;

/// Numbers that the totals have for a group, feature and output: the sum of the values and its rounding error, the sum of
/// their sizes and its rounding error, the least and the largest value (at first +∞ and −∞).
pub const STATISTICS: usize = 6;

/// What is made of a block: sum, sum of sizes, least, largest.
type OfBlock = [f64; 4];

/// What to aggregate, and where it goes.
#[derive(Debug)]
pub struct Aggregation<'a> {
    /// Of which features and outputs.
    pub part: Part<'a>,
    /// The group of each row, below `n_groups`; None: all are in group 0.
    pub groups: Option<&'a [u32]>,
    /// How many groups there are.
    pub n_groups: usize,
    /// `[statistic][group][feature][output]`: added to.
    pub totals: &'a mut [f64],
    /// `[row][output]`: what all features of the row add up to, written.
    pub sums: &'a mut [f64],
}

impl Plan {
    /// Adds the SHAP values of `rows`, those of [`Plan::run`], to the totals of their groups; rows are counted on by the caller.
    /// Time and memory a thread as of [`Plan::run`], and O(features) for each group that a block has rows of.
    ///
    /// # Errors
    /// As [`Plan::run_part`]; [`Error::Data`] where groups or totals do not fit. The totals are of no use after an error.
    pub fn aggregate(
        &self,
        rows: &Rows<'_>,
        aggregation: Aggregation<'_>,
        threads: usize,
        control: &dyn Control,
    ) -> Result<()> {
        let Aggregation { part, groups, n_groups, totals, sums } = &aggregation;
        part.check(self)?;
        rows.check(self.model.n_features, sums.len(), part.outputs.len())?;
        let fit = |groups: &[u32]| groups.len() == rows.len() && groups.iter().all(|&g| (g as usize) < *n_groups);
        if !groups.map_or(*n_groups == 1, fit) || totals.len() != STATISTICS * n_groups * part.width() {
            return Err(Error::Data(format!(
                "groups or totals do not fit {} rows in {n_groups} groups with {} values each",
                rows.len(),
                part.width()
            )));
        }
        if self.model.input.round_to_f32 {
            self.level.dispatch(Run::<f32> { plan: self, rows, aggregation, threads, control, lane: PhantomData })
        } else {
            self.level.dispatch(Run::<f64> { plan: self, rows, aggregation, threads, control, lane: PhantomData })
        }
    }
}

struct Run<'a, 'r, T> {
    plan: &'a Plan,
    rows: &'a Rows<'r>,
    aggregation: Aggregation<'a>,
    threads: usize,
    control: &'a dyn Control,
    lane: PhantomData<T>,
}

impl<T: Comparable> Driver for Run<'_, '_, T> {
    type Out = Result<()>;

    fn drive<S: Simd>(self, s: S) -> Result<()> {
        let Run { plan, rows, aggregation, threads, control, .. } = self;
        let Aggregation { part, groups, n_groups, totals, sums } = aggregation;
        let outputs = part.outputs.len();
        let way = plan.way(rows, threads, control)?;
        let together = way.rows_of_a_task(plan, rows.len(), threads).next_multiple_of(BLOCK);
        control.begin(together);
        let totals = InOrder::new(Totals { numbers: totals, cells: n_groups * part.width() });
        let slots = part.slots(plan);
        let scratch = || Scratch::<S, T>::new(s, plan, way);
        // Without outputs there is nothing to do, and there are no chunks of sums.
        for_each_chunk(sums, together * outputs, threads, control, scratch, |scratch, index, sums, cancel| {
            let start = index * together;
            let length = sums.len() / outputs;
            scratch.explain(rows, None, start..start + length, Some(part.outputs), cancel);
            let mut of_task = Vec::with_capacity(scratch.blocks.len());
            for (block, sums) in scratch.blocks.iter().zip(sums.chunks_mut(BLOCK * outputs)) {
                let first = start + BLOCK * of_task.len();
                let rows = Grouped::new(groups.map(|groups| &groups[first..first + block.length]), block.length);
                let mut found = vec![[0.0; 4]; rows.parts.len() * part.width()];
                s.vectorize(StatisticsPass {
                    block,
                    plan,
                    outputs: part.outputs,
                    slots: &slots,
                    rows: &rows,
                    out: &mut found,
                });
                s.vectorize(SumPass { block, plan, outputs: part.outputs, sums });
                of_task.push((rows.parts, found));
            }
            if !cancel.requested() {
                totals.add(index, of_task);
            }
        })
    }
}

/// The rows of a block in the order of their groups.
struct Grouped {
    /// Which row stands where; None: each where it was.
    order: Option<Vec<u8>>,
    /// For each group that has rows: which, and how many.
    parts: Vec<(u32, usize)>,
}

impl Grouped {
    fn new(groups: Option<&[u32]>, rows: usize) -> Self {
        let Some(groups) = groups else { return Self { order: None, parts: vec![(0, rows)] } };
        let mut order: Vec<u8> = (0..rows as u8).collect();
        order.sort_by_key(|&row| groups[row as usize]); // stable: rows of a group stay in order
        let in_order = order.iter().map(|&row| groups[row as usize]).collect::<Vec<_>>();
        let parts = in_order.chunk_by(|a, b| a == b).map(|part| (part[0], part.len())).collect();
        Self { order: Some(order), parts }
    }
}

/// The statistics of a block.
struct StatisticsPass<'a, S: Simd, T> {
    block: &'a Block<S, T>,
    plan: &'a Plan,
    outputs: &'a [u32],
    slots: &'a [Option<usize>],
    rows: &'a Grouped,
    /// `[part][feature][output]`
    out: &'a mut [OfBlock],
}

impl<S: Simd, T> Kernel<S> for StatisticsPass<'_, S, T> {
    #[inline(always)]
    fn run(self, s: S) {
        let outputs = self.outputs.len();
        let width = self.slots.len() * outputs;
        for (i, slot) in self.slots.iter().enumerate() {
            let Some(slot) = *slot else { continue }; // all are 0
            for (j, &output) in self.outputs.iter().enumerate() {
                let mut values = plane(s, self.block, self.plan, output, slot);
                if let Some(order) = &self.rows.order {
                    let before = values;
                    for (to, &row) in values.iter_mut().zip(order) {
                        *to = before[row as usize % BLOCK];
                    }
                }
                let mut first = 0;
                for (part, &(_, rows)) in self.rows.parts.iter().enumerate() {
                    self.out[part * width + i * outputs + j] = statistics(&values[first..first + rows]);
                    first += rows;
                }
            }
        }
    }
}

#[inline(always)]
fn statistics(values: &[f64]) -> OfBlock {
    let (mut sum, mut sizes) = ([0.0; 8], [0.0; 8]);
    let (mut least, mut largest) = ([f64::INFINITY; 8], [f64::NEG_INFINITY; 8]);
    let mut add = |lane: usize, x: f64| {
        sum[lane] += x;
        sizes[lane] += x.abs();
        least[lane] = if x < least[lane] { x } else { least[lane] };
        largest[lane] = if x > largest[lane] { x } else { largest[lane] };
    };
    let (eights, rest) = values.as_chunks::<8>();
    for eight in eights {
        for (lane, &x) in eight.iter().enumerate() {
            add(lane, x);
        }
    }
    for (lane, &x) in rest.iter().enumerate() {
        add(lane, x);
    }
    for half in [4, 2, 1] {
        for lane in 0..half {
            sum[lane] += sum[lane + half];
            sizes[lane] += sizes[lane + half];
            least[lane] = least[lane].min(least[lane + half]);
            largest[lane] = largest[lane].max(largest[lane + half]);
        }
    }
    [sum[0], sizes[0], least[0], largest[0]]
}

/// The blocks of a task: which groups have how many rows there, and for each of those, `[feature][output]`, the statistics.
type OfTask = Vec<(Vec<(u32, usize)>, Vec<OfBlock>)>;

/// The totals, to which tasks are added in order, whichever is finished first.
struct InOrder<'a> {
    state: Mutex<State<'a>>,
}

struct State<'a> {
    totals: Totals<'a>,
    next: usize,
    early: BTreeMap<usize, OfTask>,
}

impl<'a> InOrder<'a> {
    fn new(totals: Totals<'a>) -> Self {
        Self { state: Mutex::new(State { totals, next: 0, early: BTreeMap::new() }) }
    }

    fn add(&self, index: usize, task: OfTask) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.early.insert(index, task);
        loop {
            let next = state.next;
            let Some(task) = state.early.remove(&next) else { break };
            for (parts, found) in &task {
                state.totals.add(parts, found);
            }
            state.next += 1;
        }
    }
}

struct Totals<'a> {
    numbers: &'a mut [f64],
    /// Of one statistic.
    cells: usize,
}

impl Totals<'_> {
    fn add(&mut self, parts: &[(u32, usize)], found: &[OfBlock]) {
        let width = found.len() / parts.len().max(1);
        for (&(group, _), of_group) in parts.iter().zip(found.chunks_exact(width.max(1))) {
            let first = group as usize * width;
            for (at, &[sum, sizes, least, largest]) in of_group.iter().enumerate() {
                self.add_exactly(first + at, 0, sum);
                self.add_exactly(first + at, 2, sizes);
                let low = &mut self.numbers[4 * self.cells + first + at];
                *low = low.min(least);
                let high = &mut self.numbers[5 * self.cells + first + at];
                *high = high.max(largest);
            }
        }
    }

    /// Adds to a sum, and what is lost by that to the statistic after it.
    fn add_exactly(&mut self, cell: usize, statistic: usize, x: f64) {
        let before = self.numbers[statistic * self.cells + cell];
        let sum = before + x;
        let added = sum - before;
        self.numbers[statistic * self.cells + cell] = sum;
        self.numbers[(statistic + 1) * self.cells + cell] += (before - (sum - added)) + (x - added);
    }
}

//! Interaction values out of sums over pairs: blocks of rows over the threads, for any game.

use super::run::Written;
use crate::error::Result;
use crate::parallel::{Cancel, Control, for_each_chunk};
use crate::plan::PairLayout;
use crate::simd::BLOCK;

/// Bytes of sums that a block of rows may take: they should stay in the second-level cache.
const SUMS_TARGET: usize = 1 << 20;

/// Blocks whose magnitudes are held at the same time, before they are added in order.
const BLOCKS_AT_ONCE: usize = 64;

/// A game that can add up the pairs of a block of rows.
pub(crate) trait PairGame: Sync {
    /// What a thread needs.
    type Scratch;

    /// Where the sums stand.
    fn layout(&self) -> &PairLayout;

    /// For blocks of at most `stride` rows.
    fn scratch(&self, stride: usize) -> Self::Scratch;

    /// Writes φ of each used feature and the pair index of each pair of the rows `start..start + length`, as
    /// `[output][plane][stride]`, into all of `sums`; what it leaves where `cancel` is requested is not used.
    fn add_up(
        &self,
        scratch: &mut Self::Scratch,
        rows: std::ops::Range<usize>,
        stride: usize,
        sums: &mut [f64],
        cancel: &Cancel<'_>,
    );
}

/// What becomes of the values.
pub(crate) enum Task<'a, W> {
    /// They are written, `[row][layout.width][output]`, into all of this.
    Write(&'a mut [W]),
    /// Their magnitudes are added to this, `[layout.width][output]`: rows in order within a block, blocks in order.
    Add(&'a mut [f64]),
}

/// Does it for `n` rows.
pub(crate) fn carry_out<G: PairGame, W: Written>(
    game: &G,
    n: usize,
    task: Task<'_, W>,
    threads: usize,
    control: &dyn Control,
) -> Result<()> {
    match task {
        Task::Write(out) => write_rows(game, n, out, threads, control),
        Task::Add(totals) => add_magnitudes(game, n, totals, threads, control),
    }
}

/// Rows of a block: as many as keep the sums near [`SUMS_TARGET`], a multiple of every vector's lanes.
fn rows_of_a_block(layout: &PairLayout) -> usize {
    let row = (8 * layout.planes() * layout.n_outputs).max(1);
    (SUMS_TARGET / row).clamp(8, BLOCK).next_multiple_of(8)
}

/// A thread's part: the game's own and the sums of a block.
struct Worker<S> {
    own: S,
    sums: Vec<f64>,
}

impl<S> Worker<S> {
    fn new<G: PairGame<Scratch = S>>(game: &G, stride: usize) -> Self {
        let layout = game.layout();
        Self { own: game.scratch(stride), sums: vec![0.0; layout.planes() * layout.n_outputs * stride] }
    }

    /// The interaction values of a block, as [`PairGame::add_up`] lays them out.
    fn values<G: PairGame<Scratch = S>>(
        &mut self,
        game: &G,
        rows: std::ops::Range<usize>,
        stride: usize,
        cancel: &Cancel<'_>,
    ) -> &[f64] {
        game.add_up(&mut self.own, rows, stride, &mut self.sums, cancel);
        let layout = game.layout();
        for of_output in self.sums.chunks_exact_mut((layout.planes() * stride).max(1)) {
            layout.halve(of_output, stride);
        }
        &self.sums
    }
}

fn write_rows<G: PairGame, W: Written>(
    game: &G,
    n: usize,
    out: &mut [W],
    threads: usize,
    control: &dyn Control,
) -> Result<()> {
    let layout = game.layout();
    let (stride, width) = (rows_of_a_block(layout), layout.row());
    let scratch = || Worker::new(game, stride);
    control.begin(stride);
    for_each_chunk(out, stride * width, threads, control, scratch, |worker, index, out, cancel| {
        let start = index * stride;
        let values = worker.values(game, start..n.min(start + stride), stride, cancel);
        if layout.cells.len() < layout.width {
            out.fill(W::from_f64(0.0));
        }
        write_block(layout, values, stride, out);
    })
}

/// Eight rows at a time: they share a line of the sums, and eight lines are written to.
fn write_block<W: Written>(layout: &PairLayout, values: &[f64], stride: usize, out: &mut [W]) {
    let (o, row) = (layout.n_outputs, layout.row());
    for (eight, out) in out.chunks_mut(8 * row).enumerate() {
        let count = out.len() / row;
        let mut rest = out.chunks_exact_mut(row);
        let mut rows: [&mut [W]; 8] = std::array::from_fn(|_| rest.next().unwrap_or_default());
        for (output, values) in values.chunks_exact(layout.planes() * stride).enumerate() {
            for cell in &layout.cells {
                let lanes = &values[cell.plane * stride + 8 * eight..][..8];
                let at = cell.at * o + output;
                for (row, x) in rows.iter_mut().zip(lanes).take(count) {
                    row[at] = W::from_f64(*x);
                }
            }
        }
    }
}

fn add_magnitudes<G: PairGame>(
    game: &G,
    n: usize,
    totals: &mut [f64],
    threads: usize,
    control: &dyn Control,
) -> Result<()> {
    let layout = game.layout();
    let (stride, planes) = (rows_of_a_block(layout), layout.planes() * layout.n_outputs);
    let scratch = || Worker::new(game, stride);
    control.begin(stride);
    let mut held = vec![0.0; planes * BLOCKS_AT_ONCE];
    for first in (0..n).step_by(stride * BLOCKS_AT_ONCE) {
        let blocks = (n - first).div_ceil(stride).min(BLOCKS_AT_ONCE);
        let held = &mut held[..blocks * planes];
        let control = After { control, blocks: first / stride };
        for_each_chunk(held, planes, threads, &control, scratch, |worker, index, held, cancel| {
            let start = first + index * stride;
            let end = n.min(start + stride);
            let values = worker.values(game, start..end, stride, cancel);
            for (total, values) in held.iter_mut().zip(values.chunks_exact(stride)) {
                *total = values[..end - start].iter().fold(0.0, |sum, x| sum + x.abs());
            }
        })?;
        for block in held.chunks_exact(planes.max(1)) {
            for (output, sums) in block.chunks_exact(layout.planes().max(1)).enumerate() {
                layout.cells.iter().for_each(|c| totals[c.at * layout.n_outputs + output] += sums[c.plane]);
            }
        }
    }
    Ok(())
}

/// Counts on from the blocks that are done.
struct After<'a> {
    control: &'a dyn Control,
    blocks: usize,
}

impl Control for After<'_> {
    fn poll(&self, done: usize) -> bool {
        self.control.poll(self.blocks + done)
    }
}

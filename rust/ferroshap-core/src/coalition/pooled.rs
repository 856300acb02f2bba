//! Estimates of rows that have the same units: two passes over the units, each in blocks of consecutive ones whose sums
//! are added in order, whatever the number of threads.

use nalgebra::DMatrix;

use super::designs::Designs;
use super::errors::{add_variances, centred_columns, small_sample, squared};
use super::normal;
use super::ridge::{Inverses, Unit, centre};
use super::solve::Factor;
use crate::error::Result;
use crate::parallel::{Control, for_each_chunk};

/// Of the sum of squares of a regression's targets.
const NEXT_TO_NOTHING: f64 = 1e-6;

/// Blocks of units, at most.
const BLOCKS: usize = 16;

/// What a row brings: its units, and their half differences `(pairs, K)`.
#[derive(Debug)]
pub(crate) struct Sampled {
    /// The same groups and weights for all rows of a call; Δ is the row's own.
    pub(crate) units: Vec<Unit>,
    /// Of every unit.
    pub(crate) halves: Vec<Vec<f64>>,
}

/// What is estimated of a row.
#[derive(Debug)]
pub(crate) struct Solved {
    /// Σ ω φ over the units, `(M, K)`.
    pub(crate) phi: DMatrix<f64>,
    /// Variances of that, `(K, M)`.
    pub(crate) variances: Vec<f64>,
    /// Σ ω (φ_u − centre)², `(K, M)`.
    pub(crate) spread: Vec<f64>,
    /// Whether the pairs do not determine the values.
    pub(crate) singular: bool,
}

/// The designs of the rows of a call, and how far they go.
pub(crate) struct Pool<'a> {
    pub(crate) designs: &'a Designs,
    pub(crate) round: usize,
}

/// What a block of units adds, of every row.
#[derive(Default)]
struct Block {
    /// r of its units: `[unit][row]`, `(K, M)`.
    r: Vec<Vec<Vec<f64>>>,
    /// Σ ω K r, `(M, K)`.
    right: Vec<DMatrix<f64>>,
    variances: Vec<Vec<f64>>,
    spread: Vec<Vec<f64>>,
}

impl Pool<'_> {
    /// Solves for some rows. `centre_of(row, Σ ω φ)` says from where the spread of a row is measured, `(K, M)`.
    pub(crate) fn solve(
        &self,
        rows: &[&Sampled],
        centre_of: impl Fn(usize, &DMatrix<f64>) -> Vec<f64>,
        threads: usize,
        control: &dyn Control,
    ) -> Result<Vec<Solved>> {
        let inverses = self.designs.inverses(self.round, threads, control)?;
        let own = self.designs.own(self.round, threads, control)?;
        let Some(own) = own.filter(|own| !std::ptr::eq(*own, inverses) && rows[0].units.len() > 1) else {
            return self.solve_with(inverses, rows, centre_of, threads, control);
        };
        let (fitting, others): (Vec<_>, Vec<_>) = (0..rows.len()).partition(|&row| self.fits(own, rows[row]));
        let mut out: Vec<Option<Solved>> = rows.iter().map(|_| None).collect();
        for (inverses, of) in [(own, fitting), (inverses, others)] {
            let some: Vec<&Sampled> = of.iter().map(|&row| rows[row]).collect();
            let solved = self.solve_with(inverses, &some, |row, phi| centre_of(of[row], phi), threads, control)?;
            of.iter().zip(solved).for_each(|(&row, solved)| out[row] = Some(solved));
        }
        Ok(out.into_iter().flatten().collect())
    }

    /// Whether every unit's own regression leaves next to nothing of every output.
    fn fits(&self, own: &Inverses, row: &Sampled) -> bool {
        row.units.iter().zip(&row.halves).all(|(unit, halves)| {
            let (design, k) = (self.designs.design(unit.group), unit.delta.len());
            let (round, m) = (design.round(self.round), design.m());
            let r = normal::right_side(design, round, halves, &unit.delta);
            let left = normal::residuals(design, round, halves, &unit.delta, own.times(unit.group, &r).as_slice());
            let targets = normal::residuals(design, round, halves, &unit.delta, &vec![0.0; k * m]);
            let squares = |of: &[f64], o: usize| of.iter().skip(o).step_by(k).map(|x| x * x).sum::<f64>();
            (0..k).all(|o| squares(&left, o) <= NEXT_TO_NOTHING * squares(&targets, o))
        })
    }

    fn solve_with(
        &self,
        inverses: &Inverses,
        rows: &[&Sampled],
        centre_of: impl Fn(usize, &DMatrix<f64>) -> Vec<f64>,
        threads: usize,
        control: &dyn Control,
    ) -> Result<Vec<Solved>> {
        let Some(first) = rows.first() else { return Ok(Vec::new()) };
        let units = &first.units;
        let factor = inverses.factor(units);
        let per_block = units.len().div_ceil(BLOCKS);
        let mut blocks: Vec<Block> = units.chunks(per_block).map(|_| Block::default()).collect();
        for_each_chunk(
            &mut blocks,
            1,
            threads,
            control,
            || (),
            |(), at, block, _| {
                let units = at * per_block..((at + 1) * per_block).min(units.len());
                self.right_sides(inverses, rows, units, &mut block[0]);
            },
        )?;
        let mut psi = blocks.iter_mut().map(|block| std::mem::take(&mut block.right)).reduce(|mut sum, more| {
            sum.iter_mut().zip(&more).for_each(|(sum, more)| *sum += more);
            sum
        });
        let psi = psi.get_or_insert_default();
        let phi: Vec<DMatrix<f64>> = psi
            .iter_mut()
            .zip(rows)
            .map(|(psi, row)| {
                factor.solve(psi);
                centre(psi);
                total(psi, &row.units)
            })
            .collect();
        let centres: Vec<Vec<f64>> = phi.iter().enumerate().map(|(row, phi)| centre_of(row, phi)).collect();
        let responses = inverses.responses(units, &factor);
        for_each_chunk(
            &mut blocks,
            1,
            threads,
            control,
            || (),
            |(), at, block, _| {
                let units = at * per_block..((at + 1) * per_block).min(units.len());
                self.errors(inverses, &responses, rows, units, psi, &centres, &mut block[0]);
            },
        )?;
        Ok(collected(phi, &blocks, &factor))
    }

    fn right_sides(&self, inverses: &Inverses, rows: &[&Sampled], units: std::ops::Range<usize>, out: &mut Block) {
        for u in units {
            let group = rows[0].units[u].group;
            let design = self.designs.design(group);
            let mut of_rows = Vec::with_capacity(rows.len());
            for (row, sampled) in rows.iter().enumerate() {
                let unit = &sampled.units[u];
                let r = normal::right_side(design, design.round(self.round), &sampled.halves[u], &unit.delta);
                let scaled = inverses.times(group, &r) * unit.weight;
                match out.right.get_mut(row) {
                    Some(sum) => *sum += scaled,
                    None => out.right.push(scaled),
                }
                of_rows.push(r);
            }
            out.r.push(of_rows);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what the first pass found, piece by piece")]
    fn errors(
        &self,
        inverses: &Inverses,
        responses: &impl Fn(usize) -> DMatrix<f64>,
        rows: &[&Sampled],
        units: std::ops::Range<usize>,
        psi: &[DMatrix<f64>],
        centres: &[Vec<f64>],
        out: &mut Block,
    ) {
        out.variances = centres.iter().map(|centre| vec![0.0; centre.len()]).collect();
        out.spread = out.variances.clone();
        for (u, r) in units.zip(std::mem::take(&mut out.r)) {
            let group = rows[0].units[u].group;
            let (design, m) = (self.designs.design(group), self.designs.shape().m);
            let round = design.round(self.round);
            let h = small_sample(round.pairs, inverses.parameters(group));
            let mut squares = Vec::with_capacity(rows.len());
            for (row, sampled) in rows.iter().enumerate() {
                let unit = &sampled.units[u];
                let own = inverses.values(group, &r[row], &psi[row]);
                let e = normal::residuals(design, round, &sampled.halves[u], &unit.delta, own.as_slice());
                squares.push(squared(design, round, e, unit.delta.len()));
                for (o, delta) in unit.delta.iter().enumerate() {
                    let (own, at) = (own.column(o), o * m);
                    for (j, own) in own.iter().enumerate() {
                        let off = own + delta / m as f64 - centres[row][at + j];
                        out.spread[row][at + j] += unit.weight * off * off;
                    }
                }
            }
            let scale: Vec<f64> = rows.iter().map(|row| row.units[u].weight.powi(2) * h).collect();
            let columns = centred_columns(responses(group));
            add_variances(design, round, &columns, &squares, &scale, &mut out.variances);
        }
    }
}

/// Σ ω (ψ + Δ/M) over the units.
fn total(psi: &DMatrix<f64>, units: &[Unit]) -> DMatrix<f64> {
    let mut out = psi * units.iter().map(|unit| unit.weight).sum::<f64>();
    for (o, mut column) in out.column_iter_mut().enumerate() {
        let delta: f64 = units.iter().map(|unit| unit.weight * unit.delta[o]).sum();
        let share = delta / column.len() as f64;
        column.iter_mut().for_each(|phi| *phi += share);
    }
    out
}

fn collected(phi: Vec<DMatrix<f64>>, blocks: &[Block], factor: &Factor) -> Vec<Solved> {
    let sum = |of: &dyn Fn(&Block) -> &Vec<f64>, n: usize| {
        let mut out = vec![0.0; n];
        blocks.iter().for_each(|block| out.iter_mut().zip(of(block)).for_each(|(sum, more)| *sum += more));
        out
    };
    let of_row = |(row, phi): (usize, DMatrix<f64>)| Solved {
        variances: sum(&|block| &block.variances[row], phi.len()),
        spread: sum(&|block| &block.spread[row], phi.len()),
        singular: factor.is_singular(),
        phi,
    };
    phi.into_iter().enumerate().map(of_row).collect()
}

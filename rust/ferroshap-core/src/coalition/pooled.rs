//! Estimates of rows that have the same units: two passes over the units, each in blocks of consecutive ones whose sums
//! are added in order, whatever the number of threads.

use nalgebra::DMatrix;

use super::designs::Designs;
use super::errors::{add_variances, centred_columns, small_sample, square};
use super::lanes::{LANES, Lanes, Listed, residuals, right_side};
use super::normal::target;
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
    /// How accurate that is, if it was asked for.
    pub(crate) accuracy: Option<Accuracy>,
    /// Whether the pairs do not determine the values.
    pub(crate) singular: bool,
}

/// What standard errors are made of.
#[derive(Debug)]
pub(crate) struct Accuracy {
    /// Variances of the values, `(K, M)`.
    pub(crate) variances: Vec<f64>,
    /// Σ ω (φ_u − centre)², `(K, M)`.
    pub(crate) spread: Vec<f64>,
}

/// The designs of the rows of a call, how far they go, and whether standard errors are asked for.
pub(crate) struct Pool<'a> {
    pub(crate) designs: &'a Designs,
    pub(crate) round: usize,
    pub(crate) errors: bool,
}

/// What a block of units adds. A row's outputs are consecutive lanes, after those of the row before.
#[derive(Default)]
struct Block {
    /// r of its units: `[unit][lanes]`, `(M)`.
    r: Vec<Vec<Vec<Lanes>>>,
    /// Σ ω K r: `[lanes]`, `(M)`.
    right: Vec<Vec<Lanes>>,
    /// `(lanes, M)`.
    variances: Vec<f64>,
    /// `(lanes, M)`.
    spread: Vec<f64>,
}

/// What a unit of some rows is regressed on: `[lanes]`, `(pairs)`; 0 in lanes that stand for no row.
fn targets(listed: &Listed<'_>, rows: &[&Sampled], u: usize) -> Vec<Vec<Lanes>> {
    let k = rows[0].units[u].delta.len();
    let mut out = vec![vec![[0.0; LANES]; listed.sizes.len()]; (rows.len() * k).div_ceil(LANES)];
    for (row, sampled) in rows.iter().enumerate() {
        for (o, &delta) in sampled.units[u].delta.iter().enumerate() {
            let lane = row * k + o;
            let halves = sampled.halves[u][o..].iter().step_by(k);
            for ((out, &half), &off) in out[lane / LANES].iter_mut().zip(halves).zip(&listed.off) {
                out[lane % LANES] = target(half, delta, off);
            }
        }
    }
    out
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
        let fits = self.fits(own, rows);
        let (fitting, others): (Vec<_>, Vec<_>) = (0..rows.len()).partition(|&row| fits[row]);
        let mut out: Vec<Option<Solved>> = rows.iter().map(|_| None).collect();
        for (inverses, of) in [(own, fitting), (inverses, others)] {
            let some: Vec<&Sampled> = of.iter().map(|&row| rows[row]).collect();
            let solved = self.solve_with(inverses, &some, |row, phi| centre_of(of[row], phi), threads, control)?;
            of.iter().zip(solved).for_each(|(&row, solved)| out[row] = Some(solved));
        }
        Ok(out.into_iter().flatten().collect())
    }

    /// For each row whether every unit's own regression leaves next to nothing of every output.
    fn fits(&self, own: &Inverses, rows: &[&Sampled]) -> Vec<bool> {
        let k = rows[0].units[0].delta.len();
        let mut out = vec![true; rows.len()];
        for (u, unit) in rows[0].units.iter().enumerate() {
            if !out.contains(&true) {
                break;
            }
            let design = self.designs.design(unit.group);
            let listed = Listed::new(design, design.round(self.round));
            for (at, mut y) in targets(&listed, rows, u).into_iter().enumerate() {
                let all = squares(&y);
                residuals(&listed, &own.times(unit.group, &right_side(&listed, &y)), &mut y);
                let left = squares(&y);
                for (lane, (left, all)) in left.iter().zip(all).enumerate() {
                    if let Some(fits) = out.get_mut((at * LANES + lane) / k) {
                        *fits &= *left <= NEXT_TO_NOTHING * all;
                    }
                }
            }
        }
        out
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
        let right = blocks.iter_mut().map(|block| std::mem::take(&mut block.right)).reduce(|mut sum, more| {
            sum.iter_mut().zip(&more).for_each(|(sum, more)| add_scaled(sum, more, 1.0));
            sum
        });
        let mut lanes = right.unwrap_or_default();
        let k = first.units[0].delta.len();
        let mut phi = Vec::with_capacity(rows.len());
        for (row, sampled) in rows.iter().enumerate() {
            let at = |o| ((row * k + o) / LANES, (row * k + o) % LANES);
            let mut psi = DMatrix::from_fn(self.designs.shape().m, k, |j, o| lanes[at(o).0][j][at(o).1]);
            factor.solve(&mut psi);
            centre(&mut psi);
            for (o, psi) in psi.column_iter().enumerate() {
                lanes[at(o).0].iter_mut().zip(psi.iter()).for_each(|(lanes, psi)| lanes[at(o).1] = *psi);
            }
            phi.push(total(&psi, &sampled.units));
        }
        if !self.errors {
            let singular = factor.is_singular();
            return Ok(phi.into_iter().map(|phi| Solved { phi, accuracy: None, singular }).collect());
        }
        let psi = &lanes;
        let centres: Vec<f64> = phi.iter().enumerate().flat_map(|(row, phi)| centre_of(row, phi)).collect();
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
            let unit = &rows[0].units[u];
            let design = self.designs.design(unit.group);
            let listed = Listed::new(design, design.round(self.round));
            let r: Vec<_> = targets(&listed, rows, u).iter().map(|y| right_side(&listed, y)).collect();
            out.right.resize(r.len(), vec![[0.0; LANES]; listed.m]);
            for (sum, r) in out.right.iter_mut().zip(&r) {
                add_scaled(sum, &inverses.times(unit.group, r), unit.weight);
            }
            out.r.push(r);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what the first pass found, piece by piece")]
    fn errors(
        &self,
        inverses: &Inverses,
        responses: &impl Fn(usize) -> DMatrix<f64>,
        rows: &[&Sampled],
        units: std::ops::Range<usize>,
        psi: &[Vec<Lanes>],
        centres: &[f64],
        out: &mut Block,
    ) {
        (out.variances, out.spread) = (vec![0.0; centres.len()], vec![0.0; centres.len()]);
        for (u, r) in units.zip(std::mem::take(&mut out.r)) {
            let unit = &rows[0].units[u];
            let (design, m) = (self.designs.design(unit.group), self.designs.shape().m);
            let listed = Listed::new(design, design.round(self.round));
            let mut squares = targets(&listed, rows, u);
            let delta = rows.iter().flat_map(|row| &row.units[u].delta);
            let mut lanes = delta.zip(out.spread.chunks_exact_mut(m).zip(centres.chunks_exact(m)));
            for ((r, psi), e) in r.iter().zip(psi).zip(&mut squares) {
                let own = inverses.values(unit.group, r, psi);
                residuals(&listed, &own, e);
                square(design, &listed, e);
                for (lane, (delta, (spread, centres))) in lanes.by_ref().take(LANES).enumerate() {
                    for ((spread, centre), own) in spread.iter_mut().zip(centres).zip(&own) {
                        let off = own[lane] + delta / m as f64 - centre;
                        *spread += unit.weight * off * off;
                    }
                }
            }
            let h = small_sample(listed.round.pairs, inverses.parameters(unit.group));
            let columns = centred_columns(responses(unit.group));
            add_variances(&listed, &columns, &squares, unit.weight.powi(2) * h, &mut out.variances);
        }
    }
}

/// Adds numbers times a factor.
fn add_scaled(to: &mut [Lanes], from: &[Lanes], factor: f64) {
    for (to, from) in to.iter_mut().zip(from) {
        to.iter_mut().zip(from).for_each(|(to, from)| *to += factor * from);
    }
}

/// Σ y² in each lane.
fn squares(y: &[Lanes]) -> Lanes {
    let mut out = [0.0; LANES];
    y.iter().for_each(|y| out.iter_mut().zip(y).for_each(|(sum, y)| *sum += y * y));
    out
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
    let sum = |of: &dyn Fn(&Block) -> &Vec<f64>, row: usize, n: usize| {
        let mut out = vec![0.0; n];
        for block in blocks {
            out.iter_mut().zip(&of(block)[row * n..]).for_each(|(sum, more)| *sum += more);
        }
        out
    };
    let of_row = |(row, phi): (usize, DMatrix<f64>)| Solved {
        accuracy: Some(Accuracy {
            variances: sum(&|block| &block.variances, row, phi.len()),
            spread: sum(&|block| &block.spread, row, phi.len()),
        }),
        singular: factor.is_singular(),
        phi,
    };
    phi.into_iter().enumerate().map(of_row).collect()
}

//! The regressions of many references, each on coalitions of its own, pooled with a ridge.
//!
//! With S and r of each reference u (of weight ω_u), t = mean tr(S)/M and K_u = (S_u + λ t I)⁻¹:
//! ψ = (Σ ω_u K_u S_u + W 11'/M)⁻¹ Σ ω_u K_u r_u, W = Σ ω_u, and φ = Σ over u of ω_u (ψ − mean ψ + Δ_u/M).
//! λ → 0 is the mean of the references' own regressions, λ → ∞ one regression over all. It is the random-effects solution
//! for φ_u = μ + δ_u; the references' own values are φ_u = K_u (r_u + λ t ψ) + Δ_u/M, of which φ is the mean.
//! K_u S_u = I − λ t K_u, so K is all that is kept. For λ = 0, K_u = (S_u + t 11'/M)⁻¹ and K_u S_u = I − 11'/M. Nothing but
//! r depends on the row.

use std::sync::OnceLock;

use nalgebra::DMatrix;

use super::design::{Design, Shape};
use super::normal;
use super::solve::{Factor, product};
use crate::error::Result;
use crate::parallel::{Control, for_each_chunk};

/// λ where coalitions are few: errors are flat between .03 and .1.
const LAMBDA: f64 = 0.05;

/// Pairs a player from which λ is 0: pooling gains nothing there, and the references' own regressions are exact for
/// models without interactions of three players or more.
const ENOUGH: usize = 4;

/// The designs of all references (or groups of them that share one), and what follows from them.
#[derive(Debug)]
pub(crate) struct Designs {
    shape: Shape,
    designs: Vec<Design>,
    rounds: Vec<OnceLock<Inverses>>,
}

/// K of every design up to the end of a round.
#[derive(Debug)]
pub(crate) struct Inverses {
    /// λ t.
    penalty: f64,
    k: Vec<DMatrix<f64>>,
}

/// A reference, or a group of them with one design, of a row.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    /// Its design.
    pub(crate) group: usize,
    /// ω.
    pub(crate) weight: f64,
    /// Δ, `(K)`; of a group the weighted mean.
    pub(crate) delta: Vec<f64>,
}

impl Designs {
    /// Draws the designs of so many groups.
    pub(crate) fn new(shape: Shape, seed: u64, groups: usize, threads: usize, control: &dyn Control) -> Result<Self> {
        let mut designs: Vec<Option<Design>> = (0..groups).map(|_| None).collect();
        for_each_chunk(
            &mut designs,
            1,
            threads,
            control,
            || (),
            |(), group, out, _| {
                out[0] = Some(Design::new(&shape, seed, group));
            },
        )?;
        let rounds = shape.rounds.iter().map(|_| OnceLock::new()).collect();
        Ok(Self { shape, designs: designs.into_iter().flatten().collect(), rounds })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.designs.len()
    }

    /// What they were drawn for.
    pub(crate) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The design of a group.
    pub(crate) fn design(&self, group: usize) -> &Design {
        &self.designs[group]
    }

    /// K up to the end of a round; made when it is first needed.
    pub(crate) fn inverses(&self, round: usize, threads: usize, control: &dyn Control) -> Result<&Inverses> {
        if let Some(found) = self.rounds[round].get() {
            return Ok(found);
        }
        let mut k = vec![DMatrix::zeros(0, 0); self.designs.len()];
        for_each_chunk(
            &mut k,
            1,
            threads,
            control,
            || (),
            |(), group, out, _| {
                let design = &self.designs[group];
                out[0] = normal::matrix(design, design.round(round));
            },
        )?;
        let (m, pairs) = (self.shape.m, self.shape.rounds[round]);
        let t = k.iter().map(DMatrix::trace).sum::<f64>() / (m * k.len()) as f64;
        let penalty = LAMBDA * t;
        if pairs >= ENOUGH * m {
            let own: Vec<Factor> = k.iter().map(|s| Factor::new(s.add_scalar(t / m as f64))).collect();
            if !own.iter().any(Factor::is_singular) {
                let k = own.iter().map(Factor::inverse).collect();
                return Ok(self.rounds[round].get_or_init(|| Inverses { penalty: 0.0, k }));
            }
        }
        for_each_chunk(
            &mut k,
            1,
            threads,
            control,
            || (),
            |(), _, out, _| {
                let mut s = std::mem::replace(&mut out[0], DMatrix::zeros(0, 0));
                (0..s.nrows()).for_each(|j| s[(j, j)] += penalty);
                out[0] = Factor::new(s).inverse();
            },
        )?;
        Ok(self.rounds[round].get_or_init(|| Inverses { penalty, k }))
    }
}

impl Inverses {
    /// K of a group.
    pub(crate) fn k(&self, group: usize) -> &DMatrix<f64> {
        &self.k[group]
    }

    /// Σ ω K S + W 11'/M of some units, factored.
    pub(crate) fn pooled(&self, units: &[Unit]) -> Factor {
        let m = self.k[0].nrows();
        let mut a = DMatrix::zeros(m, m);
        let total: f64 = units.iter().map(|unit| unit.weight).sum();
        if self.penalty == 0.0 {
            a.fill_diagonal(total); // K S = I − 11'/M
            return Factor::new(a);
        }
        for unit in units {
            a.iter_mut().zip(self.k[unit.group].iter()).for_each(|(a, k)| *a -= unit.weight * self.penalty * k);
        }
        a.iter_mut().for_each(|a| *a += total / m as f64);
        (0..m).for_each(|j| a[(j, j)] += total);
        Factor::new(a)
    }

    /// K r, `(M, K)`, from r `(K, M)`.
    pub(crate) fn times(&self, group: usize, r: &[f64]) -> DMatrix<f64> {
        let k = &self.k[group];
        product(k, &DMatrix::from_column_slice(k.nrows(), r.len() / k.nrows(), r))
    }

    /// A unit's own centred values K (r + λ t ψ), `(M, K)`.
    pub(crate) fn own(&self, group: usize, r: &[f64], psi: &DMatrix<f64>) -> DMatrix<f64> {
        let pulled: Vec<f64> = r.iter().zip(psi.iter()).map(|(r, psi)| r + self.penalty * psi).collect();
        self.times(group, &pulled)
    }

    /// How many parameters a unit's own regression has in effect: tr(K S).
    pub(crate) fn parameters(&self, group: usize) -> f64 {
        let m = self.k[group].nrows() as f64;
        if self.penalty == 0.0 { m - 1.0 } else { m - self.penalty * self.k[group].trace() }
    }
}

/// ψ without its mean, column by column.
pub(crate) fn centre(psi: &mut DMatrix<f64>) {
    for mut column in psi.column_iter_mut() {
        let mean = column.iter().sum::<f64>() / column.len() as f64;
        column.iter_mut().for_each(|psi| *psi -= mean);
    }
}

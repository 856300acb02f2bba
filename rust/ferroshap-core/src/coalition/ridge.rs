//! The regressions of many references, each on coalitions of its own, pooled with a ridge.
//!
//! With S and r of each reference u (of weight ω_u), t = mean tr(S)/M and K_u = (S_u + λ t I)⁻¹:
//! ψ = (Σ ω_u K_u S_u + W 11'/M)⁻¹ Σ ω_u K_u r_u, W = Σ ω_u, and φ = Σ over u of ω_u (ψ − mean ψ + Δ_u/M).
//! λ → 0 is the mean of the references' own regressions, λ → ∞ one regression over all. It is the random-effects solution
//! for φ_u = μ + δ_u; the references' own values are φ_u = K_u (r_u + λ t ψ) + Δ_u/M, of which φ is the mean.
//! K_u S_u = I − λ t K_u, so K is all that is kept. For λ = 0, K_u = (S_u + t 11'/M)⁻¹ and K_u S_u = I − 11'/M. Nothing but
//! r depends on the row.
//!
//! A reference's own regression (λ = 0) is exact for models without interactions of three players or more, the pooled one
//! only if the references' values are alike. So λ is 0 where coalitions are many, and for rows whose own regressions leave
//! next to nothing.

use nalgebra::DMatrix;

use super::lanes::{Lanes, times};
use super::solve::{self, Factor, product};
use crate::error::Result;
use crate::parallel::{Control, for_each_chunk};

/// λ where coalitions are few: errors are flat between .03 and .1.
const LAMBDA: f64 = 0.05;

/// Pairs a player from which λ is 0: pooling gains nothing from there on.
const ENOUGH: usize = 4;

/// Pairs a player below which a single unit's values are pulled to equal shares: its own regression is nearly singular.
const FEW: f64 = 1.25;

/// Pairs that are enough for regressions without a ridge.
pub(crate) fn enough(m: usize) -> usize {
    ENOUGH * m
}

/// K of every design.
#[derive(Debug)]
pub(crate) struct Inverses {
    /// λ t.
    penalty: f64,
    k: Vec<DMatrix<f64>>,
    /// Whether single units are pulled to equal shares.
    few: bool,
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

/// The mean of tr(S)/M.
fn mean_diagonal(s: &[DMatrix<f64>]) -> f64 {
    s.iter().map(|s| s.trace() / s.nrows() as f64).sum::<f64>() / s.len() as f64
}

/// The inverses of S with `add` in place, and whether one of them was singular.
fn inverted(
    s: Vec<DMatrix<f64>>,
    threads: usize,
    control: &dyn Control,
    add: impl Fn(&mut DMatrix<f64>) + Sync,
) -> Result<(Vec<DMatrix<f64>>, bool)> {
    let mut out: Vec<(DMatrix<f64>, bool)> = s.into_iter().map(|s| (s, false)).collect();
    for_each_chunk(
        &mut out,
        1,
        threads,
        control,
        || (),
        |(), _, out, _| {
            let (matrix, singular) = &mut out[0];
            add(matrix);
            (*matrix, *singular) = solve::inverted(std::mem::replace(matrix, DMatrix::zeros(0, 0)));
        },
    )?;
    let singular = out.iter().any(|(_, singular)| *singular);
    Ok((out.into_iter().map(|(k, _)| k).collect(), singular))
}

impl Inverses {
    /// Of the references' own regressions, from S; `None` if pairs do not determine one of them.
    pub(crate) fn own(s: Vec<DMatrix<f64>>, threads: usize, control: &dyn Control) -> Result<Option<Self>> {
        let t = mean_diagonal(&s);
        let (k, singular) = inverted(s, threads, control, |s| s.add_scalar_mut(t / s.nrows() as f64))?;
        Ok((!singular).then_some(Self { penalty: 0.0, k, few: false }))
    }

    /// With the ridge, from S of so many pairs each.
    pub(crate) fn pooled(s: Vec<DMatrix<f64>>, pairs: usize, threads: usize, control: &dyn Control) -> Result<Self> {
        let (penalty, few) = (LAMBDA * mean_diagonal(&s), (pairs as f64) < FEW * s[0].nrows() as f64);
        let (k, _) = inverted(s, threads, control, |s| (0..s.nrows()).for_each(|j| s[(j, j)] += penalty))?;
        Ok(Self { penalty, k, few })
    }

    /// Whether the pooled matrix is W times the identity: K S = I − 11'/M, or taken for that.
    fn is_plain(&self, units: &[Unit]) -> bool {
        self.penalty == 0.0 || self.few && units.len() == 1
    }

    /// C of some units, group by group: W A⁻¹ K.
    pub(crate) fn responses(&self, units: &[Unit], factor: &Factor) -> impl Fn(usize) -> DMatrix<f64> + Sync {
        let total: f64 = units.iter().map(|unit| unit.weight).sum();
        let inverse = (!self.is_plain(units)).then(|| factor.inverse() * total);
        move |group| match &inverse {
            Some(inverse) => product(inverse, &self.k[group]),
            None => self.k[group].clone(),
        }
    }

    /// Σ ω K S + W 11'/M of some units, factored.
    pub(crate) fn factor(&self, units: &[Unit]) -> Factor {
        let m = self.k[0].nrows();
        let mut a = DMatrix::zeros(m, m);
        let total: f64 = units.iter().map(|unit| unit.weight).sum();
        if self.is_plain(units) {
            a.fill_diagonal(total);
            return Factor::new(a);
        }
        for unit in units {
            a.iter_mut().zip(self.k[unit.group].iter()).for_each(|(a, k)| *a -= unit.weight * self.penalty * k);
        }
        a.iter_mut().for_each(|a| *a += total / m as f64);
        (0..m).for_each(|j| a[(j, j)] += total);
        Factor::new(a)
    }

    /// K r, `(M)`.
    pub(crate) fn times(&self, group: usize, r: &[Lanes]) -> Vec<Lanes> {
        times(&self.k[group], r)
    }

    /// A unit's own centred values K (r + λ t ψ), `(M)`.
    pub(crate) fn values(&self, group: usize, r: &[Lanes], psi: &[Lanes]) -> Vec<Lanes> {
        let mut pulled = r.to_vec();
        for (r, psi) in pulled.iter_mut().zip(psi) {
            r.iter_mut().zip(psi).for_each(|(r, psi)| *r += self.penalty * psi);
        }
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

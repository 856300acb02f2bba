//! The end of a round of a row: the values of all references together, their standard errors, and whether that is enough.

use super::{Part, PerReference, Work};
use crate::coalition::pooled::Solved;
use crate::coalition::work::{Estimate, Step};

impl PerReference {
    /// The estimate, or that another round is due.
    pub(super) fn finish(&self, work: &Work, solved: Option<Solved>) -> Step {
        let (m, k, p) = (work.players.len(), self.references.n_outputs(), self.references.n_players);
        let values = self.values_of_all(work, solved.as_ref().map(|solved| solved.phi.as_slice()));
        let exact = work.designs.as_ref().is_none_or(|designs| designs.is_whole(work.round));
        let (singular, accuracy) = solved.map_or((false, None), |solved| (solved.singular, solved.accuracy));
        let low = work.designs.as_ref().is_some_and(|designs| singular || designs.shape().rounds[work.round] < m);
        let known = work.players.row.errors;
        let (variances, spread) =
            accuracy.map_or_else(|| (vec![0.0; k * m], vec![0.0; k * m]), |found| (found.variances, found.spread));
        let errors: Vec<f64> = variances.iter().map(|variance| variance.sqrt()).collect();
        let converged = exact || self.budget.tolerance.is_none_or(|tolerance| within(tolerance, &values, &errors, m));
        let rounds = work.designs.as_ref().map_or(1, |designs| designs.shape().rounds.len());
        if !converged && work.round + 1 < rounds {
            return Step::More;
        }
        let background = known.then(|| self.background_errors(work, &values, spread, &variances)).flatten();
        let of_all = |values: &[f64]| work.players.to_all(values, p, k);
        let unknown = || vec![f64::NAN; p * k];
        Step::Done(Estimate {
            row: work.players.row.row,
            values: of_all(&values),
            standard_errors: if known { of_all(&errors) } else { unknown() },
            background_se: background.map_or_else(unknown, |background| of_all(&background)),
            varying: work.players.varying.clone(),
            n_evals: work.evaluated,
            converged,
            exact,
            low_budget: low,
        })
    }

    /// A reference's own values among the players that count, `(K, M)`; not of one that is sampled.
    fn own(&self, work: &Work, b: usize) -> Vec<f64> {
        let (m, k) = (work.players.len(), self.references.n_outputs());
        let mut out = vec![0.0; k * m];
        if let Part::Enumerated { sums, places } = &work.parts[b] {
            let values = sums.values(&work.deltas[b * k..][..k]);
            for (o, values) in values.chunks_exact(places.len()).enumerate() {
                values.iter().zip(places).for_each(|(value, place)| out[o * m + place] = *value);
            }
        }
        out
    }

    /// Σ ω φ of the references that are enumerated, and of the others, `(K, M)`.
    pub(super) fn values_of_all(&self, work: &Work, sampled: Option<&[f64]>) -> Vec<f64> {
        let (m, k) = (work.players.len(), self.references.n_outputs());
        let mut out = sampled.map_or_else(|| vec![0.0; k * m], <[f64]>::to_vec);
        for b in 0..work.parts.len() {
            let weight = self.references.weights[b];
            if matches!(work.parts[b], Part::Enumerated { .. }) {
                out.iter_mut().zip(self.own(work, b)).for_each(|(sum, own)| *sum += weight * own);
            }
        }
        out
    }

    /// √(Σω²/(1 − Σω²) Σ ω (φ_u − φ)² − variance): the spread of the units' values, which also has their own errors in it,
    /// as an error of the mean. `spread` has that of the units that are sampled. None for a single unit.
    fn background_errors(
        &self,
        work: &Work,
        values: &[f64],
        mut spread: Vec<f64>,
        variances: &[f64],
    ) -> Option<Vec<f64>> {
        let mut squares: f64 = work.sampled.units.iter().map(|unit| unit.weight * unit.weight).sum();
        for (b, weight) in self.references.weights.iter().enumerate() {
            if matches!(work.parts[b], Part::Sampled { .. }) {
                continue;
            }
            squares += weight * weight;
            for (sum, (own, mean)) in spread.iter_mut().zip(self.own(work, b).iter().zip(values)) {
                *sum += weight * (own - mean).powi(2);
            }
        }
        let factor = squares / (1.0 - squares);
        let error = |(spread, variance): (&f64, &f64)| (factor * spread - variance).max(0.0).sqrt();
        (squares < 1.0).then(|| spread.iter().zip(variances).map(error).collect())
    }
}

/// Whether no standard error of an output is above `tolerance` times the range of its values.
pub(crate) fn within(tolerance: f64, values: &[f64], errors: &[f64], m: usize) -> bool {
    let m = m.max(1);
    values.chunks_exact(m).zip(errors.chunks_exact(m)).all(|(values, errors)| {
        let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
        errors.iter().all(|&error| error <= tolerance * (high - low))
    })
}

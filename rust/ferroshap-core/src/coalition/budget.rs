//! How the model rows of an explained row are spent.

use super::exact;
use super::shares::Shares;
use crate::error::{Error, Result};

/// What the caller asks for.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Model rows for each explained row, at most.
    pub evaluations: u64,
    /// Stop when every standard error is below this share of the range of the values.
    pub tolerance: Option<f64>,
}

impl Budget {
    /// `nsamples` coalitions for each of B references (2 P + 2048 unless told), or `max_evals` model rows.
    ///
    /// # Errors
    /// [`Error::Option`] for less than a pair of coalitions for each reference, both limits, or a tolerance below 0.
    pub fn new(
        nsamples: Option<u64>,
        max_evals: Option<u64>,
        tolerance: Option<f64>,
        references: usize,
        players: usize,
    ) -> Result<Self> {
        if let Some(tolerance) = tolerance.filter(|t| !(*t >= 0.0 && t.is_finite())) {
            return Err(Error::Option(format!("tol is {tolerance}; expected a number from 0 on, 0.01 say")));
        }
        let references = references as u64;
        let evaluations = match (nsamples, max_evals) {
            (Some(_), Some(_)) => return Err(Error::Option("nsamples and max_evals are both given; give one".into())),
            (None, Some(found)) if found < 2 * references => {
                let least = 2 * references;
                let problem = format!("max_evals is {found}; {references} background rows need {least} at least");
                return Err(Error::Option(format!("{problem}, two coalitions each")));
            }
            (None, Some(found)) => found,
            (Some(found), None) if found < 2 => {
                return Err(Error::Option(format!(
                    "nsamples is {found}; expected 2 at least, twice the features or more"
                )));
            }
            (found, None) => references.saturating_mul(found.unwrap_or(2 * players as u64 + 2048)),
        };
        Ok(Self { evaluations, tolerance })
    }
}

/// For every reference whether all its coalitions are evaluated, and the coalitions of the others.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Split {
    pub(crate) enumerated: Vec<bool>,
    /// Pairs of a reference of the mean weight that is not enumerated; 0 if all are.
    pub(crate) pairs: usize,
}

impl Split {
    /// `differing` players of each reference, of m that differ from any. References are enumerated, the cheapest first, as long
    /// as what they cost is within an equal share of what is left; what they save goes to the others, by their `shares`.
    ///
    /// Where a tolerance may be met sooner, and all coalitions of m players are within the budget, references draw them in rounds,
    /// the last of which has all; but for those that are enumerated within the first.
    pub(crate) fn new(budget: &Budget, shares: &Shares, differing: &[usize], m: usize) -> Self {
        let Budget { evaluations, tolerance } = *budget;
        let cost = |d: usize| exact::pairs(d).map(|pairs| 2 * pairs);
        if let (Some(_), Some(all)) = (tolerance, cost(m))
            && all <= evaluations / differing.len() as u64
        {
            let pairs = all as usize / 2;
            let first = 2 * rounds(pairs, m, tolerance)[0] as u64;
            let within_first = |&d: &usize| cost(d).is_some_and(|cost| cost <= first);
            let enumerated: Vec<bool> = differing.iter().map(within_first).collect();
            let pairs = if enumerated.contains(&false) { pairs } else { 0 };
            return Self { enumerated, pairs };
        }
        let mut order: Vec<usize> = (0..differing.len()).collect();
        order.sort_by_key(|&b| differing[b]);
        let (mut enumerated, mut left) = (vec![false; differing.len()], evaluations);
        for (done, &b) in order.iter().enumerate() {
            let rest = &order[done..];
            match cost(differing[b]) {
                Some(cost) if cost <= left / rest.len() as u64 => {
                    left -= cost;
                    enumerated[b] = true;
                }
                _ => {
                    let equal = evaluations / differing.len() as u64 / 2 * rest.len() as u64;
                    let pairs = shares.usual(equal, rest, m).max(rounded(shares.usual(left / 2, rest, m)));
                    return Self { enumerated, pairs: pairs as usize };
                }
            }
        }
        Self { enumerated, pairs: 0 }
    }
}

/// With five leading bits: what is saved differs from row to row, and designs are kept for rows that have the same.
fn rounded(n: u64) -> u64 {
    let drop = (64 - n.leading_zeros()).saturating_sub(5);
    n >> drop << drop
}

/// Pairs after each round: all at once, or with a tolerance growing by two. The first round has four coalitions a player
/// at least: with fewer, standard errors are too small.
pub(crate) fn rounds(pairs: usize, m: usize, tolerance: Option<f64>) -> Vec<usize> {
    let mut out = vec![pairs];
    if tolerance.is_some() {
        while out[out.len() - 1].div_ceil(2) >= (2 * m).max(8) {
            out.push(out[out.len() - 1].div_ceil(2));
        }
    }
    out.reverse();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cheap_references_are_enumerated_and_pass_on_what_they_save() {
        let split = |evaluations, differing: &[usize]| {
            let budget = Budget { evaluations, tolerance: None };
            Split::new(&budget, &Shares::equal(differing.len()), differing, 80)
        };
        let all = split(14 + 6 + 2, &[4, 3, 2]);
        assert_eq!(all, Split { enumerated: vec![true; 3], pairs: 0 });
        // shares of 10: 0 and 2 evaluations, then 28 for one with 62
        assert_eq!(split(30, &[6, 1, 2]), Split { enumerated: vec![false, true, true], pairs: 14 });
        assert_eq!(split(200, &[80, 80]), Split { enumerated: vec![false, false], pairs: 50 });
        // 30 bits of a share would not fit any table: refused by its cost, not by overflow
        assert_eq!(split(u64::MAX, &[70]).enumerated, [false]);
        assert_eq!(rounded(1000), 992);
    }

    #[test]
    fn a_tolerance_may_be_met_before_all_coalitions_are_evaluated() {
        let split =
            |evaluations, tolerance| Split::new(&Budget { evaluations, tolerance }, &Shares::equal(3), &[10, 3, 6], 10);
        // the first round of 10 players has 64 coalitions
        assert_eq!(split(3 * 1022, Some(0.1)), Split { enumerated: vec![false, true, true], pairs: 511 });
        assert_eq!(split(3 * 1022, None), Split { enumerated: vec![true; 3], pairs: 0 });
        // not all of them are within the budget
        assert_eq!(split(3 * 1021, Some(0.1)).enumerated, [true; 3]);
        assert_eq!(split(3 * 300, Some(0.1)).enumerated, [false, true, true]);
    }

    #[test]
    fn rounds_double_from_four_coalitions_a_player() {
        assert_eq!(rounds(1000, 20, None), [1000]);
        assert_eq!(rounds(1000, 20, Some(0.01)), [63, 125, 250, 500, 1000]);
        assert_eq!(rounds(20, 20, Some(0.01)), [20]);
    }
}

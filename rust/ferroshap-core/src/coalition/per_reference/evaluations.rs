//! What is asked of the model for a row, reference by reference, and what becomes of the answers.

use std::iter::repeat_n;
use std::ops::Range;

use super::{Part, PerReference, Work};
use crate::coalition::combinations::members;
use crate::coalition::design::Design;
use crate::coalition::exact;
use crate::coalition::spread::Spread;
use crate::coalition::work::Evaluations;

/// Pairs that a round adds.
pub(super) fn new_pairs(design: &Design, round: usize) -> Range<usize> {
    let upto = |round| design.round(round).pairs;
    (if round > 0 { upto(round - 1) } else { 0 })..upto(round)
}

impl Work {
    /// The coalitions of a unit.
    fn design(&self, unit: usize) -> Option<&Design> {
        self.designs.as_ref().map(|designs| designs.design(self.sampled.units[unit].group))
    }

    /// Counts the evaluations of each reference in the round.
    pub(super) fn lay_out(&mut self) {
        self.starts.clear();
        let mut at = 0;
        for part in &self.parts {
            self.starts.push(at);
            at += match part {
                Part::Enumerated { places, .. } if self.round == 0 => {
                    2 * exact::pairs(places.len()).unwrap_or(0) as usize
                }
                Part::Same | Part::Enumerated { .. } => 0,
                Part::Sampled { unit } => {
                    self.design(*unit).map_or(0, |design| 2 * new_pairs(design, self.round).len())
                }
            };
        }
        self.starts.push(at);
        self.evaluated += at as u64;
    }

    /// The parts of `range` that are of one reference: which, and which pairs of its evaluations.
    fn pieces(&self, range: Range<usize>) -> impl Iterator<Item = (usize, Range<usize>)> {
        let first = self.starts.partition_point(|&start| start <= range.start) - 1;
        (first..self.parts.len()).take_while(move |&b| self.starts[b] < range.end).filter_map(move |b| {
            let (start, end) = (self.starts[b].max(range.start), self.starts[b + 1].min(range.end));
            (start < end).then(|| (b, (start - self.starts[b]) / 2..(end - self.starts[b]) / 2))
        })
    }

    /// Adds the evaluations of `range`.
    pub(super) fn ask(&self, range: Range<usize>, out: &mut Evaluations) {
        let (row, players) = (self.players.row.row, &self.players);
        for (b, pairs) in self.pieces(range) {
            match &self.parts[b] {
                Part::Same => {}
                Part::Enumerated { .. } => {
                    let all = players.differing(b);
                    let own;
                    let spread = if *all == *players.all {
                        &players.spread
                    } else {
                        let places: Vec<usize> = members(all).collect();
                        own = Spread::new(places.len(), out.n_players, |i| [places[i]]);
                        &own
                    };
                    let first = pairs.start;
                    let references = repeat_n(b, pairs.len());
                    if spread.keeps_words() {
                        out.push_pairs(row, references, all, |i, set| set[0] = exact::coalition((first + i) as u64));
                    } else {
                        out.push_pairs(row, references, all, |i, set| {
                            spread.apply(&[exact::coalition((first + i) as u64)], set);
                        });
                    }
                }
                Part::Sampled { unit } => {
                    let Some(design) = self.design(*unit) else { continue };
                    let first = new_pairs(design, self.round).start + pairs.start;
                    out.push_pairs(row, repeat_n(b, pairs.len()), &players.all, |i, set| {
                        players.spread.apply(design.mask(first + i), set);
                    });
                }
            }
        }
    }
}

impl PerReference {
    /// Takes the outputs of evaluations from number `first` on, `(n, K)`.
    pub(super) fn take(&self, work: &mut Work, first: usize, outputs: &[f64]) {
        let k = self.references.n_outputs();
        let pieces: Vec<_> = work.pieces(first..first + outputs.len() / k).collect();
        let mut rest = outputs;
        for (b, pairs) in pieces {
            let (own, after) = rest.split_at(2 * k * pairs.len());
            rest = after;
            match &mut work.parts[b] {
                Part::Same => {}
                Part::Enumerated { sums, .. } => sums.tell(pairs.start as u64, own),
                Part::Sampled { unit } => {
                    let Some(designs) = &work.designs else { continue };
                    let design = designs.design(work.sampled.units[*unit].group);
                    let from = new_pairs(design, work.round).start + pairs.start;
                    let share = self.references.weights[b] / work.sampled.units[*unit].weight;
                    let halves = &mut work.sampled.halves[*unit][from * k..];
                    for o in 0..k {
                        let (with, without) = (own[o..].iter().step_by(2 * k), own[k + o..].iter().step_by(2 * k));
                        let halves = halves[o..].iter_mut().step_by(k);
                        for ((half, with), without) in halves.zip(with).zip(without) {
                            *half += share * ((with - without) / 2.0);
                        }
                    }
                }
            }
        }
    }
}

//! Designs of all references, with what follows from them; kept, for rows that have as many players and the same budget
//! share them.

use std::sync::{Arc, OnceLock};

use nalgebra::DMatrix;

use super::combinations::words;
use super::design::{Design, Shape};
use super::normal;
use super::ridge::{Inverses, enough};
use super::shares::Shares;
use crate::error::Result;
use crate::parallel::{Control, for_each_chunk};

/// The designs of all references, or of groups of them that share one.
#[derive(Debug)]
pub(crate) struct Designs {
    shape: Shape,
    designs: Vec<Design>,
    rounds: Vec<Regressions>,
}

/// K up to the end of a round, made when it is first needed.
#[derive(Debug, Default)]
struct Regressions {
    own: OnceLock<Option<Inverses>>,
    pooled: OnceLock<Inverses>,
}

impl Designs {
    /// Draws the designs of so many groups of references. The shape is that of a reference of the mean weight.
    fn new(
        shape: Shape,
        shares: &Shares,
        seed: u64,
        groups: usize,
        threads: usize,
        control: &dyn Control,
    ) -> Result<Self> {
        let mut designs: Vec<Option<Design>> = (0..groups).map(|_| None).collect();
        for_each_chunk(
            &mut designs,
            1,
            threads,
            control,
            || (),
            |(), group, out, _| {
                let own = |&usual| shares.pairs((group..shares.len()).step_by(groups), usual, shape.m);
                let rounds = shape.rounds.iter().map(own).collect();
                out[0] = Some(Design::new(&Shape { m: shape.m, rounds }, seed, group));
            },
        )?;
        let rounds = shape.rounds.iter().map(|_| Regressions::default()).collect();
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

    /// Whether all coalitions are evaluated by the end of a round.
    pub(crate) fn is_whole(&self, round: usize) -> bool {
        self.designs.iter().all(|design| design.round(round).is_whole())
    }

    /// The design of a group.
    pub(crate) fn design(&self, group: usize) -> &Design {
        &self.designs[group]
    }

    /// S of every design up to the end of a round.
    fn matrices(&self, round: usize, threads: usize, control: &dyn Control) -> Result<Vec<DMatrix<f64>>> {
        let mut out = vec![DMatrix::zeros(0, 0); self.designs.len()];
        for_each_chunk(
            &mut out,
            1,
            threads,
            control,
            || (),
            |(), group, out, _| {
                let design = &self.designs[group];
                out[0] = normal::matrix(design, design.round(round));
            },
        )?;
        Ok(out)
    }

    /// K of the references' own regressions; `None` where pairs do not determine them.
    pub(crate) fn own(&self, round: usize, threads: usize, control: &dyn Control) -> Result<Option<&Inverses>> {
        let known = &self.rounds[round].own;
        if known.get().is_none() {
            let determined = self.shape.rounds[round] >= self.shape.m;
            let made = if determined {
                Inverses::own(self.matrices(round, threads, control)?, threads, control)?
            } else {
                None
            };
            return Ok(known.get_or_init(|| made).as_ref());
        }
        Ok(known.get().and_then(Option::as_ref))
    }

    /// K that rows are solved with, unless their own regressions leave next to nothing.
    pub(crate) fn inverses(&self, round: usize, threads: usize, control: &dyn Control) -> Result<&Inverses> {
        let pairs = self.shape.rounds[round];
        if (pairs >= enough(self.shape.m) || self.is_whole(round))
            && let Some(own) = self.own(round, threads, control)?
        {
            return Ok(own);
        }
        let known = &self.rounds[round].pooled;
        if let Some(found) = known.get() {
            return Ok(found);
        }
        let made = Inverses::pooled(self.matrices(round, threads, control)?, pairs, threads, control)?;
        Ok(known.get_or_init(|| made))
    }
}

/// Keeps what was drawn, within a memory.
#[derive(Debug)]
pub(crate) struct Shelf {
    /// Of the references.
    pub(crate) shares: Shares,
    seed: u64,
    max_memory: usize,
    /// The latest last.
    kept: Vec<Arc<Designs>>,
}

/// Bytes of one design and its inverses.
fn bytes(shape: &Shape) -> usize {
    let pairs = shape.rounds.last().copied().unwrap_or(0);
    let inverses: usize = shape.rounds.iter().map(|&pairs| if pairs >= enough(shape.m) { 1 } else { 2 }).sum();
    inverses * shape.m * shape.m * 8 + pairs * (words(shape.m) * 8 + 4)
}

impl Shelf {
    /// An empty one. Designs of one shape take `max_memory` bytes at most, or what a single one takes.
    pub(crate) fn new(shares: Shares, seed: u64, max_memory: usize) -> Self {
        Self { shares, seed, max_memory, kept: Vec::new() }
    }

    /// The designs of the references: one each, or if memory does not allow it so many as fit; reference b has number
    /// b modulo that.
    pub(crate) fn get(&mut self, shape: Shape, threads: usize, control: &dyn Control) -> Result<Arc<Designs>> {
        if let Some(at) = self.kept.iter().position(|designs| *designs.shape() == shape) {
            let found = self.kept.remove(at);
            self.kept.push(found.clone());
            return Ok(found);
        }
        let groups = (self.max_memory / bytes(&shape).max(1)).clamp(1, self.shares.len());
        let held = |kept: &[Arc<Designs>]| kept.iter().map(|d| d.len() * bytes(d.shape())).sum::<usize>();
        while !self.kept.is_empty() && held(&self.kept) + groups * bytes(&shape) > self.max_memory {
            self.kept.remove(0);
        }
        let made = Arc::new(Designs::new(shape, &self.shares, self.seed, groups, threads, control)?);
        self.kept.push(made.clone());
        Ok(made)
    }
}

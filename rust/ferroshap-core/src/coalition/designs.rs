//! Designs that are kept: rows that have as many players and the same budget share them.

use std::sync::Arc;

use super::combinations::words;
use super::design::Shape;
use super::ridge::Designs;
use crate::error::Result;
use crate::parallel::Control;

/// Keeps what was drawn, within a memory.
#[derive(Debug)]
pub(crate) struct Shelf {
    seed: u64,
    max_memory: usize,
    /// The latest last.
    kept: Vec<Arc<Designs>>,
}

/// Bytes of one design and its inverses.
fn bytes(shape: &Shape) -> usize {
    let pairs = shape.rounds.last().copied().unwrap_or(0);
    shape.rounds.len() * shape.m * shape.m * 8 + pairs * (words(shape.m) * 8 + 4)
}

impl Shelf {
    /// An empty one. Designs of one shape take `max_memory` bytes at most, or what a single one takes.
    pub(crate) fn new(seed: u64, max_memory: usize) -> Self {
        Self { seed, max_memory, kept: Vec::new() }
    }

    /// The designs of so many references: one each, or if memory does not allow it so many as fit; reference b has number
    /// b modulo that.
    pub(crate) fn get(
        &mut self,
        shape: Shape,
        references: usize,
        threads: usize,
        control: &dyn Control,
    ) -> Result<Arc<Designs>> {
        if let Some(at) = self.kept.iter().position(|designs| *designs.shape() == shape) {
            let found = self.kept.remove(at);
            self.kept.push(found.clone());
            return Ok(found);
        }
        let groups = (self.max_memory / bytes(&shape).max(1)).clamp(1, references);
        let held = |kept: &[Arc<Designs>]| kept.iter().map(|d| d.len() * bytes(d.shape())).sum::<usize>();
        while !self.kept.is_empty() && held(&self.kept) + groups * bytes(&shape) > self.max_memory {
            self.kept.remove(0);
        }
        let made = Arc::new(Designs::new(shape, self.seed, groups, threads, control)?);
        self.kept.push(made.clone());
        Ok(made)
    }
}

//! The lines of a text, with their numbers.

use super::Fail;

/// Lines without their ends: a line feed, and any carriage returns before it.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    rest: std::iter::Peekable<std::str::Lines<'a>>,
    number: usize,
    taken: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text.lines().peekable(), number: 0, taken: 0 }
    }

    pub(super) fn next(&mut self) -> Option<&'a str> {
        let line = self.rest.next();
        let line = line.map(without_end);
        self.number += usize::from(line.is_some());
        self.taken += line.map_or(0, |line| line.len() + 1);
        line
    }

    pub(super) fn peek(&mut self) -> Option<&'a str> {
        self.rest.peek().copied().map(without_end)
    }

    /// The number of the line last taken, from 1.
    pub(super) fn number(&self) -> usize {
        self.number.max(1)
    }

    /// The bytes of the lines taken, each ended by a line feed alone: what LightGBM counted when it wrote them.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// A failure at the line last taken.
    pub(super) fn fail<T>(&self, problem: String) -> Result<T, Fail> {
        Err((self.number(), problem))
    }
}

fn without_end(line: &str) -> &str {
    line.trim_end_matches('\r')
}

//! The splits of a model against blocks of rows: a bit a row, at every level of vector instructions.

mod compare;
mod lanes;
mod masks;

pub(crate) use compare::{Compare, Test, code, code_slots};
pub(crate) use lanes::{Codes, Comparable, left, part};
pub(crate) use masks::{MaskPass, MaskSplit};

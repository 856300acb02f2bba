//! Arrays of unknown element type, packed as long as their elements allow it.

use super::budget::Budget;
use super::document::{Document, Numbers, Texts};

/// Collects the elements of one array.
///
/// It starts packed and turns generic at the first element of another kind; whole numbers among other numbers become
/// `f64`, exactly: larger ones than [`EXACT`] are refused, since not all of them are a `f64` and CatBoost counts them as 0.
#[derive(Debug, Default)]
pub(super) enum ArrayBuilder {
    #[default]
    Empty,
    Ints(Vec<i64>),
    Floats(Vec<f64>),
    Bools(Vec<bool>),
    Texts(Texts),
    Mixed(Vec<Document>),
}

impl ArrayBuilder {
    pub(super) fn int(&mut self, value: i64, budget: &mut Budget) -> Result<(), String> {
        match self {
            Self::Ints(v) => v.push(value),
            Self::Empty => *self = Self::Ints(vec![value]),
            Self::Floats(v) => v.push(exact(value)?),
            _ => return self.other(Document::Int(value), budget),
        }
        Ok(())
    }

    pub(super) fn float(&mut self, value: f64, budget: &mut Budget) -> Result<(), String> {
        match self {
            Self::Floats(v) => v.push(value),
            Self::Empty => *self = Self::Floats(vec![value]),
            Self::Ints(v) => {
                let mut floats = std::mem::take(v).into_iter().map(exact).collect::<Result<Vec<f64>, String>>()?;
                floats.push(value);
                *self = Self::Floats(floats);
            }
            _ => return self.other(Document::Float(value), budget),
        }
        Ok(())
    }

    pub(super) fn bool(&mut self, value: bool, budget: &mut Budget) -> Result<(), String> {
        match self {
            Self::Bools(v) => v.push(value),
            Self::Empty => *self = Self::Bools(vec![value]),
            _ => return self.other(Document::Bool(value), budget),
        }
        Ok(())
    }

    /// Where the reader can put a text element without an allocation of its own; `None` once the array is mixed.
    pub(super) fn texts(&mut self) -> Option<&mut Texts> {
        if matches!(self, Self::Empty) {
            *self = Self::Texts(Texts::default());
        }
        match self {
            Self::Texts(texts) => Some(texts),
            _ => None,
        }
    }

    /// An element that packs with nothing.
    pub(super) fn other(&mut self, value: Document, budget: &mut Budget) -> Result<(), String> {
        if !matches!(self, Self::Mixed(_)) {
            budget.take(self.len())?;
            let elements = match std::mem::take(self) {
                Self::Empty => Vec::new(),
                Self::Ints(v) => v.into_iter().map(Document::Int).collect(),
                Self::Floats(v) => v.into_iter().map(Document::Float).collect(),
                Self::Bools(v) => v.into_iter().map(Document::Bool).collect(),
                Self::Texts(v) => v.iter().map(|text| Document::Text(text.to_owned())).collect(),
                Self::Mixed(v) => v,
            };
            *self = Self::Mixed(elements);
        }
        budget.take(1)?;
        if let Self::Mixed(elements) = self {
            elements.push(value);
        }
        Ok(())
    }

    fn len(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Ints(v) => v.len(),
            Self::Floats(v) => v.len(),
            Self::Bools(v) => v.len(),
            Self::Texts(v) => v.len(),
            Self::Mixed(v) => v.len(),
        }
    }

    /// The finished array, without spare capacity.
    pub(super) fn finish(self) -> Document {
        match self {
            Self::Empty => Document::List(Vec::new()),
            Self::Ints(v) => Document::Numbers(Numbers::I64(shrunk(v))),
            Self::Floats(v) => Document::Numbers(Numbers::F64(shrunk(v))),
            Self::Bools(v) => Document::Numbers(Numbers::Bool(shrunk(v))),
            Self::Texts(mut texts) => {
                texts.shrink_to_fit();
                Document::Texts(texts)
            }
            Self::Mixed(v) => Document::List(shrunk(v)),
        }
    }
}

/// The largest whole number up to which every one is a `f64`.
const EXACT: i64 = 1 << 53;

fn exact(value: i64) -> Result<f64, String> {
    if value.unsigned_abs() > EXACT.unsigned_abs() {
        return Err(format!("found the whole number {value} among others that are not whole, expected at most 2^53"));
    }
    Ok(value as f64)
}

fn shrunk<T>(mut v: Vec<T>) -> Vec<T> {
    v.shrink_to_fit();
    v
}

/// Which of several members with the same key an object keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duplicates {
    FirstWins,
    LastWins,
}

/// The object with each key once, in file order; `O(n log n)`.
pub(super) fn object(mut entries: Vec<(String, Document)>, duplicates: Duplicates) -> Document {
    // Most objects are small and have no duplicates: settle those without allocating.
    let small = entries.len() <= 32;
    if !(small && (1..entries.len()).all(|i| entries[..i].iter().all(|(key, _)| *key != entries[i].0))) {
        let mut order: Vec<usize> = (0..entries.len()).collect();
        // Stable: the members of one key stay in file order.
        order.sort_by(|&a, &b| entries[a].0.cmp(&entries[b].0));
        let mut keep = vec![false; entries.len()];
        for same in order.chunk_by(|&a, &b| entries[a].0 == entries[b].0) {
            let winner = if duplicates == Duplicates::FirstWins { same.first() } else { same.last() };
            if let Some(&winner) = winner {
                keep[winner] = true;
            }
        }
        let mut keep = keep.into_iter();
        entries.retain(|_| keep.next().unwrap_or(false));
    }
    entries.shrink_to_fit();
    Document::Object(entries)
}

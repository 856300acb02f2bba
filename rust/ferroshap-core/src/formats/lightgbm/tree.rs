//! One `Tree=` block: an object of arrays and numbers.
//!
//! | key | value |
//! |---|---|
//! | `num_leaves`, `num_cat`, `is_linear` | a whole number |
//! | `shrinkage` | a number |
//! | keys of [`ARRAYS`] | an array of `i64` or `f64` of the length that `num_leaves` or another array demands |
//! | any other | a text |

use super::lines::Lines;
use super::{Fail, quoted};
use crate::formats::budget::Budget;
use crate::formats::document::{Document, Numbers};
use crate::formats::number;

/// LightGBM writes 22 keys.
const MAX_KEYS: usize = 64;

/// How many elements an array has.
#[derive(Debug, Clone, Copy)]
enum Length {
    /// One for each split.
    Splits,
    /// One for each leaf.
    Leaves,
    /// One for each set of categories, and one.
    Sets,
    /// As many as the last element of the other array says.
    LastOf(&'static str),
    /// As many as the elements of the other array sum to.
    SumOf(&'static str),
}

/// When an array must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needed {
    Always,
    /// In a tree that has splits.
    ToSplit,
    /// In a tree that splits on categories.
    ForCategories,
    Never,
}

struct Array {
    key: &'static str,
    length: Length,
    whole: bool,
    needed: Needed,
}

const fn array(key: &'static str, length: Length, whole: bool, needed: Needed) -> Array {
    Array { key, length, whole, needed }
}

const ARRAYS: [Array; 18] = [
    array("split_feature", Length::Splits, true, Needed::ToSplit),
    array("threshold", Length::Splits, false, Needed::ToSplit),
    array("left_child", Length::Splits, true, Needed::ToSplit),
    array("right_child", Length::Splits, true, Needed::ToSplit),
    array("leaf_value", Length::Leaves, false, Needed::Always),
    array("decision_type", Length::Splits, true, Needed::ToSplit),
    array("split_gain", Length::Splits, false, Needed::Never),
    array("leaf_weight", Length::Leaves, false, Needed::Never),
    array("leaf_count", Length::Leaves, true, Needed::Never),
    array("internal_value", Length::Splits, false, Needed::Never),
    array("internal_weight", Length::Splits, false, Needed::Never),
    array("internal_count", Length::Splits, true, Needed::Never),
    array("cat_boundaries", Length::Sets, true, Needed::ForCategories),
    array("cat_threshold", Length::LastOf("cat_boundaries"), true, Needed::ForCategories),
    array("leaf_const", Length::Leaves, false, Needed::Never),
    array("num_features", Length::Leaves, true, Needed::Never),
    array("leaf_features", Length::SumOf("num_features"), true, Needed::Never),
    array("leaf_coeff", Length::SumOf("num_features"), false, Needed::Never),
];

/// Reads the lines after `Tree=` up to the end of the block. `index` counts the trees of the file from 0.
pub(super) fn read(lines: &mut Lines<'_>, index: usize, budget: &mut Budget) -> Result<Document, Fail> {
    let mut entries: Vec<(String, Document)> = Vec::new();
    let mut places = Vec::new();
    while let Some(line) = lines.peek() {
        if line.is_empty() || line.starts_with("Tree=") || line == "end of trees" {
            break;
        }
        lines.next();
        let Some((key, text)) = line.split_once('=') else {
            return lines.fail(format!("tree {index}: found {}, expected 'key=value'", quoted(line)));
        };
        if entries.iter().any(|(known, _)| known == key) {
            return lines.fail(format!("tree {index}: a second line for {}", quoted(key)));
        }
        if entries.len() == MAX_KEYS {
            return lines.fail(format!("tree {index}: more than {MAX_KEYS} keys"));
        }
        match value(key, text, budget) {
            Ok(value) => entries.push((key.to_owned(), value)),
            Err(problem) => return lines.fail(format!("tree {index}, {}: {problem}", quoted(key))),
        }
        places.push(lines.number());
    }
    entries.shrink_to_fit();
    let tree = Document::Object(entries);
    match check(&tree) {
        Ok(()) => Ok(tree),
        Err((key, problem)) => {
            let place = tree.keys().position(|known| known == key).and_then(|position| places.get(position).copied());
            Err((place.unwrap_or(lines.number()), format!("tree {index}, '{key}': {problem}")))
        }
    }
}

fn value(key: &str, text: &str, budget: &mut Budget) -> Result<Document, String> {
    if let Some(array) = ARRAYS.iter().find(|array| array.key == key) {
        return Ok(Document::Numbers(match array.whole {
            true => Numbers::I64(elements(text, "a whole number", |token| token.parse().ok())?),
            false => Numbers::F64(elements(text, "a number", number::float)?),
        }));
    }
    match key {
        "num_leaves" | "num_cat" | "is_linear" => match text.trim().parse() {
            Ok(value) => Ok(Document::Int(value)),
            Err(_) => Err(format!("found {}, expected a whole number", quoted(text))),
        },
        "shrinkage" => match number::float(text.trim()) {
            Some(value) => Ok(Document::Float(value)),
            None => Err(format!("found {}, expected a number", quoted(text))),
        },
        _ => {
            budget.take(1)?;
            Ok(Document::Text(text.to_owned()))
        }
    }
}

fn elements<T>(text: &str, kind: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    let tokens = || text.split_ascii_whitespace();
    // Counted first: growing would need three times the memory.
    let mut elements = Vec::with_capacity(tokens().count());
    for (position, token) in tokens().enumerate() {
        match parse(token) {
            Some(element) => elements.push(element),
            None => return Err(format!("found {} as element {position}, expected {kind}", quoted(token))),
        }
    }
    Ok(elements)
}

/// The lengths of the arrays against each other; an error names the key at fault.
fn check(tree: &Document) -> Result<(), (&'static str, String)> {
    let whole = |key| match tree.get(key) {
        Some(&Document::Int(n)) => Some(n),
        _ => None,
    };
    let leaves = match whole("num_leaves") {
        Some(n) if n >= 1 => n,
        Some(n) => return Err(("num_leaves", format!("found {n}, expected at least 1"))),
        None => return Err(("num_leaves", "missing".to_owned())),
    };
    let sets = whole("num_cat").unwrap_or(0);
    for array in &ARRAYS {
        let needed = match array.needed {
            Needed::Always => true,
            Needed::ToSplit => leaves > 1,
            Needed::ForCategories => sets != 0,
            Needed::Never => false,
        };
        let found = match tree.get(array.key) {
            Some(Document::Numbers(numbers)) => numbers.len(),
            _ if needed => return Err((array.key, "missing".to_owned())),
            _ => continue,
        };
        let expected = match array.length {
            Length::Splits => leaves - 1,
            Length::Leaves => leaves,
            Length::Sets => sets.saturating_add(1),
            Length::LastOf(other) => integers(tree, other).last().copied().unwrap_or(0),
            Length::SumOf(other) => integers(tree, other).iter().fold(0, |sum: i64, &n| sum.saturating_add(n)),
        };
        // A tree of one leaf may name arrays that it does not fill.
        let unfilled = found == 0 && !needed && leaves == 1;
        if i64::try_from(found) != Ok(expected) && !unfilled {
            return Err((array.key, format!("found {found} elements, expected {expected}")));
        }
    }
    Ok(())
}

fn integers<'a>(tree: &'a Document, key: &str) -> &'a [i64] {
    match tree.get(key) {
        Some(Document::Numbers(Numbers::I64(values))) => values,
        _ => &[],
    }
}

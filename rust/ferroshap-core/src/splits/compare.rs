//! The splits of a tree as blocks of rows are compared with them.

use crate::model::{CategorySet, Ensemble, Node, Split, TINY, flags};

/// One split: which plane of a block of rows is compared, and how.
#[derive(Debug, Clone)]
pub(crate) struct Test {
    /// Plane of the rows (numeric) or of the codes (categorical).
    pub(crate) plane: u32,
    /// The comparison.
    pub(crate) compare: Compare,
}

/// A comparison of a whole block, every missing-value rule resolved and every threshold rounded down to the precision of
/// the rows beforehand.
#[derive(Debug, Clone)]
pub(crate) enum Compare {
    /// `x <= t`: missing goes right.
    LessOrEqual(f64),
    /// `!(x > t)`: missing goes left.
    NotGreater(f64),
    /// As one of the above, but values within ±1e-35 go where missing ones go.
    ZeroIsMissing {
        /// Where the others go: left if `x <= threshold`.
        threshold: f64,
        /// The largest value that is missing.
        tiny: f64,
        /// The largest value below all that are missing.
        below_tiny: f64,
        /// Where missing values go.
        default_left: bool,
    },
    /// Only missing values go left (a threshold that nothing is below).
    OnlyMissing,
    /// The bit of the row's category code goes left; codes above `last` count as `last`.
    Category {
        /// 32 codes a word: [missing, negative, category 0, 1, …, any other].
        words: Box<[u32]>,
        /// The code of "any other".
        last: u32,
    },
}

/// The codes of categorical planes before the categories themselves.
pub(crate) mod code {
    /// A missing value.
    pub(crate) const MISSING: u32 = 0;
    /// A negative number.
    pub(crate) const NEGATIVE: u32 = 1;
    /// Category 0; the others follow.
    pub(crate) const FIRST: u32 = 2;
}

impl Test {
    pub(crate) fn new(model: &Ensemble, split: &Split, code_slots: &[u32]) -> Self {
        match split.set {
            Some(set) => {
                let plane = code_slots.binary_search(&split.slot).unwrap_or_default() as u32;
                Self { plane, compare: category(model.category_set(split, set)) }
            }
            None => Self { plane: split.slot, compare: numeric(split, model.input().round_to_f32) },
        }
    }

    /// Memory beside the struct itself.
    pub(crate) fn bytes(&self) -> usize {
        match &self.compare {
            Compare::Category { words, .. } => size_of_val(&words[..]),
            _ => 0,
        }
    }
}

fn numeric(split: &Split, float32: bool) -> Compare {
    let round = |t| if float32 { f64::from(round_down(t)) } else { t };
    let (threshold, default_left) = (round(split.threshold), split.default_left());
    match (split.zero_is_missing(), default_left) {
        (true, _) => {
            let (tiny, below_tiny) = (round(TINY), round((-TINY).next_down()));
            Compare::ZeroIsMissing { threshold, tiny, below_tiny, default_left }
        }
        (false, true) if threshold.is_nan() => Compare::OnlyMissing,
        (false, true) => Compare::NotGreater(threshold),
        (false, false) => Compare::LessOrEqual(threshold),
    }
}

/// The largest float32 that is not above `t`: comparing one with it decides as comparing it with `t` does.
fn round_down(t: f64) -> f32 {
    let nearest = t as f32;
    if f64::from(nearest) > t { nearest.next_down() } else { nearest }
}

fn category(set: CategorySet<'_>) -> Compare {
    let categories = 32 * set.words.len() as u32;
    let last = code::FIRST + categories;
    let mut words = vec![0u32; last as usize / 32 + 1];
    let mut put = |code: u32, left: bool| words[code as usize / 32] |= u32::from(left) << (code % 32);
    put(code::MISSING, set.flags & flags::DEFAULT_LEFT != 0);
    put(code::NEGATIVE, set.flags & flags::NEGATIVE_LEFT != 0);
    for c in 0..categories {
        put(code::FIRST + c, set.words[c as usize / 32] >> (c % 32) & 1 != 0);
    }
    put(last, set.flags & flags::OUT_OF_SET_LEFT != 0);
    Compare::Category { words: words.into(), last }
}

/// The slots that some categorical split tests, ascending.
pub(crate) fn code_slots(model: &Ensemble) -> Vec<u32> {
    if !model.has_category_sets() {
        return Vec::new();
    }
    let slot = |node: Node| match node {
        Node::Inner { split, .. } if split.set.is_some() => Some(split.slot),
        _ => None,
    };
    let mut slots: Vec<u32> = model.nodes().filter_map(slot).collect();
    slots.sort_unstable();
    slots.dedup();
    slots
}

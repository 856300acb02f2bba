//! Which pairs of features have a sum of their own, and where the sums of a row are written.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, Result};
use crate::model::Ensemble;

/// Which interaction values are asked for.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// The whole matrix, `(f, f)` a row and output.
    Matrix,
    /// These pairs of features, in this order; a feature with itself: its main effect.
    Pairs(&'a [(u32, u32)]),
}

/// The sums of a row: a plane for each used feature's value, then one for each pair that shares a path.
///
/// Only pairs that share a path interact, so no others have planes; they are zero where they are asked for.
#[derive(Debug, Clone)]
pub(crate) struct PairLayout {
    /// Used features.
    pub(crate) slots: usize,
    pub(crate) n_outputs: usize,
    /// Numbers a row, of one output.
    pub(crate) width: usize,
    /// Where the numbers come from; those that are not listed are zero.
    pub(crate) cells: Vec<Cell>,
    /// The pairs of slots, lower one first, in the order of their planes.
    pub(crate) pairs: Vec<(u32, u32)>,
    planes: HashMap<(u32, u32), u32>,
    asked: Option<Asked>,
}

/// A number of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) at: usize,
    pub(crate) plane: usize,
}

/// What a selection needs: its pairs, and all pairs of a feature whose main effect is in it.
#[derive(Debug, Clone, Default)]
struct Asked {
    pairs: Vec<(u32, u32)>,
    needed: HashSet<(u32, u32)>,
    whole: HashSet<u32>,
}

impl PairLayout {
    pub(crate) fn new(model: &Ensemble, wanted: Wanted<'_>) -> Result<Self> {
        let (f, used) = (model.n_features(), model.used_features());
        let (width, asked) = match wanted {
            Wanted::Matrix => (f * f, None),
            Wanted::Pairs(pairs) => {
                if let Some((g, h)) = pairs.iter().find(|(g, h)| *g.max(h) as usize >= f) {
                    return Err(Error::Option(format!("the pair ({g}, {h}) is beyond the model's {f} features")));
                }
                let mut asked = Asked { pairs: pairs.to_vec(), ..Asked::default() };
                for (g, h) in pairs {
                    let (Ok(g), Ok(h)) = (used.binary_search(g), used.binary_search(h)) else { continue };
                    match g == h {
                        true => asked.whole.insert(g as u32),
                        false => asked.needed.insert((g.min(h) as u32, g.max(h) as u32)),
                    };
                }
                (pairs.len(), Some(asked))
            }
        };
        Ok(Self {
            slots: used.len(),
            n_outputs: model.n_outputs(),
            width,
            cells: Vec::new(),
            pairs: Vec::new(),
            planes: HashMap::new(),
            asked,
        })
    }

    /// The plane of two slots that share a path; `None`: nobody asked for them.
    pub(crate) fn plane(&mut self, g: u32, h: u32) -> Option<u32> {
        let pair = (g.min(h), g.max(h));
        if let Some(asked) = &self.asked
            && !(asked.needed.contains(&pair) || asked.whole.contains(&g) || asked.whole.contains(&h))
        {
            return None;
        }
        let next = (self.slots + self.pairs.len()) as u32;
        let plane = *self.planes.entry(pair).or_insert(next);
        if plane == next {
            self.pairs.push(pair);
        }
        Some(plane)
    }

    /// To be called when every pair has been met.
    pub(crate) fn finish(&mut self, model: &Ensemble) {
        let (f, used) = (model.n_features(), model.used_features());
        let plane = |g: usize, h: usize| match g == h {
            true => Some(g),
            false => self.planes.get(&(g.min(h) as u32, g.max(h) as u32)).map(|plane| *plane as usize),
        };
        self.cells = match &self.asked {
            None => (0..used.len() * used.len())
                .map(|at| (at / used.len(), at % used.len()))
                .filter_map(|(g, h)| Some(Cell { at: used[g] as usize * f + used[h] as usize, plane: plane(g, h)? }))
                .collect(),
            Some(asked) => (asked.pairs.iter().enumerate())
                .filter_map(|(at, (g, h))| {
                    Some(Cell { at, plane: plane(used.binary_search(g).ok()?, used.binary_search(h).ok()?)? })
                })
                .collect(),
        };
    }

    /// Planes of one output.
    pub(crate) fn planes(&self) -> usize {
        self.slots + self.pairs.len()
    }

    /// Numbers a row.
    pub(crate) fn row(&self) -> usize {
        self.width * self.n_outputs
    }

    /// Makes interaction values of sums: `planes` rows of `stride` numbers. Half of a pair's index to either side of the
    /// diagonal, and on it what is left of the feature's value.
    pub(crate) fn halve(&self, sums: &mut [f64], stride: usize) {
        let (values, pairs) = sums.split_at_mut(self.slots * stride);
        for (pair, &(g, h)) in pairs.chunks_exact_mut(stride).zip(&self.pairs) {
            for (row, sum) in pair.iter_mut().enumerate() {
                *sum *= 0.5;
                values[g as usize * stride + row] -= *sum;
                values[h as usize * stride + row] -= *sum;
            }
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.cells[..]) + 4 * size_of_val(&self.pairs[..])
    }
}

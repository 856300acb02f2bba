//! How the leaves of a group become its table: the sums of a subtree's patterns go down to its halves, and their tables, much
//! smaller than its own, come up again, each line of it one of the first half's plus one of the second's.

use super::recipe::{Counts, Place, Recipe};
use super::shapley::{LeafSums, PatternWeights};
use super::subtrees::{Below, Group, Half, Heads, Leaf, Shape, Subtree};
use crate::simd::{Kernel, Line, Simd, of_whole, whole_of};

/// Makes the tables of a tree, by vectors.
pub(crate) struct Make<'a> {
    pub(crate) builder: &'a mut Builder,
    pub(crate) recipe: &'a Recipe,
    pub(crate) lines: &'a mut [Line],
}

impl<S: Simd> Kernel<S> for Make<'_> {
    #[inline(always)]
    fn run(self, _: S) {
        self.builder.make(self.recipe, self.lines);
    }
}

/// Finds the mean of what the leaves of a tree's groups add.
pub(crate) struct FindMean<'a> {
    pub(crate) builder: &'a mut Builder,
    pub(crate) recipe: &'a Recipe,
}

impl<S: Simd> Kernel<S> for FindMean<'_> {
    #[inline(always)]
    fn run(self, _: S) {
        self.builder.find_mean(self.recipe);
    }
}

/// Makes tables.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    weights: PatternWeights,
    heads: Heads,
    /// By place among the subtrees: the sums of its patterns, what a leaf makes of them, its table in the place at hand.
    patterns: Vec<Vec<f64>>,
    leaves: Vec<LeafSums>,
    tables: Vec<Vec<Line>>,
    /// Of a subtree's patterns, what one of its halves sees.
    seen: Vec<f64>,
    /// Σ over the leaves of value and share of the background, in the first weighting, by column of their values; without covers.
    pub(crate) mean: Vec<f64>,
}

impl Builder {
    /// Makes the tables of a tree; all of `lines` are written.
    #[inline(always)]
    fn make(&mut self, recipe: &Recipe, lines: &mut [Line]) {
        self.begin(recipe);
        for (number, (shape, places)) in recipe.shapes.iter().enumerate() {
            for weighting in 0..recipe.weightings {
                self.count(recipe, number, shape, weighting);
                self.take(recipe, shape);
                for column in 0..recipe.columns {
                    if recipe.wholes {
                        self.value(shape, column);
                    }
                    for (group, places) in shape.groups.iter().zip(places) {
                        for place in places.iter().filter(|place| place.column == column) {
                            let table = &mut lines[place.first..][..recipe.weightings << group.bits.len()];
                            self.table(recipe, (shape, group), place, weighting, table);
                        }
                    }
                }
            }
        }
    }

    /// Finds the mean alone.
    #[inline(always)]
    fn find_mean(&mut self, recipe: &Recipe) {
        self.begin(recipe);
        for (number, (shape, _)) in recipe.shapes.iter().enumerate() {
            self.count(recipe, number, shape, 0);
        }
    }

    fn begin(&mut self, recipe: &Recipe) {
        self.mean.clear();
        self.mean.resize(recipe.columns, 0.0);
    }

    /// Sums up the patterns of every subtree in a weighting of the background.
    #[inline(always)]
    fn count(&mut self, recipe: &Recipe, number: usize, shape: &Shape, weighting: usize) {
        for subtree in &shape.subtrees {
            if let Below::Halves(halves) = &subtree.below {
                self.heads.meet(subtree.features, halves);
            }
        }
        self.patterns.resize(shape.subtrees.len().max(self.patterns.len()), Vec::new());
        let all = &mut self.patterns[0];
        all.clear();
        match &recipe.counts {
            Counts::Covers => return,
            Counts::Rows(counts) => all.extend(counts[number].iter().map(|count| f64::from(*count))),
            Counts::Weights(sums) => all.extend(sums[number][weighting..].iter().step_by(recipe.weightings)),
        }
        for (at, subtree) in shape.subtrees.iter().enumerate() {
            if let Below::Halves(halves) = &subtree.below {
                for half in halves {
                    self.patterns_of_half(subtree, at, *half, &shape.subtrees[half.subtree]);
                }
            }
        }
        for (subtree, patterns) in shape.subtrees.iter().zip(&self.patterns).filter(|_| weighting == 0) {
            if let Below::Leaf(leaf) = &subtree.below {
                let reached = patterns.last().copied().unwrap_or_default() / recipe.total;
                self.mean.iter_mut().zip(&leaf.values).for_each(|(sum, v)| *sum += v * reached);
            }
        }
    }

    /// What the leaves make of their patterns.
    #[inline(always)]
    fn take(&mut self, recipe: &Recipe, shape: &Shape) {
        self.leaves.resize_with(shape.subtrees.len().max(self.leaves.len()), LeafSums::default);
        for (at, subtree) in shape.subtrees.iter().enumerate() {
            let Below::Leaf(leaf) = &subtree.below else { continue };
            let (sums, patterns) = (&mut self.leaves[at], &mut self.patterns[at]);
            if let Counts::Covers = recipe.counts {
                weigh(leaf, patterns);
            }
            if recipe.wholes {
                sums.take_counts(patterns);
            } else {
                sums.take(patterns, &self.weights.of(subtree.features));
            }
        }
    }

    /// The sums of a half's patterns: over the other half's splits, then over the heads that are the same for it.
    #[inline(always)]
    fn patterns_of_half(&mut self, subtree: &Subtree, at: usize, half: Half, own: &Subtree) {
        let of_heads = self.heads.of(subtree.features, half);
        let heads = of_heads.len();
        let (above, below) = self.patterns.split_at_mut(half.subtree);
        let (all, out) = (&above[at], &mut below[0]);
        self.seen.clear();
        if half.subtree == at + 1 {
            // the first half's splits come before the second's
            let mut of_others = all.chunks_exact(heads << own.splits);
            self.seen.extend_from_slice(of_others.next().unwrap_or_default());
            of_others.for_each(|more| add_to(&mut self.seen, more));
        } else {
            for of_own in all.chunks_exact(heads << (subtree.splits - 1 - own.splits)) {
                let start = self.seen.len();
                let mut of_others = of_own.chunks_exact(heads);
                self.seen.extend_from_slice(of_others.next().unwrap_or_default());
                of_others.for_each(|more| add_to(&mut self.seen[start..], more));
            }
        }
        out.clear();
        out.resize(1 << own.bits(), 0.0);
        for (out, seen) in out.chunks_exact_mut(1 << own.features).zip(self.seen.chunks_exact(heads)) {
            seen.iter().zip(of_heads).for_each(|(x, &of_head)| out[of_head as usize] += x);
        }
    }

    /// Makes the sums of the leaves' values of a column, in units.
    #[inline(always)]
    fn value(&mut self, shape: &Shape, column: usize) {
        for (at, subtree) in shape.subtrees.iter().enumerate() {
            if let Below::Leaf(leaf) = &subtree.below {
                self.leaves[at].value(leaf.values[column], &self.weights.of(subtree.features));
            }
        }
    }

    /// Makes the table of a place, in one weighting of the lines of its patterns.
    #[inline(always)]
    fn table(
        &mut self,
        recipe: &Recipe,
        (shape, group): (&Shape, &Group),
        place: &Place,
        weighting: usize,
        lines: &mut [Line],
    ) {
        self.tables.resize(shape.subtrees.len().max(self.tables.len()), Vec::new());
        let root = group.subtree;
        for at in (root..root + shape.subtrees[root].size()).rev() {
            let subtree = &shape.subtrees[at];
            let (above, below) = self.tables.split_at_mut(at + 1);
            let is_direct = at == root && recipe.weightings == 1;
            let out = if is_direct {
                &mut *lines
            } else {
                above[at].resize(1 << subtree.bits(), Line::default());
                &mut above[at][..]
            };
            match &subtree.below {
                Below::Leaf(leaf) => {
                    let (lanes, sums) = (place.lanes_of(leaf), &self.leaves[at]);
                    if recipe.wholes {
                        sums.lines_of_wholes(&lanes, out);
                    } else {
                        sums.lines(leaf.values[place.column] / recipe.total, &lanes, out);
                    }
                }
                Below::Halves(halves) => {
                    let halves = halves.map(|half| AHalf {
                        of_heads: self.heads.of(subtree.features, half),
                        table: &below[half.subtree - at - 1],
                        patterns: 1 << shape.subtrees[half.subtree].features,
                    });
                    if recipe.wholes {
                        let add = |a, b| of_whole(whole_of(a).wrapping_add(whole_of(b)));
                        add_halves(halves, out, add);
                    } else {
                        add_halves(halves, out, |a, b| a + b);
                    }
                }
            }
        }
        if recipe.weightings > 1 {
            let of_weighting = lines[weighting..].iter_mut().step_by(recipe.weightings);
            of_weighting.zip(&self.tables[root]).for_each(|(to, line)| *to = *line);
        }
    }
}

#[inline(always)]
fn add_to(sums: &mut [f64], more: &[f64]) {
    sums.iter_mut().zip(more).for_each(|(sum, x)| *sum += x);
}

/// A half with its table, and the number of its patterns that differ by features alone.
struct AHalf<'a> {
    of_heads: &'a [u16],
    table: &'a [Line],
    patterns: usize,
}

/// A line for every pattern: by the splits of the second half, those of the first, and the head.
#[inline(always)]
fn add_halves([first, second]: [AHalf<'_>; 2], out: &mut [Line], add: impl Fn(f64, f64) -> f64 + Copy) {
    let mut of_splits = out.chunks_exact_mut(first.of_heads.len());
    for b in second.table.chunks_exact(second.patterns) {
        for (a, out) in first.table.chunks_exact(first.patterns).zip(&mut of_splits) {
            for ((out, &i), &j) in out.iter_mut().zip(first.of_heads).zip(second.of_heads) {
                let (Line(a), Line(b)) = (&a[i as usize], &b[j as usize]);
                out.0.iter_mut().zip(a).zip(b).for_each(|((out, a), b)| *out = add(*a, *b));
            }
        }
    }
}

/// h of a leaf's patterns where features satisfy their edges independently.
#[inline(always)]
fn weigh(leaf: &Leaf, h: &mut Vec<f64>) {
    h.clear();
    h.resize(1 << leaf.features.len(), 0.0);
    h[0] = 1.0;
    for (g, feature) in leaf.features.iter().enumerate() {
        let (without, with) = h[..2 << g].split_at_mut(1 << g);
        for (no, yes) in without.iter_mut().zip(with) {
            *yes = *no * feature.weight;
            *no *= 1.0 - feature.weight;
        }
    }
}

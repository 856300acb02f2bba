//! Mixtures of the same two rows next to each other.

/// Mixtures of two rows that one task predicts at most: enough that the branches of the trees are found for many.
const TASK: usize = 4096;

/// Mixtures by the two rows that they are of.
#[derive(Debug)]
pub(super) struct Grouped {
    /// The mixtures, those of two rows together; `None`: as they are.
    pub(super) order: Option<Vec<u32>>,
    groups: Vec<Group>,
}

/// Mixtures of two rows.
#[derive(Debug)]
struct Group {
    row: u32,
    reference: u32,
    n: usize,
}

/// Some of them: those from number `from` of the order on, as many as there is room for in `out`.
#[derive(Debug)]
pub(super) struct Task<'a> {
    pub(super) row: u32,
    pub(super) reference: u32,
    pub(super) from: usize,
    pub(super) out: &'a mut [f64],
}

impl Grouped {
    /// Orders mixtures of these rows and background rows; in linear time where each row has mixtures with most background rows, or
    /// the mixtures are in order.
    pub(super) fn new(rows: &[u32], references: &[u32]) -> Self {
        let key = |i: usize| (rows[i], references[i]);
        let n = rows.len();
        let in_order = (1..n).all(|i| key(i - 1) <= key(i));
        let order = (!in_order).then(|| {
            let mut order: Vec<u32> = (0..n as u32).collect();
            order.sort_by_key(|&i| key(i as usize));
            order
        });
        let mut groups: Vec<Group> = Vec::new();
        for i in 0..n {
            let (row, reference) = key(order.as_ref().map_or(i, |order| order[i] as usize));
            match groups.last_mut() {
                Some(group) if (group.row, group.reference) == (row, reference) => group.n += 1,
                _ => groups.push(Group { row, reference, n: 1 }),
            }
        }
        Self { order, groups }
    }

    /// Tasks that write `outputs` numbers a mixture into `out`, in this order.
    pub(super) fn tasks<'a>(&self, outputs: usize, out: &'a mut [f64]) -> Vec<Task<'a>> {
        let (mut tasks, mut rest, mut from) = (Vec::new(), out, 0);
        for &Group { row, reference, n } in &self.groups {
            let (own, after) = rest.split_at_mut(n * outputs);
            rest = after;
            for out in own.chunks_mut(TASK * outputs) {
                let n = out.len() / outputs;
                tasks.push(Task { row, reference, from, out });
                from += n;
            }
        }
        tasks
    }
}

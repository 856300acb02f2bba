//! Rows by their stored entries, as scipy's CSR matrices hold them: read row by row, never made dense as a whole.

use std::ops::Range;

use super::tile::Lane;
use crate::error::{Error, Result};

/// Borrowed rows by their stored entries.
#[derive(Debug, Clone, Copy)]
pub struct Sparse<'a> {
    starts: &'a [i64],
    columns: &'a [i32],
    entries: Entries<'a>,
    n_columns: usize,
    absent: f64,
}

/// The stored numbers of [`Sparse`].
#[derive(Debug, Clone, Copy)]
pub enum Entries<'a> {
    /// float32.
    F32(&'a [f32]),
    /// float64.
    F64(&'a [f64]),
}

impl<'a> Sparse<'a> {
    /// Row `i` stores `entries[starts[i]..starts[i + 1]]` in the columns `columns[starts[i]..starts[i + 1]]`, each once; every
    /// other entry is `absent`. O(stored entries).
    ///
    /// # Errors
    /// [`Error::Data`] where the arrays do not fit each other.
    pub fn new(
        starts: &'a [i64],
        columns: &'a [i32],
        entries: Entries<'a>,
        n_columns: usize,
        absent: f64,
    ) -> Result<Self> {
        let stored = match entries {
            Entries::F32(v) => v.len(),
            Entries::F64(v) => v.len(),
        };
        let ends = starts.first().zip(starts.last());
        let fits = ends.is_some_and(|(&first, &last)| first >= 0 && last as usize <= stored.min(columns.len()))
            && starts.is_sorted()
            && columns.iter().all(|&column| column >= 0 && (column as usize) < n_columns);
        if fits {
            Ok(Self { starts, columns, entries, n_columns, absent })
        } else {
            Err(Error::Data(
                "the sparse rows are damaged: starts have to ascend within the entries, columns to be below their number"
                    .to_owned(),
            ))
        }
    }

    /// How many rows there are.
    pub fn n_rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many columns a row has.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Calls `visit` once a row with a reader of its columns.
    pub(super) fn each_row(&self, range: Range<usize>, visit: &mut impl FnMut(&dyn Fn(usize) -> f64)) {
        match self.entries {
            Entries::F32(entries) => self.each_row_of(entries, range, visit),
            Entries::F64(entries) => self.each_row_of(entries, range, visit),
        }
    }

    fn each_row_of<T: Lane>(&self, entries: &[T], range: Range<usize>, visit: &mut impl FnMut(&dyn Fn(usize) -> f64)) {
        let mut row = vec![self.absent; self.n_columns];
        for r in range {
            let stored = self.starts[r] as usize..self.starts[r + 1] as usize;
            let columns = &self.columns[stored.clone()];
            for (&column, &entry) in columns.iter().zip(&entries[stored]) {
                row[column as usize] = entry.to_f64();
            }
            visit(&|column| row[column]);
            columns.iter().for_each(|&column| row[column as usize] = self.absent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRIES: Entries<'static> = Entries::F64(&[1.0, 2.0, 3.0]);

    #[test]
    fn rows_are_read_in_any_order_of_their_columns() {
        let rows = Sparse::new(&[0, 2, 2, 3], &[2, 0, 1], ENTRIES, 4, -1.0).expect("it fits");
        let mut read = Vec::new();
        rows.each_row(0..3, &mut |row| read.push([0, 1, 2, 3].map(row)));
        assert_eq!(read, [[2.0, -1.0, 1.0, -1.0], [-1.0; 4], [-1.0, 3.0, -1.0, -1.0]]);
        assert_eq!((rows.n_rows(), rows.n_columns()), (3, 4));
    }

    #[test]
    fn arrays_that_do_not_fit_each_other_are_refused() {
        let no: [(&[i64], &[i32]); 6] = [
            (&[], &[]),
            (&[0, 4], &[0, 1, 2]),
            (&[0, 2, 1], &[0, 1, 2]),
            (&[-1, 2], &[0, 1, 2]),
            (&[0, 3], &[0, 1, 4]),
            (&[0, 3], &[0, -1, 2]),
        ];
        for (starts, columns) in no {
            assert!(Sparse::new(starts, columns, ENTRIES, 4, 0.0).is_err(), "{starts:?} {columns:?}");
        }
    }
}

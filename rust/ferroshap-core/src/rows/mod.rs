//! Stage 4: the user's table as the kernels read it.

mod sparse;
mod tile;

pub use sparse::{Entries, Sparse};
pub use tile::{Columns, Lane, RowMajor};

use ndarray::ArrayView2;

use crate::error::{Error, Result};

/// Borrowed rows, `(n, f)`: arrays in either precision and with any strides, or sparse.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// The numbers.
    pub values: Values<'a>,
    /// A value that counts as missing besides NaN (XGBoost's `missing=`).
    pub missing: Option<f64>,
}

/// The numbers of [`Rows`].
#[derive(Debug, Clone, Copy)]
pub enum Values<'a> {
    /// float32.
    F32(ArrayView2<'a, f32>),
    /// float64.
    F64(ArrayView2<'a, f64>),
    /// Stored entries.
    Sparse(Sparse<'a>),
}

impl Rows<'_> {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        match self.values {
            Values::F32(v) => v.nrows(),
            Values::F64(v) => v.nrows(),
            Values::Sparse(v) => v.n_rows(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many columns a row has.
    pub fn n_features(&self) -> usize {
        match self.values {
            Values::F32(v) => v.ncols(),
            Values::F64(v) => v.ncols(),
            Values::Sparse(v) => v.n_columns(),
        }
    }

    /// The rows have `columns` columns, and an output of `length` numbers has room for `width` of each row.
    pub(crate) fn check(&self, columns: usize, length: usize, width: usize) -> Result<()> {
        let found = self.n_features();
        if found != columns {
            return Err(Error::Data(format!("the rows have {found} columns, the model expects {columns}")));
        }
        if self.len().checked_mul(width) != Some(length) {
            return Err(Error::Data(format!(
                "the output holds {length} numbers, expected {} rows × {width}",
                self.len()
            )));
        }
        Ok(())
    }
}

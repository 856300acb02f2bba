"""The tables that a user may hand in, made of the same numbers: every one has to give the same bits."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse as sp
from conformance.data import CATEGORIES, NAMES, frame


def arrays(X):
    """Arrays and sequences of numbers, and what converts into them."""
    wide = np.full((2 * len(X), 2 * X.shape[1]), np.pi)
    wide[::2, ::2] = X
    locked = X.copy()
    locked.flags.writeable = False
    yield "float32", X.astype(np.float32)
    yield "longdouble", X.astype(np.longdouble)
    yield "Fortran order", np.asfortranarray(X)
    yield "big-endian", X.astype(">f8")
    yield "strided", wide[::2, ::2]
    yield "read-only", locked
    yield "list of lists", X.tolist()
    yield "tuple of arrays", tuple(X)


def sparse(X):
    """Sparse matrices that store every entry, zeros too: none is absent."""
    rows, columns = np.indices(X.shape)
    entries = sp.coo_matrix((X.ravel(), (rows.ravel(), columns.ravel())), shape=X.shape)
    yield "CSR matrix", sp.csr_matrix(entries)
    yield "CSR array", sp.csr_array(entries)
    yield "CSC matrix", sp.csc_matrix(entries)
    yield "COO array", sp.coo_array(entries)


def frames(X):
    """Data frames of numbers."""
    table = frame(X, categorical=False)
    polars = pl.DataFrame(X, schema=NAMES, orient="row", nan_to_null=True)
    yield "pandas", table
    yield "pandas, columns in another order", table[NAMES[::-1]]
    yield "pandas, nullable", table.convert_dtypes()
    yield "pandas, Arrow", table.convert_dtypes(dtype_backend="pyarrow")
    yield "polars", polars
    yield "polars, columns in another order", polars.select(NAMES[::-1])
    yield from _arrow(polars)


def frames_with_categories(X):
    """Data frames of numbers and categories."""
    table, texts = frame(X, categorical=True), frame(X, categorical=True, texts=True)
    columns = [NAMES[column] for column in CATEGORIES]
    polars = pl.from_pandas(texts, nan_to_null=True)
    yield "pandas category", table
    yield "pandas category, columns in another order", table[NAMES[::-1]]
    yield (
        "pandas category, categories in another order",
        table.assign(**{c: table[c].cat.reorder_categories(table[c].cat.categories[::-1]) for c in columns}),
    )
    yield "pandas objects", texts
    yield "pandas string", texts.astype(dict.fromkeys(columns, pd.StringDtype()))
    yield "polars texts", polars
    yield "polars Categorical", polars.with_columns(pl.col(c).cast(pl.Categorical) for c in columns)
    yield (
        "polars Enum",
        polars.with_columns(pl.col(NAMES[c]).cast(pl.Enum(names[::-1])) for c, names in CATEGORIES.items()),
    )
    yield from _arrow(polars)
    arrow = polars.to_arrow()
    for column in CATEGORIES:
        arrow = arrow.set_column(column, NAMES[column], arrow.column(column).dictionary_encode())
    yield "pyarrow dictionary", arrow


def _arrow(polars):
    arrow = polars.to_arrow().combine_chunks()
    yield "pyarrow", arrow
    yield (
        "record batch",
        pa.RecordBatch.from_arrays([column.combine_chunks() for column in arrow.columns], names=NAMES),
    )

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from ferroshap.inputs.schema import InputSchema


@pytest.fixture
def make_schema():
    def make(n=3, names=None, categories=None, categorical=(), *, integers=False, underscores=False):
        return InputSchema(
            n_features=n if names is None else len(names),
            feature_names=None if names is None else tuple(names),
            categories=categories or {},
            categorical=frozenset(categorical) | frozenset(categories or {}),
            missing=None,
            integers_to_float32=integers,
            spaces_become_underscores=underscores,
        )

    return make


def _batch(columns):
    return pa.RecordBatch.from_pydict(columns)


# Every frame library that reads `{name: list of values, None for missing}`.
FRAMES = {
    "pandas": lambda columns: pd.DataFrame(columns).convert_dtypes(),
    "pandas-numpy": pd.DataFrame,
    "pandas-arrow": lambda columns: pa.table(columns).to_pandas(types_mapper=pd.ArrowDtype),
    "polars": pl.DataFrame,
    "pyarrow": pa.table,
    "record-batch": _batch,
}


@pytest.fixture(params=FRAMES)
def frame(request):
    return FRAMES[request.param]

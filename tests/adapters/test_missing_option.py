"""`missing=` for XGBoost's files, which do not store it: what XGBoost itself makes of the same number."""

import numpy as np
import pytest
import xgboost as xgb
from ferroshap import TreeExplainer, load_model

rng = np.random.default_rng(41)
X = rng.normal(size=(300, 4)).round(1)
y = X[:, 0] + np.sin(X[:, 1])
HOLED = np.where(rng.random(X.shape) < 0.2, np.nan, X)
BOOSTER = xgb.train({"max_depth": 4, "nthread": 1}, xgb.DMatrix(HOLED, y), 12)
FILE = bytes(BOOSTER.save_raw("json"))
NUMBERS = [
    -999.0,
    0,
    0.0,
    -0.0,
    0.1,
    -1,
    16777217,
    np.float32(0.1),
    np.float64(1.5),
    1e-46,
    1e300,
    -np.inf,
    np.nan,
    "2.5",
]


def margin(rows, missing):
    return BOOSTER.predict(xgb.DMatrix(rows, missing=missing), output_margin=True)


@pytest.mark.parametrize("missing", NUMBERS, ids=repr)
def test_the_number_counts_as_missing_as_in_xgboost(missing, tmp_path):
    number = float(missing)
    rows = X.copy()
    # The number itself, what float32 makes of it, and its neighbours in either precision.
    with np.errstate(over="ignore", under="ignore"):
        narrow = np.float32(number)
        near = [
            number,
            float(narrow),
            np.nextafter(number, 9.0),
            float(np.nextafter(narrow, np.float32(9.0))),
            -0.0,
            np.nan,
        ]
    for at, value in enumerate(near):
        rows[at::11, at % 4] = value
    if np.isinf(narrow):
        rows[np.isinf(rows) & (rows != narrow)] = 0.5
    (tmp_path / "model.json").write_bytes(FILE)
    with np.errstate(over="ignore"):
        own = margin(rows.astype(np.float32), missing=float(narrow))
    for form in (FILE, tmp_path / "model.json", BOOSTER):
        np.testing.assert_array_equal(load_model(form, missing=missing).predict(rows), own)
    if not np.isnan(number):
        with np.errstate(over="ignore"):
            replaced = np.where(rows.astype(np.float32) == narrow, np.nan, rows)
        assert np.isnan(replaced).sum() > np.isnan(rows).sum()
        want = TreeExplainer(FILE).shap_values(replaced)
        np.testing.assert_array_equal(TreeExplainer(FILE, missing=missing).shap_values(rows), want)

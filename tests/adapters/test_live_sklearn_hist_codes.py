"""scikit-learn's HistGradientBoosting before 1.4: categorical columns hold codes below 256, which frames have as numbers."""

import pandas as pd
import pytest
from adapters.test_live_sklearn_hist_categories import CODES, MODELS, y
from ferroshap import DataError, load_model


def test_codes_that_the_library_would_wrap_around_are_refused():
    model = MODELS["regression"][0].fit(CODES, y)
    rows = CODES[:5].copy()
    rows[2, 1] = 258
    with pytest.raises(DataError, match="row 2, column 1 is 258, but it is a category"):
        load_model(model).predict(rows)
    frame = pd.DataFrame(CODES[:5]).astype({1: "category"})
    with pytest.raises(DataError, match="'1' has dtype category"):
        load_model(model).predict(frame)

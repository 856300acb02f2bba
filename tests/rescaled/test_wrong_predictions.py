"""Values that do not add up to the prediction are found out, by default, whatever they are values of."""

import ferroshap
import numpy as np
import pytest
from ferroshap import AdditivityError, TreeEnsemble

WRONG = 7


@pytest.fixture
def one_is_wrong(monkeypatch):
    """Makes the first raw output of a row wrong, from the call on."""

    def begin(rows, by):
        predict, key = TreeEnsemble.predict_rows, np.nan_to_num(rows[WRONG], nan=-99)

        def wrong(model, chunk, **options):
            same = (np.nan_to_num(chunk, nan=-99) == key.astype(chunk.dtype)).all(axis=1)
            found = predict(model, chunk, **options)
            found[:, 0] += by * same
            return found

        monkeypatch.setattr(TreeEnsemble, "predict_rows", wrong)

    return begin


SPACES = [
    *(
        (f"XGBoost, {classes} classes", space)
        for classes in ("two", "three")
        for space in ("raw", "probability", "log_loss")
    ),
    ("XGBoost, Poisson", "predict"),
    ("forest", "log_loss"),
]


@pytest.mark.parametrize("per_reference", [False, True])
@pytest.mark.parametrize(("name", "space"), SPACES)
def test_values_against_a_background(cases, one_is_wrong, name, space, per_reference):
    case = cases(name)
    explainer = ferroshap.TreeExplainer(case.model, case.background, space)
    labels = (case.y,) if space == "log_loss" else ()
    explainer.shap_values(case.rows, *labels, per_reference=per_reference)
    one_is_wrong(case.rows, 1e-4)
    pair = " against background row [0-9]+" if per_reference else ""
    with pytest.raises(AdditivityError, match=f"row {WRONG}{pair}, output "):
        explainer.shap_values(case.rows, *labels, per_reference=per_reference)
    if not per_reference:
        with pytest.raises(AdditivityError, match=f"row {WRONG}, output "):
            explainer(case.rows, *labels)
    explainer.shap_values(case.rows, *labels, per_reference=per_reference, check_additivity=False)


@pytest.mark.parametrize("name", ["XGBoost, two classes", "XGBoost, three classes"])
def test_interactions_against_a_background(cases, one_is_wrong, name):
    case = cases(name)
    explainer = ferroshap.TreeExplainer(case.model, case.background)
    explainer.shap_interaction_values(case.rows)
    one_is_wrong(case.rows, 1e-6)
    with pytest.raises(AdditivityError, match=f"row {WRONG}, output 0"):
        explainer.shap_interaction_values(case.rows)
    with pytest.raises(AdditivityError, match=f"row {WRONG}, output 0"):
        explainer(case.rows, interactions=True)

"""What `standard_errors=` and `seed=` take and give: parts, bits, tables, pickles, refusals."""

import copy
import pickle

import ferroshap
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from ferroshap import OptionError, PlanError


def errors_of(explainer, rows, **options):
    return explainer(rows, **{"standard_errors": True, **options}).details.background_se


@pytest.mark.parametrize(("name", "space"), [("forest of classes", "raw"), ("three classes", "probability")])
def test_parts_and_rows_have_the_errors_of_the_whole(sampled, name, space):
    case = sampled(name)
    explainer = ferroshap.TreeExplainer(case.model, case.background[:60], space)
    whole = errors_of(explainer, case.rows)
    for features, outputs in (([3, 1], None), (2, 1), (None, [2, 0]), (slice(1, 4), 2)):
        part = explainer(case.rows, standard_errors=True, features=features, outputs=outputs)
        expected = explainer(case.rows, standard_errors=True)[
            :, slice(None) if features is None else features, slice(None) if outputs is None else outputs
        ]
        assert part.details.background_se.shape == part.values.shape
        np.testing.assert_allclose(
            part.details.background_se, expected.details.background_se, rtol=1e-12, atol=1e-15 * whole.max()
        )
    one = explainer(case.rows[4], standard_errors=True)
    assert one.details.background_se.shape == one.values.shape == whole.shape[1:]
    np.testing.assert_array_equal(one.details.background_se, whole[4])
    np.testing.assert_array_equal(explainer(case.rows, standard_errors=16)[4].details.background_se, whole[4])
    assert explainer(case.rows[:0], standard_errors=True).details.background_se.shape == (0, *whole.shape[1:])


@pytest.mark.parametrize(("name", "space"), [("forest", "raw"), ("two classes", "probability")])
def test_the_seed_names_the_bits(sampled, name, space):
    case = sampled(name)
    first = ferroshap.TreeExplainer(case.model, case.background, space, threads=1)
    errors = errors_of(first, case.rows)
    two = ferroshap.TreeExplainer(case.model, case.background, space, threads=2)
    np.testing.assert_array_equal(errors_of(two, case.rows), errors)
    other = errors_of(first, case.rows, seed=1)
    assert not np.array_equal(other, errors)
    np.testing.assert_array_equal(errors_of(first, case.rows, seed=0), errors)
    for same in (pickle.loads(pickle.dumps(first)), copy.deepcopy(first)):
        assert same._blocks is None
        np.testing.assert_array_equal(errors_of(same, case.rows), errors)
    many = np.tile(case.rows, (60, 1))
    np.testing.assert_array_equal(errors_of(first, many)[-len(case.rows) :], errors)


def test_blocks_are_kept_for_the_same_question(sampled):
    case = sampled("forest")
    explainer = ferroshap.TreeExplainer(case.model, case.background)
    assert explainer._blocks is None
    explainer(case.rows, standard_errors=4)
    kept = explainer._blocks
    explainer(case.rows[:2], standard_errors=4, features=[0])
    explainer.background_report(case.rows, blocks=4)
    assert explainer._blocks is kept
    explainer(case.rows, standard_errors=4, seed=9)
    assert explainer._blocks is not kept
    assert "_blocks" not in explainer.__getstate__()


def test_float32_sparse_and_frames_have_the_same_errors(sampled):
    case = sampled("forest")
    errors = errors_of(ferroshap.TreeExplainer(case.model, case.background), case.rows)
    small = ferroshap.TreeExplainer(case.model, case.background, dtype="float32")(case.rows, standard_errors=True)
    assert small.details.background_se.dtype == np.float32
    np.testing.assert_allclose(small.details.background_se, errors, rtol=1e-6, atol=0)
    zeros = np.where(np.abs(case.background) < 0.4, 0, case.background)
    dense = errors_of(ferroshap.TreeExplainer(case.model, zeros), case.rows)
    sparse = ferroshap.TreeExplainer(case.model, scipy.sparse.csr_matrix(zeros))
    np.testing.assert_array_equal(errors_of(sparse, scipy.sparse.csr_matrix(case.rows)), dense)
    names = [f"x{column}" for column in range(case.rows.shape[1])]
    framed = ferroshap.TreeExplainer(case.model, pd.DataFrame(case.background, columns=names))
    np.testing.assert_array_equal(errors_of(framed, pd.DataFrame(case.rows, columns=names)), errors)


def test_a_constant_background_has_no_error_and_unused_features_none(sampled):
    case = sampled("forest")
    same = ferroshap.TreeExplainer(case.model, np.tile(case.background[:1], (32, 1)))
    assert errors_of(same, case.rows).max() < 1e-14
    zero_weights = np.arange(len(case.background)) % 2
    of_half = ferroshap.TreeExplainer(case.model, case.background, weights=zero_weights)
    alone = ferroshap.TreeExplainer(case.model, case.background[1::2])
    # The same rows that count; the stream shuffles their positions in the same way.
    np.testing.assert_allclose(errors_of(of_half, case.rows), errors_of(alone, case.rows), rtol=1e-10, atol=1e-14)


def test_progress_is_told_of_both(sampled):
    case, told = sampled("forest"), []
    explainer = ferroshap.TreeExplainer(case.model, case.background, progress=lambda *at: told.append(at))
    explainer(case.rows, standard_errors=2)
    assert told.count((12, 12)) >= 2


def test_what_has_no_such_errors_is_refused(sampled):
    case = sampled("forest")
    with pytest.raises(OptionError, match=r"standard_errors is about the choice of background rows.*data="):
        ferroshap.TreeExplainer(case.model)(case.rows, standard_errors=True)
    few = ferroshap.TreeExplainer(case.model, case.background[:9])
    with pytest.raises(OptionError, match=r"16 blocks .* there are 9 rows; pass standard_errors=9 or fewer, or give"):
        few(case.rows, standard_errors=True)
    weighted = ferroshap.TreeExplainer(case.model, case.background[:20], weights=np.arange(20) < 7)
    with pytest.raises(OptionError, match="7 rows of a weight above 0; pass standard_errors=7 or fewer"):
        weighted(case.rows, standard_errors=8)
    one = ferroshap.TreeExplainer(case.model, case.background[0])
    with pytest.raises(OptionError, match="there is 1 row; give the explainer more rows"):
        one(case.rows, standard_errors=2)
    explainer = ferroshap.TreeExplainer(case.model, case.background)
    with pytest.raises(OptionError, match="leave them out with interactions=True"):
        explainer(case.rows, interactions=True, standard_errors=True)
    with pytest.raises(OptionError, match="leave them out with approximate=True"):
        explainer(case.rows, approximate=True, standard_errors=True)
    for wrong in (1, 0, -3, 2.5, "yes", None):
        with pytest.raises(OptionError, match=r"standard_errors is .*; expected True, False or a number of blocks"):
            explainer(case.rows, standard_errors=wrong)
    for wrong in (-1, 0.5, None, 2**32):
        with pytest.raises(OptionError, match=r"seed is .*; expected a whole number"):
            explainer(case.rows, standard_errors=True, seed=wrong)


def test_memory_that_is_named_holds_the_blocks_too(sampled):
    case = sampled("forest")
    size = ferroshap.TreeExplainer(case.model, case.background).describe()
    enough = (size["bytes"] + size["background_bytes"]) * 11 // 10
    with pytest.raises(PlanError, match=r"standard_errors prepares the model for 16 blocks .* max_memory leaves each"):
        ferroshap.TreeExplainer(case.model, case.background, max_memory=enough)(case.rows, standard_errors=True)
    roomy = ferroshap.TreeExplainer(case.model, case.background, max_memory="64MiB")
    np.testing.assert_allclose(
        errors_of(roomy, case.rows),
        errors_of(ferroshap.TreeExplainer(case.model, case.background), case.rows),
        rtol=1e-10,
    )

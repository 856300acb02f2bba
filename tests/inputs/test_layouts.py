"""However an array lies in memory, its rows have the values of a plain float64 copy, bit for bit, and are left as they are."""

from pathlib import Path

import numpy as np
import pytest
from ferroshap import TreeExplainer

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
FILES = ("x32/cat_mixed_multi.ubj", "l47/cat.txt", "l400/zero_missing.txt")  # compare in float32, and in float64 twice


def at_odd_address(x):
    place = np.empty(x.nbytes + 1, np.uint8)[1:]
    place[:] = np.frombuffer(x.tobytes(), np.uint8)
    moved = place.view(x.dtype).reshape(x.shape)
    assert not moved.flags.aligned or not x.size
    return moved


def in_records(x, before="i1"):
    records = np.zeros(len(x), dtype=[("before", before), ("x", x.dtype, x.shape[1])])
    records["x"] = x
    return records["x"]


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def in_a_larger_table(x):
    table = np.full((2 * len(x) + 3, 3 * x.shape[1] + 2), np.pi, x.dtype)
    inside = table[3::2, 1:-1:3]
    inside[...] = x
    return inside


def backwards(x):
    return np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1]


def columns_backwards_in_fortran_order(x):
    return np.asfortranarray(x[:, ::-1])[:, ::-1]


def in_a_cube(x):
    return np.repeat(x[:, :, np.newaxis], 3, axis=2)[:, :, 1]


def from_buffer(x):
    return np.frombuffer(memoryview(x.tobytes()), x.dtype).reshape(x.shape)


class Labelled(np.ndarray):
    """An array of a class of its own, as labels and units bring it along."""


LAYOUTS = {
    "Fortran order": np.asfortranarray,
    "some rows and columns of a larger table": in_a_larger_table,
    "backwards": backwards,
    "columns backwards in Fortran order": columns_backwards_in_fortran_order,
    "one layer of a cube": in_a_cube,
    "read-only": read_only,
    "over the bytes of another": from_buffer,
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "big-endian in Fortran order": lambda x: np.asfortranarray(x.astype(x.dtype.newbyteorder(">"))),
    "at an odd address": at_odd_address,
    "at an odd address, backwards": lambda x: at_odd_address(x[::-1, ::-1])[::-1, ::-1],
    "in records of odd size": in_records,
    "in records of half a number more": lambda x: in_records(x, f"V{x.itemsize // 2}"),
    "of a class of its own": lambda x: x.view(Labelled),
    "with a mask that masks nothing": lambda x: np.ma.masked_array(x, mask=np.zeros(x.shape, bool)),
}


@pytest.fixture(scope="module", params=FILES)
def explained(request):
    path = REFERENCE / request.param
    with np.load(path.with_suffix(".npz")) as stored:
        rows = stored["T"]
    return TreeExplainer(path), rows[np.resize(np.arange(len(rows)), 700)]  # several blocks


def same_bits(explainer, given, plain):
    """Whether values and predictions are those of the float64 copy."""
    before = given.tobytes()
    np.testing.assert_array_equal(explainer.shap_values(given), explainer.shap_values(plain))
    np.testing.assert_array_equal(explainer.model.predict(given), explainer.model.predict(plain))
    assert given.tobytes() == before


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_values_do_not_depend_on_the_layout(explained, layout, dtype):
    explainer, rows = explained
    with np.errstate(over="ignore", under="ignore"):
        rows = rows.astype(dtype)
    plain = np.ascontiguousarray(rows, np.float64)
    for n in (len(rows), 129, 2):
        given = LAYOUTS[layout](rows[:n])
        assert given.shape == (n, rows.shape[1])
        same_bits(explainer, given, plain[:n])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_rows_and_one_row_are_rows_in_every_layout(explained, layout):
    explainer, rows = explained
    for n in (0, 1):
        same_bits(explainer, LAYOUTS[layout](rows[:n]), rows[:n].copy())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_row_without_a_row_axis_may_lie_anywhere(explained, layout):
    explainer, rows = explained
    same_bits(explainer, LAYOUTS[layout](rows[:3])[1], rows[1].copy())


def test_a_row_may_be_repeated_without_memory_of_its_own(explained):
    explainer, rows = explained
    same_bits(explainer, np.broadcast_to(rows[5], (300, rows.shape[1])), np.tile(rows[5], (300, 1)))
    same_bits(explainer, np.broadcast_to(rows[:300, :1], (300, rows.shape[1])), np.tile(rows[:300, :1], rows.shape[1]))


def test_rows_may_stay_on_disk(explained, tmp_path):
    explainer, rows = explained
    np.save(tmp_path / "rows.npy", np.asfortranarray(rows))
    for mode in ("r", "c"):
        same_bits(explainer, np.load(tmp_path / "rows.npy", mmap_mode=mode), rows)

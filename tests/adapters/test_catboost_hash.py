"""Texts of every length and alphabet have the hash by which CatBoost knows a category."""

import json

import catboost
import numpy as np
import pandas as pd
import pytest
from ferroshap.inputs.catboost_hash import category_hash

random = np.random.default_rng(5)
ALPHABETS = {
    "ASCII": [chr(at) for at in range(32, 127)],
    "Latin": list("äöüßéèñçøåÆŒšž"),
    "Greek, Cyrillic": list("αβγδΩЖящЪы"),
    "CJK": list("漢字仮名交じり文한국어"),
    "beyond 16 bits": list("🌲🌳🍁𝔘𝕏🪵"),
    "everything": [*"aZ9 _\t\n\"\\'", "\x00", "\x7f", "é", "Ж", "字", "🌲"],
}
# Every length at which the hash takes another way, and both sides of it.
LENGTHS = [*range(1, 70), 95, 96, 97, 126, 127, 128, 129, 130, 191, 192, 193, 254, 255, 256, 257, 290, 300]


def texts():
    for letters in ALPHABETS.values():
        for length in LENGTHS:
            text = "".join(random.choice(letters, length))
            while len(text.encode()) > length:
                text = text[:-1]
            yield text + "x" * (length - len(text.encode()))


def hashes_of_catboost(column, folder):
    """What CatBoost writes down for the values of a training pool."""
    pool = catboost.Pool(pd.DataFrame({"k": column}), np.arange(len(column), dtype=float), cat_features=["k"])
    model = catboost.CatBoostRegressor(iterations=1, depth=1, verbose=False, thread_count=1, allow_writing_files=False)
    model.fit(pool).save_model(str(folder / "model.json"), format="json", pool=pool)
    listed = json.loads((folder / "model.json").read_bytes())["features_info"]["cat_features_hash"]
    return {each["value"]: int(each["hash"]) % 2**32 for each in listed}


def test_texts_of_all_lengths_and_alphabets(tmp_path):
    column = sorted(set(texts()))
    assert {len(text.encode()) for text in column} == set(LENGTHS)
    assert len(column) > 450
    want = hashes_of_catboost(column, tmp_path)
    assert set(want) == set(column)
    assert {text: category_hash(text) for text in column} == want


def test_the_empty_text(tmp_path):
    assert hashes_of_catboost(["", "a"], tmp_path)[""] == category_hash("")


@pytest.mark.parametrize("values", [[0, 1, -1, 2**31, -(2**31), 2**62, 7], [False, True]])
def test_whole_numbers_and_booleans_are_their_digits(values, tmp_path):
    want = hashes_of_catboost(values, tmp_path)
    assert want == {str(int(value)): category_hash(str(int(value))) for value in values}

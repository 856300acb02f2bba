"""The categories that XGBoost stores since 3.1 (`model.cats`): what a column of a frame is recoded by."""

import numpy as np

from ferroshap.errors import ModelError
from ferroshap.inputs.categories import Categories, Category

from .record import Record

# Before, a text beyond ASCII is cut at the wrong bytes, so that the file does not say which categories it knows.
TEXTS_ARE_WHOLE_SINCE = (3, 4)
_CUT = (
    "XGBoost {} stores category names beyond ASCII cut at the wrong bytes: train again with 3.4 or later or with names in "
    "ASCII, or pass an array with the codes, the positions in the categories of training"
)

# Numbers of XGBoost's type list; unsigned ones are stored with the bits of signed ones of the same width.
INTEGER_TYPES = {
    9: "int8",
    10: "uint8",
    11: "int16",
    12: "uint16",
    13: "int32",
    14: "uint32",
    15: "int64",
    16: "uint64",
}


def stored_categories(model: Record, n_features: int, version: tuple[int, ...]) -> dict[int, Categories]:
    """Categories by column; empty where the model was not trained on a frame with categories, or before 3.1."""
    if "cats" not in model:
        return {}
    cats = model.record("cats")
    encoders = cats.sequence("enc")
    if len(encoders) not in (0, n_features):
        raise ModelError(f"{cats.at('enc')} holds {len(encoders)} columns, expected {n_features}")
    found = {}
    for column, encoder in enumerate(encoders):
        record = Record(encoder, f"{cats.at('enc')}[{column}]")
        if "type" not in record and version < TEXTS_ARE_WHOLE_SINCE and _beyond_ascii(record):
            found[column] = Categories((), "error", "string", _CUT.format(".".join(map(str, version)) or "before 3.4"))
            continue
        values, dtype = _integers(record) if "type" in record else (_texts(record), "string")
        if len(set(values)) != len(values):
            record.fail("values", "every category once")
        if values:
            found[column] = Categories(tuple(values), "error", dtype)
    return found


def _integers(record: Record) -> tuple[list[Category], str]:
    dtype = INTEGER_TYPES.get(record.whole("type"))
    if dtype is None:
        record.fail("type", f"one of {', '.join(map(str, INTEGER_TYPES))}: an integer type")
    signed = np.dtype(dtype.removeprefix("u"))
    values = record.whole_numbers("values")
    limits = np.iinfo(signed)
    low, high = limits.min, int(np.iinfo(dtype).max)
    if ((values < low) | (values > min(high, 2**63 - 1))).any():
        record.fail("values", f"numbers of type {dtype}")
    return values.astype(dtype).tolist(), dtype


def _beyond_ascii(record: Record) -> bool:
    values = record.whole_numbers("values")
    return bool(((values < 0) | (values > 127)).any())


def _texts(record: Record) -> list[Category]:
    """Texts cut from one run of UTF-8 bytes, which are stored as signed numbers."""
    offsets, values = record.whole_numbers("offsets"), record.whole_numbers("values")
    if ((values < -128) | (values > 255)).any():
        record.fail("values", "bytes")
    if not offsets.size:
        return []
    if offsets[0] != 0 or offsets[-1] != values.size or (np.diff(offsets) < 0).any():
        record.fail("offsets", f"ascending numbers from 0 to {values.size}, the length of values")
    data = values.astype(np.uint8).tobytes()
    try:
        return [data[a:b].decode() for a, b in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)]
    except UnicodeDecodeError:
        record.fail("values", "UTF-8")

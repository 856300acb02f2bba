"""ferroshap's own model file: a zip of numpy arrays and one JSON text, as numpy's `.npz`. Nothing in it is executed.

    ferroshap.json        {"format": "ferroshap-ensemble", "version": 1, "arrays": …, "schema": …, "info": …}
    <field>.npy           the arrays of `EnsembleArrays`, uncompressed

Members are stored, not compressed, so that a file costs what it is long. What is read is checked as any model file:
types and shapes here, the forest by the core.
"""

import io
import json
import tokenize
import zipfile
from dataclasses import fields
from typing import Any

import numpy as np

from ferroshap.errors import ModelError, OptionError
from ferroshap.inputs.categories import Categories
from ferroshap.inputs.schema import InputSchema

from .arrays import EnsembleArrays
from .info import ModelInfo, ParsedModel
from .record import Record
from .saved_link import read_link

MAGIC = b"PK\x03\x04"
HEADER = "ferroshap.json"
FORMAT = "ferroshap-ensemble"
VERSION = 1
DTYPES = {
    "tree_starts": "<i8", "tree_outputs": "<i4", "left": "<i4", "right": "<i4", "feature": "<i4", "threshold": "<f8",
    "flags": "|u1", "category_set": "<i4", "set_starts": "<i8", "set_words": "<u4", "values": "<f8", "cover": "<f8",
    "base": "<f8", "linear_starts": "<i8", "linear_features": "<i4", "linear_coefficients": "<f8", "linear_constants": "<f8",
}  # fmt: skip
SPACES = ("margin", "probability", "log-odds", "log-loss", "mean of trees", "target", "depth")
ORDERS = ("f32-from-base", "f32-from-zero-then-base", "f64-from-base", "f64-from-zero-then-base", "f64-mean")


def write_saved(parsed: ParsedModel) -> bytes:
    """The file's bytes; the same model gives the same bytes."""
    arrays = vars(parsed.arrays)
    schema = vars(parsed.schema) | {
        "categories": {str(column): vars(stored) for column, stored in sorted(parsed.schema.categories.items())},
        "categorical": sorted(parsed.schema.categorical),
    }
    plain = {name: value for name, value in arrays.items() if name not in DTYPES}
    header = {
        "format": FORMAT,
        "version": VERSION,
        "arrays": plain,
        "schema": schema,
        "info": vars(parsed.info) | {"best_iteration": None, "link": vars(parsed.info.link)},
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as members:
        members.writestr(zipfile.ZipInfo(HEADER), json.dumps(header))
        for name, dtype in DTYPES.items():
            if arrays[name] is not None:
                member = io.BytesIO()
                np.lib.format.write_array(member, np.ascontiguousarray(arrays[name], dtype), allow_pickle=False)
                members.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getvalue())
    return file.getvalue()


def parse_saved(data: bytes, *, iteration_range: Any = None, missing: Any = None) -> ParsedModel:
    """The model of a file's bytes."""
    if iteration_range is not None or missing is not None:
        raise OptionError(
            "iteration_range and missing are chosen when a model is read from its library's file; this one is saved with "
            "the choice made"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as members:
            if HEADER not in members.namelist():
                raise ModelError(f"a zip without {HEADER}: not a model that TreeEnsemble.save wrote")
            header = Record(json.loads(_member(members, HEADER)), "")
            _check_version(header)
            arrays = {name: _array(members, name, dtype) for name, dtype in DTYPES.items()}
    except (
        zipfile.BadZipFile,
        EOFError,
        OSError,
        OverflowError,
        RuntimeError,
        SyntaxError,
        tokenize.TokenError,
    ) as error:
        raise _damaged(error) from error
    except ValueError as error:  # JSON and numpy headers; the package's own errors are of this kind too
        raise error if isinstance(error, ModelError) else _damaged(error) from error
    ensemble = _ensemble(header.record("arrays"), arrays)
    n_features, n_outputs = ensemble.n_features, ensemble.n_outputs
    return ParsedModel(ensemble, _schema(header.record("schema"), n_features), _info(header.record("info"), n_outputs))


def _damaged(error: Exception) -> ModelError:
    """In short: zipfile quotes names as long as the file says they are."""
    return ModelError(f"a damaged model file: {str(error)[:200]}")


def _check_version(header: Record) -> None:
    if header.text("format") != FORMAT:
        header.fail("format", f'"{FORMAT}"')
    if header.whole("version") > VERSION:
        header.fail("version", f"at most {VERSION}; a newer ferroshap wrote this file: update ferroshap")


def _member(members: zipfile.ZipFile, name: str) -> bytes:
    entry = members.getinfo(name)
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
        raise ModelError(f"{name} is compressed, expected a stored member")
    return members.read(entry)


def _array(members: zipfile.ZipFile, name: str, dtype: str) -> Any:
    if f"{name}.npy" not in members.namelist():
        if name == "cover" or name.startswith("linear_"):
            return None
        raise ModelError(f"{name}.npy is missing")
    content = _member(members, f"{name}.npy")
    file = io.BytesIO(content)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ModelError(f"{name}.npy is of another version of numpy's format, expected 1.0")
    shape, by_columns, found = np.lib.format.read_array_header_1_0(file)
    dimensions = 2 if name == "values" else 1
    if found != np.dtype(dtype) or len(shape) != dimensions or by_columns:
        raise ModelError(f"{name} is {found} of shape {shape}, expected {np.dtype(dtype)} of {dimensions} dimensions")
    # From the bytes that are there: a shape is only a claim.
    array = np.frombuffer(content, dtype, offset=file.tell())
    return array.astype(array.dtype.newbyteorder("=")).reshape(shape)


def _ensemble(record: Record, arrays: dict[str, Any]) -> EnsembleArrays:
    if record.text("accumulation") not in ORDERS:
        record.fail("accumulation", f"one of {', '.join(ORDERS)}")
    flags: dict[str, Any] = {
        name: _flag(record, name) for name in ("round_to_float32", "flush_tiny", "truncate_category_first")
    }
    sizes: dict[str, Any] = {name: record.whole(name) for name in ("n_features", "n_outputs")}
    divisor = record.fields.get("divisor")
    if type(divisor) not in (int, float):
        record.fail("divisor", "a number")
    sizes["divisor"] = divisor
    return EnsembleArrays(**arrays, **sizes, **flags, accumulation=record.text("accumulation"))


def _schema(record: Record, n_features: int) -> InputSchema:
    names = _optional_texts(record, "feature_names")
    if names is not None and len(names) != n_features:
        record.fail("feature_names", f"{n_features} names, as many as features")
    stored = record.record("categories")
    columns = {str(column) for column in range(n_features)} if stored.fields else set()
    if not set(stored.fields) <= columns:
        record.fail("categories", "columns of the model")
    categorical = record.fields.get("categorical")
    if not isinstance(categorical, list) or not all(type(c) is int and 0 <= c < n_features for c in categorical):
        record.fail("categorical", "a list of columns")
    missing = record.fields.get("missing")
    if missing is not None and not isinstance(missing, float):
        record.fail("missing", "a number with a point, or null")
    absent, codes_below = record.text("absent"), None
    if absent not in {"missing", "zero", "refused"}:
        record.fail("absent", '"missing", "zero" or "refused"')
    if record.fields.get("codes_below") is not None:
        codes_below = record.whole("codes_below")
    known = {"n_features", "feature_names", "categories", "categorical", "missing", "absent", "codes_below"}
    flags = {f.name: _flag(record, f.name) for f in fields(InputSchema) if f.name not in known}
    return InputSchema(
        n_features=n_features,
        feature_names=names,
        categories={int(column): _categories(stored.record(column)) for column in stored.fields},
        categorical=frozenset(categorical),
        missing=missing,
        absent=absent,
        codes_below=codes_below,
        **flags,
    )


def _categories(record: Record) -> Categories:
    values = record.fields.get("values")
    if not isinstance(values, list) or not all(isinstance(v, str | int | float | None) for v in values):
        record.fail("values", "a list of texts, numbers and nulls")
    if len(set(values)) != len(values):
        record.fail("values", "every category once")
    unseen = record.text("unseen")
    if unseen not in {"error", "missing", "unknown", "other"}:
        record.fail("unseen", '"error", "missing", "unknown" or "other"')
    arrays_hold = record.text("arrays_hold")
    if arrays_hold not in {"codes", "values"}:
        record.fail("arrays_hold", '"codes" or "values"')
    dtype, defect = _optional_text(record, "dtype"), _optional_text(record, "defect")
    return Categories(tuple(values), unseen, dtype, defect, arrays_hold)


def _info(record: Record, n_outputs: int) -> ModelInfo:
    names = _optional_texts(record, "output_names")
    if names is None or len(names) != n_outputs:
        record.fail("output_names", f"{n_outputs} names, as many as outputs")
    choices = {
        "output_space": SPACES,
        "output_dtype": ("float32", "float64"),
        "cover_kind": ("hessian", "count", "weighted count", "none"),
    }
    chosen: dict[str, Any] = {name: record.text(name) for name in choices}
    for name, allowed in choices.items():
        if chosen[name] not in allowed:
            record.fail(name, f"one of {', '.join(allowed)}")
    return ModelInfo(
        family=record.text("family"),
        source=record.text("source"),
        objective=_optional_text(record, "objective"),
        link=read_link(record),
        output_names=names,
        best_iteration=None,  # the choice is made
        **chosen,
    )


def _flag(record: Record, name: str) -> bool:
    value = record.fields.get(name)
    if not isinstance(value, bool):
        record.fail(name, "true or false")
    return value


def _optional_text(record: Record, name: str) -> str | None:
    return None if record.fields.get(name) is None else str(record.text(name))


def _optional_texts(record: Record, name: str) -> tuple[str, ...] | None:
    return None if record.fields.get(name) is None else tuple(record.texts(name))

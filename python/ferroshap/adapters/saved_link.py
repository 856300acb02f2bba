"""The link of a model in ferroshap's own file."""

import math

from ferroshap.links import KINDS, Link, unknown

from .record import Record

UNSAVED = unknown(
    "the file was saved by a version of ferroshap that did not keep it; load the model from its library again and save it"
)


def read_link(info: Record) -> Link:
    """The link of a header's `info`; unknown where it has none."""
    if "link" not in info:
        return UNSAVED
    record = info.record("link")
    name, reason = (_optional_text(record, field) for field in ("kind", "reason"))
    kind = next((known for known in KINDS if known == name), None)
    if name != kind:
        record.fail("kind", f"null or one of {', '.join(KINDS)}")
    if (kind is None) != (reason is not None):
        record.fail("reason", "a text where kind is null, else null")
    scale = record.number("scale")
    if not 0.0 < scale < math.inf:
        record.fail("scale", "a number above 0")
    predicts_target = record.fields.get("predicts_target")
    if not isinstance(predicts_target, bool):
        record.fail("predicts_target", "true or false")
    return Link(kind, scale, reason, predicts_target)


def _optional_text(record: Record, name: str) -> str | None:
    return None if record.fields.get(name) is None else str(record.text(name))

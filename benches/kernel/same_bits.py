"""K10: runs that must have the same bits."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from .cases import case
from .peers import ours
from .readings import Reading


def same_bits(definition: dict[str, Any]) -> Iterator[Reading]:
    """How many of the ways to run have other bits than one thread with the default batch."""
    ways = [{"threads": threads} for threads in definition["threads"]]
    ways += [{"batch_rows": rows, "threads": threads} for rows in definition["batch_rows"] for threads in (1, 2)]
    for name in definition["data"]:
        given = case(name, definition["rows"], definition["background"])
        for design in ("per_reference", "shared"):
            args, options = (given.predict, given.background), {"design": design, "nsamples": definition["nsamples"]}
            expected = ours(*args, given.rows, **options)
            found = [ours(*args, given.rows, **options, **way) for way in ways]
            found.append(np.concatenate([ours(*args, row[None], **options) for row in given.rows]))
            found.append(
                np.concatenate([ours(*args, given.rows[:3], **options), ours(*args, given.rows[3:], **options)])
            )
            others = sum(values.tobytes() != expected.tobytes() for values in found)
            yield Reading("others", f"{name}, {design}, {len(found)} ways", float(others))

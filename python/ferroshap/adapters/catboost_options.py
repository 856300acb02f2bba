"""CatBoost writes the options of a training into its JSON, where unsigned numbers of 64 bits are beyond the reader's.

No such option is part of what a model predicts. They are cut down in the bytes, and the length stays, so that errors name
the right byte. Inside a text the quote before the colon would follow a backslash.
"""

import re

MOST = 2**63 - 1
WIDE = re.compile(rb'("(?:ctr_leaf_count_limit|random_seed)":\s*)([0-9]{19,20})(?![0-9.eE])')


def with_signed_options(data: bytes) -> bytes:
    """The bytes of a document, options beyond 2^63 − 1 as that number; others as they are."""
    return WIDE.sub(_signed, data) if data.lstrip()[:1] == b"{" and WIDE.search(data) else data


def _signed(found: re.Match[bytes]) -> bytes:
    number = found[2]
    return found[1] + (number if int(number) <= MOST else str(MOST).encode().ljust(len(number)))

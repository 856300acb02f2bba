"""Damage to a model file, by number: the same number gives the same damage."""

import io
import random
import re
import zipfile

NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
EXTREMES = (
    b"-1", b"0", b"1", b"7", b"-0", b"0.5", b"2147483647", b"2147483648", b"-2147483648", b"4294967295", b"999999999999",
    b"9223372036854775807", b"18446744073709551615", b"1e308", b"1e999", b"1e-320", b"NaN", b"nan", b"inf", b"null", b"[]",
    b"{}", b'""', b"true",
)  # fmt: skip
WORDS = (0, 1, 255, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)


def flipped(data, draw):
    """One to three bits turned over."""
    for _ in range(draw.randint(1, 3)):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def overwritten(data, draw):
    """A few bytes of noise."""
    at = draw.randrange(len(data))
    data[at : at + draw.randint(1, 8)] = draw.randbytes(draw.randint(1, 8))


def deleted(data, draw):
    """Some bytes gone."""
    at = draw.randrange(len(data))
    del data[at : at + draw.choice([1, 2, 4, 8, 40])]


def inserted(data, draw):
    """Some bytes more."""
    at = draw.randrange(len(data))
    data[at:at] = draw.randbytes(draw.choice([1, 2, 4, 8, 40]))


def truncated(data, draw):
    """The end missing."""
    del data[draw.randrange(len(data)) :]


def duplicated(data, draw):
    """A section there twice."""
    at, size = draw.randrange(len(data)), draw.choice([8, 40, 200, 1000])
    to = draw.choice([at, draw.randrange(len(data))])
    data[to:to] = data[at : at + size]


def cut(data, draw):
    """A section gone."""
    at = draw.randrange(len(data))
    del data[at : at + draw.choice([40, 200, 1000])]


def swapped(data, draw):
    """Two numbers of a text, or two words of anything else, in each other's place."""
    found = list(NUMBER.finditer(data)) if _is_text(data) else []
    if len(found) > 1:
        first, second = sorted(draw.sample(range(len(found)), 2))
        (a, b), (c, d) = found[first].span(), found[second].span()
        data[a:d] = data[c:d] + data[b:c] + data[a:b]
    elif len(data) > 16:
        a, b = (draw.randrange(len(data) - 8) for _ in range(2))
        data[a : a + 4], data[b : b + 4] = data[b : b + 4], data[a : a + 4]


def extreme(data, draw):
    """A number, such as a length, that is far from what it was."""
    found = list(NUMBER.finditer(data)) if _is_text(data) else []
    if found:
        a, b = draw.choice(found).span()
        data[a:b] = draw.choice(EXTREMES)
    elif len(data) > 8:
        at, size = draw.randrange(len(data) - 8), draw.choice([1, 2, 4, 8])
        number = draw.choice(WORDS) % 256**size
        data[at : at + size] = number.to_bytes(size, draw.choice(["big", "little"]))


DAMAGE = (flipped, overwritten, deleted, inserted, truncated, duplicated, cut, swapped, swapped, extreme, extreme)


def _is_text(data):
    return b"\0" not in data[:4096]


def damaged(data, number):
    """A damaged copy of `data`. Of a zip it is a member that is damaged, mostly, under a checksum that is right."""
    draw = random.Random(number)
    if data[:2] == b"PK" and draw.random() < 0.9:
        return _damaged_member(data, draw)
    copy = bytearray(data)
    _damage(copy, draw)
    return bytes(copy)


def _damage(data, draw):
    for _ in range(draw.choice([1, 1, 1, 2, 3])):
        if data:
            draw.choice(DAMAGE)(data, draw)


def _damaged_member(data, draw):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(entry.filename, archive.read(entry)) for entry in archive.infolist()]
    at = draw.randrange(len(members))
    if draw.random() < 0.4:  # what describes the arrays, more often than one among many of them
        at = next(i for i, (name, _) in enumerate(members) if name.endswith(".json"))
    content = bytearray(members[at][1])
    _damage(content, draw)
    members[at] = (members[at][0], bytes(content))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return made.getvalue()

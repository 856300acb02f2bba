"""The 32-bit number by which CatBoost knows a category: the low half of a 64-bit hash of its text in UTF-8.

The hash is CityHash64 in its first version (Pike and Alakuijala, 2011), as found in CatBoost's own files.
"""

WORD = (1 << 64) - 1
K0, K1, K2, K3 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F, 0xC949D7C7509E6557
FOLD = 0x9DDFEA08EB382D69


def category_hash(text: str) -> int:
    """The hash of a category, from 0 to 2^32 − 1."""
    return _hash(text.encode()) & 0xFFFFFFFF


def _hash(data: bytes) -> int:
    n = len(data)
    if n == 0:
        return K2
    if n <= 3:
        start, end = data[0] + (data[n >> 1] << 8), n + (data[-1] << 2)
        return _mixed(start * K2 ^ end * K3) * K2 & WORD
    if n <= 8:
        return _folded(n + (_half(data, 0) << 3), _half(data, n - 4))
    if n <= 16:
        first, last = _word(data, 0), _word(data, n - 8)
        return _folded(first, _turned(last + n, n)) ^ last
    if n <= 32:
        a, b, c, d = _word(data, 0) * K1, _word(data, 8), _word(data, n - 8) * K2, _word(data, n - 16) * K0
        return _folded(_turned(a - b, 43) + _turned(c, 30) + d, a + _turned(b ^ K3, 20) - c + n)
    if n <= 64:
        return _hash_to_64(data)
    return _hash_of_long(data)


def _hash_to_64(data: bytes) -> int:
    n = len(data)

    def half(a: int, first: int, last: int, middle: int) -> tuple[int, int]:
        b, c = _turned(a + last, 52), _turned(a, 37)
        a += first
        c += _turned(a, 7)
        a += middle
        return a + last, b + _turned(a, 31) + c

    a, b = half(_word(data, 0) + (n + _word(data, n - 16)) * K0, _word(data, 8), _word(data, 24), _word(data, 16))
    c, d = half(_word(data, 16) + _word(data, n - 32), _word(data, n - 24), _word(data, n - 8), _word(data, n - 16))
    return _mixed(_mixed((a + d) * K2 + (c + b) * K0) * K0 + b) * K2 & WORD


def _hash_of_long(data: bytes) -> int:
    """The end first, then 64 bytes at a time; the state is 56 bytes."""
    n = len(data)
    x, y, z = _word(data, 0), _word(data, n - 16) ^ K1, _word(data, n - 56) ^ K0
    v, w = _weak(data, n - 64, n, y), _weak(data, n - 32, n * K1, K0)
    z += _mixed(v[1]) * K1
    x, y = _turned(z + x, 39) * K1, _turned(y, 33) * K1
    for at in range(0, (n - 1) & ~63, 64):
        x = _turned(x + y + v[0] + _word(data, at + 16), 37) * K1 & WORD ^ w[1]
        y = _turned(y + v[1] + _word(data, at + 48), 42) * K1 & WORD ^ v[0]
        z = _turned(z ^ w[0], 33)
        v, w = _weak(data, at, v[1] * K1, x + w[0]), _weak(data, at + 32, z + w[1], y)
        x, z = z, x
    return _folded(_folded(v[0], w[0]) + _mixed(y) * K1 + z, _folded(v[1], w[1]) + x)


def _weak(data: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    """Two words of 32 bytes and two seeds."""
    w, x, y, z = (_word(data, at + step) for step in (0, 8, 16, 24))
    a += w
    b = _turned(b + a + z, 21)
    start = a
    a += x + y
    return (a + z) & WORD, (b + _turned(a, 44) + start) & WORD


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 8], "little")


def _half(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def _turned(value: int, bits: int) -> int:
    """Rotated to the right."""
    value &= WORD
    bits %= 64
    return (value >> bits | value << (64 - bits)) & WORD


def _mixed(value: int) -> int:
    value &= WORD
    return value ^ value >> 47


def _folded(a: int, b: int) -> int:
    """Two words as one."""
    a, b = a & WORD, b & WORD
    a = _mixed((a ^ b) * FOLD)
    return _mixed((b ^ a) * FOLD) * FOLD & WORD

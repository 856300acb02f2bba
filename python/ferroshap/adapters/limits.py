"""How much memory a model file may ask for: a few bytes of a broken file must not cost gigabytes."""

from ferroshap.errors import ModelError

OUTPUTS = 65_536
"""Outputs that a model may have without holding a tree or a vector element for each."""


def allowance(file_bytes: int) -> int:
    """Bytes that one array may take which is not stored one to one in a file of this size."""
    return 16 * 2**20 + 4 * file_bytes


def most_unpacked(file_bytes: int) -> int:
    """Bytes that a compressed file of this size may unpack to."""
    return 64 * 2**20 + 16 * file_bytes


def check_outputs(n_outputs: int, backed: int, field: str) -> None:
    """Refuses a number of outputs beyond what the file holds numbers for."""
    if n_outputs > max(OUTPUTS, backed):
        raise ModelError(
            f"{field} is {n_outputs}, expected at most {max(OUTPUTS, backed)}: the file holds no trees for so many"
        )

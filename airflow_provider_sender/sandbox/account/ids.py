"""Public ids: short strings like ``b6gXkQ``, computed from row numbers and back.

A bijection over the six-character strings of letters and digits, so ids need neither a column nor an index,
never collide, and say nothing about the order in which rows were made.
"""

from __future__ import annotations

import string
from zlib import crc32

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_LENGTH = 6
_SPACE: int = len(_ALPHABET) ** _LENGTH
# Any number without a factor in common with 62 (2 and 31) spreads neighbours over the whole space reversibly.
_STRIDE = 35_104_476_161
_BACK: int = pow(_STRIDE, -1, _SPACE)
_VALUE = {character: value for value, character in enumerate(_ALPHABET)}


def public_id(kind: str, number: int) -> str:
    """The public id of row ``number`` among the resources called ``kind``."""
    value = (number * _STRIDE + crc32(kind.encode())) % _SPACE
    characters = []
    for _ in range(_LENGTH):
        value, digit = divmod(value, len(_ALPHABET))
        characters.append(_ALPHABET[digit])
    return "".join(reversed(characters))


def row_number(kind: str, public: str) -> int | None:
    """The row number behind a public id, or ``None`` for a string that can be no id at all."""
    if len(public) != _LENGTH:
        return None
    value = 0
    for character in public:
        digit = _VALUE.get(character)
        if digit is None:
            return None
        value = value * len(_ALPHABET) + digit
    return (value - crc32(kind.encode())) * _BACK % _SPACE

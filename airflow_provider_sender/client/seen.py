"""Which rows have been read already, in a few bytes a row.

A Python ``set`` of a million ids takes over 100 MB. Here an id of up to eight bytes is kept as the number it is, a
longer one as 128 bits of its BLAKE2 digest, in a hash table with open addressing (Knuth, TAOCP vol. 3, section 6.4): 16
bytes a row for short ids, at most 64 for long ones.
"""

from __future__ import annotations

from array import array
from hashlib import blake2b

_SMALLEST = 1 << 10
_SCATTER = 0x9E3779B97F4A7C15  # 2**64 / golden ratio (Fibonacci hashing)
_SHORT = 8


class SeenKeys:
    """A set of keys that can only grow.

    :param expected: how many there will be, to spare growing; may be wrong.
    """

    def __init__(self, expected: int = 0) -> None:
        self._allocate(max(_SMALLEST, 1 << (2 * expected).bit_length()))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: str) -> bool:
        first, second = _words(key)
        return self._slot(first, second)[1]

    def add(self, key: str) -> bool:
        """Remember a key; return whether it is new."""
        first, second = _words(key)
        slot, is_known = self._slot(first, second)
        if is_known:
            return False
        self._put(slot, first, second)
        self._count += 1
        if 3 * self._count > 2 * len(self._first):
            self._grow()
        return True

    def _allocate(self, slots: int, *, with_digests: bool = False) -> None:
        self._first = array("Q", bytes(8 * slots))
        self._second = array("Q", bytes(8 * slots)) if with_digests else None
        self._mask = slots - 1

    def _slot(self, first: int, second: int) -> tuple[int, bool]:
        table, seconds, mask = self._first, self._second, self._mask
        slot = (first * _SCATTER >> 32) & mask
        while kept := table[slot]:
            if kept == first and (seconds[slot] if seconds else 0) == second:
                return slot, True
            slot = (slot + 1) & mask
        return slot, False

    def _put(self, slot: int, first: int, second: int) -> None:
        self._first[slot] = first
        if second and self._second is None:
            self._second = array("Q", bytes(8 * len(self._first)))
        if self._second is not None:
            self._second[slot] = second

    def _grow(self) -> None:
        first, second = self._first, self._second
        self._allocate(2 * len(first), with_digests=second is not None)
        for index, word in enumerate(first):
            if word:
                other = second[index] if second else 0
                self._put(self._slot(word, other)[0], word, other)


def _words(key: str) -> tuple[int, int]:
    encoded = key.encode()
    if 0 < len(encoded) <= _SHORT and encoded[-1]:
        return int.from_bytes(encoded, "little"), 0
    digest = blake2b(encoded, digest_size=16).digest()
    # Never zero: zero marks a free slot in the one table and a short key in the other.
    return int.from_bytes(digest[:8], "little") | 1, int.from_bytes(digest[8:], "little") | 1

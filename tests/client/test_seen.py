from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.client.seen import SeenKeys

# Short keys, keys about as long as what stands for longer ones, some with line ends and NULs, and long ones.
_KEYS = st.text("ab\n\0ž=", max_size=10) | st.text("ab=", min_size=18, max_size=26) | st.integers(0, 10**12).map(str)


@given(st.lists(_KEYS, max_size=300))
def test_it_is_a_set_whatever_the_keys(keys: list[str]) -> None:
    seen, plain = SeenKeys(), set[str]()

    for key in keys:
        assert (key in seen) == (key in plain)
        assert seen.add(key) == (key not in plain)
        plain.add(key)
        assert key in seen

    assert len(seen) == len(plain)


@given(st.lists(st.lists(_KEYS, max_size=20), max_size=20))
def test_many_keys_at_once_are_as_one_after_the_other(pages: list[list[str]]) -> None:
    at_once, one_by_one = SeenKeys(), SeenKeys()

    for page in pages:
        assert at_once.add_all(page) == [one_by_one.add(key) for key in page]

    assert len(at_once) == len(one_by_one)


def test_nothing_is_forgotten_and_nothing_made_up_when_there_are_many() -> None:
    seen = SeenKeys()
    keys = [f"{number:x}" for number in range(200_000)] + [f"subscriber-{number}@a.test" for number in range(20_000)]

    assert all(seen.add_all(keys))

    assert len(seen) == 220_000
    assert not any(seen.add_all(keys))
    assert all(key in seen for key in keys)
    # Beginnings, ends and neighbours of keys are no keys.
    assert not any(key in seen for key in ("", "z", "0", "0\n1", "subscriber-", "@a.test", "30d41") if key not in keys)


def test_half_a_key_is_another_key() -> None:
    seen = SeenKeys()
    seen.add_all(["a" * length for length in range(2, 40, 2)])

    assert [length for length in range(40) if "a" * length in seen] == list(range(2, 40, 2))


def test_short_ids_take_a_few_bytes_a_row_while_they_are_added_too() -> None:
    tracemalloc.start()
    try:
        seen = SeenKeys()
        before = tracemalloc.get_traced_memory()[0]
        for first in range(0, 300_000, 100):
            seen.add_all([f"{number:06x}" for number in range(first, first + 100)])
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert most - before <= 16 * 300_000

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.client.seen import SeenKeys

# Short keys, keys of eight and nine bytes, some with NULs at either end, and long ones.
_KEYS = st.text("ab\0ž", max_size=10) | st.text(min_size=8, max_size=12) | st.integers(0, 10**12).map(str)


@given(st.lists(_KEYS, max_size=300), st.integers(0, 5_000))
def test_it_is_a_set_whatever_the_keys(keys: list[str], expected: int) -> None:
    seen, plain = SeenKeys(expected), set[str]()

    for key in keys:
        assert (key in seen) == (key in plain)
        assert seen.add(key) == (key not in plain)
        plain.add(key)
        assert key in seen

    assert len(seen) == len(plain)


def test_nothing_is_forgotten_when_it_grows() -> None:
    seen = SeenKeys()
    keys = [f"{number:x}" for number in range(20_000)] + [f"subscriber-{number}" for number in range(5_000)]

    assert all(seen.add(key) for key in keys)

    assert len(seen) == 25_000
    assert all(key in seen for key in keys)
    assert not any(seen.add(key) for key in keys)
    assert "never-added" not in seen
    assert "z" not in seen


def test_a_first_long_key_does_not_disturb_short_ones_before_it() -> None:
    seen = SeenKeys()
    short = [str(number) for number in range(500)]
    for key in short:
        seen.add(key)

    assert seen.add("somebody@example.com")

    assert all(key in seen for key in short)
    assert "somebody@example.org" not in seen


def test_short_ids_take_a_few_bytes_a_row() -> None:
    seen = SeenKeys()
    for number in range(100_000):
        seen.add(f"{number:07x}")

    assert seen._second is None
    assert len(seen._first) * seen._first.itemsize <= 24 * 100_000

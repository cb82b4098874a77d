from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.sandbox.account.ids import public_id, row_number

kinds = st.sampled_from(["subscriber", "group", "campaign", "field"])


@given(kinds, st.integers(1, 10**9))
def test_an_id_leads_back_to_its_row(kind: str, number: int) -> None:
    found = public_id(kind, number)
    assert len(found) == 6
    assert found.isalnum()
    assert found.isascii()
    assert row_number(kind, found) == number


@given(kinds, st.text(max_size=8))
def test_any_string_is_an_id_or_none(kind: str, text: str) -> None:
    number = row_number(kind, text)
    assert number is None or public_id(kind, number) == text


def test_ids_of_other_kinds_do_not_meet() -> None:
    groups = {public_id("group", number) for number in range(1, 2000)}
    assert not groups & {public_id("subscriber", number) for number in range(1, 2000)}

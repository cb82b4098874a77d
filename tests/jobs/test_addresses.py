from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_sender.jobs.addresses import Addresses, State


@pytest.fixture
def people() -> Iterator[Addresses]:
    with Addresses() as opened:
        yield opened


def test_an_address_counts_once_and_its_last_row_is_the_one(people: Addresses) -> None:
    people.name("A@x.lt", 1, {"email": "A@x.lt"})
    people.name("b@x.lt", 2, {"email": "b@x.lt"})
    people.name("a@X.lt", 3, {"email": "a@X.lt"})
    assert people.duplicates == 1
    assert list(people.each(State.NAMED)) == ["a@X.lt", "b@x.lt"]
    assert people.row("A@X.LT") == (3, b'{"email":"a@X.lt"}')


def test_whoever_is_found_is_sent_as_the_account_spells_them(people: Addresses) -> None:
    people.name("a@x.lt", 1, {})
    people.find(["A@x.lt", "C@x.lt"])
    people.find(["a@x.lt", "c@x.lt"])  # as when the same row comes twice
    assert list(people.each(State.THERE)) == ["A@x.lt"]
    assert list(people.each(State.OTHER)) == ["C@x.lt"]


def test_states_change_one_by_one_or_all_together(people: Addresses) -> None:
    for line, address in enumerate(["a@x.lt", "b@x.lt", "c@x.lt"], start=1):
        people.name(address, line, None)
    people.settle(["A@x.lt", "nobody@x.lt"], State.JOIN)
    people.settle(["a@x.lt", "b@x.lt"], State.LEAVE, only=State.NAMED)
    assert [people.count(state) for state in (State.JOIN, State.LEAVE, State.NAMED)] == [1, 1, 1]
    people.move(State.LEAVE, State.JOIN)
    assert people.count(State.JOIN, State.NAMED) == 3
    assert people.last(State.JOIN) == "b@x.lt"
    assert people.last(State.GONE) is None


def test_all_are_gone_through_while_their_states_change(people: Addresses) -> None:
    for number in range(2_500):
        people.name(f"p{number}@x.lt", number, None)
    seen = []
    for address in people.each(State.NAMED):
        seen.append(address)
        people.settle([address], State.JOIN)
    assert sorted(seen) == sorted(f"p{number}@x.lt" for number in range(2_500))
    assert people.count(State.NAMED) == 0


def test_somebody_whose_address_begins_with_anything_is_there(people: Addresses) -> None:
    odd = ["!a@x.lt", "'b@x.lt", "Ünal@x.lt", "~z@x.lt", "名@x.lt"]
    for line, address in enumerate(odd, start=1):
        people.name(address, line, None)
    assert sorted(people.each(State.NAMED)) == sorted(odd)

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.errors import InvalidRequestError
from airflow_provider_sender.client.rate_headers import RateState
from airflow_provider_sender.jobs.batches import calls_for, cost, in_batches

REFUSED = InvalidRequestError("No.")


def caller(is_refused: Callable[[Sequence[str]], bool], made: list[int]) -> Callable[[Sequence[str]], str]:
    def call(batch: Sequence[str]) -> str:
        made.append(len(batch))
        if is_refused(batch):
            raise REFUSED
        return "done"

    return call


@given(st.integers(0, 60), st.integers(1, 12), st.integers(1, 12), st.sets(st.integers(0, 59), max_size=7))
def test_everybody_is_in_one_batch_and_only_those_who_are_refused_alone_are_refused(
    count: int, size: int, most: int, poison: set[int]
) -> None:
    addresses = [f"p{number}" for number in range(count)]
    bad = {addresses[number] for number in poison if number < count}

    def is_refused(batch: Sequence[str]) -> bool:
        return len(batch) > most or not bad.isdisjoint(batch)

    answers = list(in_batches(addresses, size, caller(is_refused, [])))

    assert [address for batch, _ in answers for address in batch] == addresses
    assert [batch for batch, answer in answers if answer is REFUSED] == [[each] for each in addresses if each in bad]


def test_where_only_shorter_calls_pass_no_more_long_ones_are_made() -> None:
    made: list[int] = []
    addresses = [f"p{number}" for number in range(1_000)]
    list(in_batches(addresses, 100, caller(lambda batch: len(batch) > 30, made)))
    assert made[:3] == [100, 50, 25]
    assert len(made) == 3 + 2 + 2 + 36
    assert sum(made) == 1_000 + 100 + 50 + 50


def test_one_bad_address_does_not_make_the_other_calls_shorter() -> None:
    made: list[int] = []
    addresses = [f"p{number}" for number in range(300)]
    list(in_batches(addresses, 100, caller(lambda batch: "p3" in batch, made)))
    assert made[-2:] == [100, 100]


def test_a_refusal_that_is_about_nobody_in_particular_is_not_asked_for_again_and_again() -> None:
    made: list[int] = []
    with pytest.raises(InvalidRequestError):
        list(in_batches([f"p{number}" for number in range(1_000)], 100, caller(lambda batch: True, made)))
    assert len(made) < 30


def test_nobody_is_asked_about_nobody() -> None:
    made: list[int] = []
    assert list(in_batches([], 100, caller(lambda batch: False, made))) == []
    assert made == []


def test_calls_and_what_they_cost() -> None:
    assert [calls_for(count, 100) for count in (0, 1, 100, 101)] == [0, 1, 1, 2]
    budget = Budget()
    assert cost(1_000, budget) == "1000 requests"
    budget.acquire()
    budget.answered(RateState(limit=300, remaining=299, reset=60.0))
    assert cost(299, budget) == "299 requests, under a minute of the account's quota"
    assert cost(1_000, budget) == "1000 requests, about 3 minutes of the account's quota"

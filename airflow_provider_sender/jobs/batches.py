"""Calls for many people at once, and what they cost.

How many a service takes in one call is documented nowhere, and one value it does not like may have a whole call
refused. So a call that is refused is made again in halves, until the refusal is about a single person.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.errors import InvalidRequestError, SenderError

AnswerT = TypeVar("AnswerT")
ItemT = TypeVar("ItemT")

# So many people refused one by one, and nobody accepted yet: then it is not about them.
_REFUSED_FOR_OTHER_REASONS = 8


class UnsettledError(SenderError):
    """A service accepted a change and does not show it. Running the job again is safe, and goes on where this ended."""

    retryable = True


def in_batches(
    addresses: Iterable[str], size: int, call: Callable[[Sequence[str]], AnswerT]
) -> Iterator[tuple[Sequence[str], AnswerT | InvalidRequestError]]:
    """Make a call for all of ``addresses``, and yield each batch with its answer.

    :param size: addresses a call takes at the most; where only smaller ones pass, those are made from then on.
    :return: an error only for a batch of one.
    :raises InvalidRequestError: when the service refuses whoever it is asked about.
    """
    source = iter(addresses)
    refused, is_anybody_accepted = 0, False
    while batch := list(itertools.islice(source, size)):
        refused_before, longest = refused, 0
        for part, answer in _in_halves(batch, call):
            if isinstance(answer, InvalidRequestError):
                refused += 1
                if not is_anybody_accepted and refused >= _REFUSED_FOR_OTHER_REASONS:
                    raise answer
            else:
                is_anybody_accepted, longest = True, max(longest, len(part))
            yield part, answer
        if refused == refused_before and len(batch) == size:
            size = longest  # the whole was refused for being too long, if it was


def _in_halves(
    batch: Sequence[str], call: Callable[[Sequence[str]], AnswerT]
) -> Iterator[tuple[Sequence[str], AnswerT | InvalidRequestError]]:
    try:
        answer = call(batch)
    except InvalidRequestError as error:
        if len(batch) == 1:
            yield batch, error
            return
    else:
        yield batch, answer
        return
    half = (len(batch) + 1) // 2
    yield from _in_halves(batch[:half], call)
    yield from _in_halves(batch[half:], call)


def in_chunks(items: Iterable[ItemT], size: int) -> Iterator[list[ItemT]]:
    """Yield lists of ``size``, the last one shorter."""
    source = iter(items)
    while chunk := list(itertools.islice(source, size)):
        yield chunk


def calls_for(count: int, size: int) -> int:
    """Return how many calls of ``size`` it takes."""
    return -(-count // size)


def cost(requests: int, budget: Budget) -> str:
    """Return what so many requests are of the account's quota, in words."""
    if budget.limit is None:
        return f"{requests} requests"
    minutes = requests / budget.limit
    length = "under a minute" if minutes < 1 else f"about {minutes:.0f} minutes"
    return f"{requests} requests, {length} of the account's quota"

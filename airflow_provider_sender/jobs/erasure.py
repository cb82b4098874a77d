"""People erased from an account, and seen to be gone.

A service deletes some time after it was asked to, and says nothing about whom it did not know. So whoever is there is
looked for beforehand, everybody is asked to be deleted, and those who were there are looked for until none of them is
found any more. Nothing is remembered from run to run: running it again is safe and finds what is left to do.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from airflow_provider_sender.client.errors import ConfigurationError, InvalidRequestError, SenderError
from airflow_provider_sender.client.paging import ListingReport, OnDrift
from airflow_provider_sender.client.service import Capability, Service
from airflow_provider_sender.jobs.addresses import AddressColumn, Addresses, State
from airflow_provider_sender.jobs.batches import UnsettledError, calls_for, cost, in_batches, in_chunks
from airflow_provider_sender.jobs.clock import Clock
from airflow_provider_sender.jobs.formats import SourceRow, UnreadableRow
from airflow_provider_sender.jobs.mapping import Rejected
from airflow_provider_sender.jobs.progress import Progress
from airflow_provider_sender.jobs.reading import subscriber_batches
from airflow_provider_sender.jobs.rejects import refused

log = logging.getLogger(__name__)

# Between two looks whether somebody is gone: the first, and the longest.
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0

# How many of the rows without an address an error points out.
_POINTED_OUT = 10


class ErasureRefusedError(SenderError):
    """The service refuses to delete some of the people; the others are gone."""


@dataclass(frozen=True)
class Erased:
    """What became of the people who were to be erased.

    :param deleted: were there and are there no more.
    :param missing: were not there.
    """

    deleted: int
    missing: int
    requests: int


def erase(
    service: Service,
    rows: Iterable[SourceRow | UnreadableRow],
    *,
    parameter: str,
    columns: Mapping[str, str | None] | None = None,
    timeout: float,
    clock: Clock | None = None,
) -> Erased:
    """Have the people of some rows deleted, and wait until they are gone.

    :param parameter: the user's parameter the rows come from, for the error.
    :param columns: source column -> what it is here; the address is in those that are ``email``.
    :param timeout: seconds after the last request to delete after which waiting fails.
    :raises ConfigurationError: before anything is sent, when a row holds no usable address.
    :raises ErasureRefusedError: when the service refuses some of them; the others are gone.
    :raises UnsettledError: when some are still there when the time is over.
    """
    clock = clock or Clock()
    requests_before = service.transport.requests_made
    refusals: dict[int, str] = {}
    with Addresses() as people:
        _stage(people, rows, columns, parameter)
        if people.count(State.NAMED):
            _look(service, people, State.NAMED, State.MISSING)
            refusals = _ask(service, people)
            _wait(service, people, timeout, clock)
        done = Erased(
            deleted=people.count(State.GONE),
            missing=people.count(State.MISSING),
            requests=service.transport.requests_made - requests_before,
        )
    log.info("Done: %d deleted and gone, %d were not there; %d requests", done.deleted, done.missing, done.requests)
    if refusals:
        raise ErasureRefusedError(f"{parameter}: {service.name} refuses to delete some; {_rows(refusals)}.")
    return done


def _stage(
    people: Addresses,
    rows: Iterable[SourceRow | UnreadableRow],
    columns: Mapping[str, str | None] | None,
    parameter: str,
) -> None:
    """Take in whom the rows name; one that names nobody stops it all, for somebody may have been meant."""
    column = AddressColumn(columns)
    bad: dict[int, str] = {}
    for line, row in enumerate(rows, start=1):
        address = Rejected(None, row.why) if isinstance(row, UnreadableRow) else column.address(row)
        if isinstance(address, Rejected):
            bad[line] = address.reason
        else:
            people.name(address, line, None)
    if bad:
        raise ConfigurationError(
            f"{parameter}: {len(bad)} rows hold no usable address ({_rows(bad)}). Nobody was deleted. Mend these rows, "
            "or name the column with the addresses: columns={'their column': 'email'}."
        )


def _rows(bad: Mapping[int, str]) -> str:
    """Say what is wrong with which rows."""
    some = [f"row {line}: {reason}" for line, reason in itertools.islice(bad.items(), _POINTED_OUT)]
    return "; ".join(some) + (" ..." if len(bad) > len(some) else "")


def _look(service: Service, people: Addresses, asked: State, absent: State) -> None:
    """Find out who of those in a state is there, one by one or by reading the account, whichever costs less."""
    count = people.count(asked)
    if count > 1 and Capability.LIST_ACCOUNT in service.capabilities:
        listing = service.subscribers()
        if calls_for(count, service.largest_lookup) > calls_for(listing.count(), listing.page_size) + 1:
            people.move(asked, State.UNTOLD)
            for rows in subscriber_batches(service, None, ListingReport(), OnDrift.REPAIR):
                found = (service.read_subscriber(row.raw).email for row in rows)
                people.settle((address for address in found if address), State.THERE, only=State.UNTOLD)
            people.move(State.UNTOLD, absent)
            return
    progress = Progress(log, "people looked up", service.transport.budget, total=count)
    for addresses in in_chunks(people.each(asked), service.largest_lookup):
        known = service.find_subscribers(addresses)
        for address in addresses:
            people.settle([address], State.THERE if address in known else absent)
        progress.advance(len(addresses))


def _ask(service: Service, people: Addresses) -> dict[int, str]:
    """Ask for everybody to be deleted, also those who were not seen: a service may not show a newcomer yet.

    Return the rows the service refuses, each with its reason.
    """
    there, missing = people.count(State.THERE), people.count(State.MISSING)
    requests = calls_for(there, service.largest_batch) + calls_for(missing, service.largest_batch)
    log.info(
        "Plan: %d to be deleted, %d are not there, %d duplicates; %s, and some to see that they are gone",
        there,
        missing,
        people.duplicates,
        cost(requests, service.transport.budget),
    )
    refusals: dict[int, str] = {}
    progress = Progress(log, "people to be deleted", service.transport.budget, total=there + missing)
    for state in (State.THERE, State.MISSING):
        for batch, answer in in_batches(people.each(state), service.largest_batch, service.delete_subscribers):
            if isinstance(answer, InvalidRequestError):
                refusals[people.row(batch[0])[0]] = refused(answer).reason
                people.settle(batch, State.REJECTED)
            progress.advance(len(batch))
    return refusals


def _wait(service: Service, people: Addresses, timeout: float, clock: Clock) -> None:
    """Wait until nobody is found any more who was there.

    As long as one of those asked for last is there, the others are not looked for.
    """
    began, pause = clock.running(), _FIRST_PAUSE
    asked = people.count(State.THERE)
    while (last := people.last(State.THERE)) is not None:
        if not service.find_subscribers([last]):
            people.settle([last], State.GONE)
            _look(service, people, State.THERE, State.GONE)
            if not people.count(State.THERE):
                return
        left = timeout - (clock.running() - began)
        if left <= 0:
            _look(service, people, State.THERE, State.GONE)
            break
        log.info("%d of %d are not seen to be gone yet", people.count(State.THERE), asked)
        clock.sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST_PAUSE)
    remaining = people.count(State.THERE)
    if remaining:
        raise UnsettledError(
            f"{remaining} of {asked} people whom {service.name} was asked to delete are still there after "
            f"{timeout:.0f} s. It deletes some time after it is asked. Run it again, which is safe, or raise timeout."
        )

"""A listing in memory whose rows come and go between any two requests."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from airflow_provider_sender.client.errors import InvalidRequestError
from airflow_provider_sender.client.paging import ListingReport, NumberedListing, OnDrift, Order, Page, Row
from airflow_provider_sender.client.seen import SeenKeys

_BEGINNING = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Person:
    """One row. ``moment`` is the second it was created in, counted from the beginning."""

    id: int
    moment: int

    @property
    def key(self) -> str:
        return f"{self.id * 7919 % 100_003:05d}-{self.id}"

    @property
    def created(self) -> str:
        moment = _BEGINNING + timedelta(seconds=self.moment)
        return moment.strftime("%Y-%m-%d %H:%M:%S" if self.id % 2 else "%Y-%m-%dT%H:%M:%S.000000Z")


Sort = Callable[[list[Person], Order, bool], list[Person]]


@dataclass
class Step:
    """What others do before one request: deletions first, each at a place between 0 and 1, then newcomers."""

    deletions: list[float] = field(default_factory=list)
    newcomers: int = 0
    insertions: list[float] = field(default_factory=list)


class MovingAccount(NumberedListing):
    """The listing.

    :param count: rows at the beginning.
    :param size: rows a page.
    :param ties: how many rows in a row share one second of creation.
    :param steps: what happens before each request; nothing once they are used up.
    :param sort: how the service really sorts, given the rows in creation order.
    """

    def __init__(
        self,
        count: int,
        size: int,
        *,
        ties: int = 1,
        steps: Iterable[Step] = (),
        sort: Sort | None = None,
        refuses_key: bool = False,
    ) -> None:
        self.size = size
        self.requests: list[tuple[int, Order, bool]] = []
        self._ties = ties
        self._made = 0
        self.people: list[Person] = []
        self._steps = iter(steps)
        self._sort = sort or as_asked
        self._refuses_key = refuses_key
        for _ in range(count):
            self._append()
        self.at_first: set[str] = set()
        self.has_lost_newcomers = False

    def page(self, number: int, order: Order, *, ascending: bool) -> Page:
        self._take(next(self._steps, Step()))
        if not self.requests:
            self.at_first = {person.key for person in self.people}
        self.requests.append((number, order, ascending))
        if order is Order.KEY and self._refuses_key:
            raise InvalidRequestError("The order is invalid.", status=422)
        people = self._sort(self.people, order, ascending)
        rows = [
            Row(person.key, person.created, msgspec.Raw(b"{}"))
            for person in people[(number - 1) * self.size : number * self.size]
        ]
        return Page(rows=rows, number=number, last=max(1, -(-len(people) // self.size)), total=len(people))

    @property
    def survivors(self) -> set[str]:
        """Who was there at the first request and is there still."""
        return self.at_first & {person.key for person in self.people}

    def read(self, on_drift: OnDrift = OnDrift.REPAIR) -> tuple[list[str], ListingReport]:
        """Walk to the end; return every key in the order it came."""
        report = ListingReport()
        keys = [row.key for rows in self.walk(SeenKeys(), report, on_drift) for row in rows]
        return keys, report

    def _append(self) -> None:
        self.people.append(Person(self._made, self._made // self._ties))
        self._made += 1

    def _take(self, step: Step) -> None:
        for place in step.deletions:
            if self.people:
                gone = self.people.pop(min(int(place * len(self.people)), len(self.people) - 1))
                self.has_lost_newcomers |= bool(self.requests) and gone.key not in self.at_first
        for place in step.insertions:
            index = int(place * len(self.people))
            moment = self.people[index].moment if index < len(self.people) else self._made
            self.people.insert(index, Person(self._made, moment))
            self._made += 1
        for _ in range(step.newcomers):
            self._append()


def as_asked(people: list[Person], order: Order, ascending: bool) -> list[Person]:
    if order is Order.KEY:
        people = sorted(people, key=lambda person: person.key)
    return people if ascending else people[::-1]


def newest_first(people: list[Person], order: Order, ascending: bool) -> list[Person]:
    """Ignore what was asked for."""
    return people[::-1]


def ignoring_direction(people: list[Person], order: Order, ascending: bool) -> list[Person]:
    return as_asked(people, order, False)


class UnstableTies:
    """Sorts rows created in the same second anew at every request."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def __call__(self, people: list[Person], order: Order, ascending: bool) -> list[Person]:
        if order is Order.KEY:
            return as_asked(people, order, ascending)
        shuffled = sorted(people, key=lambda person: (person.moment, self._random.random()))
        return shuffled if ascending else shuffled[::-1]


class Shuffled:
    """Sorts by nothing at all."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def __call__(self, people: list[Person], order: Order, ascending: bool) -> list[Person]:
        return self._random.sample(people, len(people))

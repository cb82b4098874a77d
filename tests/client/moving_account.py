"""A listing in memory whose rows come and go between any two requests."""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from airflow_provider_sender.client.errors import InvalidRequestError
from airflow_provider_sender.client.numbered import Ask, NumberedListing
from airflow_provider_sender.client.paging import ListingReport, OnDrift, Order, Page, Row
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
    :param at_once: how many stretches are read side by side; answers then come whenever ``seed`` has it.
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
        at_once: int = 1,
        seed: int = 0,
    ) -> None:
        self.size = size
        self._at_once = at_once
        self._chance = random.Random(seed)
        self.requests: list[tuple[int, Order, bool]] = []
        self._ties = ties
        self._made = 0
        self.people: list[Person] = []
        self.ever: list[Person] = []
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

    def side_by_side(self, pages: int, seconds: float) -> int:
        return self._at_once

    @contextlib.contextmanager
    def _asking(self, at_once: int) -> Iterator[Ask]:
        """Have requests arrive in any order, at any time between being made and being waited for."""
        under_way: dict[int, int] = {}
        answers: dict[int, Page] = {}

        def serve(ticket: int) -> None:
            answers[ticket] = self.page(under_way.pop(ticket), Order.CREATED, ascending=True)

        def ask(number: int) -> Callable[[], Page]:
            ticket = len(under_way) + len(answers)
            under_way[ticket] = number

            def answer() -> Page:
                for each in self._chance.sample(sorted(under_way), self._chance.randint(0, len(under_way))):
                    serve(each)
                if ticket not in answers:
                    serve(ticket)
                return answers[ticket]

            return answer

        yield ask

    @property
    def survivors(self) -> set[str]:
        """Who was there at the first request and is there still."""
        return self.at_first & {person.key for person in self.people}

    def read(
        self, on_drift: OnDrift = OnDrift.REPAIR, ends: Sequence[int] = (), since: int | None = None
    ) -> tuple[list[str], ListingReport]:
        """Walk to the end; return every key in the order it came.

        :param since: only those created in this second or later.
        :param ends: after so many batches the walk is given up, and another goes on from what is left of it.
        """
        moment = None if since is None else _BEGINNING + timedelta(seconds=since)
        keys: list[str] = []
        seen, report = SeenKeys(), ListingReport()
        for end in (*ends, None):
            for rows in itertools.islice(self.walk(seen, report, on_drift, moment), end):
                keys += [row.key for row in rows]
            if end is not None:
                report = msgspec.json.decode(msgspec.json.encode(report), type=ListingReport)
                seen = SeenKeys()
                for key in keys:
                    seen.add(key)
        return keys, report

    def _append(self) -> None:
        self.people.append(Person(self._made, self._made // self._ties))
        self.ever.append(self.people[-1])
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

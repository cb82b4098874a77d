"""Everything the sandbox knows while it runs."""

from __future__ import annotations

import asyncio

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.database import Database
from airflow_provider_sender.sandbox.clock import Clock
from airflow_provider_sender.sandbox.faults import Faults
from airflow_provider_sender.sandbox.ratelimit import RateLimit, SlidingLimit
from airflow_provider_sender.sandbox.service import Quota
from airflow_provider_sender.sandbox.settings import Settings
from airflow_provider_sender.sandbox.traffic import Traffic


class State:
    """The account, and what is done to its calls.

    :param token: the token that is accepted.
    :param settings: the knobs a reset goes back to.
    :param data: the SQLite file; ``None`` for memory.
    :param seed: what made-up data follows from.
    """

    def __init__(self, token: str, settings: Settings, data: str | None = None, seed: int = 0) -> None:
        self.base_settings = settings
        self.database = Database(data)
        ahead = self.database.row("SELECT ahead FROM clock")
        self.clock = Clock(0.0 if ahead is None else float(ahead[0]))
        self.account = Account(self.database, self.clock, settings, seed, token)
        self._begin()
        if not self.account.segments.all():
            self._furnish()

    @property
    def token(self) -> str:
        """The token that is accepted."""
        return self.account.token

    def _begin(self) -> None:
        # Set when this life of the account is over, so that a call still waiting then never reaches the next one.
        self.end = asyncio.Event()
        self.faults = Faults()
        self.traffic = Traffic()
        self.limits: dict[str, RateLimit | SlidingLimit] = {}

    def end_life(self) -> None:
        """Have no call that still waits happen any more."""
        self.end.set()

    def limit_of(self, service: str, quota: Quota) -> RateLimit | SlidingLimit:
        """The window of one of the quotas a service has."""
        kind = SlidingLimit if quota.is_sliding else RateLimit
        return self.limits.setdefault(f"{service} {quota.name}", kind())

    def reset(self, settings: Settings, subscribers: int) -> None:
        """Begin anew, as if the sandbox had just been started with these knobs and this many subscribers."""
        self.end_life()
        self.database.clear()
        self.clock.ahead = 0.0
        self._begin()
        self.account.settings = settings
        self._furnish()
        with self.database.transaction():
            self.account.seeding.people(subscribers, self.account.now)

    def advance(self, seconds: float) -> None:
        """Move the clock, for good when there is a file."""
        self.clock.advance(seconds)
        for limit in self.limits.values():
            limit.advance(seconds)
        with self.database.transaction():
            self.database.run("DELETE FROM clock")
            self.database.run("INSERT INTO clock VALUES (?)", (self.clock.ahead,))
            self.account.settle()

    def _furnish(self) -> None:
        """Put in what no service lets a client make through its API."""
        with self.database.transaction():
            now = self.account.now
            self.account.segments.make(now)
            for title, status in (("Welcome series", "ACTIVE"), ("Win back", "DRAFT")):
                self.account.documents.add("workflow", {"title": title, "status": status}, now)

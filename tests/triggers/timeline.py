"""Accounts whose campaigns are sent at given times, and people who wait for them; all in virtual time."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from airflow_provider_sender.client.campaigns import Campaign, CampaignsPage, CampaignState
from airflow_provider_sender.client.errors import NotFoundError, ServiceFailureError
from airflow_provider_sender.triggers import shared_poll
from airflow_provider_sender.triggers.campaigns import SenderCampaignTrigger
from tests.jobs.accounts import MemoryService
from tests.triggers.virtual_loop import run_virtually

NEVER = float("inf")


@dataclass
class Life:
    """What becomes of a campaign, by the time that has passed.

    :param sent: when it is sent.
    :param deleted: when it is deleted.
    :param state: what it is before.
    """

    sent: float = NEVER
    deleted: float = NEVER
    state: CampaignState = CampaignState.SENDING


class TimelineAccount(MemoryService):
    """An account in which things happen by themselves. Called from several threads."""

    def __init__(self, lives: dict[str, Life], *, batch: int = 100, fingerprint: str = "memory") -> None:
        super().__init__(batch=batch)
        self.lives = lives
        self.began = time.time()
        self.requests: list[tuple[float, str]] = []
        self.error: Callable[[float, str], Exception | None] = lambda passed, what: None
        self.fingerprint = fingerprint
        self._lock = threading.Lock()

    @property
    def passed(self) -> float:
        return time.time() - self.began

    def requests_between(self, start: float, end: float) -> int:
        return sum(start <= passed < end for passed, _ in self.requests)

    def _request(self, what: str) -> None:
        with self._lock:
            passed = self.passed
            self.requests.append((passed, what))
            error = self.error(passed, what)
            self.all_campaigns = {
                each: Campaign(each, state=CampaignState.SENT if life.sent <= passed else life.state)
                for each, life in self.lives.items()
                if life.deleted > passed
            }
        if error is not None:
            raise error

    def campaign(self, campaign_id: str) -> Campaign:
        self._request(campaign_id)
        if campaign_id not in self.all_campaigns:
            raise NotFoundError("There is no such thing in the account.")
        return msgspec.structs.replace(self.all_campaigns[campaign_id])

    def campaigns_page(self, number: int) -> CampaignsPage:
        self._request(f"page {number}")
        return super().campaigns_page(number)


@dataclass
class End:
    """How a wait ended.

    :param status: the event's.
    :param passed: when.
    """

    status: str
    passed: float
    message: str = ""


@dataclass
class Room:
    """People who wait at the same time.

    :param accounts: by connection.
    :param ends: how the waits ended, in the order they were begun.
    """

    accounts: dict[str, TimelineAccount]
    ends: list[End | None] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    began: float = field(default_factory=lambda: time.time())

    def enter(
        self, campaign_id: str, *, conn_id: str = "sender_default", timeout: float = 86_400, **options: Any
    ) -> int:
        """Begin to wait for a campaign; return which one this is."""
        now = time.time()
        given = {"poll_interval": 60.0, "draft_timeout": 600.0, **options}
        waiting = SenderCampaignTrigger(
            campaign_id=campaign_id, sender_conn_id=conn_id, began=now, end_time=now + timeout, **given
        )
        self.ends.append(None)
        self.tasks.append(asyncio.get_running_loop().create_task(self._wait(waiting, len(self.ends) - 1)))
        return len(self.tasks) - 1

    async def _wait(self, waiting: SenderCampaignTrigger, number: int) -> None:
        async for event in waiting.run():
            payload = event.payload
            self.ends[number] = End(payload["status"], time.time() - self.began, payload["message"])

    async def all_over(self) -> list[End]:
        """Return how all waits ended, once all are over; those that were cancelled or broke off have no end."""
        await asyncio.gather(*self.tasks, return_exceptions=True)
        return [end for end in self.ends if end is not None]


def lives(count: int, sent: Callable[[int], float] = lambda number: NEVER) -> dict[str, Life]:
    """Return campaigns c0, c1 ..., the oldest first."""
    return {f"c{number}": Life(sent(number)) for number in range(count)}


def in_a_room(
    monkeypatch: pytest.MonkeyPatch,
    accounts: Callable[[], dict[str, TimelineAccount]],
    what_happens: Callable[[Room], Coroutine[Any, Any, None]],
) -> Room:
    """Let people wait until all waits are over."""

    async def main() -> Room:
        room = Room(accounts())

        async def connect(conn_id: str) -> TimelineAccount:
            return room.accounts[conn_id]

        monkeypatch.setattr(shared_poll, "service_for_trigger", connect)
        await what_happens(room)
        await room.all_over()
        assert not shared_poll._polls
        return room

    return run_virtually(main, monkeypatch)


def away(start: float, end: float) -> Callable[[float, str], Exception | None]:
    """Return a service's being away for a while."""
    return lambda passed, what: ServiceFailureError("The service failed.") if start <= passed < end else None


def statuses(ends: Sequence[End | None]) -> list[str | None]:
    return [None if end is None else end.status for end in ends]

"""A thousand who wait on one account at the same time, in virtual time: how much they ask, and when they are told."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_sender.client.errors import (
    AuthenticationError,
    PermissionDeniedError,
    RateLimitError,
    ServiceFailureError,
    UnsupportedOperationError,
)
from airflow_provider_sender.client.records import CampaignState
from airflow_provider_sender.jobs.waiting import MOST_FAILURES_IN_A_ROW
from tests.triggers.timeline import NEVER, End, Life, Room, TimelineAccount, away, in_a_room, lives, statuses

MINUTE = 60.0


def one(account: TimelineAccount) -> dict[str, TimelineAccount]:
    return {"sender_default": account}


def lateness(room: Room, number: int, sent: float) -> float:
    end = room.ends[number]
    assert end is not None
    return end.passed - sent


def test_a_thousand_cost_at_most_fifteen_requests_an_interval_and_none_is_told_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance = random.Random(1)
    sent = [chance.uniform(0, 20 * MINUTE) for _ in range(1000)]

    async def all_come(room: Room) -> None:
        for number in range(1000):
            room.enter(f"c{number}")

    room = in_a_room(monkeypatch, lambda: one(TimelineAccount(lives(1000, lambda number: sent[number]))), all_come)
    account = room.accounts["sender_default"]
    assert set(statuses(room.ends)) == {"sent"}
    assert max(account.requests_between(start, start + MINUTE) for start in range(0, 1260, 5)) <= 15
    assert max(lateness(room, number, at) for number, at in enumerate(sent)) <= MINUTE


def test_those_who_come_one_by_one_cost_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    async def they_come(room: Room) -> None:
        for number in range(1000):
            room.enter(f"c{number}")
            await asyncio.sleep(0.7)

    room = in_a_room(monkeypatch, lambda: one(TimelineAccount(lives(1000, lambda number: 1500.0 + number))), they_come)
    account = room.accounts["sender_default"]
    assert max(account.requests_between(start, start + MINUTE) for start in range(0, 2600, 5)) <= 15
    assert max(lateness(room, number, 1500.0 + number) for number in range(1000)) <= MINUTE


def test_many_who_wait_for_one_campaign_cost_one_request(monkeypatch: pytest.MonkeyPatch) -> None:
    async def all_come(room: Room) -> None:
        for _ in range(300):
            room.enter("c7")

    room = in_a_room(monkeypatch, lambda: one(TimelineAccount(lives(5_000, lambda _: 150.0))), all_come)
    assert [what for _, what in room.accounts["sender_default"].requests] == ["c7"] * 4
    assert statuses(room.ends) == ["sent"] * 300

"""A thousand tasks that wait in one triggerer for the campaigns of one account: requests, lateness, the event loop.

In real time. First the service is well; then one of the campaigns does not exist, and the service is away for two
minutes. The peer's triggers each look for themselves. Like many of Airflow's providers' they end with an error when a
request fails.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import requests

from airflow_provider_sender.sandbox.remote import Sandbox
from benchmarks.table import Line

_COUNT = 1_000
_INTERVAL = 10.0
_QUIET_INTERVALS = 4
_OUTAGE = 120.0

_MOST_REQUESTS = 15
_LONGEST_BLOCK = 0.05
_PEER = "one poll a trigger"


@dataclass(frozen=True)
class _Waited:
    """How a crowd fared.

    :param requests: the most in one interval while nothing happened.
    :param late: seconds from when all was sent until the last trigger said so; None where none did.
    :param blocked: the longest time between two turns of the event loop, in seconds.
    :param busy: the longest part of such a time for which the process worked, in seconds; the rest others took.
    :param sent: triggers that saw their campaign sent.
    """

    requests: int
    late: float | None
    blocked: float
    busy: float
    sent: int


def crowd() -> Iterator[Line]:
    """Have a thousand triggers wait while all is well, and through an outage."""
    ours, theirs = (_wait(way, is_away=False) for way in ("ours", "each"))
    work = f"{_COUNT:,} triggers waiting, every {_INTERVAL:g} s"
    yield Line(
        f"{work}: requests an interval",
        f"{ours.requests:,}",
        _PEER,
        f"{theirs.requests:,}",
        theirs.requests / ours.requests,
        f"<= {_MOST_REQUESTS}",
        ours.requests <= _MOST_REQUESTS,
    )
    yield _of_lateness(f"{work}: the last hears of it", ours, theirs)
    yield _of_blocks(f"{work}: longest block of the event loop", ours, theirs)
    ours, theirs = (_wait(way, is_away=True) for way in ("ours", "each"))
    work = "... one campaign unknown, 120 s away"
    yield Line(
        f"{work}: triggers that saw the end",
        f"{ours.sent:,}",
        _PEER,
        f"{theirs.sent:,}",
        goal=f"{_COUNT:,}",
        is_reached=ours.sent == _COUNT,
    )
    yield _of_lateness(f"{work}: the last hears of it", ours, theirs)
    yield _of_blocks(f"{work}: longest block of the event loop", ours, theirs)


def _of_lateness(work: str, ours: _Waited, theirs: _Waited) -> Line:
    is_reached = ours.late is not None and ours.late < _INTERVAL
    return Line(
        work, _seconds(ours.late), _PEER, _seconds(theirs.late), goal=f"< {_INTERVAL:g} s", is_reached=is_reached
    )


def _of_blocks(work: str, ours: _Waited, theirs: _Waited) -> Line:
    figures = [f"{1000 * each.busy:.0f} ms (with other processes {1000 * each.blocked:.0f})" for each in (ours, theirs)]
    goal = f"<= {1000 * _LONGEST_BLOCK:g} ms"
    return Line(work, figures[0], _PEER, figures[1], goal=goal, is_reached=ours.busy <= _LONGEST_BLOCK)


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s after"


def _wait(way: str, *, is_away: bool) -> _Waited:
    with Sandbox.start() as box:
        box.settings(send_seconds=100_000)
        campaign_ids = _sending(box)
        if is_away:
            campaign_ids.insert(_COUNT // 2, "unknown")
        process = _start(box, way, campaign_ids)
        time.sleep(2 * _INTERVAL)  # a peer's start may take longer than an interval
        most = _most_requests(box)
        if is_away:
            box.fault("status", status=503, times=None)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_OUTAGE)
            box.clear_faults()
            time.sleep(_INTERVAL)
        box.advance(100_000)
        sent = time.time()
        found: dict[str, Any] = json.loads(process.communicate()[0].splitlines()[-1])
    ends = [ended for ended in found["ended"] if ended >= sent]
    return _Waited(
        most, max(ends) - sent if ends else None, found["blocked"], found["busy"], found["statuses"].get("sent", 0)
    )


def _most_requests(box: Sandbox) -> int:
    before = box.counters()["requests"]
    most = 0
    for _ in range(_QUIET_INTERVALS):
        time.sleep(_INTERVAL)
        now = box.counters()["requests"]
        most, before = max(most, now - before), now
    return most


def _start(box: Sandbox, way: str, campaign_ids: list[str]) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "AIRFLOW_CONN_SENDER_DEFAULT": json.dumps(box.connection),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    }
    command = [sys.executable, "-m", "benchmarks.waiters", way, str(_INTERVAL), "600"]
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdin is not None
    process.stdin.write("\n".join(campaign_ids))
    process.stdin.close()
    process.stdin = None
    return process


def _sending(box: Sandbox) -> list[str]:
    """Return a thousand campaigns that are being sent, as long as newsletters are."""
    box.seed(rows=[{"email": "ann@example.com"}])
    body = {"subject": "S", "from": "F", "reply_to": "f@example.com", "content_type": "html"}
    made = []
    with requests.Session() as session:
        session.headers.update({"Authorization": f"Bearer {box.token}", "Accept": "application/json"})
        for _ in range(_COUNT):
            answer = session.post(f"{box.sender_url}/campaigns", json={**body, "content": "<a>unsubscribe</a>" * 100})
            answer.raise_for_status()
            made.append(str(answer.json()["data"]["id"]))
            session.post(f"{box.sender_url}/campaigns/{made[-1]}/send").raise_for_status()
    return made

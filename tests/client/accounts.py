"""A client whose answers a test decides on, and whose waits are written down instead of waited for."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import requests_mock

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.sender.client import SenderClient
from airflow_provider_sender.client.sender.dialect import SenderDialect
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.client.transport import Transport
from airflow_provider_sender.sandbox.remote import Sandbox

BASE = "https://api.sender.test/v2"
TOKEN = "eyJ0eXAi.token-nobody-may-see.Zm9v"
ADDRESS = "jane.o'doe+news@example.com"


class Clock:
    """A clock that moves only when somebody waits.

    :param waits: where every wait is written down.
    """

    def __init__(self, waits: list[float] | None = None) -> None:
        self.waits: list[float] = waits if waits is not None else []
        self.time = 1_000.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds


def make_client(
    base_url: str = BASE, waits: list[float] | None = None, *, token: str = TOKEN, **settings: Any
) -> SenderClient:
    """A client that only writes down how long it would have waited."""
    clock = Clock(waits)
    checked = Settings(base_url, **settings).checked()
    budget = Budget(max_wait=checked.max_wait, clock=clock.now, sleep=clock.sleep)
    client = SenderClient(token, checked, budget)
    client.transport = Transport(SenderDialect(token), checked, budget, sleep=clock.sleep)
    return client


def client_of(sandbox: Sandbox, **settings: Any) -> SenderClient:
    return make_client(sandbox.sender_url, token=sandbox.token, **settings)


class Account:
    """What the other side says, and what was asked of it."""

    def __init__(self, mocker: requests_mock.Mocker) -> None:
        self.mocker = mocker
        self.waits: list[float] = []

    def client(self, **settings: Any) -> SenderClient:
        return make_client(waits=self.waits, **settings)

    def answers(self, *answers: dict[str, Any]) -> None:
        """Give these to whatever is asked, one after another; the last one for ever."""
        self.mocker.register_uri(requests_mock.ANY, requests_mock.ANY, list(answers))

    @property
    def requests(self) -> list[tuple[str, str]]:
        """Method and path (below the base) of every request, as they went over the wire."""
        return [(sent.method, urlsplit(sent.url).path.removeprefix("/v2")) for sent in self.mocker.request_history]

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(sent.body) if sent.body else None for sent in self.mocker.request_history]


def page_of(*rows: dict[str, Any], number: int = 1, last: int = 1, total: int | None = None) -> dict[str, Any]:
    """A list answer, with the links the service really gives."""
    return {
        "json": {
            "data": list(rows),
            "links": {"next": "https://app.sender.net/client-api/api/subscribers?page=2"},
            "meta": {
                "current_page": number,
                "last_page": last,
                "total": len(rows) if total is None else total,
                "from": None,
                "to": None,
                "path": "https://app.sender.net/client-api/api/subscribers",
            },
        }
    }

"""A mail under a key, on a service that sends one mail for each: whatever kills a try, the next one goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests
import requests_mock

from airflow_provider_sender.client.errors import OutcomeUnknownError, ServiceFailureError
from airflow_provider_sender.client.service import Capability
from airflow_provider_sender.jobs.message import message_from, send_message_once
from tests.client.sendara_account import SendaraAccount, account_behind
from tests.jobs.accounts import MemoryService

MAIL: dict[str, Any] = {
    "to": "ann@example.com",
    "subject": "Your receipt",
    "html": "<p>Thank you</p>",
    "from_email": "shop@example.com",
}


class Killed(BaseException):
    """A worker's death: nothing of its process runs any more."""


class Notes:
    """What a task notes, on an Airflow that keeps it."""

    def __init__(self) -> None:
        self.facts: dict[str, str] = {}

    def noted(self) -> Mapping[str, str]:
        return dict(self.facts)

    def note(self, **facts: str) -> None:
        self.facts |= facts


class NoNotes(Notes):
    """On one that does not."""

    def noted(self) -> Mapping[str, str]:
        return {}


@pytest.fixture
def account() -> Iterator[SendaraAccount]:
    with requests_mock.Mocker() as mocker:
        yield account_behind(mocker)


def send(account: SendaraAccount, notes: Notes, tries: str = "2", run: str = "dag/task/run/-1") -> str | None:
    return send_message_once(
        account.service(max_retries=0), message_from(MAIL, account.service()), tries, notes, run=run
    )


@pytest.mark.parametrize("keeps", [Notes, NoNotes])
@pytest.mark.parametrize("committed", [False, True])
def test_a_try_that_was_killed_is_gone_on_with(account: SendaraAccount, keeps: type[Notes], committed: bool) -> None:
    notes = keeps()

    def kill(method: str, path: str) -> None:
        if committed:
            account.send(account.bodies[-1])
        raise Killed

    account.before = kill
    with pytest.raises(Killed):
        send(account, notes)
    account.before = lambda method, path: None

    assert send(account, notes) == "msg_1"
    assert len(account.messages) == 1


def test_a_service_that_failed_is_asked_again_by_the_next_try(account: SendaraAccount) -> None:
    notes = Notes()

    def fail(method: str, path: str) -> None:
        account.send(account.bodies[-1])
        raise requests.ConnectionError

    account.before = fail
    with pytest.raises(ServiceFailureError) as failed:
        send(account, notes)
    assert failed.value.retryable
    account.before = lambda method, path: None

    assert send(account, notes) == "msg_1"
    assert len(account.messages) == 1


def test_clearing_the_task_or_another_run_sends_anew(account: SendaraAccount) -> None:
    sent = {send(account, NoNotes()), send(account, NoNotes(), tries="5"), send(account, NoNotes(), run="other")}

    assert len(sent) == len(account.messages) == 3


def test_the_key_tells_nobody_the_names_of_dags(account: SendaraAccount) -> None:
    send(account, Notes())

    (key,) = account.messages
    assert key.startswith("airflow-")
    assert "dag" not in key.removeprefix("airflow-")


def test_without_keys_a_killed_try_still_stops_the_next() -> None:
    def kill(call: str) -> None:
        raise Killed

    class Keyless(MemoryService):
        capabilities = frozenset(Capability) - {Capability.IDEMPOTENT_MESSAGES}

    notes, service = Notes(), Keyless(before=kill)
    with pytest.raises(OutcomeUnknownError):
        send_message_once(service, message_from(MAIL, service), "2", notes, run="run")
    with pytest.raises(OutcomeUnknownError):
        send_message_once(service, message_from(MAIL, service), "2", notes, run="run")
    assert service.calls == ["send_message"]

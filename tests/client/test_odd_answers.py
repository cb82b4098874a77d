"""Answers that leave something out or cannot be read: what is made of them, and that no error shows what they held."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
import requests_mock

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.errors import OutcomeUnknownError, ServiceFailureError
from airflow_provider_sender.client.records import SubscriberChange
from airflow_provider_sender.client.rows import Write
from airflow_provider_sender.client.sendara_account_records import SendaraKey, SendaraWebhook
from airflow_provider_sender.client.sendpulse import SendPulseClient
from airflow_provider_sender.client.sendpulse_service import SendPulseService
from airflow_provider_sender.client.transport import Settings
from tests.client.sendara_account import account_behind

BASE = "https://api.sendpulse.test"


@pytest.fixture
def wire() -> Iterator[requests_mock.Mocker]:
    with requests_mock.Mocker() as mocker:
        yield mocker


@pytest.fixture
def sendpulse(request: pytest.FixtureRequest) -> SendPulseService:
    # A key for each test: what is known of an account is kept as long as the process.
    key = f"key-{request.node.name}"
    return SendPulseService(SendPulseClient(None, key, Settings(BASE, max_retries=0).checked(), Budget()))


def test_a_mailing_list_that_was_made_without_an_id_is_no_list_named_none(
    wire: requests_mock.Mocker, sendpulse: SendPulseService
) -> None:
    wire.post(f"{BASE}/addressbooks", json={"result": True})
    with pytest.raises(OutcomeUnknownError):
        sendpulse.client.create_mailing_list("Readers")
    with pytest.raises(ServiceFailureError):
        sendpulse.claim("[key abc]")


def test_a_mailing_list_that_cannot_be_read_is_an_error_of_the_service_s(
    wire: requests_mock.Mocker, sendpulse: SendPulseService
) -> None:
    wire.get(f"{BASE}/addressbooks", json=[{"id": "none", "name": "ann@example.com"}])
    with pytest.raises(ServiceFailureError, match="A row of SendPulse's cannot be read") as raised:
        sendpulse.groups()
    assert "ann@example.com" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_time_zone_that_may_not_be_read_is_asked_for_once(
    wire: requests_mock.Mocker, sendpulse: SendPulseService
) -> None:
    denied = wire.get(f"{BASE}/user/info", status_code=403, json={"message": "Access denied"})
    wire.get(f"{BASE}/campaigns", json=[{"id": number, "send_date": "2026-01-05 10:00:00"} for number in range(5)])
    assert len(sendpulse.campaigns_page(1).campaigns) == 5
    assert denied.call_count == 1


def test_an_envelope_without_its_rows_is_an_error_that_holds_nothing_of_it(wire: requests_mock.Mocker) -> None:
    client = account_behind(wire).client(max_retries=0)
    wire.get(requests_mock.ANY, json={"suppressions": [{"recipient": ["ann@example.com"]}]})
    with pytest.raises(ServiceFailureError, match="suppressions is not there") as raised:
        client.list_suppressions()
    assert "ann@example.com" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_a_contact_that_is_created_without_a_word_of_its_id_is_found_for_its_lists(wire: requests_mock.Mocker) -> None:
    account = account_behind(wire)
    account.lists["list_a"] = []
    create = account.create
    account.create = lambda body: {**create(body), "id": ""}  # type: ignore[method-assign]
    change = SubscriberChange("ann@example.com", email="ann@example.com", groups=("list_a",))

    (result,) = account.service().write_subscribers([Write(change, is_new=True)], trigger_automation=False)

    assert result.refusal is None
    assert account.lists["list_a"] == [account.person("ann@example.com")["id"]]


@pytest.mark.parametrize("holder", [SendaraKey(id="k", key="sk_live_1"), SendaraWebhook("w", signing_secret="whsec_1")])
def test_what_holds_a_secret_does_not_show_it(holder: SendaraKey | SendaraWebhook) -> None:
    secret = holder.key if isinstance(holder, SendaraKey) else holder.signing_secret
    assert secret
    assert secret not in f"{holder} {holder!r}"
    assert secret in msgspec.json.encode(holder).decode()

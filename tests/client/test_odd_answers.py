"""Answers that leave something out or cannot be read: what is made of them, and that no error shows what they held."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import requests_mock

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.campaigns import CampaignDefinition, CampaignState
from airflow_provider_sender.client.errors import AuthenticationError, OutcomeUnknownError, ServiceFailureError
from airflow_provider_sender.client.paging import Listing, ListingReport, OnDrift
from airflow_provider_sender.client.rows import Write
from airflow_provider_sender.client.seen import SeenKeys
from airflow_provider_sender.client.sendara.account_records import SendaraKey, SendaraWebhook
from airflow_provider_sender.client.sendara.service import SendaraService
from airflow_provider_sender.client.sendpulse.client import SendPulseClient
from airflow_provider_sender.client.sendpulse.lists import ListSubscribers, MembersListing, campaigns_listing
from airflow_provider_sender.client.sendpulse.service import SendPulseService
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.client.subscribers import SubscriberChange
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


@pytest.mark.parametrize(
    "listing",
    [campaigns_listing, lambda client: MembersListing(client, "1"), lambda client: ListSubscribers(client, "1")],
    ids=["campaigns", "members", "subscribers"],
)
@pytest.mark.parametrize(
    "rows",
    [
        [{"message": "Not found", "error_code": 213}],
        [{"phone": 380501112233, "variables": []}],
        [{"email": ""}],
    ],
)
def test_a_row_that_nothing_tells_from_others_is_no_row(
    wire: requests_mock.Mocker,
    sendpulse: SendPulseService,
    listing: Callable[[SendPulseClient], Listing],
    rows: list[object],
) -> None:
    wire.get(requests_mock.ANY, json=rows)
    with pytest.raises(ServiceFailureError, match="neither id nor address"):
        list(listing(sendpulse.client).walk(SeenKeys(), ListingReport(), OnDrift.REPAIR))


@pytest.mark.parametrize(
    "answer", [{"text": "<html>", "status_code": 200}, {"text": ""}, {"status_code": 204}, {"status_code": 502}]
)
def test_what_is_no_answer_is_asked_for_again_or_unknown(
    wire: requests_mock.Mocker, sendpulse: SendPulseService, answer: dict[str, Any]
) -> None:
    wire.register_uri(requests_mock.ANY, requests_mock.ANY, **answer)
    sendara = account_behind(wire).client(max_retries=0)
    wire.register_uri(requests_mock.ANY, requests_mock.ANY, **answer)
    for reads in (sendpulse.groups, lambda: sendpulse.campaign("1"), sendara.list_lists, sendara.list_contacts):
        with pytest.raises(ServiceFailureError) as raised:
            reads()
        assert raised.value.retryable
    for makes in (lambda: sendpulse.client.create_campaign({}), lambda: sendpulse.client.create_template("<p>")):
        with pytest.raises(OutcomeUnknownError):
            makes()
    with pytest.raises(OutcomeUnknownError):
        SendaraService(sendara).create_campaign(
            CampaignDefinition("News", "Ann", "ann@shop.example", html="x", group_ids=("list_a",)), "News"
        )


def test_a_template_that_was_made_without_an_id_is_none_named_none(
    wire: requests_mock.Mocker, sendpulse: SendPulseService
) -> None:
    wire.post(f"{BASE}/template", json={"result": True})
    with pytest.raises(OutcomeUnknownError):
        sendpulse.client.create_template("<p>")


def test_of_a_campaign_that_was_made_the_id_alone_matters(
    wire: requests_mock.Mocker, sendpulse: SendPulseService
) -> None:
    odd = {"id": "12", "status": "", "count": "", "tariff_email_qty": 0.5, "overdraft_price": None}
    wire.post(f"{BASE}/campaigns", json=odd)
    assert sendpulse.client.create_campaign({}).id == 12


@pytest.mark.parametrize("sent", [None, 0, 1767607200, "", "0000-00-00 00:00:00"], ids=range(5))
def test_a_campaign_of_an_unreadable_time_is_one(
    wire: requests_mock.Mocker, sendpulse: SendPulseService, sent: object
) -> None:
    wire.get(f"{BASE}/user/info", json={"id": 1, "locale": "UTC"})
    wire.get(f"{BASE}/campaigns/1", json={"id": 1, "status": 3, "send_date": sent, "message": {"sender_email": None}})
    campaign = sendpulse.campaign("1")
    assert (campaign.state, campaign.sent_at, campaign.sender_address) == (CampaignState.SENT, None, None)


@pytest.mark.parametrize("lifetime", [{}, {"expires_in": None}, {"expires_in": "3600"}])
def test_a_token_whose_life_is_not_told_lasts_its_hour(
    wire: requests_mock.Mocker, request: pytest.FixtureRequest, lifetime: dict[str, object]
) -> None:
    token = wire.post(f"{BASE}/oauth/access_token", json={"access_token": "t", **lifetime})
    wire.get(f"{BASE}/senders", json=[])
    client = SendPulseClient("id", f"secret-{request.node.name}", Settings(BASE, max_retries=0).checked(), Budget())
    assert [client.list_senders(), client.list_senders()] == [[], []]
    assert token.call_count == 1


def test_credentials_refused_within_200_are_asked_about_once(
    wire: requests_mock.Mocker, request: pytest.FixtureRequest
) -> None:
    token = wire.post(f"{BASE}/oauth/access_token", json={"error": "invalid_client", "error_description": "No."})
    client = SendPulseClient("id", f"secret-{request.node.name}", Settings(BASE, max_retries=3).checked(), Budget())
    with pytest.raises(AuthenticationError):
        client.list_senders()
    assert token.call_count == 1


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

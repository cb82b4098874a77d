"""Campaigns that are on their way as they are made: SendPulse's, and scheduled ones of Sendara's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.campaigns import CampaignDefinition
from airflow_provider_sender.client.errors import OutcomeUnknownError, UnsupportedOperationError
from airflow_provider_sender.client.sendara.client import RATE_WINDOW, SendaraClient
from airflow_provider_sender.client.sendara.service import SendaraService
from airflow_provider_sender.client.sendpulse.client import SendPulseClient
from airflow_provider_sender.client.sendpulse.service import SendPulseService
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.client.sliding import SlidingBudget
from airflow_provider_sender.jobs.marks import marker_of
from airflow_provider_sender.jobs.preflight import Sending, SendRefusedError
from airflow_provider_sender.jobs.scheduling import cancel
from airflow_provider_sender.jobs.send import send_once
from airflow_provider_sender.jobs.starting import ClaimedElsewhereError, SentTooSoonError
from airflow_provider_sender.sandbox.remote import Json, Sandbox
from tests.jobs.runs import Notes, Nowhere

KEY = "weekly-1"
SETTLE_TIME = 0.1


def sendpulse(sandbox: Sandbox) -> SendPulseService:
    # What makes a claim old: a second and a half.
    settings = Settings(sandbox.sendpulse_url, settle_time=SETTLE_TIME, timeout=1.0, max_wait=0.3, max_retries=2)
    return SendPulseService(SendPulseClient(None, sandbox.token, settings.checked(), Budget(max_wait=0.3)))


def sendara(sandbox: Sandbox) -> SendaraService:
    settings = Settings(sandbox.sendara_url, settle_time=SETTLE_TIME, timeout=1.0, max_wait=0.3, max_retries=2)
    return SendaraService(SendaraClient(sandbox.token, settings.checked(), SlidingBudget(window=RATE_WINDOW)))


@pytest.fixture
def account(sender_sandbox: Sandbox) -> Sandbox:
    """An account with three people who can be mailed, all of them in the group "All"."""
    sender_sandbox.reset(send_seconds=0.2)
    sender_sandbox.seed(rows=[{"email": f"{name}@x.lt", "groups": ["All"]} for name in "abc"])
    return sender_sandbox


def sending(service: Service, key: str = KEY, **changes: Any) -> Sending:
    group = next(group.id for group in service.groups() if group.title == "All")
    definition = CampaignDefinition("News", "The Shop", "shop@example.com", html="<p>Hello</p>", group_ids=(group,))
    return replace(Sending(key, definition=definition), **changes)


def later(**delta: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(**delta)


def mails(sandbox: Sandbox) -> tuple[int, int]:
    counters = sandbox.counters()
    return counters["mails"], counters["max_mails_per_recipient"]


def test_a_claim_is_one_runs_at_a_time_and_no_mailing_list_to_anybody_else(account: Sandbox) -> None:
    service = sendpulse(account)
    claim = service.claim("[key 1]")
    assert claim is not None
    assert service.claim("[key 1]") is None
    assert service.claims("[key 1]") == [claim]
    assert [group.title for group in service.groups()] == ["All"]
    service.release(claim)
    service.release(claim)
    assert service.claims("[key 1]") == []


def test_a_campaign_is_started_once_and_leaves_no_claim(account: Sandbox) -> None:
    service = sendpulse(account)
    sent = send_once(service, sending(service), Notes())
    assert send_once(service, sending(service), Nowhere()).id == sent.id
    assert mails(account) == (3, 1)
    assert service.claims(marker_of(KEY)) == []
    assert sent.title.startswith(marker_of(KEY))


def test_a_claim_left_by_a_run_that_was_killed_is_waited_for_and_then_given_up(account: Sandbox) -> None:
    service = sendpulse(account)
    assert service.claim(marker_of(KEY)) is not None
    slept: list[float] = []
    send_once(service, sending(service), Notes(), sleep=slept.append)
    settings = service.transport.settings
    assert sum(slept) >= settings.max_wait + settings.timeout + 2 * settings.settle_time
    assert mails(account) == (3, 1)


def test_whoever_finds_the_claim_taken_takes_up_the_other_runs_campaign(account: Sandbox) -> None:
    service, other = sendpulse(account), sendpulse(account)
    claim = other.claim(marker_of(KEY))
    assert claim is not None

    def meanwhile(seconds: float) -> None:
        if not other.campaigns_titled(marker_of(KEY)) and seconds > SETTLE_TIME:
            definition = sending(other).definition
            assert definition is not None
            other.start_campaign(definition, f"{marker_of(KEY)} News", None)

    send_once(service, sending(service), Notes(), sleep=meanwhile)
    assert mails(account) == (3, 1)
    assert service.claims(marker_of(KEY)) == [claim]  # its holder gives it up


def test_claims_that_others_take_again_and_again_send_nothing_and_are_worth_a_retry(account: Sandbox) -> None:
    service, other = sendpulse(account), sendpulse(account)
    other.claim(marker_of(KEY))

    def taken_over(seconds: float) -> None:
        for claim in other.claims(marker_of(KEY)):
            other.release(claim)
        other.claim(marker_of(KEY))

    with pytest.raises(ClaimedElsewhereError):
        send_once(service, sending(service), Notes(), sleep=taken_over)
    assert mails(account) == (0, 0)


@pytest.mark.parametrize("fault", ["drop_after", "truncate"])
def test_a_lost_answer_is_found_out_by_looking(account: Sandbox, fault: str) -> None:
    service = sendpulse(account)
    account.fault(fault, "/campaigns", "POST")
    send_once(service, sending(service), Notes())
    assert mails(account) == (3, 1)
    assert service.claims(marker_of(KEY)) == []


def test_a_call_that_was_lost_on_the_way_keeps_its_claim_until_it_cannot_arrive_any_more(account: Sandbox) -> None:
    service = sendpulse(account)
    account.fault("drop_before", "/campaigns", "POST")
    with pytest.raises(OutcomeUnknownError, match="Look at the campaigns in SendPulse"):
        send_once(service, sending(service), Notes())
    assert len(service.claims(marker_of(KEY))) == 1
    send_once(service, sending(service), Notes())
    assert mails(account) == (3, 1)


@pytest.mark.parametrize("status", [422, 403])
def test_a_refused_campaign_is_told_in_the_services_words_and_leaves_no_claim(account: Sandbox, status: int) -> None:
    service = sendpulse(account)
    body: dict[str, Json] = {"message": "Sender is not valid", "error_code": 704}
    account.fault("status", "/campaigns", "POST", status=status, body=body)
    with pytest.raises(Exception, match="Sender is not valid"):
        send_once(service, sending(service), Notes())
    assert service.claims(marker_of(KEY)) == []
    assert mails(account) == (0, 0)


def test_a_draft_cannot_be_sent_and_that_is_said_before_the_first_request(account: Sandbox) -> None:
    service = sendpulse(account)
    before = account.counters()["requests"]
    with pytest.raises(UnsupportedOperationError, match="Give campaign instead of campaign_id"):
        send_once(service, Sending(KEY, campaign_id="1"), Notes())
    assert account.counters()["requests"] == before


def test_a_service_that_sends_at_once_what_was_to_be_sent_later_fails_the_task(account: Sandbox) -> None:
    account.settings(sendpulse_scheduled_at_once=True)
    service = sendpulse(account)
    with pytest.raises(SentTooSoonError, match="DMARC"):
        send_once(service, sending(service, send_at=later(days=1)), Notes())
    assert mails(account) == (3, 1)
    send_once(service, sending(service, send_at=later(days=1)), Notes())
    assert mails(account) == (3, 1)


SERVICES = pytest.mark.parametrize("service_of", [sendpulse, sendara])


@SERVICES
def test_a_campaign_scheduled_for_another_time_is_made_anew(
    account: Sandbox, service_of: Callable[[Sandbox], Service]
) -> None:
    service = service_of(account)
    first = send_once(service, sending(service, send_at=later(days=1)), Notes())
    moved = send_once(service, sending(service, send_at=later(days=2)), Notes())
    assert moved.id != first.id
    account.advance(timedelta(days=1, hours=1).total_seconds())
    assert mails(account) == (0, 0)
    account.advance(timedelta(days=1).total_seconds())
    assert mails(account) == (3, 1)


@SERVICES
def test_what_somebody_cancelled_is_not_made_anew(account: Sandbox, service_of: Callable[[Sandbox], Service]) -> None:
    service = service_of(account)
    made = send_once(service, sending(service, send_at=later(days=1)), Notes())
    cancel(service, made.id)
    with pytest.raises(SendRefusedError, match="somebody cancelled it"):
        send_once(service, sending(service, send_at=later(days=1)), Notes())
    account.advance(timedelta(days=2).total_seconds())
    assert mails(account) == (0, 0)


@SERVICES
def test_sending_now_what_is_scheduled_is_refused_with_what_to_do(
    account: Sandbox, service_of: Callable[[Sandbox], Service]
) -> None:
    service = service_of(account)
    send_once(service, sending(service, send_at=later(days=1)), Notes())
    with pytest.raises(SendRefusedError, match=r"SenderCancelCampaignOperator|give send_at"):
        send_once(service, sending(service), Notes())
    assert mails(account) == (0, 0)


def test_a_time_too_near_to_take_anything_back_is_refused(account: Sandbox) -> None:
    service = sendara(account)
    service.transport.settings = replace(service.transport.settings, settle_time=30)
    with pytest.raises(SendRefusedError, match="it takes 120 s"):
        send_once(service, sending(service, send_at=later(seconds=100)), Notes(), sleep=lambda seconds: None)
    assert account.counters()["campaigns"] == {}


def test_of_several_scheduled_at_the_same_moment_all_but_one_are_taken_back(account: Sandbox) -> None:
    service, send_at = sendara(account), later(days=1)
    definition = sending(service).definition
    assert definition is not None
    for _ in range(3):
        service.start_campaign(definition, f"{marker_of(KEY)} News", send_at)
    send_once(service, sending(service, send_at=send_at), Notes())
    account.advance(timedelta(days=2).total_seconds())
    assert mails(account) == (3, 1)


def test_a_service_whose_clock_is_ahead_is_not_taken_for_one_that_has_scheduled_it(account: Sandbox) -> None:
    account.settings(send_seconds=3600)
    account.advance(timedelta(minutes=5).total_seconds())
    service = sendpulse(account)
    sent = send_once(service, sending(service), Notes())
    assert send_once(service, sending(service), Nowhere()).id == sent.id
    assert mails(account) == (3, 1)

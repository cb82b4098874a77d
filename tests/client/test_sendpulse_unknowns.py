"""What SendPulse's documents leave open, or say in two ways: it must work either way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_sender.client.campaigns import CampaignDefinition, CampaignState
from airflow_provider_sender.client.errors import (
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
)
from airflow_provider_sender.client.messages import Mailbox, Message
from airflow_provider_sender.client.rows import Write, WriteResult
from airflow_provider_sender.client.sendpulse.client import SendPulseClient
from airflow_provider_sender.client.sendpulse.service import SendPulseService
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.client.subscribers import Consent, SubscriberChange
from airflow_provider_sender.sandbox.remote import Json, Sandbox
from tests.client.sendpulse_accounts import everybody, service_of

TOO_FAST = "There were more than 10 requests in a second."
JANE, OUT, NEW = "jane@example.com", "out@example.com", "new@example.com"
ROWS: list[dict[str, Json]] = [
    {"email": JANE, "groups": ["A", "B"], "fields": {"Plan": "gold"}, "phone": "+380501112233"},
    {"email": OUT, "groups": ["A"], "status": "unsubscribed"},
]


def account(sandbox: Sandbox, **knobs: Any) -> SendPulseService:
    sandbox.reset(**knobs)
    sandbox.seed(rows=ROWS)
    return service_of(sandbox)


def news(service: SendPulseService) -> CampaignDefinition:
    group = service.groups()[0].id
    return CampaignDefinition("News", "Shop", "hello@example.com", html="<p>", group_ids=(group,))


@pytest.mark.parametrize("numbers", ["int", "string", "mixed"])
@pytest.mark.parametrize("statistics", ["general", "array", "totals"])
def test_numbers_as_texts_and_each_shape_of_statistics(sender_sandbox: Sandbox, numbers: str, statistics: str) -> None:
    service = account(sender_sandbox, sendpulse_numbers=numbers, sendpulse_statistics=statistics)
    groups = service.groups()
    assert [group.members for group in groups] == [2, 1]
    found = everybody(service, service.subscribers())
    assert found[JANE].groups == tuple(group.id for group in groups)
    assert {found[OUT].consent, service.find_subscribers([OUT])[OUT].consent} == {Consent.UNSUBSCRIBED}
    campaign_id = service.start_campaign(news(service), "News", None)
    sender_sandbox.advance(3_600)
    assert service.campaign(campaign_id).state is CampaignState.SENT
    totals = service.campaign_totals(campaign_id)
    assert (totals.recipients, totals.sent) == (1, 1)


@pytest.mark.parametrize("form", ["is_error", "result", "success", "bare"])
def test_every_error_may_come_with_200(sender_sandbox: Sandbox, form: str) -> None:
    service = account(
        sender_sandbox, sendpulse_errors_in_200=1, sendpulse_error_form=form, sendpulse_campaigns_per_hour=1
    )
    with pytest.raises(NotFoundError):
        service.client.get_mailing_list("99999999")
    with pytest.raises(NotFoundError):
        everybody(service, service.subscribers("99999999"))
    with pytest.raises(NotFoundError):
        service.campaign("1")
    assert service.find_subscriber("nobody@example.com") is None
    mine = service.claim("[key abc]")
    assert mine is not None
    assert service.claim("[key abc]") is None
    service.release(mine)
    service.release(mine)
    service.start_campaign(news(service), "News", None)
    with pytest.raises(RateLimitError) as caught:
        service.start_campaign(news(service), "News", None)
    assert caught.value.retry_after == 3_600
    sender_sandbox.revoke_tokens()
    assert len(service.groups()) == 2  # renewed
    wrong = SendPulseClient(
        None, "wrong", Settings(sender_sandbox.sendpulse_url, max_retries=0), service.transport.budget
    )
    with pytest.raises(AuthenticationError):
        wrong.list_senders()


@pytest.mark.parametrize("status", [200, 400, 403, 422, 429])
def test_more_than_ten_a_second_is_tried_again_whatever_status_says_so(
    sender_sandbox: Sandbox, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    service = account(sender_sandbox, sendpulse_requests_per_second=3, sendpulse_burst_status=status)
    for _ in range(5):
        service.client.list_senders()
    assert sender_sandbox.counters()["rate_limited"] > 0
    assert {message[: len(TOO_FAST)] for message in caplog.messages if "Trying again" in message} == {TOO_FAST}


@pytest.mark.parametrize("order", ["created", "email", "shuffled"])
def test_an_account_is_read_whole_in_whatever_order_its_rows_come(sender_sandbox: Sandbox, order: str) -> None:
    sender_sandbox.reset(subscribers=420, sendpulse_order=order)
    service = service_of(sender_sandbox)
    found = everybody(service, service.subscribers())
    assert len(found) == sender_sandbox.seed(count=0)


def test_tokens_of_a_few_seconds_are_renewed_before_they_end(sender_sandbox: Sandbox) -> None:
    service = account(sender_sandbox, sendpulse_token_seconds=2)
    service.client.list_senders()
    sender_sandbox.advance(3)
    assert len(service.client.list_senders()) == 2


@pytest.mark.parametrize("limit", [10, 40])
def test_a_service_that_takes_fewer_rows_a_call_gets_fewer(sender_sandbox: Sandbox, limit: int) -> None:
    service = account(sender_sandbox, sendpulse_batch_limit=limit)
    group = service.groups()[0].id
    changes = [
        SubscriberChange(f"p{each}@example.com", email=f"p{each}@example.com", groups=(group,)) for each in range(100)
    ]
    results = service.write_subscribers([Write(each, is_new=True) for each in changes], trigger_automation=False)
    assert results == [WriteResult()] * 100


@pytest.mark.parametrize("limit", [3, 60, None])
def test_a_service_that_looks_up_fewer_addresses_a_call_is_asked_for_fewer(
    sender_sandbox: Sandbox, limit: int | None
) -> None:
    sender_sandbox.reset(sendpulse_lookup_limit=limit)
    people = [f"p{each}@example.com" for each in range(100)]
    sender_sandbox.seed(rows=[{"email": each, "groups": ["A"]} for each in people])
    assert set(service_of(sender_sandbox).find_subscribers(people)) == set(people)


@pytest.mark.parametrize("unknown", ["omitted", "empty", "refused"])
def test_nobody_is_overlooked_for_standing_beside_somebody_unknown(sender_sandbox: Sandbox, unknown: str) -> None:
    service = account(sender_sandbox, sendpulse_lookup_unknown=unknown)
    found = service.find_subscribers([NEW, JANE, "x@example.com", OUT, "y@example.com"])
    assert {email: each.consent for email, each in found.items()} == {
        JANE: Consent.ACTIVE,
        OUT: Consent.UNSUBSCRIBED,
    }
    assert service.find_subscribers([NEW]) == {}


@pytest.mark.parametrize("deleted", ["gone", "shown"])
def test_a_deleted_list_is_none_though_it_is_shown(sender_sandbox: Sandbox, deleted: str) -> None:
    service = account(sender_sandbox, sendpulse_deleted_lists=deleted)
    a, b = service.groups()
    service.client.delete_mailing_list(b.id)
    assert service.groups() == [a]
    assert everybody(service, service.subscribers())[JANE].groups == (a.id,)
    service.release(service.claim("[key abc]") or "")
    mine = service.claim("[key abc]")
    assert service.claims("[key abc]") == [mine]


@pytest.mark.parametrize("page", [None, 2, 100])
@pytest.mark.parametrize("people", [0, 5, 100, 130])
def test_a_blacklist_is_read_whole_in_pages_or_not(sender_sandbox: Sandbox, page: int | None, people: int) -> None:
    service = account(sender_sandbox, sendpulse_blacklist_page=page)
    banned = [f"p{each}@example.com" for each in range(people)]
    if banned:
        service.client.add_to_blacklist(banned)
    assert service.client.list_blacklist() == banned


@pytest.mark.parametrize("body", ["either", "array", "object"])
def test_who_wants_no_mails_is_taken_in_either_form(sender_sandbox: Sandbox, body: str) -> None:
    service = account(sender_sandbox, sendpulse_unsubscribe_body=body)
    service.client.unsubscribe_from_messages([JANE])
    assert service.client.is_unsubscribed_from_messages(JANE)
    assert not service.client.is_unsubscribed_from_messages(OUT)
    with pytest.raises(InvalidRequestError):
        service.client.unsubscribe_from_messages(["no address"])


@pytest.mark.parametrize("is_required", [True, False])
@pytest.mark.parametrize("content", [{"html": "<p>Hi <b>Jane</b></p>"}, {"text": "Hi Jane"}])
def test_a_mail_has_a_text_of_its_own(sender_sandbox: Sandbox, is_required: bool, content: dict[str, Any]) -> None:
    service = account(sender_sandbox, sendpulse_text_required=is_required)
    assert service.send_message(Message(Mailbox(JANE), Mailbox("hello@example.com"), subject="Hi", **content))
    (message,) = sender_sandbox.messages()
    assert message["text"] == "Hi Jane"


@pytest.mark.parametrize("status", [0, 1, 13, 14])
def test_a_campaign_that_waits_is_scheduled_whatever_status_it_shows(sender_sandbox: Sandbox, status: int) -> None:
    service = account(sender_sandbox, sendpulse_scheduled_status=status)
    campaign_id = service.start_campaign(news(service), "News", datetime.now(UTC) + timedelta(hours=2))
    assert service.campaign(campaign_id).state is CampaignState.SCHEDULED
    assert [each.state for each in service.campaigns_titled("News")] == [CampaignState.SCHEDULED]
    service.cancel_campaign(campaign_id)
    assert not service.campaign(campaign_id).state.has_left_draft


def test_a_campaign_that_is_sent_at_once_instead_is_seen_to_be(sender_sandbox: Sandbox) -> None:
    service = account(sender_sandbox, sendpulse_scheduled_at_once=True)
    campaign_id = service.start_campaign(news(service), "News", datetime.now(UTC) + timedelta(hours=2))
    sender_sandbox.advance(60)
    assert service.campaign(campaign_id).state in (CampaignState.SENDING, CampaignState.SENT)


def test_a_campaign_in_moderation_waits(sender_sandbox: Sandbox) -> None:
    service = account(sender_sandbox, sendpulse_moderation_seconds=7_200)
    campaign_id = service.start_campaign(news(service), "News", None)
    sender_sandbox.advance(3_600)
    assert service.campaign(campaign_id).state is CampaignState.SENDING


def test_it_is_too_late_to_cancel_what_is_being_sent(sender_sandbox: Sandbox) -> None:
    service = account(sender_sandbox, sendpulse_cancel_while_sending=False)
    campaign_id = service.start_campaign(news(service), "News", None)
    sender_sandbox.advance(3_600)
    with pytest.raises((NotFoundError, InvalidRequestError)):
        service.cancel_campaign(campaign_id)


def test_an_account_without_smtp_says_so(sender_sandbox: Sandbox) -> None:
    service = account(sender_sandbox, sendpulse_smtp_user=False)
    with pytest.raises(PermissionDeniedError, match="no SMTP user"):
        service.send_message(Message(Mailbox(JANE), Mailbox("hello@example.com"), subject="Hi", html="<p>"))

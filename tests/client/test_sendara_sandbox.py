"""Sendara's client against the look-alike that somebody else made from the same documents."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_sender.client.campaigns import CampaignDefinition, CampaignState
from airflow_provider_sender.client.errors import (
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
)
from airflow_provider_sender.client.messages import Mailbox, Message
from airflow_provider_sender.client.paging import ListingReport, OnDrift
from airflow_provider_sender.client.rows import Write
from airflow_provider_sender.client.seen import SeenKeys
from airflow_provider_sender.client.sendara.client import RATE_WINDOW, SendaraClient
from airflow_provider_sender.client.sendara.service import SendaraService
from airflow_provider_sender.client.sendara.webhooks import verify_sendara_webhook
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.client.sliding import SlidingBudget
from airflow_provider_sender.client.subscribers import Consent, Subscriber, SubscriberChange
from airflow_provider_sender.jobs.overview import Overview
from airflow_provider_sender.sandbox.remote import Json, Sandbox

DOMAIN = "mail.shop.example"


def service_of(sandbox: Sandbox, key: str | None = None, **settings: Any) -> SendaraService:
    checked = Settings(sandbox.sendara_url, timeout=10.0, settle_time=0.1, **settings).checked()
    return SendaraService(SendaraClient(key or sandbox.token, checked, SlidingBudget(window=RATE_WINDOW)))


@pytest.fixture
def service(sender_sandbox: Sandbox) -> SendaraService:
    return service_of(sender_sandbox)


@pytest.fixture
def verified(service: SendaraService) -> str:
    """An address that may be sent from."""
    service.client.create_domain(DOMAIN)
    assert service.client.verify_domain(DOMAIN).fully_verified
    return f"news@{DOMAIN}"


def everybody(service: SendaraService, group_id: str | None = None) -> dict[str, Subscriber]:
    walk = service.subscribers(group_id).walk(SeenKeys(), ListingReport(), OnDrift.REPAIR)
    found = [service.read_subscriber(row.raw) for rows in walk for row in rows]
    assert len({each.id for each in found}) == len(found)
    return {each.email or each.id: each for each in found}


def fill(service: SendaraService, people: int, *groups: str) -> None:
    writes = [
        Write(SubscriberChange(email, email=email, firstname="Ann", fields={"plan": "pro"}, groups=groups), is_new=True)
        for email in (f"p{number}@example.com" for number in range(people))
    ]
    for start in range(0, people, service.largest_write):
        results = service.write_subscribers(writes[start : start + service.largest_write], trigger_automation=False)
        assert not any(result.refusal for result in results)


def test_the_key_opens_the_account(service: SendaraService, sender_sandbox: Sandbox) -> None:
    assert "opens an account" in service.account().description
    with pytest.raises(AuthenticationError):
        service_of(sender_sandbox, "sk_live_wrong").account()


def test_who_is_imported_is_listed_and_found(service: SendaraService) -> None:
    fill(service, 730)

    people = everybody(service)

    assert len(people) == 730 == service.subscribers().count()
    ann = people["p7@example.com"]
    assert (ann.firstname, dict(ann.fields)) == ("Ann", {"plan": "pro"})
    assert service.find_subscriber(ann.id) == ann
    assert service.find_subscribers(["p7@example.com", "nobody@example.com"]) == {"p7@example.com": ann}
    assert {"tags", "plan"} <= {field.name for field in service.fields()}


def test_changes_leave_the_rest_as_it_is(service: SendaraService) -> None:
    fill(service, 5)
    service.client.update_contact(everybody(service)["p1@example.com"].id, {"email_consent": "unsubscribed"})
    there = everybody(service)
    writes = [
        Write(SubscriberChange(email, email=email, fields={"city": "Kaunas"}), there[email]) for email in sorted(there)
    ]

    assert not any(each.refusal for each in service.write_subscribers(writes, trigger_automation=False))

    after = everybody(service)
    assert after["p1@example.com"].consent is Consent.UNSUBSCRIBED
    assert {each.firstname for each in after.values()} == {"Ann"}
    assert all(dict(each.fields) == {"plan": "pro", "city": "Kaunas"} for each in after.values())


def test_a_bad_row_stops_nobody(service: SendaraService) -> None:
    emails = ["a@example.com", "b@example.com", "no address", "c@example.com", "d@example.com"]
    writes = [Write(SubscriberChange(email, email=email), is_new=True) for email in emails]

    results = service.write_subscribers(writes, trigger_automation=False)

    assert [result.refusal is not None for result in results] == [False, False, True, False, False]
    assert set(everybody(service)) == set(emails) - {"no address"}


def test_lists_are_joined_and_left(service: SendaraService) -> None:
    readers = service.client.create_list("Readers").id
    fill(service, 130, readers)

    assert len(everybody(service, readers)) == 130
    assert [each.title for each in service.groups()] == ["Readers"]
    left = service.remove_from_group(readers, ["p3@example.com", "nobody@example.com"])
    assert left.changed == ("p3@example.com",)
    joined = service.add_to_group(
        readers, ["p3@example.com", "p4@example.com", "nobody@example.com"], trigger_automation=False
    )
    assert (joined.changed, joined.unchanged) == (("p3@example.com",), ("p4@example.com",))
    assert joined.missing == ("nobody@example.com",)
    with pytest.raises(NotFoundError):
        service.add_to_group("list_none", ["p3@example.com"], trigger_automation=False)


def test_the_deleted_are_gone(service: SendaraService) -> None:
    fill(service, 3)

    service.delete_subscribers(["p1@example.com", "nobody@example.com"])
    service.delete_subscribers(["p1@example.com"])

    assert set(everybody(service)) == {"p0@example.com", "p2@example.com"}


def test_a_broadcast_is_made_sent_and_counted(service: SendaraService, verified: str) -> None:
    readers = service.client.create_list("Readers").id
    fill(service, 4, readers)
    news = CampaignDefinition("News", "Ann", verified, html="<p>Hello</p>", group_ids=(readers,))

    made = service.create_campaign(news, "News [key 1]")
    draft = service.campaign(made)
    assert (draft.state, draft.title, draft.group_ids) == (CampaignState.DRAFT, "News [key 1]", (readers,))
    assert draft.sender_address == verified
    assert service.audience(draft) == 4
    assert [each.id for each in service.campaigns_titled("[key 1]")] == [made]
    service.send_campaign(made)

    deadline = time.monotonic() + 20
    while service.campaign(made).state is not CampaignState.SENT and time.monotonic() < deadline:
        time.sleep(0.1)
    assert service.campaign(made).state is CampaignState.SENT
    assert service.campaign_totals(made).sent == 4


def test_a_scheduled_broadcast_is_taken_back(service: SendaraService, verified: str) -> None:
    readers = service.client.create_list("Readers").id
    fill(service, 1, readers)
    send_at = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)
    news = CampaignDefinition("News", "Ann", verified, text="Hello", group_ids=(readers,))

    made = service.start_campaign(news, "News", send_at)

    assert service.campaign(made).state is CampaignState.SCHEDULED
    assert service.campaign(made).scheduled_at == send_at
    service.cancel_campaign(made)
    service.cancel_campaign(made)
    assert service.campaign(made).state is CampaignState.CANCELLED


def test_a_mail_is_sent_once_for_a_key(service: SendaraService, verified: str) -> None:
    mail = Message(Mailbox("jane@example.com"), Mailbox(verified, "Shop"), "Receipt", "<p>Thanks</p>", key="intent-1")

    sent = [service.send_message(mail), service.send_message(mail)]

    assert sent[0] == sent[1] is not None
    assert len(service.client.list_messages().messages or ()) == 1


def test_an_image_is_uploaded(service: SendaraService) -> None:
    image = b"\x89PNG\r\n\x1a\n" + bytes(100)

    uploaded = service.client.upload_image(image, "hero.png", "image/png")

    assert (uploaded.content_type, uploaded.bytes) == ("image/png", len(image))
    assert uploaded.url


@pytest.mark.parametrize(
    "knobs",
    [
        {"sendara_members": "paged"},
        {"sendara_members": "paged", "sendara_max_limit": 40},
        {"sendara_max_limit": None, "sendara_default_limit": 7},
        {"sendara_import_merges": True},
        {"sendara_import_limit": 60},
        {"sendara_import_form": "s3"},
        {"sendara_import_form": "inline"},
        {"sendara_error_form": "flat"},
    ],
    ids=str,
)
def test_whatever_no_document_settles_people_and_lists_end_the_same(
    sender_sandbox: Sandbox, knobs: dict[str, Any]
) -> None:
    sender_sandbox.settings(**knobs)
    service = service_of(sender_sandbox)
    readers = service.client.create_list("Readers").id
    fill(service, 130, readers)
    there = everybody(service)
    writes = [Write(SubscriberChange(email, email=email, fields={"city": "Kaunas"}), there[email]) for email in there]

    assert not any(each.refusal for each in service.write_subscribers(writes, trigger_automation=False))

    after = everybody(service)
    assert all(dict(each.fields) == {"plan": "pro", "city": "Kaunas"} for each in after.values())
    assert {each.firstname for each in after.values()} == {"Ann"}
    assert len(everybody(service, readers)) == len(after) == 130


def test_who_an_import_skips_is_written_alone(sender_sandbox: Sandbox) -> None:
    sender_sandbox.settings(sendara_import_skips="p3@*")
    service = service_of(sender_sandbox)

    fill(service, 20)

    assert len(everybody(service)) == 20


def test_the_limit_of_a_second_is_never_reached(sender_sandbox: Sandbox) -> None:
    sender_sandbox.settings(sendara_requests_per_second=10)
    service = service_of(sender_sandbox)
    began = time.monotonic()
    for _ in range(31):
        service.client.get_usage()
    took = time.monotonic() - began

    assert sender_sandbox.counters()["rate_limited"] == 0
    assert took >= 3.0


def test_a_lost_answer_to_a_mail_costs_nobody_a_second_one(
    sender_sandbox: Sandbox, service: SendaraService, verified: str
) -> None:
    sender_sandbox.fault("drop_after", path="/v1/send", method="POST")

    service.send_message(Message(Mailbox("jane@example.com"), Mailbox(verified), "Receipt", "<p>Thanks</p>"))

    assert len(service.client.list_messages().messages or ()) == 1


def test_a_429_that_is_final_is_not_retried_and_holds_nobody_back(
    sender_sandbox: Sandbox, service: SendaraService
) -> None:
    error: dict[str, Json] = {"code": "test_send_daily_limit", "message": "The daily cap was reached", "status": 429}
    sender_sandbox.fault("status", path="/v1/send", method="POST", status=429, body={"error": error}, times=None)
    mail = Message(Mailbox("jane@example.com"), None, "Receipt", "<p>Thanks</p>", key="k")
    began = time.monotonic()

    with pytest.raises(InvalidRequestError, match="more on the next UTC day") as told:
        service.send_message(mail)
    service.groups()

    assert not told.value.retryable
    assert time.monotonic() - began < 30  # it is said to last until the next day
    assert sender_sandbox.counters()["by_path"]["POST /v1/send"] == 1


@pytest.mark.parametrize("lookup", ["message", "list", "all"])
def test_a_mail_that_renders_otherwise_on_a_retry_is_not_sent_again(
    sender_sandbox: Sandbox, service: SendaraService, verified: str, lookup: str
) -> None:
    sender_sandbox.settings(sendara_key_lookup=lookup)
    first = Message(Mailbox("jane@example.com"), Mailbox(verified), "At 10:00", "<p>Thanks</p>", key="intent-1")
    retried = Message(Mailbox("jane@example.com"), Mailbox(verified), "At 10:05", "<p>Thanks</p>", key="intent-1")

    assert service.send_message(first) == service.send_message(retried) is not None


@pytest.mark.parametrize("lookup", ["message", "list", "all"])
def test_of_many_mails_none_is_taken_for_another(
    sender_sandbox: Sandbox, service: SendaraService, verified: str, lookup: str
) -> None:
    sender_sandbox.settings(sendara_key_lookup=lookup)
    assert service.client.find_message("intent-1") is None
    sent = {
        key: service.send_message(Message(Mailbox("jane@example.com"), Mailbox(verified), "Hi", "<p>", key=key))
        for key in ("intent-1", "intent-2")
    }

    found = {key: service.client.find_message(key) for key in (*sent, "intent-3")}

    ids = {key: each.id if each else None for key, each in found.items()}
    assert ids == ({**sent, "intent-3": None} if lookup != "all" else dict.fromkeys(ids))
    rendered_otherwise = Message(Mailbox("jane@example.com"), Mailbox(verified), "Bye", "<p>", key="intent-1")
    assert service.send_message(rendered_otherwise) in (sent["intent-1"], None)
    assert len(service.client.list_messages().messages or ()) == 2


def test_a_key_that_may_only_send_is_not_told_which_mail_was_sent_before(
    sender_sandbox: Sandbox, service: SendaraService, verified: str
) -> None:
    sender = service_of(sender_sandbox, service.client.create_key("send").key or "")
    mails = [
        Message(Mailbox("jane@example.com"), Mailbox(verified), subject, "<p>", key="intent-1") for subject in "AB"
    ]

    assert [sender.send_message(each) is None for each in mails] == [False, True]
    assert len(service.client.list_messages().messages or ()) == 1


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_too_late_is_said_in_any_way(
    sender_sandbox: Sandbox, service: SendaraService, verified: str, status: int
) -> None:
    sender_sandbox.settings(sendara_late_status=status)
    readers = service.client.create_list("Readers").id
    fill(service, 1, readers)
    news = CampaignDefinition("News", "Ann", verified, html="<p>Hello</p>", group_ids=(readers,))
    scheduled = service.start_campaign(news, "Later", datetime.now(UTC) + timedelta(days=2))
    sending = service.start_campaign(news, "Now", None)

    service.cancel_campaign(scheduled)
    service.cancel_campaign(scheduled)
    with pytest.raises((InvalidRequestError, NotFoundError)):
        service.cancel_campaign(sending)
    with pytest.raises(InvalidRequestError):
        service.send_campaign(sending)
    with pytest.raises(NotFoundError):
        service.send_campaign("bc_none")


@pytest.mark.parametrize("comes", ["all", "capped", "paged"])
@pytest.mark.parametrize("made", [0, 1, 3])
def test_broadcasts_come_in_pages_or_not(
    sender_sandbox: Sandbox, service: SendaraService, verified: str, comes: str, made: int
) -> None:
    sender_sandbox.settings(sendara_broadcasts=comes)
    readers = service.client.create_list("Readers").id
    news = CampaignDefinition("News", "Ann", verified, html="x", group_ids=(readers,))
    ids = {service.create_campaign(news, f"News {number}") for number in range(made)}

    seen, number, last = set[str](), 0, 1
    while number < last:
        page = service.campaigns_page(number + 1)
        number, last = page.number, page.last
        assert number <= 2
        assert seen.isdisjoint(each.id for each in page.campaigns)
        seen |= {each.id for each in page.campaigns}

    assert seen == ids
    assert {each.id for each in service.campaigns_titled("News")} == ids
    assert set(Overview(service).look()) == ids


def test_broadcasts_without_pages_have_an_end_where_one_is_made_while_they_are_read(
    sender_sandbox: Sandbox, service: SendaraService, verified: str
) -> None:
    sender_sandbox.settings(sendara_broadcasts="all")
    readers = service.client.create_list("Readers").id
    news = CampaignDefinition("News", "Ann", verified, html="x", group_ids=(readers,))
    ids = {service.create_campaign(news, "News 0")}
    seen = {each.id for each in service.campaigns_page(1).campaigns}
    ids.add(service.create_campaign(news, "News 1"))

    page = service.campaigns_page(2)
    seen |= {each.id for each in page.campaigns}

    assert seen == ids
    assert not service.campaigns_page(3).campaigns


@pytest.mark.parametrize("takes_names", [True, False])
def test_a_sender_has_a_name_where_that_is_taken(
    sender_sandbox: Sandbox, service: SendaraService, verified: str, takes_names: bool
) -> None:
    sender_sandbox.settings(sendara_sender_names=takes_names)
    readers = service.client.create_list("Readers").id

    made = service.create_campaign(CampaignDefinition("News", "Ann", verified, html="x", group_ids=(readers,)), "News")

    assert service.client.get_broadcast(made).itself.from_email == (f'"Ann" <{verified}>' if takes_names else verified)


def test_a_key_that_may_only_read_is_told_what_it_lacks(sender_sandbox: Sandbox, service: SendaraService) -> None:
    key = service.client.create_key("read").key or ""

    with pytest.raises(PermissionDeniedError, match="send scope"):
        service_of(sender_sandbox, key).client.create_list("Readers")


def test_a_delivery_of_a_webhook_is_genuine(sender_sandbox: Sandbox, service: SendaraService) -> None:
    webhook = service.client.create_webhook("https://hooks.example.com/sendara")
    fresh = sender_sandbox.webhook_delivery(webhook.id)
    old = sender_sandbox.webhook_delivery(webhook.id, seconds_ago=301)
    secret = webhook.signing_secret or ""

    assert verify_sendara_webhook(fresh["body"].encode(), fresh["headers"], secret)
    assert not verify_sendara_webhook(old["body"].encode(), old["headers"], secret)


@pytest.mark.parametrize("said", ["unsubscribed", "suppressed", "kept"])
def test_who_bounced_or_complained_is_known_whatever_the_row_says(sender_sandbox: Sandbox, said: str) -> None:
    sender_sandbox.settings(sendara_suppressed_consent=said)
    service = service_of(sender_sandbox)
    states = {state: f"{state}@example.com" for state in Consent if state not in (Consent.UNCONFIRMED, Consent.UNKNOWN)}
    writes = [Write(SubscriberChange(each, email=each, consent=state), is_new=True) for state, each in states.items()]

    assert not any(each.refusal for each in service.write_subscribers(writes, trigger_automation=False))

    assert {each.consent: each.email for each in everybody(service).values()} == states


@pytest.mark.parametrize("comes", ["all", "paged"])
@pytest.mark.parametrize("people", [50, 99, 100, 130])
def test_a_suppression_list_is_read_whole_in_pages_or_not(sender_sandbox: Sandbox, comes: str, people: int) -> None:
    sender_sandbox.settings(sendara_suppressions=comes, sendara_suppressed_consent="kept")
    service = service_of(sender_sandbox)
    fill(service, people + 1)
    sender_sandbox.settings(sendara_requests_per_second=None)
    for number in range(people):
        service.client.suppress(f"p{number}@example.com", reason="complaint")

    active = [email for email, each in everybody(service).items() if each.consent is Consent.ACTIVE]

    assert active == [f"p{people}@example.com"]


def test_who_is_in_a_list_that_is_not_shown_whole_leaves_it_all_the_same(sender_sandbox: Sandbox) -> None:
    sender_sandbox.settings(sendara_members="capped")
    service = service_of(sender_sandbox)
    readers = service.client.create_list("Readers").id
    fill(service, 130, readers)
    fill(service, 131)
    everyone = [f"p{number}@example.com" for number in range(131)]

    left = service.remove_from_group(readers, everyone)

    assert len(left.changed) == 130
    assert left.unchanged == ("p130@example.com",)
    sender_sandbox.settings(sendara_members="all")
    assert everybody(service, readers) == {}

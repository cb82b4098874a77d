"""Sendara's client against the look-alike that somebody else made from the same documents."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_sender.client.errors import AuthenticationError, NotFoundError
from airflow_provider_sender.client.paging import ListingReport, OnDrift
from airflow_provider_sender.client.records import (
    CampaignDefinition,
    CampaignState,
    Consent,
    Mailbox,
    Message,
    Subscriber,
    SubscriberChange,
)
from airflow_provider_sender.client.rows import Write
from airflow_provider_sender.client.seen import SeenKeys
from airflow_provider_sender.client.sendara import RATE_WINDOW, SendaraClient
from airflow_provider_sender.client.sendara_service import SendaraService
from airflow_provider_sender.client.sliding import SlidingBudget
from airflow_provider_sender.client.transport import Settings
from airflow_provider_sender.sandbox.remote import Sandbox

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

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.errors import ConfigurationError, OutcomeUnknownError, SenderError
from airflow_provider_sender.client.sender.client import BASE_URL, CAMPAIGN_EVENTS, SenderClient, SenderEndpoints
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.client.accounts import Account, client_of, page_of

WHO = "a+b/c?d#e%f@ž.example"
QUOTED = "a%2Bb%2Fc%3Fd%23e%25f%40%C5%BE.example"
LISTED = {"page": "1", "limit": "100"}
SORTED = LISTED | {"order": "created", "direction": "asc"}
DRAFT: dict[str, Any] = {"subject": "News", "from": "The Shop", "reply_to": "a@b.c", "content_type": "html"}
ONE = {"json": {"success": True, "data": {"id": "x1", "title": "T"}}}
MANY = page_of({"id": "x1"})
DONE = {"json": {"success": True, "message": [], "data": []}}

# name, call, answer, method, path, query, body, may be repeated
Case = tuple[str, Callable[[SenderClient], Any], dict[str, Any], str, str, dict[str, str], Any, bool]
CASES: list[Case] = [
    ("list_subscribers", lambda c: c.list_subscribers(), MANY, "GET", "/subscribers", SORTED, None, True),
    (
        "list_subscribers",
        lambda c: c.list_subscribers(3, limit=7, order="id", direction="desc"),
        MANY, "GET", "/subscribers", {"page": "3", "limit": "7", "order": "id", "direction": "desc"}, None, True,
    ),
    ("get_subscriber", lambda c: c.get_subscriber(WHO), ONE, "GET", f"/subscribers/{QUOTED}", {}, None, True),
    (
        "upsert_subscriber",
        lambda c: c.upsert_subscriber({"email": WHO, "fields": {"{$plan}": 1}, "trigger_automation": False}),
        DONE, "POST", "/subscribers", {}, {"email": WHO, "fields": {"{$plan}": 1}, "trigger_automation": False}, True,
    ),
    (
        "update_subscriber",
        lambda c: c.update_subscriber(WHO, {"subscriber_status": "UNSUBSCRIBED"}),
        DONE, "PATCH", f"/subscribers/{QUOTED}", {}, {"subscriber_status": "UNSUBSCRIBED"}, True,
    ),
    (
        "delete_subscribers",
        lambda c: c.delete_subscribers((WHO,)),
        {"json": {"message": "Selected subscribers will be deleted shortly", "delete_instance": "r"}},
        "DELETE", "/subscribers", {}, {"subscribers": [WHO]}, True,
    ),
    (
        "get_subscriber_events",
        lambda c: c.get_subscriber_events(WHO, ("got", "opened")),
        {"json": {"email": {"got": []}}},
        "GET", f"/subscribers/{QUOTED}/events", {"actions": '["got","opened"]'}, None, True,
    ),
    ("list_groups", lambda c: c.list_groups(2, limit=1), page_of({"id": "g"}, number=2), "GET", "/groups",
     {"page": "2", "limit": "1"}, None, True),
    ("get_group", lambda c: c.get_group("a/b"), ONE, "GET", "/groups/a%2Fb", {}, None, True),
    ("create_group", lambda c: c.create_group("T"), ONE, "POST", "/groups", {}, {"title": "T"}, False),
    ("rename_group", lambda c: c.rename_group("g1", "U"), DONE, "PATCH", "/groups/g1", {}, {"title": "U"}, True),
    ("delete_group", lambda c: c.delete_group("g1"), DONE, "DELETE", "/groups/g1", {}, None, True),
    ("list_group_subscribers", lambda c: c.list_group_subscribers("g1"), MANY, "GET", "/groups/g1/subscribers",
     SORTED, None, True),
    (
        "add_to_group",
        lambda c: c.add_to_group("g1", [WHO]),
        {"json": {"success": True, "message": {"non_existing_subscribers": [WHO]}}},
        "POST", "/subscribers/groups/g1", {}, {"subscribers": [WHO], "trigger_automation": False}, True,
    ),
    (
        "add_to_group",
        lambda c: c.add_to_group("g1", [WHO], trigger_automation=True),
        DONE, "POST", "/subscribers/groups/g1", {}, {"subscribers": [WHO], "trigger_automation": True}, True,
    ),
    ("remove_from_group", lambda c: c.remove_from_group("g1", [WHO]), DONE, "DELETE", "/subscribers/groups/g1", {},
     {"subscribers": [WHO]}, True),
    ("list_fields", lambda c: c.list_fields(), page_of({"title": "Email", "id": None}), "GET", "/fields", LISTED, None,
     True),
    ("create_field", lambda c: c.create_field("Plan", "number"), ONE, "POST", "/fields", {},
     {"title": "Plan", "type": "number"}, False),
    ("update_field", lambda c: c.update_field("f1", show=False), DONE, "PATCH", "/fields/f1", {}, {"show": False},
     True),
    ("update_field", lambda c: c.update_field("f1", title="P"), DONE, "PATCH", "/fields/f1", {}, {"title": "P"}, True),
    ("delete_field", lambda c: c.delete_field("f1"), DONE, "DELETE", "/fields/f1", {}, None, True),
    ("list_segments", lambda c: c.list_segments(), MANY, "GET", "/segments/", LISTED, None, True),
    ("get_segment", lambda c: c.get_segment("s1"), ONE, "GET", "/segments/s1", {}, None, True),
    ("list_campaigns", lambda c: c.list_campaigns(), MANY, "GET", "/campaigns", SORTED, None, True),
    ("list_campaigns", lambda c: c.list_campaigns(status="DRAFT"), MANY, "GET", "/campaigns",
     SORTED | {"status": "DRAFT"}, None, True),
    ("get_campaign", lambda c: c.get_campaign("c1"), ONE, "GET", "/campaigns/c1", {}, None, True),
    ("create_campaign", lambda c: c.create_campaign(DRAFT), ONE, "POST", "/campaigns", {}, DRAFT, False),
    ("update_campaign", lambda c: c.update_campaign("c1", {"title": "U"}), DONE, "PATCH", "/campaigns/c1", {},
     {"title": "U"}, True),
    ("copy_campaign", lambda c: c.copy_campaign("c1"), ONE, "POST", "/campaigns/c1/copy", {}, None, False),
    ("delete_campaigns", lambda c: c.delete_campaigns(["c1", "c2"]), DONE, "DELETE", "/campaigns",
     {"ids": "[c1,c2]"}, None, True),
    ("send_campaign", lambda c: c.send_campaign("c1"), DONE, "POST", "/campaigns/c1/send", {}, None, False),
    ("schedule_campaign", lambda c: c.schedule_campaign("c1", "2026-01-02 03:04:05"), DONE, "POST",
     "/campaigns/c1/schedule", {}, {"schedule_time": "2026-01-02 03:04:05"}, False),
    ("cancel_campaign_schedule", lambda c: c.cancel_campaign_schedule("c1"), DONE, "DELETE", "/campaigns/c1/schedule",
     {}, None, True),
    ("get_campaign_errors", lambda c: c.get_campaign_errors("c1"), {"json": ["?"]}, "GET", "/campaigns/c1/errors", {},
     None, True),
    *[
        ("list_campaign_events", lambda c, event=event: c.list_campaign_events("c1", event), MANY, "GET",
         f"/campaigns/c1/{event}", LISTED, None, True)
        for event in CAMPAIGN_EVENTS
    ],
    ("send_message", lambda c: c.send_message({"to": {"email": WHO}}), {"json": {"success": True, "emailId": "a-b"}},
     "POST", "/message/send", {}, {"to": {"email": WHO}}, False),
    ("send_transactional_campaign", lambda c: c.send_transactional_campaign("t/1", {"to": WHO}), DONE, "POST",
     "/message/t%2F1/send", {}, {"to": WHO}, False),
    ("list_transactional_campaigns", lambda c: c.list_transactional_campaigns(), MANY, "GET", "/transactional", LISTED,
     None, True),
    ("get_transactional_campaign", lambda c: c.get_transactional_campaign("t1"), ONE, "GET", "/transactional/t1", {},
     None, True),
    ("create_transactional_campaign", lambda c: c.create_transactional_campaign(DRAFT), ONE, "POST", "/transactional",
     {}, DRAFT, False),
    ("update_transactional_campaign", lambda c: c.update_transactional_campaign("t1", {"title": "U"}), DONE, "PATCH",
     "/transactional/t1", {}, {"title": "U"}, True),
    ("delete_transactional_campaign", lambda c: c.delete_transactional_campaign("t1"), DONE, "DELETE",
     "/transactional/t1", {}, None, True),
    (
        "get_transactional_report",
        lambda c: c.get_transactional_report("t1", date(2026, 1, 2), date(2026, 2, 3), period="week"),
        {"json": {}}, "GET", "/transactional/t1/report",
        {"from": "2026-01-02", "to": "2026-02-03", "period": "week"}, None, True,
    ),
    ("list_workflows", lambda c: c.list_workflows(status="ACTIVE", title="We"), MANY, "GET", "/workflows",
     LISTED | {"status": "ACTIVE", "title": "We"}, None, True),
    ("list_workflows", lambda c: c.list_workflows(), MANY, "GET", "/workflows", LISTED, None, True),
    ("get_workflow", lambda c: c.get_workflow("w1"), ONE, "GET", "/workflows/w1", {}, None, True),
    ("start_workflow", lambda c: c.start_workflow("w1", WHO, {"plan": "gold"}), DONE, "POST", "/workflows/w1/start", {},
     {"email": WHO, "plan": "gold"}, False),
    ("create_event", lambda c: c.create_event({"type": "t"}), DONE, "POST", "/events", {}, {"type": "t"}, False),
    ("list_webhooks", lambda c: c.list_webhooks(), {"json": []}, "GET", "/account/webhooks", {}, None, True),
    ("create_webhook", lambda c: c.create_webhook("https://a.b", "groups/new"), ONE, "POST", "/account/webhooks", {},
     {"url": "https://a.b", "topic": "groups/new"}, False),
    ("create_webhook", lambda c: c.create_webhook("https://a.b", "t", relation_id="g1"), {"json": {"id": "w1"}},
     "POST", "/account/webhooks", {}, {"url": "https://a.b", "topic": "t", "relation_id": "g1"}, False),
    ("delete_webhook", lambda c: c.delete_webhook("w1"), DONE, "DELETE", "/account/webhooks/w1", {}, None, True),
]  # fmt: skip

each_case = pytest.mark.parametrize("case", CASES, ids=[f"{case[0]}-{index}" for index, case in enumerate(CASES)])


@each_case
def test_every_endpoint_is_called_as_the_reference_says(account: Account, case: Case) -> None:
    _, call, answer, method, path, query, body, _ = case
    account.answers(answer)

    call(account.client())

    (sent,) = account.mocker.request_history
    parts = urlsplit(sent.url)
    assert (sent.method, parts.path) == (method, f"/v2{path}")
    assert dict(parse_qsl(parts.query)) == query
    assert (json.loads(sent.body) if sent.body else None) == body


@each_case
def test_only_what_does_no_harm_twice_is_made_twice(account: Account, case: Case) -> None:
    _, call, answer, *_, may_repeat = case
    account.answers({"status_code": 500}, answer)

    if may_repeat:
        call(account.client())
    else:
        with pytest.raises(OutcomeUnknownError):
            call(account.client())
    assert len(account.requests) == (2 if may_repeat else 1)


def test_no_endpoint_is_left_out_of_the_table() -> None:
    endpoints = {name for name in vars(SenderEndpoints) if not name.startswith("_")} - {"call"}

    assert {case[0] for case in CASES} == endpoints


def test_reads_bring_what_they_say(account: Account) -> None:
    account.answers(page_of({"id": "g1", "title": "Readers", "recipient_count": "12"}, number=1, last=3, total=201))

    page = account.client().list_groups()

    assert (page.data[0].id, page.data[0].title, page.data[0].recipient_count) == ("g1", "Readers", 12)
    assert (page.meta.last_page, page.meta.total) == (3, 201)


def test_what_is_new_is_known_by_its_id(account: Account) -> None:
    account.answers(ONE)
    client = account.client()

    assert client.create_campaign(DRAFT) == client.copy_campaign("c1") == "x1"
    assert client.create_group("T").id == client.create_field("T").id == "x1"


@pytest.mark.parametrize("answer", [{"id": "w1", "url": "u"}, {"data": {"id": "w1", "url": "u"}, "success": True}])
def test_a_new_webhook_is_read_from_either_place(account: Account, answer: dict[str, Any]) -> None:
    account.answers({"json": answer})

    webhook = account.client().create_webhook("u", "t")

    assert (webhook.id, webhook.url) == ("w1", "u")


@pytest.mark.parametrize("answer", [{"success": True}, {"data": []}, {"data": {"url": "u"}}, {"data": "w1"}])
def test_a_new_webhook_that_is_not_named_is_no_success(account: Account, answer: dict[str, Any]) -> None:
    account.answers({"json": answer})

    with pytest.raises(OutcomeUnknownError, match="List the webhooks"):
        account.client().create_webhook("u", "t")
    assert len(account.requests) == 1


@pytest.mark.parametrize("event", ["", "open", "hard-bounces", "../c2"])
def test_an_unknown_campaign_event_is_refused_before_anything_is_sent(account: Account, event: str) -> None:
    with pytest.raises(ConfigurationError, match="hard_bounces"):
        account.client().list_campaign_events("c1", event)
    assert account.requests == []


@pytest.mark.parametrize("token", ["", "  \n"])
def test_a_connection_without_a_token_is_refused(token: str) -> None:
    with pytest.raises(ConfigurationError, match="no API access token"):
        SenderClient(token, Settings(BASE_URL), Budget())


@pytest.mark.parametrize("token", ["Bearer secret", "sec\nret", "sec\tret", "secret\u2026", "sec\x7fret", "secré"])
def test_a_token_no_header_can_carry_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SenderClient(token, Settings(BASE_URL), Budget())
    for part in ("sec", "ret", token):
        assert part not in f"{caught.value!r} {caught.value.__context__!r}"


def test_blanks_around_a_token_are_not_sent(account: Account) -> None:
    account.answers(DONE)
    client = SenderClient(" token\n", Settings("https://api.sender.test"), Budget())

    client.delete_group("g1")

    assert account.mocker.request_history[0].headers["Authorization"] == "Bearer token"


def test_every_read_of_a_new_account_works(sender_sandbox: Sandbox) -> None:
    client = client_of(sender_sandbox)

    for page in (client.list_subscribers(), client.list_groups(), client.list_campaigns()):
        assert page.data == []
        assert page.meta.total == 0
    assert all(field.default for field in client.list_fields().data)


def test_a_life_of_a_subscriber_a_group_and_a_campaign(sender_sandbox: Sandbox) -> None:
    client = client_of(sender_sandbox)
    group = client.create_group("Readers")
    assert client.upsert_subscriber({"email": "jane@example.com", "groups": [group.id]}).success
    client.update_subscriber("jane@example.com", {"firstname": "Jane"})
    assert client.get_subscriber("jane@example.com").firstname == "Jane"
    assert [row.email for row in client.list_group_subscribers(group.id).data] == ["jane@example.com"]
    assert client.get_subscriber_events("jane@example.com")["email"]["got"] == []

    content = {"content": "<p>Hello</p><a href='{$unsubscribe_link}'>Unsubscribe</a>", "groups": [group.id]}
    campaign = client.create_campaign({**DRAFT, "reply_to": "shop@example.com", **content})
    copy = client.copy_campaign(campaign)
    client.schedule_campaign(copy, "2036-01-02 03:04:05")
    assert client.get_campaign(copy).status == "SCHEDULED"
    client.cancel_campaign_schedule(copy)
    client.send_campaign(campaign)
    sender_sandbox.advance(60)
    assert client.get_campaign(campaign).status == "SENT"
    assert sender_sandbox.mails(campaign) == {"jane@example.com": 1}

    client.delete_campaigns([copy])
    client.remove_from_group(group.id, ["jane@example.com"])
    client.delete_subscribers(["jane@example.com"])
    assert client.list_subscribers().data == []
    client.delete_group(group.id)
    with pytest.raises(SenderError):
        client.get_group(group.id)


@pytest.mark.parametrize("call", ["delete_subscribers", "delete_campaigns"])
def test_nothing_is_deleted_by_a_call_that_does_not_say_what(account: Account, call: str) -> None:
    with pytest.raises(ConfigurationError, match="is empty"):
        getattr(account.client(), call)([])
    assert not account.requests

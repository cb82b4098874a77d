from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_sender.client.campaigns import Campaign, CampaignDefinition, CampaignState
from airflow_provider_sender.client.errors import (
    ConfigurationError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    SenderError,
)
from airflow_provider_sender.client.paging import ListingReport, OnDrift
from airflow_provider_sender.client.seen import SeenKeys
from airflow_provider_sender.client.sender.service import SenderService
from airflow_provider_sender.client.service import Capability
from airflow_provider_sender.client.subscribers import Consent, SubscriberChange
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.client.accounts import Account, client_of, make_client, page_of

JANE = "jane@example.com"
DONE = {"json": {"success": True, "message": [], "data": []}}
TAKEN = {
    "status_code": 422,
    "json": {"message": "Invalid.", "errors": {"email": ["The email has already been taken."]}},
}


def service_of(sandbox: Sandbox, **settings: Any) -> SenderService:
    return SenderService(client_of(sandbox, **settings))


def change(**values: Any) -> SubscriberChange:
    return SubscriberChange(JANE, email=JANE, **values)


# The account


def test_whose_account_it_is_takes_one_request(account: Account) -> None:
    answer = page_of({"id": "g1", "title": "Readers"}, total=7)
    account.answers(answer | {"headers": {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "59"}})

    description = SenderService(account.client()).account().description

    assert description == "the token opens an account with 7 groups, one of them 'Readers'; 60 requests a minute"
    assert len(account.requests) == 1


def test_an_account_without_groups_is_an_account_too(account: Account) -> None:
    account.answers(page_of())

    assert SenderService(account.client()).account().description == "the token opens an account with 0 groups"


def test_sender_can_do_all_but_what_its_drafts_make_needless_keep_keys_and_make_up_fields(account: Account) -> None:
    missing = frozenset(Capability) - SenderService(account.client()).capabilities
    needless = {Capability.START_CAMPAIGN, Capability.CLAIM}
    assert missing == needless | {Capability.IDEMPOTENT_MESSAGES, Capability.FREE_FIELDS}


@pytest.mark.parametrize("name", ["Vilnius", "", "../etc/passwd", "Europe", "Europe/Vilnius\0", "+03:00"])
def test_a_time_zone_that_does_not_exist_is_refused(account: Account, name: str) -> None:
    with pytest.raises(ConfigurationError, match="time_zone"):
        SenderService(account.client(time_zone=name))


def test_all_groups_and_fields_are_read_page_by_page(account: Account) -> None:
    account.answers(
        page_of({"id": "g1", "title": None, "recipient_count": "3"}, number=1, last=2, total=2),
        page_of({"id": "g2", "title": "T"}, number=2, last=2, total=2),
    )

    groups = SenderService(account.client()).groups()

    assert [(group.id, group.title, group.members) for group in groups] == [("g1", "", 3), ("g2", "T", None)]


# Subscribers


def test_nobody_is_none(account: Account) -> None:
    account.answers({"status_code": 404})

    assert SenderService(account.client()).find_subscriber(JANE) is None


@pytest.mark.parametrize("status", [401, 403, 500])
def test_not_being_told_is_not_nobody(account: Account, status: int) -> None:
    account.answers({"status_code": status})

    with pytest.raises(SenderError) as caught:
        SenderService(account.client(max_retries=0)).find_subscriber(JANE)
    assert not isinstance(caught.value, NotFoundError)


def test_a_whole_account_and_a_group_of_it_are_read(sender_sandbox: Sandbox) -> None:
    sender_sandbox.seed(count=250)
    sender_sandbox.seed(rows=[{"email": JANE, "groups": ["Readers"], "fields": {"Plan": "gold"}}])
    service = service_of(sender_sandbox)
    (group,) = (group for group in service.groups() if group.title == "Readers")

    everybody, readers = ListingReport(), ListingReport()
    rows = [row for rows in service.subscribers().walk(SeenKeys(), everybody, OnDrift.FAIL) for row in rows]
    some = [row for rows in service.subscribers(group.id).walk(SeenKeys(), readers, OnDrift.FAIL) for row in rows]

    assert sorted(bytes(row.raw) for row in rows) == sorted(sender_sandbox.subscribers())
    assert everybody.rows == 251
    (jane,) = (service.read_subscriber(row.raw) for row in some)
    assert (jane.email, jane.groups, jane.fields["Plan"]) == (JANE, (group.id,), "gold")


@pytest.mark.parametrize("raw", [b"[]", b'{"email": "a@b.c"}', b'{"id": "x", "subscriber_tags": 7}'])
def test_a_row_that_cannot_be_read_is_an_error_of_ours_and_shows_nobody(raw: bytes, account: Account) -> None:
    with pytest.raises(SenderError, match="cannot be read as documented") as caught:
        SenderService(account.client()).read_subscriber(raw)
    assert "a@b.c" not in repr(caught.value)


@pytest.mark.parametrize("created_format", ["iso", "plain", "mixed"])
@pytest.mark.parametrize("knobs", [{}, {"ignore_order": True}, {"stable_ties": False}])
def test_a_moving_account_is_read_whole_over_a_real_socket(
    sender_sandbox: Sandbox, created_format: str, knobs: dict[str, bool]
) -> None:
    sender_sandbox.reset(subscribers=450, created_format=created_format, **knobs)
    before = set(sender_sandbox.subscribers())
    sender_sandbox.fault("delete_subscribers", where="first", count=2, skip=1, times=2)
    sender_sandbox.fault("add_subscribers", skip=2, times=2)
    sender_sandbox.fault("delete_subscribers", where="last", count=1, skip=3, times=1)
    report = ListingReport()

    listing = service_of(sender_sandbox).subscribers()
    rows = [bytes(row.raw) for rows in listing.walk(SeenKeys(), report, OnDrift.REPAIR) for row in rows]

    assert len(rows) == len(set(rows))
    assert before & set(sender_sandbox.subscribers()) <= set(rows)


def test_a_new_subscriber_is_one_call(account: Account) -> None:
    account.answers(DONE)

    SenderService(account.client()).create_subscriber(
        change(firstname="Jane", groups=("g1",), consent=Consent.ACTIVE), trigger_automation=True
    )

    assert account.requests == [("POST", "/subscribers")]
    assert account.bodies == [{"email": JANE, "firstname": "Jane", "groups": ["g1"], "trigger_automation": True}]


@pytest.mark.parametrize(
    ("consent", "status"),
    [(Consent.UNSUBSCRIBED, "UNSUBSCRIBED"), (Consent.BOUNCED, "BOUNCED"), (Consent.COMPLAINED, "SPAM_REPORTED")],
)
def test_who_is_not_to_be_mailed_is_never_active_in_a_group(account: Account, consent: Consent, status: str) -> None:
    account.answers(DONE)
    service = SenderService(account.client())

    service.create_subscriber(change(firstname="Jane", groups=("g1",), consent=consent), trigger_automation=True)

    assert [method for method, _ in account.requests] == ["POST", "PATCH", "PATCH"]
    assert account.bodies == [
        {"email": JANE, "firstname": "Jane", "trigger_automation": False},
        {"subscriber_status": status, "trigger_automation": False},
        {"groups": ["g1"], "trigger_automation": False},
    ]


def test_who_is_not_to_be_mailed_and_has_nothing_more_takes_two_calls(account: Account) -> None:
    account.answers(DONE)

    SenderService(account.client()).create_subscriber(
        change(lastname="Doe", consent=Consent.UNSUBSCRIBED), trigger_automation=False
    )

    assert [method for method, _ in account.requests] == ["POST", "PATCH"]


def test_a_refused_field_does_not_leave_somebody_active(sender_sandbox: Sandbox) -> None:
    sender_sandbox.seed(rows=[{"email": "other@example.com", "fields": {"Plan": "gold"}}])
    sender_sandbox.fault("status", method="PATCH", path="/subscribers/*", skip=1, times=None, status=422)
    service = service_of(sender_sandbox)

    with pytest.raises(InvalidRequestError):
        service.create_subscriber(
            change(consent=Consent.UNSUBSCRIBED, fields={"Plan": "gold"}), trigger_automation=True
        )

    jane = sender_sandbox.subscriber(JANE)
    assert jane is not None
    assert jane["status"]["email"] == "unsubscribed"


@pytest.mark.parametrize("consent", [None, Consent.ACTIVE, Consent.UNSUBSCRIBED])
@pytest.mark.parametrize(
    "refusal",
    [TAKEN, {"status_code": 409}, {"status_code": 422, "json": {"message": "Subscriber already exists"}}],
    ids=["422 with fields", "409", "422 with a message"],
)
def test_who_is_there_already_is_updated(account: Account, consent: Consent | None, refusal: dict[str, Any]) -> None:
    account.answers(refusal, DONE)

    SenderService(account.client()).create_subscriber(
        change(firstname="Jane", groups=("g1",), consent=consent), trigger_automation=False
    )

    assert {request for request in account.requests[1:]} == {("PATCH", "/subscribers/jane%40example.com")}
    written: dict[str, Any] = {}
    for body in account.bodies[1:]:
        written |= body
    assert (written["firstname"], written["groups"]) == ("Jane", ["g1"])
    assert written.get("subscriber_status") == (consent.value.upper() if consent else None)


def test_a_phone_number_somebody_else_has_is_a_refusal(account: Account) -> None:
    account.answers({"status_code": 422, "json": {"errors": {"phone": ["The phone has already been taken."]}}})

    with pytest.raises(InvalidRequestError):
        SenderService(account.client()).create_subscriber(change(phone="+370"), trigger_automation=False)
    assert len(account.requests) == 1


@pytest.mark.parametrize("knobs", [{}, {"post_conflict": True}, {"post_fields": False}, {"post_status": 201}])
def test_creating_twice_leaves_one_as_asked(sender_sandbox: Sandbox, knobs: dict[str, Any]) -> None:
    sender_sandbox.reset(**knobs)
    sender_sandbox.seed(rows=[{"email": "other@example.com", "fields": {"Plan": "silver"}}])
    service = service_of(sender_sandbox, settle_time=0.2)

    for _ in range(2):
        service.create_subscriber(change(firstname="Jane", fields={"Plan": "gold"}), trigger_automation=False)

    jane = service.find_subscriber(JANE)
    assert jane is not None
    assert (jane.firstname, jane.fields["Plan"], jane.consent) == ("Jane", "gold", Consent.ACTIVE)
    assert len(sender_sandbox.subscribers()) == 2


def test_an_update_leaves_alone_what_it_does_not_name(account: Account) -> None:
    account.answers(DONE)

    SenderService(account.client()).update_subscriber(change(lastname="Doe"), trigger_automation=False)

    assert account.bodies == [{"lastname": "Doe", "trigger_automation": False}]


def test_an_update_of_nobody_is_not_found(account: Account) -> None:
    account.answers({"status_code": 404})

    with pytest.raises(NotFoundError):
        SenderService(account.client()).update_subscriber(change(lastname="Doe"), trigger_automation=False)


# Campaigns


def test_a_draft_is_written_in_the_services_words(account: Account) -> None:
    account.answers({"json": {"success": True, "data": {"id": "c1"}}})
    definition = CampaignDefinition(
        "News", "The Shop", "shop@example.com", html="<p>", group_ids=("g1",), extra={"google_analytics": 1, "x": None,
                                                                                      "subject": "not this"}
    )  # fmt: skip

    assert SenderService(account.client()).create_campaign(definition, "key") == "c1"

    assert account.bodies == [
        {
            "google_analytics": 1, "title": "key", "subject": "News", "from": "The Shop",
            "reply_to": "shop@example.com", "content_type": "html", "content": "<p>", "groups": ["g1"],
        }
    ]  # fmt: skip


def test_a_draft_of_plain_text(account: Account) -> None:
    account.answers({"json": {"data": {"id": "c1"}}})

    SenderService(account.client()).create_campaign(CampaignDefinition("S", "F", "a@b.c", text="Hi"), "t")

    assert (account.bodies[0]["content_type"], account.bodies[0]["content"]) == ("text", "Hi")


@pytest.mark.parametrize("call", ["send_campaign", "create_campaign", "schedule_campaign"])
def test_what_must_not_happen_twice_is_asked_for_once(account: Account, call: str) -> None:
    account.answers({"status_code": 502})
    service = SenderService(account.client(time_zone="UTC"))
    arguments: dict[str, list[Any]] = {
        "send_campaign": ["c1"],
        "create_campaign": [CampaignDefinition("S", "F", "a@b.c"), "t"],
        "schedule_campaign": ["c1", datetime(2036, 1, 1, tzinfo=UTC)],
    }

    with pytest.raises(OutcomeUnknownError):
        getattr(service, call)(*arguments[call])
    assert len(account.requests) == 1


def test_nothing_is_scheduled_while_nobody_said_in_which_zone(account: Account) -> None:
    with pytest.raises(ConfigurationError, match="extra time_zone"):
        SenderService(account.client()).schedule_campaign("c1", datetime(2036, 1, 1, tzinfo=UTC))
    assert not account.requests


@pytest.mark.parametrize("zone", ["UTC", "Europe/Vilnius", "America/New_York", "Asia/Kolkata"])
def test_a_time_goes_there_and_back_in_the_accounts_zone(sender_sandbox: Sandbox, zone: str) -> None:
    sender_sandbox.reset(time_zone=zone)
    sender_sandbox.seed(rows=[{"email": JANE, "groups": ["Readers"]}])
    service = service_of(sender_sandbox, time_zone=zone)
    (group,) = (group for group in service.groups() if group.title == "Readers")
    send_at = datetime(2036, 7, 1, 12, 30, tzinfo=UTC)
    html = "<a href='{$unsubscribe_link}'>Unsubscribe</a>"
    campaign_id = service.create_campaign(
        CampaignDefinition("S", "F", "shop@example.com", html=html, group_ids=(group.id,)), "title"
    )

    service.schedule_campaign(campaign_id, send_at)

    campaign = service.campaign(campaign_id)
    assert (campaign.state, campaign.scheduled_at) == (CampaignState.SCHEDULED, send_at)
    assert campaign.group_ids == (group.id,)
    service.cancel_campaign(campaign_id)
    assert service.campaign(campaign_id).state is CampaignState.DRAFT


def test_a_campaign_is_found_by_part_of_its_title_the_oldest_first(account: Account) -> None:
    account.answers(
        page_of(
            {"id": "c2", "title": "x [key] x", "created": "2026-01-03 00:00:00"},
            {"id": "c1", "title": "[key]", "created": "2026-01-02T00:00:00.000000Z"},
            {"id": "c3", "title": None, "created": "2026-01-04 00:00:00"},
            {"id": "c0", "title": "[key]", "created": None},
            {"id": "c4", "title": "[KEY]", "created": "2026-01-01 00:00:00"},
        )
    )

    found = SenderService(account.client()).campaigns_titled("[key]")

    assert [campaign.id for campaign in found] == ["c1", "c2", "c0"]


@pytest.mark.parametrize(
    ("answer", "obstacles"),
    [
        ({"json": []}, []),
        ({"json": {"data": []}}, []),
        ({"json": {"success": True, "message": "No errors"}}, []),
        ({"json": {"data": None, "errors": ["No recipients."]}}, ["No recipients."]),
        ({"json": {"data": ["No recipients.", " "]}}, ["No recipients."]),
        ({"json": {"errors": {"content": ["No link.", "Empty."], "from": "No."}}}, ["No link.", "Empty.", "No."]),
        ({"json": {"data": [{"code": 7, "message": "No link."}]}}, ["No link."]),
        ({"json": "No link."}, ["No link."]),
        ({"text": "null"}, []),
        ({"status_code": 404}, []),
    ],
)  # fmt: skip
def test_every_text_in_the_services_check_is_an_obstacle(
    account: Account, answer: dict[str, Any], obstacles: list[str]
) -> None:
    account.answers(answer)

    assert list(SenderService(account.client()).obstacles("c1")) == obstacles


def test_the_audience_is_what_the_service_has_worked_out() -> None:
    assert SenderService(make_client()).audience(Campaign("c1", recipients=12, group_ids=("g1",))) == 12


def test_the_audience_is_otherwise_that_of_its_groups_and_segments(account: Account) -> None:
    account.mocker.get("/v2/groups/g1", json={"data": {"id": "g1", "active_subscribers": 5}})
    account.mocker.get("/v2/groups/g2", json={"data": {"id": "g2", "active_subscribers": None}})
    account.mocker.get("/v2/segments/", **page_of({"id": "s1", "active_subscribers": 7}))
    service = SenderService(account.client())

    assert service.audience(Campaign("c1", recipients=0, group_ids=("g1",), segment_ids=("s1",))) == 12
    assert service.audience(Campaign("c1", group_ids=("g1", "g2"))) is None
    assert service.audience(Campaign("c1", segment_ids=("gone",))) is None
    assert service.audience(Campaign("c1")) is None


def test_the_page_of_a_campaign_is_the_services_own() -> None:
    assert SenderService(make_client()).campaign_url("c1") == "https://app.sender.net/campaigns/c1"

"""Sendara behind the port, on an account in memory that does what no document settles either way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import requests_mock

from airflow_provider_sender.client.campaigns import CampaignDefinition, CampaignState
from airflow_provider_sender.client.errors import (
    ConfigurationError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    UnsupportedOperationError,
)
from airflow_provider_sender.client.messages import Event, Mailbox, Message
from airflow_provider_sender.client.paging import ListingReport, OnDrift
from airflow_provider_sender.client.rows import Write
from airflow_provider_sender.client.seen import SeenKeys
from airflow_provider_sender.client.sendara.broadcast_records import BROADCAST_STATES, SendaraBroadcast, campaign_from
from airflow_provider_sender.client.sendara.service import SendaraService
from airflow_provider_sender.client.sendara.writing import ImportForm
from airflow_provider_sender.client.service import Capability
from airflow_provider_sender.client.subscribers import Consent, Subscriber, SubscriberChange
from tests.client.sendara_account import KEY, SendaraAccount, account_behind, make_client

NEWS = CampaignDefinition("News", "Ann", "ann@shop.example", html="<p>Hello</p>", group_ids=("list_a",))
MAIL = Message(Mailbox("jane@example.com"), Mailbox("shop@example.com", 'The "Shop"'), "Receipt", "<p>Thanks</p>")


@pytest.fixture
def wire() -> Iterator[requests_mock.Mocker]:
    with requests_mock.Mocker() as mocker:
        yield mocker


@pytest.fixture
def account(wire: requests_mock.Mocker) -> SendaraAccount:
    return account_behind(wire)


def everybody(service: SendaraService, group_id: str | None = None) -> list[Subscriber]:
    listing = service.subscribers(group_id)
    walk = listing.walk(SeenKeys(), ListingReport(), OnDrift.REPAIR)
    return [service.read_subscriber(row.raw) for rows in walk for row in rows]


def wants(email: str, **values: Any) -> SubscriberChange:
    return SubscriberChange(email, email=email, **values)


# The account


def test_whose_account_it_is_is_known_by_its_contacts(account: SendaraAccount) -> None:
    account.add("a@example.com")

    assert account.service().identity().endswith(" acc_1")
    assert len(account.calls) == 1


def test_without_contacts_the_key_tells_accounts_apart(account: SendaraAccount) -> None:
    one, other = account.service(), SendaraService(make_client("https://api.sendara.test", [], key="sk_live_2"))

    assert one.identity() != other.identity()
    assert KEY not in one.identity()


def test_what_the_key_opens_is_said(account: SendaraAccount) -> None:
    assert account.service().account().description == "the key opens an account that sent 7 messages in 2026-06"


def test_a_key_of_another_scope_is_a_good_key(wire: requests_mock.Mocker) -> None:
    refusal = {"error": {"code": "forbidden", "message": "No.", "status": 403}}
    wire.register_uri(requests_mock.ANY, requests_mock.ANY, json=refusal, status_code=403)
    service = SendaraService(make_client("https://api.sendara.test", [], key="sk_test_1"))

    assert service.account().description.startswith("the test key, with which nothing is really sent, is accepted")
    assert service.identity().endswith(service.fingerprint)


# Listings


@pytest.mark.parametrize("most_a_page", [100, 37, 5])
@pytest.mark.parametrize("people", [0, 1, 36, 37, 74, 100, 101, 250])
def test_everybody_is_listed_once_however_much_a_page_holds(
    wire: requests_mock.Mocker, most_a_page: int, people: int
) -> None:
    account = account_behind(wire, most_a_page=most_a_page)
    for number in range(people):
        account.add(f"p{number}@example.com")

    listed = everybody(account.service())

    assert sorted(each.id for each in listed) == sorted(account.contacts)
    assert account.service().subscribers().count() == len(account.contacts)


@pytest.mark.parametrize("ways", [{}, {"members_are_paged": True}, {"members_are_paged": True, "most_a_page": 40}])
@pytest.mark.parametrize("people", [0, 1, 40, 99, 100, 101, 205])
def test_a_list_s_members_are_read_in_pages_or_at_once(
    wire: requests_mock.Mocker, ways: dict[str, Any], people: int
) -> None:
    account = account_behind(wire, **ways)
    account.add("nobody@example.com")
    account.lists["list_a"] = [account.add(f"p{number}@example.com")["id"] for number in range(people)]

    assert sorted(each.id for each in everybody(account.service(), "list_a")) == sorted(account.lists["list_a"])
    assert account.service().subscribers("list_a").count() == people


def test_a_long_account_is_counted_with_a_few_requests(account: SendaraAccount) -> None:
    for number in range(3_456):
        account.add(f"p{number}@example.com")

    assert account.service().subscribers().count() == 3_456
    assert len(account.calls) <= 2 * 7


def test_nobody_is_lost_while_others_leave(account: SendaraAccount) -> None:
    staying = {account.add(f"p{number}@example.com")["id"] for number in range(450)}
    leaving = sorted(staying)[300:420:7]
    staying -= set(leaving)

    def lose(method: str, path: str) -> None:
        if leaving:
            account.contacts.pop(leaving.pop())

    account.before = lose
    listed = [each.id for each in everybody(account.service())]

    assert staying <= set(listed)
    assert len(listed) == len(set(listed))


def test_a_cut_off_list_of_members_is_noticed(wire: requests_mock.Mocker, caplog: pytest.LogCaptureFixture) -> None:
    rows = [{"id": f"ct_{number}"} for number in range(100)]
    wire.get(requests_mock.ANY, json={"members": rows, "suppressions": []})

    everybody(SendaraService(make_client("https://api.sendara.test", [])), "list_a")

    assert "There may be more" in caplog.text


def test_a_contact_is_read_in_common_words(account: SendaraAccount) -> None:
    account.add(
        "ann@example.com",
        phone_number="+370600",
        first_name="Ann",
        attributes={"plan": "pro", "orders": 3, "sizes": [1, 2]},
        tags=["vip", "beta"],
        device_token="x",
    )

    (ann,) = everybody(account.service())

    assert (ann.email, ann.phone, ann.firstname, ann.consent) == ("ann@example.com", "+370600", "Ann", Consent.ACTIVE)
    assert ann.created == datetime(2026, 6, 14, 10, 0, 1, tzinfo=UTC)
    assert dict(ann.fields) == {"plan": "pro", "orders": 3, "sizes": "[1,2]", "tags": "beta,vip"}


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("subscribed", Consent.ACTIVE),
        ("unsubscribed", Consent.UNSUBSCRIBED),
        ("suppressed", Consent.BOUNCED),
        ("unknown", Consent.UNKNOWN),
        ("brand_new", Consent.UNKNOWN),
        (None, Consent.UNKNOWN),
    ],
)
def test_consent_is_mapped(account: SendaraAccount, said: str | None, meant: Consent) -> None:
    account.add("ann@example.com", email_consent=said)

    assert [each.consent for each in everybody(account.service())] == [meant]


def test_a_suppression_list_that_may_not_be_asked_for_in_pages_is_taken_as_it_came(wire: requests_mock.Mocker) -> None:
    account = account_behind(wire, refuses_suppression_pages=True)
    account.add("bounced0@example.com")
    account.add("active@example.com")
    account.suppressed = {f"bounced{number}@example.com": "hard_bounce" for number in range(50)}

    read = {each.email: each.consent for each in everybody(account.service())}

    assert read == {"bounced0@example.com": Consent.BOUNCED, "active@example.com": Consent.ACTIVE}


@pytest.mark.parametrize("lists_suppressed", [True, False])
def test_who_is_suppressed_is_not_active_whatever_the_row_says(
    wire: requests_mock.Mocker, lists_suppressed: bool
) -> None:
    account = account_behind(wire, lists_suppressed=lists_suppressed)
    for name in ("bounced", "complained", "by_hand", "active"):
        account.add(f"{name}@example.com")
    account.add("out@example.com", email_consent="unsubscribed")
    account.suppressed = {
        "Bounced@example.com": "hard_bounce",
        "complained@example.com": "complaint",
        "by_hand@example.com": "",
        "out@example.com": "",
    }
    service = account.service()

    read = {each.email: each.consent for each in everybody(service)}

    suppressed = [Consent.BOUNCED, Consent.COMPLAINED, Consent.UNSUBSCRIBED]
    names = ("bounced@example.com", "complained@example.com", "by_hand@example.com")
    assert [read[each] for each in names] == (suppressed if lists_suppressed else [Consent.ACTIVE] * 3)
    assert (read["active@example.com"], read["out@example.com"]) == (Consent.ACTIVE, Consent.UNSUBSCRIBED)
    assert account.count("GET", "/v1/suppressions") == 1
    assert {key: each.consent for key, each in service.find_subscribers([each or "" for each in read]).items()} == read


def test_fields_are_the_tags_and_what_the_newest_have(account: SendaraAccount) -> None:
    account.add("a@example.com", attributes={"plan": "pro"})
    account.add("b@example.com", attributes={"city": "Vilnius"}, tags=["x"])

    assert [field.name for field in account.service().fields()] == ["tags", "city", "plan"]


def test_lists_are_groups(account: SendaraAccount) -> None:
    account.lists = {f"list_{number}": [] for number in range(130)}

    assert {(each.id, each.title) for each in account.service().groups()} == {
        (each, each.title()) for each in account.lists
    }


# Finding people


def test_an_address_cannot_be_looked_up_alone_and_is_not_tried(account: SendaraAccount) -> None:
    service = account.service()

    with pytest.raises(UnsupportedOperationError, match="find a subscriber by address"):
        service.find_subscriber("ann@example.com")
    assert account.calls == []
    assert Capability.FIND_SUBSCRIBER not in service.capabilities


def test_an_id_can(account: SendaraAccount) -> None:
    ann = account.add("ann@example.com")
    service = account.service()

    found = service.find_subscriber(ann["id"])
    assert found is not None
    assert found.email == "ann@example.com"
    assert service.find_subscriber("ct_none") is None


def test_many_are_found_in_one_reading_that_ends_with_the_last_of_them(account: SendaraAccount) -> None:
    for number in range(500):
        account.add(f"p{number}@example.com")
    wanted = [f"p{number}@example.com" for number in range(400, 500)]

    assert set(account.service().find_subscribers(wanted)) == set(wanted)
    assert account.calls == [("GET", "/v1/contacts"), ("GET", "/v1/suppressions")]
    assert account.service().find_subscribers(["nobody@example.com", "P7@example.com"]).keys() == {"P7@example.com"}


# Writing


@pytest.mark.parametrize("form", list(ImportForm))
@pytest.mark.parametrize(
    "ways",
    [
        {},
        {"import_replaces": True},
        {"import_is_silent": True},
        {"largest_import": 7},
        {"import_replaces": True, "import_subscribes": True},
    ],
    ids=str,
)
def test_rows_end_as_they_should_whatever_an_import_does(
    wire: requests_mock.Mocker, ways: dict[str, Any], form: ImportForm
) -> None:
    account = account_behind(wire, **ways)
    account.lists = {"list_a": [], "list_b": []}
    for number in range(10):
        account.add(f"old{number}@example.com", first_name="Old", attributes={"plan": "free", "x": [1]}, tags=["t"])
    account.person("old1@example.com")["email_consent"] = "unsubscribed"
    account.person("old2@example.com")["email_consent"] = "unknown"
    account.lists["list_a"] = [account.person("old3@example.com")["id"]]
    for number in range(4, 10):
        account.person(f"old{number}@example.com")["attributes"] = {"plan": "free", "city": "Vilnius"}
    there = {each.email: each for each in everybody(account.service())}
    writes = [
        Write(
            wants(f"old{number}@example.com", fields={"plan": "pro"}, groups=("list_a",)),
            there[f"old{number}@example.com"],
        )
        for number in range(10)
    ] + [
        Write(
            wants(f"new{number}@example.com", firstname="New", fields={"tags": "b,a"}, groups=("list_a", "list_b")),
            is_new=True,
        )
        for number in range(20)
    ]

    results = account.service(form).write_subscribers(writes, trigger_automation=False)

    assert [result.refusal for result in results] == [None] * 30
    assert all(result.is_certain for result in results)
    for number in range(10):
        old = account.person(f"old{number}@example.com")
        consent = {1: "unsubscribed", 2: "unknown"}.get(number, "subscribed")
        assert (old["first_name"], old["tags"], old["email_consent"]) == ("Old", ["t"], consent)
        assert old["attributes"] == ({"plan": "pro", "x": [1]} if number < 4 else {"plan": "pro", "city": "Vilnius"})
    for number in range(20):
        new = account.person(f"new{number}@example.com")
        assert (new["first_name"], new["tags"], new["email_consent"]) == ("New", ["a", "b"], "subscribed")
    assert sorted(account.lists["list_a"]) == sorted(account.contacts)
    assert len(account.lists["list_b"]) == 20


@pytest.mark.parametrize("bad", [{3}, {0, 9}, {9}, set(range(10))])
def test_who_is_skipped_is_found_out_and_stops_nobody(account: SendaraAccount, bad: set[int]) -> None:
    writes = [Write(wants(f"p{n}" if n in bad else f"p{n}@example.com"), is_new=True) for n in range(10)]

    results = account.service().write_subscribers(writes, trigger_automation=False)

    assert {number for number, result in enumerate(results) if result.refusal is not None} == bad
    assert len(account.contacts) == 10 - len(bad)
    refusal = next(result.refusal for result in results if result.refusal is not None)
    assert refusal.code == "invalid_request"


def test_an_import_the_account_does_not_know_stops_nobody(wire: requests_mock.Mocker) -> None:
    account = account_behind(wire)
    wire.post("https://api.sendara.test/v1/contacts/import", status_code=404)
    writes = [Write(wants(f"p{number}@example.com"), is_new=True) for number in range(5)]

    results = account.service().write_subscribers(writes, trigger_automation=False)

    assert not any(result.refusal for result in results)
    assert len(account.contacts) == 5


@pytest.mark.parametrize(
    "told", [{"consent": Consent.UNSUBSCRIBED}, {"consent": Consent.ACTIVE}, {}], ids=["out", "active", "overwritten"]
)
def test_five_hundred_newcomers_are_one_request_if_nobody_can_be_made_active_unasked(
    account: SendaraAccount, told: dict[str, Any]
) -> None:
    writes = [
        Write(wants(f"p{number}@example.com", **told), is_new=True, may_reactivate=not told) for number in range(500)
    ]

    account.service().write_subscribers(writes, trigger_automation=False)

    assert account.calls == [("POST", "/v1/contacts/import")]


@pytest.mark.parametrize("is_seen", [True, False])
def test_whoever_opts_out_after_having_been_read_or_is_not_listed_at_all_stays_out(
    account: SendaraAccount, is_seen: bool
) -> None:
    account.ways.import_subscribes = True
    service = account.service()
    for number in range(20):
        account.add(f"p{number}@example.com")
    known = service.find_subscribers([f"p{number}@example.com" for number in range(20)])
    for contact in account.contacts.values():
        contact["email_consent"] = "unsubscribed"
    writes = [
        Write(wants(email, firstname="Ann"), current if is_seen else None, is_new=not is_seen)
        for email, current in known.items()
    ]

    results = service.write_subscribers(writes, trigger_automation=False)

    assert not any(result.refusal for result in results)
    assert {each["email_consent"] for each in account.contacts.values()} == {"unsubscribed"}
    assert {each["first_name"] for each in account.contacts.values()} == {"Ann"}


def test_whoever_must_not_be_mailed_is_written_so(account: SendaraAccount) -> None:
    states = [Consent.UNSUBSCRIBED, Consent.BOUNCED, Consent.COMPLAINED, Consent.ACTIVE]
    writes = [Write(wants(f"{state}@example.com", consent=state), is_new=True) for state in states]

    account.service().write_subscribers(writes, trigger_automation=False)

    assert [each["email_consent"] for each in account.contacts.values()] == ["unsubscribed"] * 3 + ["subscribed"]
    assert account.suppressed == {"bounced@example.com": "hard_bounce", "complained@example.com": "complaint"}


def test_somebody_new_who_is_there_already_keeps_what_he_has(account: SendaraAccount) -> None:
    account.add("ann@example.com", attributes={"plan": "free"}, email_consent="unsubscribed")

    account.service().create_subscriber(wants("ann@example.com", fields={"city": "Kaunas"}), trigger_automation=False)

    ann = account.person("ann@example.com")
    assert ann["attributes"] == {"plan": "free", "city": "Kaunas"}
    assert ann["email_consent"] == "unsubscribed"


def test_a_change_by_address_finds_the_contact(account: SendaraAccount) -> None:
    account.add("ann@example.com", tags=["x"])
    service = account.service()

    service.update_subscriber(SubscriberChange("ann@example.com", firstname="Ann"), trigger_automation=False)

    assert account.bodies[-1] == {"first_name": "Ann"}
    with pytest.raises(NotFoundError):
        service.update_subscriber(SubscriberChange("bob@example.com", firstname="Bob"), trigger_automation=False)


def test_a_list_that_is_not_there_refuses_the_row(account: SendaraAccount) -> None:
    writes = [Write(wants(f"p{n}@example.com", groups=("list_none",)), is_new=True) for n in range(3)]

    results = account.service().write_subscribers(writes, trigger_automation=False)

    refusals = [result.refusal for result in results]
    assert all(isinstance(refusal, NotFoundError) for refusal in refusals)
    assert {tuple(refusal.errors) for refusal in refusals if refusal} == {("groups",)}


# Lists


def test_joining_a_list_tells_who_joined_who_was_in_and_who_is_unknown(account: SendaraAccount) -> None:
    people = [account.add(f"p{number}@example.com") for number in range(5)]
    account.lists["list_a"] = [people[0]["id"]]
    wanted = ["P0@example.com", "p1@example.com", "p4@example.com", "nobody@example.com"]

    result = account.service().add_to_group("list_a", wanted, trigger_automation=False)

    assert set(result.changed) == {"p1@example.com", "p4@example.com"}
    assert result.unchanged == ("p0@example.com",)
    assert result.missing == ("nobody@example.com",)
    assert account.lists["list_a"] == [people[each]["id"] for each in (0, 4, 1)] or len(account.lists["list_a"]) == 3


def test_who_joined_meanwhile_is_in_as_well(account: SendaraAccount) -> None:
    ann = account.add("ann@example.com")
    account.lists["list_a"] = []

    def join_first(method: str, path: str) -> None:
        if method == "POST":
            account.lists["list_a"] = [ann["id"]]

    account.before = join_first
    result = account.service().add_to_group("list_a", ["ann@example.com"], trigger_automation=False)

    assert result.unchanged == ("ann@example.com",)


def test_leaving_a_list(account: SendaraAccount) -> None:
    people = [account.add(f"p{number}@example.com") for number in range(3)]
    account.lists["list_a"] = [each["id"] for each in people[:2]]

    result = account.service().remove_from_group("list_a", ["p0@example.com", "p2@example.com"])

    assert (result.changed, result.unchanged) == (("p0@example.com",), ("p2@example.com",))
    assert account.lists["list_a"] == [people[1]["id"]]


@pytest.mark.parametrize("act", ["add_to_group", "remove_from_group"])
def test_a_list_that_is_not_there_is_said(account: SendaraAccount, act: str) -> None:
    account.add("ann@example.com")
    options = {"trigger_automation": False} if act == "add_to_group" else {}

    with pytest.raises(NotFoundError):
        getattr(account.service(), act)("list_none", ["ann@example.com"], **options)


def test_deleting_the_absent_succeeds(account: SendaraAccount) -> None:
    account.add("ann@example.com")
    account.add("bob@example.com")

    account.service().delete_subscribers(["ann@example.com", "nobody@example.com"])

    assert [each["email"] for each in account.contacts.values()] == ["bob@example.com"]


# Broadcasts


def test_every_documented_state_is_known() -> None:
    assert {each.value for each in BROADCAST_STATES.values()} == {
        "draft", "scheduled", "sending", "sent", "cancelled", "failed",
    }  # fmt: skip
    assert campaign_from(SendaraBroadcast("bc_1", status="brand_new")).state is CampaignState.UNKNOWN
    assert campaign_from(SendaraBroadcast("bc_1", status="canceled")).state is CampaignState.CANCELLED


def test_a_draft_is_made_read_and_sent(account: SendaraAccount) -> None:
    service = account.service()

    made = service.create_campaign(NEWS, "News [key 1]")
    draft = service.campaign(made)

    assert (draft.title, draft.state, draft.group_ids) == ("News [key 1]", CampaignState.DRAFT, ("list_a",))
    assert draft.sender_address == "ann@shop.example"
    assert account.broadcasts[made]["from_email"] == '"Ann" <ann@shop.example>'
    assert [each.id for each in service.campaigns_titled("[key 1]")] == [made]
    service.send_campaign(made)
    assert service.campaign(made).state is CampaignState.SENDING


def test_where_a_name_is_not_taken_the_address_goes_alone(wire: requests_mock.Mocker) -> None:
    account = account_behind(wire, takes_names=False)

    made = account.service().create_campaign(NEWS, "News")

    assert account.broadcasts[made]["from_email"] == "ann@shop.example"
    assert len(account.broadcasts) == 1


def test_several_lists_have_a_key_of_their_own(account: SendaraAccount) -> None:
    service = account.service()

    made = service.create_campaign(
        CampaignDefinition("News", "Ann", "a@b.example", text="x", group_ids=("list_a", "list_b")), "N"
    )

    assert account.bodies[-1]["list_ids"] == ["list_a", "list_b"]
    assert "audience_list_id" not in account.bodies[-1]
    assert service.campaign(made).group_ids == ("list_a", "list_b")


@pytest.mark.parametrize(
    ("send_at", "state"),
    [(None, CampaignState.SENDING), (datetime(2027, 1, 1, 9, tzinfo=UTC), CampaignState.SCHEDULED)],
)
def test_a_broadcast_starts_as_it_is_made(
    account: SendaraAccount, send_at: datetime | None, state: CampaignState
) -> None:
    service = account.service()

    campaign = service.campaign(service.start_campaign(NEWS, "News", send_at))

    assert (campaign.state, campaign.scheduled_at) == (state, send_at)
    service.check_can_schedule()


def test_a_draft_cannot_be_scheduled(account: SendaraAccount) -> None:
    service = account.service()

    with pytest.raises(UnsupportedOperationError, match="campaign_id"):
        service.schedule_campaign("bc_1", datetime.now(UTC))
    assert Capability.SCHEDULE_DRAFT not in service.capabilities
    assert account.calls == []


def test_taking_back_is_safe_to_repeat_and_too_late_is_said(account: SendaraAccount) -> None:
    service = account.service()
    scheduled = service.start_campaign(NEWS, "News", datetime(2027, 1, 1, tzinfo=UTC))
    sending = service.start_campaign(NEWS, "News", None)

    service.cancel_campaign(scheduled)
    service.cancel_campaign(scheduled)

    assert service.campaign(scheduled).state is CampaignState.CANCELLED
    with pytest.raises(InvalidRequestError):
        service.cancel_campaign(sending)


def test_a_send_whose_answer_is_lost_is_not_repeated(wire: requests_mock.Mocker) -> None:
    wire.post(requests_mock.ANY, status_code=502)
    service = SendaraService(make_client("https://api.sendara.test", []))

    with pytest.raises(OutcomeUnknownError):
        service.send_campaign("bc_1")
    with pytest.raises(OutcomeUnknownError):
        service.create_campaign(NEWS, "News")
    assert wire.call_count == 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (CampaignDefinition("N", "A", "a@b.example", html="x"), "group_ids"),
        (CampaignDefinition("N", "A", "a@b.example", html="x", to_everyone=True), "group_ids"),
        (CampaignDefinition("N", "A", "a@b.example", html="x", segment_ids=("s",)), "segment_ids"),
    ],
)
def test_a_broadcast_to_nobody_is_refused_before_anything_is_sent(
    account: SendaraAccount, given: CampaignDefinition, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        account.service().create_campaign(given, "N")
    assert account.calls == []


def test_the_audience_is_who_may_be_mailed(account: SendaraAccount) -> None:
    service = account.service()
    people = [account.add(f"p{number}@example.com") for number in range(4)]
    people[0]["email_consent"] = "unsubscribed"
    people[1]["email_consent"] = "suppressed"
    account.lists["list_a"] = [each["id"] for each in people]

    assert service.audience(service.campaign(service.create_campaign(NEWS, "News"))) == 2
    assert service.audience(campaign_from(SendaraBroadcast("bc_9"))) is None


def test_totals_are_those_of_the_stats(account: SendaraAccount) -> None:
    service = account.service()
    totals = service.campaign_totals(service.start_campaign(NEWS, "News", None))

    assert (totals.recipients, totals.sent, totals.delivered, totals.bounced) == (4, 4, 3, 1)
    assert (totals.clicked, totals.unsubscribed, totals.hard_bounced) == (None, None, None)


@pytest.mark.parametrize("most_a_page", [100, 30])
def test_pages_of_broadcasts_hold_all_of_them(wire: requests_mock.Mocker, most_a_page: int) -> None:
    account = account_behind(wire, most_a_page=most_a_page)
    service = account.service()
    made = {service.create_campaign(NEWS, f"News {number}") for number in range(130)}
    service = account.service()

    number, seen = 2, set()
    while True:
        page = service.campaigns_page(number)
        seen |= {each.id for each in page.campaigns}
        if number == page.last or not page.campaigns:
            break
        number += 1
    seen |= {each.id for each in service.campaigns_page(1).campaigns}

    assert seen == made


# Single mails


def test_a_mail_is_sent_as_the_reference_has_it(account: SendaraAccount) -> None:
    assert account.service().send_message(MAIL) == "msg_1"

    sent = account.bodies[-1]
    assert sent.pop("idempotency_key")
    assert sent == {
        "channel": "email",
        "message_type": "transactional",
        "destination": {"email": "jane@example.com"},
        "payload": {"subject": "Receipt", "body_html": "<p>Thanks</p>"},
        "metadata": {"from_email": '"The \\"Shop\\"" <shop@example.com>'},
    }


def test_a_template_takes_variables(account: SendaraAccount) -> None:
    account.service().send_message(Message(Mailbox("jane@example.com"), template_id="tmpl_1", variables={"n": 1}))

    assert (account.bodies[-1]["template_id"], account.bodies[-1]["template_vars"]) == ("tmpl_1", {"n": 1})


def test_the_same_key_is_one_mail(account: SendaraAccount) -> None:
    keyed = Message(MAIL.to, MAIL.sender, "Receipt", "<p>Thanks</p>", key="intent-1")
    rendered_otherwise = Message(MAIL.to, MAIL.sender, "Receipt", "<p>Thanks again</p>", key="intent-1")
    service = account.service()

    sent = [service.send_message(each) for each in (keyed, keyed, rendered_otherwise)]

    assert sent == ["msg_1"] * 3
    assert len(account.messages) == 1


def test_a_lost_answer_is_asked_for_again_under_the_same_key(account: SendaraAccount) -> None:
    answers = iter([ConnectionResetError(), None])

    def fail(method: str, path: str) -> None:
        if error := next(answers, None):
            raise requests.ConnectionError(error)

    account.before = fail

    assert account.service().send_message(MAIL) == "msg_1"
    assert account.bodies[0] == account.bodies[1]


def test_a_suppressed_recipient_is_a_refusal(account: SendaraAccount) -> None:
    account.suppressed["jane@example.com"] = "complaint"

    with pytest.raises(InvalidRequestError) as refused:
        account.service().send_message(MAIL)
    assert refused.value.code == "recipient_suppressed"
    assert len(account.calls) == 1


@pytest.mark.parametrize("name", ["reply_to", "attachments", "headers"])
def test_what_sendara_has_no_place_for_is_refused_before_anything_is_sent(account: SendaraAccount, name: str) -> None:
    values: dict[str, Any] = {
        "reply_to": Mailbox("a@b.example"),
        "attachments": {"a": "https://x"},
        "headers": {"X": "1"},
    }

    with pytest.raises(UnsupportedOperationError, match=name):
        account.service().send_message(Message(MAIL.to, MAIL.sender, "S", "H", **{name: values[name]}))
    assert account.calls == []


def test_variables_need_a_template(account: SendaraAccount) -> None:
    with pytest.raises(ConfigurationError, match="template_id"):
        account.service().send_message(Message(MAIL.to, MAIL.sender, "S", "H", variables={"n": 1}))


def test_there_are_no_workflows_and_no_events(account: SendaraAccount) -> None:
    service = account.service()

    with pytest.raises(UnsupportedOperationError, match="start a workflow"):
        service.start_workflow("w", "ann@example.com", {})
    with pytest.raises(UnsupportedOperationError, match="record an event"):
        service.record_event(Event("bought", {"email": "ann@example.com"}))


def test_a_wrong_scope_is_final(wire: requests_mock.Mocker) -> None:
    wire.register_uri(
        requests_mock.ANY, requests_mock.ANY, json={"error": {"code": "forbidden", "message": "No."}}, status_code=403
    )
    service = SendaraService(make_client("https://api.sendara.test", []))

    with pytest.raises(PermissionDeniedError, match="read scope"):
        service.campaign("bc_1")
    assert wire.call_count == 1

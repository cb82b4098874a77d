from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from airflow_provider_sender.client.campaigns import CampaignDefinition, CampaignState
from airflow_provider_sender.client.errors import (
    ConfigurationError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitError,
    SenderError,
    ServiceFailureError,
    UnsupportedOperationError,
)
from airflow_provider_sender.client.messages import Event, Mailbox, Message
from airflow_provider_sender.client.paging import ListingReport, OnDrift
from airflow_provider_sender.client.request import read
from airflow_provider_sender.client.rows import Write, WriteResult
from airflow_provider_sender.client.seen import SeenKeys
from airflow_provider_sender.client.sendpulse.pace import budget_for
from airflow_provider_sender.client.sendpulse.service import SendPulseService
from airflow_provider_sender.client.service import Capability
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.client.subscribers import Consent, SubscriberChange
from airflow_provider_sender.sandbox.remote import Json, Sandbox
from tests.client.sendpulse_accounts import everybody, service_of

JANE, OUT, NEW = "jane@example.com", "out@example.com", "new@example.com"
HTML = "<p>Hé</p>"


@pytest.fixture
def sandbox(sender_sandbox: Sandbox) -> Sandbox:
    """An account with two lists: A has Jane and somebody who is out, B has Jane."""
    sender_sandbox.seed(
        rows=[
            {"email": JANE, "groups": ["A", "B"], "fields": {"Plan": "gold"}},
            {"email": OUT, "groups": ["A"], "status": "unsubscribed"},
        ]
    )
    return sender_sandbox


@pytest.fixture
def service(sandbox: Sandbox) -> SendPulseService:
    return service_of(sandbox)


def list_id(service: SendPulseService, title: str) -> str:
    (found,) = (group.id for group in service.groups() if group.title == title)
    return found


def definition(service: SendPulseService, **values: Any) -> CampaignDefinition:
    given = {"subject": "News", "from_name": "Shop", "from_email": "hello@example.com", "html": HTML, **values}
    return CampaignDefinition(**{"group_ids": (list_id(service, "A"),), **given})


def change(email: str, **values: Any) -> SubscriberChange:
    return SubscriberChange(email, email=email, **values)


# The account


def test_whose_account_it_is_takes_one_request_and_a_token(sandbox: Sandbox, service: SendPulseService) -> None:
    assert "this is account 7043663" in service.account().description
    assert service.identity().endswith("/sendpulse 7043663")


def test_what_it_cannot_do_is_said_before_anything_is_sent(sandbox: Sandbox, service: SendPulseService) -> None:
    before = service.transport.requests_made
    missing = frozenset(Capability) - service.capabilities
    assert {
        Capability.SEND_DRAFT,
        Capability.SCHEDULE_DRAFT,
        Capability.GROUPLESS,
        Capability.ROW_RESULTS,
        Capability.START_WORKFLOW,
        Capability.CAMPAIGN_EVENTS,
    } <= missing
    calls: tuple[Callable[[], object], ...] = (
        lambda: service.send_campaign("1"),
        lambda: service.schedule_campaign("1", datetime.now(UTC)),
        lambda: service.start_workflow("1", JANE, {}),
    )
    for call in calls:
        with pytest.raises(UnsupportedOperationError, match="SendPulse cannot"):
            call()
    assert service.transport.requests_made == before


# Reading


def test_a_person_is_one_row_with_all_lists_byte_for_byte(sandbox: Sandbox, service: SendPulseService) -> None:
    rows = [row for rows in service.subscribers().walk(SeenKeys(), ListingReport(), OnDrift.FAIL) for row in rows]
    (raw,) = (bytes(row.raw) for row in rows if row.key == JANE)
    row = json.loads(raw)
    assert row["email"] == JANE
    assert list(row["lists"]) == [list_id(service, "A"), list_id(service, "B")]
    for list_, said in row["lists"].items():
        request = read("/addressbooks/{}/emails", list_, limit=100)
        wire = service.transport.call(request, list[dict[str, Any]])
        assert said in wire
    jane = service.read_subscriber(raw)
    assert (jane.consent, jane.fields["Plan"]) == (Consent.ACTIVE, "gold")


def test_everybody_is_read_once_whatever_lists_they_are_in(sender_sandbox: Sandbox) -> None:
    sender_sandbox.seed(count=450)
    service = service_of(sender_sandbox)
    report = ListingReport()
    found = everybody(service, service.subscribers(), report)
    assert report.is_sound
    by_list = {group.id: everybody(service, service.subscribers(group.id)) for group in service.groups()}
    assert set(found) == set().union(*by_list.values())
    for address, subscriber in found.items():
        assert set(subscriber.groups) == {group for group, members in by_list.items() if address in members}


def test_a_moving_account_is_read_whole_over_a_real_socket(sender_sandbox: Sandbox) -> None:
    sender_sandbox.seed(count=900)
    service = service_of(sender_sandbox)
    before = set(everybody(service, service.subscribers()))
    sender_sandbox.fault("delete_subscribers", where="first", count=7, skip=3, times=4)
    sender_sandbox.fault("add_subscribers", skip=4, times=3)
    found = everybody(service, service.subscribers())
    sender_sandbox.clear_faults()
    after = set(everybody(service, service.subscribers()))
    assert before & after <= set(found)
    assert after != before


@pytest.mark.parametrize("key", ["99999999", "no such list"])
def test_a_list_that_is_not_there_is_not_found(service: SendPulseService, key: str) -> None:
    with pytest.raises(NotFoundError):
        everybody(service, service.subscribers(key))
    with pytest.raises(NotFoundError):
        service.subscribers(key).count()


def test_many_are_found_in_one_request_whatever_case_they_are_asked_for_in(
    sandbox: Sandbox, service: SendPulseService
) -> None:
    service.account()
    before = service.transport.requests_made
    found = service.find_subscribers([JANE.upper(), OUT, "nobody@example.com", "+37060000000"])
    assert service.transport.requests_made == before + 1
    assert set(found) == {JANE.upper(), OUT}
    assert found[OUT].consent is Consent.UNSUBSCRIBED
    assert service.find_subscriber("nobody@example.com") is None


# Writing


def test_rows_are_written_in_a_call_a_list_and_looked_at_afterwards(
    sandbox: Sandbox, service: SendPulseService
) -> None:
    a, b = list_id(service, "A"), list_id(service, "B")
    jane = service.find_subscriber(JANE)
    before = service.transport.requests_made
    results = service.write_subscribers(
        [
            *(Write(change(f"p{number}@example.com", groups=(a,), firstname="P")) for number in range(50)),
            Write(change(JANE, fields={"Plan": "silver"}), jane),
        ],
        trigger_automation=False,
    )
    assert service.transport.requests_made == before + 3
    assert all(result.refusal is None and result.is_certain for result in results)
    jane = service.find_subscriber(JANE)
    assert jane is not None
    assert (jane.fields["Plan"], jane.groups) == ("silver", (a, b))
    assert service.client.get_subscriber(b, JANE)["variables"] != []
    new = service.find_subscriber("p7@example.com")
    assert new is not None
    assert (new.firstname, new.groups, new.consent) == ("P", (a,), Consent.ACTIVE)


def test_a_time_for_a_variable_that_is_a_date_is_written_as_a_date(sender_sandbox: Sandbox) -> None:
    sender_sandbox.seed(count=30)
    service = service_of(sender_sandbox)
    group = service.groups()[0].id
    values = {"Renewal date": "2026-02-14T00:00:00+00:00", "Plan": "2026-02-14T00:00:00Z"}
    for row in (Write(change(NEW, groups=(group,), fields=values)), Write(change(OUT, groups=(group,)))):
        (result,) = service.write_subscribers([row], trigger_automation=False)
        assert result == WriteResult()
    new = service.find_subscriber(NEW)
    assert new is not None
    assert new.fields == {"Renewal date": "2026-02-14", "Plan": "2026-02-14T00:00:00Z"}
    assert sender_sandbox.counters()["by_path"]["GET /addressbooks/{id}/variables"] == 1


def test_a_newcomer_without_a_list_is_refused_and_the_others_are_not(service: SendPulseService) -> None:
    a = list_id(service, "A")
    refused, taken = service.write_subscribers(
        [Write(change("nowhere@example.com")), Write(change(NEW, groups=(a,)))], trigger_automation=False
    )
    assert "mailing lists only" in str(refused.refusal)
    assert taken.refusal is None
    with pytest.raises(InvalidRequestError, match="mailing lists only"):
        service.create_subscriber(change("nowhere@example.com"), trigger_automation=False)


def test_one_that_the_service_refuses_does_not_stop_the_others(sandbox: Sandbox, service: SendPulseService) -> None:
    a = list_id(service, "A")
    writes = [Write(change(f"p{number}@example.com", groups=(a,))) for number in range(4)]
    refusal: Json = {"message": "Email address syntax error", "error_code": 906}
    sandbox.fault("status", path=f"/addressbooks/{a}/emails", method="POST", times=3, status=422, body=refusal)
    results = service.write_subscribers(writes, trigger_automation=False)
    assert [result.refusal is None for result in results] == [False, True, True, True]
    assert set(everybody(service, service.subscribers(a))) == {
        JANE,
        OUT,
        *(f"p{each}@example.com" for each in (1, 2, 3)),
    }


def test_a_list_that_is_not_there_refuses_its_rows(service: SendPulseService) -> None:
    gone, taken = service.write_subscribers(
        [Write(change(NEW, groups=("99999999",))), Write(change("two@example.com", groups=(list_id(service, "A"),)))],
        trigger_automation=False,
    )
    assert isinstance(gone.refusal, NotFoundError)
    assert gone.refusal.errors == {"groups": ["the account has no such group"]}
    assert taken.refusal is None


def test_whoever_is_out_stays_out_whatever_is_written(sandbox: Sandbox, service: SendPulseService) -> None:
    b = list_id(service, "B")
    out = service.find_subscriber(OUT)
    results = service.write_subscribers(
        [
            Write(change(OUT, fields={"Plan": "bronze"}, groups=(b,)), out),
            Write(change(NEW, groups=(b,), consent=Consent.UNSUBSCRIBED)),
        ],
        trigger_automation=False,
    )
    assert results == [WriteResult(), WriteResult()]
    joined = service.add_to_group(b, [OUT, JANE], trigger_automation=False)
    assert (joined.held, joined.unchanged, joined.changed) == ((OUT,), (JANE,), ())
    members = everybody(service, service.subscribers(b))
    assert {email: member.consent for email, member in members.items()} == {
        JANE: Consent.ACTIVE,
        NEW: Consent.UNSUBSCRIBED,
    }
    assert service.find_subscribers([OUT])[OUT].fields["Plan"] == "bronze"


def test_a_newcomer_who_cannot_be_unsubscribed_is_not_left_in_the_list(
    sandbox: Sandbox, service: SendPulseService
) -> None:
    a, b = list_id(service, "A"), list_id(service, "B")
    sandbox.fault("status", path=f"/addressbooks/{b}/emails/unsubscribe", method="POST", times=None, status=500)
    with pytest.raises(ServiceFailureError):
        service_of(sandbox, max_retries=0).create_subscriber(
            change(NEW, groups=(b, a), consent=Consent.UNSUBSCRIBED), trigger_automation=False
        )
    assert NEW not in everybody(service, service.subscribers())


def test_asking_to_make_somebody_active_who_is_out_is_refused(service: SendPulseService) -> None:
    (result,) = service.write_subscribers(
        [Write(change(OUT, consent=Consent.ACTIVE), service.find_subscriber(OUT))], trigger_automation=False
    )
    assert "subscribe again themselves" in str(result.refusal)


def test_unsubscribing_is_in_every_list(service: SendPulseService) -> None:
    service.update_subscriber(change(JANE, consent=Consent.UNSUBSCRIBED), trigger_automation=False)
    service.update_subscriber(change(JANE, consent=Consent.UNSUBSCRIBED), trigger_automation=False)
    for title in ("A", "B"):
        members = everybody(service, service.subscribers(list_id(service, title)))
        assert members[JANE].consent is Consent.UNSUBSCRIBED


def test_nobody_to_change_is_not_found(service: SendPulseService) -> None:
    with pytest.raises(NotFoundError):
        service.update_subscriber(change("nobody@example.com", firstname="N"), trigger_automation=False)


def test_whoever_joins_a_list_takes_their_variables_along(sandbox: Sandbox, service: SendPulseService) -> None:
    sandbox.seed(rows=[{"email": "c@example.com", "groups": ["C"]}])
    c = list_id(service, "C")
    done = service.add_to_group(c, [JANE, JANE.upper(), "nobody@example.com", "c@example.com"], trigger_automation=True)
    assert (done.changed, done.unchanged, done.missing) == ((JANE,), ("c@example.com",), ("nobody@example.com",))
    assert everybody(service, service.subscribers(c))[JANE].fields["Plan"] == "gold"
    left = service.remove_from_group(c, [JANE, "nobody@example.com"])
    assert (left.changed, left.missing) == ((JANE,), ("nobody@example.com",))
    assert service.remove_from_group(c, [JANE]).unchanged == (JANE,)
    calls: tuple[Callable[[], object], ...] = (
        lambda: service.remove_from_group("99999999", [JANE]),
        lambda: service.add_to_group("99999999", [JANE], trigger_automation=False),
    )
    for call in calls:
        with pytest.raises(NotFoundError):
            call()


def test_deleting_takes_people_out_of_every_list_and_the_absent_are_passed_over(service: SendPulseService) -> None:
    service.delete_subscribers([JANE, "nobody@example.com"])
    service.delete_subscribers([JANE])
    assert service.find_subscriber(JANE) is None


# Claims


def test_a_mark_can_be_had_once_at_a_time(service: SendPulseService) -> None:
    mine = service.claim("[key abc]")
    assert mine is not None
    assert service.claim("[key abc]") is None
    assert service.claim("[key other]") is not None
    assert service.claims("[key abc]") == [mine]
    service.release(mine)
    service.release(mine)
    assert service.claims("[key abc]") == []
    assert service.claim("[key abc]") is not None


def test_eight_that_want_a_mark_at_once_are_told_apart(sandbox: Sandbox) -> None:
    services = [service_of(sandbox) for _ in range(8)]
    got: list[str | None] = []
    threads = [threading.Thread(target=lambda each=each: got.append(each.claim("[key abc]"))) for each in services]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(got) == 8
    assert sum(each is not None for each in got) == 1


def test_a_claim_is_no_list_and_no_list_is_released(service: SendPulseService) -> None:
    groups, fields = service.groups(), service.fields()
    service.claim("[key abc]")
    assert (service.groups(), service.fields()) == (groups, fields)
    assert set(everybody(service, service.subscribers())) == {JANE, OUT}
    with pytest.raises(ConfigurationError, match="is no claim"):
        service.release(groups[0].id)
    assert service.groups() == groups


# Campaigns


def test_a_campaign_is_sent_as_it_is_made(sandbox: Sandbox, service: SendPulseService) -> None:
    campaign_id = service.start_campaign(definition(service), "News [key abc]", None)
    campaign = service.campaign(campaign_id)
    assert campaign.state is CampaignState.SENDING
    assert (campaign.title, campaign.subject, campaign.sender_address) == (
        "News [key abc]",
        "News",
        "hello@example.com",
    )
    assert campaign.group_ids == (list_id(service, "A"),)
    sandbox.advance(3_600)
    campaign = service.campaign(campaign_id)
    assert campaign.state is CampaignState.SENT
    assert sandbox.mails(campaign_id) == {JANE: 1}
    assert service.campaign_totals(campaign_id).sent == 1
    assert service.campaign_definition(campaign_id).html == HTML
    assert [each.id for each in service.campaigns_titled("[key abc]")] == [campaign_id]
    assert service.campaigns_titled("[key x]") == []
    assert [each.id for each in service.campaigns_page(1).campaigns] == [campaign_id]
    assert service.campaign_url(campaign_id).startswith("https://login.sendpulse.com/")


@pytest.mark.parametrize("zone", [None, "America/New_York", "Asia/Kolkata"])
def test_a_campaign_for_later_is_scheduled_whatever_its_code_and_can_be_taken_back(
    sandbox: Sandbox, zone: str | None
) -> None:
    service = service_of(sandbox, time_zone=zone)
    send_at = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    service.check_can_schedule()
    campaign_id = service.start_campaign(definition(service), "News", send_at)
    campaign = service.campaign(campaign_id)
    assert (campaign.state, campaign.scheduled_at) == (CampaignState.SCHEDULED, send_at)
    sent = service.client.get_campaign(campaign_id)["send_date"]
    assert sent == send_at.astimezone(ZoneInfo(zone or "UTC")).strftime("%Y-%m-%d %H:%M:%S")
    service.cancel_campaign(campaign_id)
    assert service.campaign(campaign_id).state is CampaignState.CANCELLED
    with pytest.raises(NotFoundError):
        service.cancel_campaign(campaign_id)


def test_a_draft_stays_one(service: SendPulseService) -> None:
    campaign = service.campaign(service.create_campaign(definition(service), "Draft"))
    assert campaign.state is CampaignState.DRAFT
    assert service.obstacles(campaign.id) == []


def test_a_sender_the_account_does_not_have_is_an_obstacle(sandbox: Sandbox, service: SendPulseService) -> None:
    with pytest.raises(InvalidRequestError, match="no such sender"):
        service.start_campaign(definition(service, from_email="stranger@example.com"), "News", None)
    assert sandbox.counters()["mails"] == 0


def test_the_audience_is_what_is_active_in_the_lists(service: SendPulseService) -> None:
    campaign = msgspec.structs.replace(
        service.campaign(service.create_campaign(definition(service), "Draft")), recipients=None
    )
    assert service.audience(campaign) == 1
    assert service.audience(msgspec.structs.replace(campaign, segment_ids=("7",))) is None


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"to_everyone": True}, "Name them in group_ids"),
        ({"preheader": "x"}, "takes no preheader"),
        ({"group_ids": tuple("abcdefghijk")}, "at most 10 mailing lists"),
        ({"segment_ids": ("1", "2")}, "or one segment"),
        ({"segment_ids": ("1",), "group_ids": ("1", "2")}, "belongs to one mailing list"),
    ],
)
def test_what_the_create_call_cannot_say_is_refused_before_it_is_made(
    service: SendPulseService, values: dict[str, Any], words: str
) -> None:
    given = {"group_ids": ("1",), **values}
    with pytest.raises(ConfigurationError, match=words):
        service.start_campaign(CampaignDefinition("S", "Shop", "hello@example.com", html=HTML, **given), "News", None)


def test_a_campaign_too_many_for_the_hour_is_for_later_and_reading_goes_on(sender_sandbox: Sandbox) -> None:
    sender_sandbox.reset(sendpulse_campaigns_per_hour=1)
    sender_sandbox.seed(rows=[{"email": JANE, "groups": ["A"]}])
    service = service_of(sender_sandbox)
    service.start_campaign(definition(service), "One", None)
    with pytest.raises(RateLimitError) as caught:
        service.start_campaign(definition(service), "Two", None)
    assert caught.value.retry_after == 3_600
    assert [each.title for each in service.campaigns_titled("")] == ["One"]


def test_a_lost_answer_leaves_the_outcome_to_be_looked_up(sandbox: Sandbox, service: SendPulseService) -> None:
    given = definition(service)
    sandbox.fault("drop_after", path="/campaigns", method="POST")
    with pytest.raises(OutcomeUnknownError):
        service.start_campaign(given, "News [key abc]", None)
    assert len(service.campaigns_titled("[key abc]")) == 1


# Single mails and events


def test_a_mail_goes_out_as_base64_and_an_event_is_recorded(sandbox: Sandbox, service: SendPulseService) -> None:
    message = Message(Mailbox("a@example.com"), Mailbox("hello@example.com", "Shop"), subject="Hi", html=HTML)
    assert service.send_message(message)
    assert base64.b64encode(HTML.encode()).decode() in json.dumps(sandbox.messages())
    service.record_event(Event("bought", {"email": JANE}, value=5, currency="EUR", properties={"sku": "x"}))
    assert sandbox.counters()["by_path"]["POST /events/name/{event}"] == 1


@pytest.mark.parametrize(
    "values",
    [
        {"attachments": {"a.pdf": "https://example.com/a.pdf"}},
        {"headers": {"X-A": "b"}},
        {"variables": {"a": 1}},
        {"sender": None},
    ],
)
def test_what_a_mail_cannot_have_is_refused_before_it_is_sent(
    service: SendPulseService, values: dict[str, Any]
) -> None:
    given = {"sender": Mailbox("hello@example.com"), "subject": "Hi", "html": HTML, **values}
    with pytest.raises(ConfigurationError, match="SendPulse"):
        service.send_message(Message(Mailbox("a@example.com"), **given))
    with pytest.raises(ConfigurationError, match="by email or phone"):
        service.record_event(Event("bought", {"id": "7"}))


# Pace and tokens


def test_an_account_paced_at_ten_a_second_sees_no_refusal_from_eight_threads(sender_sandbox: Sandbox) -> None:
    sender_sandbox.reset(sendpulse_requests_per_second=10)
    sender_sandbox.seed(rows=[{"email": JANE, "groups": ["A"]}])
    service = service_of(sender_sandbox, budget_for(Settings(sender_sandbox.sendpulse_url)))
    service.client.list_senders()
    before = sender_sandbox.counters()["by_path"]["GET /senders"]
    errors: list[SenderError] = []

    def work() -> None:
        try:
            for _ in range(5):
                service.client.list_senders()
        except SenderError as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    counters = sender_sandbox.counters()
    assert not errors
    assert counters["rate_limited"] == 0
    assert counters["by_path"]["GET /senders"] == before + 40


def test_a_token_that_ends_in_the_middle_of_an_export_costs_one_token_call_and_no_page(
    sender_sandbox: Sandbox,
) -> None:
    sender_sandbox.seed(rows=[{"email": f"p{number}@example.com", "groups": ["A"]} for number in range(1_500)])
    service = service_of(sender_sandbox)
    listing = service.subscribers(list_id(service, "A"))
    issued = sender_sandbox.counters()["by_path"]["POST /oauth/access_token"]
    rows = 0
    for number, batch in enumerate(listing.walk(SeenKeys(), ListingReport(), OnDrift.FAIL)):
        rows += len(batch)
        if number == 7:
            sender_sandbox.revoke_tokens()
    assert rows == 1_500
    assert sender_sandbox.counters()["by_path"]["POST /oauth/access_token"] == issued + 1

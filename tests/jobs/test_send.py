from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_sender.client.campaigns import Campaign, CampaignDefinition, CampaignState
from airflow_provider_sender.client.errors import (
    AuthenticationError,
    ConfigurationError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitError,
    ServiceFailureError,
)
from airflow_provider_sender.client.sender.service import SenderService
from airflow_provider_sender.jobs.drafting import create_once
from airflow_provider_sender.jobs.marks import marker_of
from airflow_provider_sender.jobs.preflight import Sending, SendRefusedError
from airflow_provider_sender.jobs.scheduling import StillScheduledError, TooLateError, cancel, cancel_surely
from airflow_provider_sender.jobs.send import send_once
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.jobs.accounts import SETTLE_TIME, MemoryService, service_of
from tests.jobs.runs import Job, Notes, Nowhere, killed_at, run, run_at_once, steps_of

DEFINITION = CampaignDefinition(
    subject="News of the week",
    from_name="The Shop",
    from_email="shop@example.com",
    html="<p>Hello</p><a href='{$unsubscribe_link}'>Unsubscribe</a>",
)
BY_DEFINITION = Sending("newsletter-2026-01-31", definition=DEFINITION)
# What Sender may take to show what was done, well below the time that is waited for it.
SLOW: dict[str, Any] = {"state_delay_seconds": 10, "listing_delay_seconds": 10, "send_seconds": 5}


def seeded(sandbox: Sandbox, **knobs: Any) -> None:
    """Have three people who can be mailed, and one who cannot."""
    sandbox.reset(**knobs)
    rows: list[dict[str, Any]] = [{"email": f"{name}@x.lt"} for name in "abc"]
    sandbox.seed(rows=[*rows, {"email": "out@x.lt", "status": "unsubscribed"}])


def draft(service: SenderService, **changes: Any) -> str:
    return service.create_campaign(msgspec.structs.replace(DEFINITION, **changes), "A draft")


def mailed_once(sandbox: Sandbox) -> bool:
    """Tell whether everybody who can be mailed was, exactly once, by whatever campaign."""
    counters = sandbox.counters()
    return (counters["mails"], counters["max_mails_per_recipient"]) == (3, 1)


def posts(sandbox: Sandbox, what: str = "send") -> int:
    return sandbox.counters()["by_path"].get(f"POST /campaigns/{{id}}/{what}", 0)


def states(sandbox: Sandbox) -> list[str | None]:
    return [each["status"] for each in sandbox.counters()["campaigns"].values()]


def later(**delta: float) -> datetime:
    """Return a moment in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(**delta)


# Sent


def test_a_draft_is_sent_to_everybody_once(sender_sandbox: Sandbox) -> None:
    seeded(sender_sandbox)
    service = service_of(sender_sandbox)
    campaign = send_once(service, Sending("k", campaign_id=draft(service)), Notes())
    assert campaign.state in (CampaignState.SENDING, CampaignState.SENT)
    assert mailed_once(sender_sandbox)
    assert sender_sandbox.mails(campaign.id) == {"a@x.lt": 1, "b@x.lt": 1, "c@x.lt": 1}


def test_a_definition_is_made_a_campaign_and_sent_once(sender_sandbox: Sandbox) -> None:
    seeded(sender_sandbox)
    notes = Notes()
    campaign = send_once(service_of(sender_sandbox), BY_DEFINITION, notes)
    assert mailed_once(sender_sandbox)
    mark = re.escape(marker_of(BY_DEFINITION.send_key))
    assert re.fullmatch(rf"News of the week \[draft 0 [0-9a-f]{{6}}\] {mark}", campaign.title)
    assert campaign.subject == "News of the week"
    assert notes.kept == {"campaign_id": campaign.id, "doing": "send"}


def test_the_mark_is_short_and_the_same_for_the_same_key_only() -> None:
    assert marker_of("a") == marker_of("a") != marker_of("b")
    assert len(marker_of("ž" * 10_000)) < 30


@pytest.mark.parametrize("notes", [Notes(), Nowhere()], ids=["noted", "not noted"])
@pytest.mark.parametrize("by_id", [True, False])
@pytest.mark.parametrize("knobs", [{}, SLOW])
@pytest.mark.parametrize("pause", [0, 1, 100])
def test_a_second_call_finds_the_first(
    sender_sandbox: Sandbox, notes: Notes, by_id: bool, knobs: dict[str, Any], pause: float
) -> None:
    seeded(sender_sandbox, **knobs)
    sending = BY_DEFINITION
    if by_id:
        sending = Sending("k", campaign_id=draft(service_of(sender_sandbox)))

    def job(service: SenderService, intents: Any, sleep: Any) -> Campaign:
        return send_once(service, sending, intents, sleep=sleep)

    first = run(sender_sandbox, job, notes)
    sender_sandbox.advance(pause)
    second, third = run(sender_sandbox, job, notes), run(sender_sandbox, job, Notes())
    assert first.id == second.id == third.id
    assert (mailed_once(sender_sandbox), posts(sender_sandbox)) == (True, 1)
    assert len(states(sender_sandbox)) == 1


def test_another_key_is_another_campaign(sender_sandbox: Sandbox) -> None:
    seeded(sender_sandbox)
    service = service_of(sender_sandbox)
    first = send_once(service, BY_DEFINITION, Notes(), sleep=sender_sandbox.advance)
    again = Sending("newsletter-2026-02-07", definition=DEFINITION)
    second = send_once(service, again, Notes(), sleep=sender_sandbox.advance)
    assert first.id != second.id
    assert sender_sandbox.counters()["mails"] == 6


def test_notes_of_another_intent_are_not_taken_up(sender_sandbox: Sandbox) -> None:
    seeded(sender_sandbox)
    service, notes = service_of(sender_sandbox), Notes()
    notes.note(campaign_id=draft(service))
    other = notes.kept["campaign_id"]
    sent = send_once(service, BY_DEFINITION, notes)
    assert sent.id != other
    assert marker_of(BY_DEFINITION.send_key) in sent.title
    assert "DRAFT" in states(sender_sandbox)


def test_a_noted_campaign_that_was_deleted_is_made_anew(sender_sandbox: Sandbox) -> None:
    seeded(sender_sandbox)
    service, notes = service_of(sender_sandbox), Notes()
    made = create_once(service, Sending("k", definition=DEFINITION), notes, sleep=sender_sandbox.advance)
    service.client.delete_campaigns([made])
    again = create_once(service, Sending("k", definition=DEFINITION), notes, sleep=sender_sandbox.advance)
    assert again != made
    assert notes.kept["campaign_id"] == again


@pytest.mark.parametrize("fault", ["drop_after", "truncate", "garble"])
@pytest.mark.parametrize("knobs", [{}, SLOW])
@pytest.mark.parametrize("path", ["/campaigns", "/campaigns/*/send"])
def test_a_lost_answer_is_found_out_by_reading(
    sender_sandbox: Sandbox, fault: str, knobs: dict[str, Any], path: str
) -> None:
    seeded(sender_sandbox, **knobs)
    sender_sandbox.fault(fault, path, "POST")

    def job(service: SenderService, intents: Any, sleep: Any) -> Campaign:
        return send_once(service, BY_DEFINITION, intents, sleep=sleep)

    run(sender_sandbox, job, Notes())
    assert [each["fired"] for each in sender_sandbox.faults()] == [1]
    assert (mailed_once(sender_sandbox), posts(sender_sandbox), len(states(sender_sandbox))) == (True, 1, 1)


def test_a_send_that_was_lost_on_the_way_is_not_made_again_and_says_what_to_look_at(sender_sandbox: Sandbox) -> None:
    seeded(sender_sandbox)
    service = service_of(sender_sandbox)
    made = draft(service)
    sender_sandbox.fault("drop_before", "/campaigns/*/send", "POST", times=None)
    with pytest.raises(
        OutcomeUnknownError, match=rf"{made} is still shown as a draft.*no answer came.*{made}:"
    ) as told:
        send_once(service, Sending("k", campaign_id=made), Notes())
    assert service.campaign_url(made) in str(told.value)
    assert (posts(sender_sandbox), sender_sandbox.counters()["mails"]) == (1, 0)


def test_a_create_that_was_lost_on_the_way_is_not_made_again_and_says_so(sender_sandbox: Sandbox) -> None:
    seeded(sender_sandbox)
    sender_sandbox.fault("drop_before", "/campaigns", "POST", times=None)
    with pytest.raises(OutcomeUnknownError, match=r"No campaign with \[key .*\] .*Nothing was mailed"):
        send_once(service_of(sender_sandbox), BY_DEFINITION, Notes())
    assert sender_sandbox.counters()["by_path"]["POST /campaigns"] == 1


def test_a_send_that_is_accepted_and_never_shows_is_not_made_again(sender_sandbox: Sandbox) -> None:
    seeded(sender_sandbox, state_delay_seconds=3_600)
    service = service_of(sender_sandbox)
    with pytest.raises(OutcomeUnknownError, match=r"which it accepted\. It was not sent again"):
        send_once(service, Sending("k", campaign_id=draft(service)), Notes())
    assert posts(sender_sandbox) == 1
    assert mailed_once(sender_sandbox)


@pytest.mark.parametrize("retry_after", [None, "0"])
def test_a_refusal_for_too_many_requests_is_certain_and_the_send_is_made_again(
    sender_sandbox: Sandbox, retry_after: str | None
) -> None:
    seeded(sender_sandbox)
    headers = {"Retry-After": retry_after} if retry_after else {}
    sender_sandbox.fault("rate_limit", "/campaigns/*/send", "POST", times=2, headers=headers)
    service = service_of(sender_sandbox)
    send_once(service, Sending("k", campaign_id=draft(service)), Notes())
    assert (mailed_once(sender_sandbox), posts(sender_sandbox)) == (True, 3)


@pytest.mark.parametrize("status", [500, 503, 408])
def test_a_failing_service_is_not_told_twice(sender_sandbox: Sandbox, status: int) -> None:
    seeded(sender_sandbox)
    service = service_of(sender_sandbox)
    made = draft(service)
    sender_sandbox.fault("status", "/campaigns/*/send", "POST", status=status, times=None)
    with pytest.raises(OutcomeUnknownError):
        send_once(service, Sending("k", campaign_id=made), Notes())
    assert posts(sender_sandbox) == 1


# Killed


def now_by_definition(service: SenderService, intents: Any, sleep: Any) -> Campaign:
    return send_once(service, BY_DEFINITION, intents, sleep=sleep)


def now_by_id(service: SenderService, intents: Any, sleep: Any) -> Campaign:
    made = next(each.id for each in service.campaigns_titled("A draft"))
    return send_once(service, Sending("k", campaign_id=made), intents, sleep=sleep)


def in_a_week(service: SenderService, intents: Any, sleep: Any) -> Campaign:
    return send_once(service, replace(BY_DEFINITION, send_at=IN_A_WEEK), intents, sleep=sleep)


def another_time(service: SenderService, intents: Any, sleep: Any) -> Campaign:
    made = next(each.id for each in service.campaigns_titled("Scheduled"))
    return send_once(service, Sending("k", campaign_id=made, send_at=IN_A_WEEK), intents, sleep=sleep)


IN_A_WEEK = (datetime.now(UTC) + timedelta(days=7)).replace(microsecond=0)
JOBS: list[Job] = [now_by_definition, now_by_id, in_a_week, another_time]


def prepared(sandbox: Sandbox, job: Job) -> None:
    """Begin anew, with the campaigns a job takes for granted."""
    seeded(sandbox, **SLOW)
    service = service_of(sandbox)
    if job is now_by_id:
        draft(service)
    if job is another_time:
        made = service.create_campaign(DEFINITION, "Scheduled")
        service.schedule_campaign(made, IN_A_WEEK - timedelta(days=3))
    sandbox.advance(SLOW["listing_delay_seconds"])


def passes_a_week(sandbox: Sandbox) -> None:
    sandbox.advance(7 * 24 * 3_600 + 60)


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("notes_class", [Notes, Nowhere])
@pytest.mark.parametrize("retried_after", [0, 20])
def test_whoever_is_killed_at_any_step_and_retried_mails_everybody_once(
    sender_sandbox: Sandbox, job: Job, is_done: bool, notes_class: type[Notes], retried_after: float
) -> None:
    prepared(sender_sandbox, job)
    steps = steps_of(sender_sandbox, job)
    assert steps >= 5
    for step in range(steps):
        prepared(sender_sandbox, job)
        notes = notes_class()
        killed_at(sender_sandbox, job, notes, step, is_done=is_done)
        sender_sandbox.advance(retried_after)
        campaign = run(sender_sandbox, job, notes)
        assert campaign.state.has_left_draft, step
        if job in (in_a_week, another_time):
            assert sender_sandbox.counters()["mails"] == 0, step
        passes_a_week(sender_sandbox)
        assert mailed_once(sender_sandbox), step
        assert list(sender_sandbox.mails(campaign.id)) == ["a@x.lt", "b@x.lt", "c@x.lt"], step
        assert [state for state in states(sender_sandbox) if state != "DRAFT"] == ["SENT"], step


@given(
    job=st.sampled_from(JOBS),
    kills=st.lists(
        st.tuples(st.integers(0, 20), st.booleans(), st.booleans(), st.sampled_from([0, 5, 40])), min_size=2, max_size=4
    ),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whoever_is_killed_again_and_again_mails_everybody_once(
    sender_sandbox: Sandbox, job: Job, kills: list[tuple[int, bool, bool, float]]
) -> None:
    prepared(sender_sandbox, job)
    notes = Notes()
    for step, is_done, is_elsewhere, pause in kills:
        killed_at(sender_sandbox, job, Notes() if is_elsewhere else notes, step, is_done=is_done)
        sender_sandbox.advance(pause)
    campaign = run(sender_sandbox, job, notes)
    passes_a_week(sender_sandbox)
    assert mailed_once(sender_sandbox)
    assert sum(sender_sandbox.mails(campaign.id).values()) == 3


@pytest.mark.parametrize("start", [0, 0.5, 5, 9, 10, 11, 29, 30, 31, 35, 45, 59, 60, 61, 75, 90, 120, 300])
@pytest.mark.parametrize("knobs", [SLOW, {"send_seconds": 5}])
def test_two_airflows_that_run_one_intent_at_the_same_time_mail_everybody_once(
    sender_sandbox: Sandbox, start: float, knobs: dict[str, Any]
) -> None:
    seeded(sender_sandbox, **knobs)
    assert run_at_once(sender_sandbox, now_by_definition, [0, start]) == []
    assert mailed_once(sender_sandbox)


def test_three_airflows_that_begin_at_the_same_time_mail_everybody_once(sender_sandbox: Sandbox) -> None:
    seeded(sender_sandbox, **SLOW)
    assert run_at_once(sender_sandbox, now_by_definition, [0, 0, 3]) == []
    assert mailed_once(sender_sandbox)


@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
def test_whoever_is_killed_while_creating_and_retried_makes_one_campaign(
    sender_sandbox: Sandbox, is_done: bool
) -> None:
    def job(service: SenderService, intents: Any, sleep: Any) -> str:
        return create_once(service, Sending("k", definition=DEFINITION), intents, sleep=sleep)

    seeded(sender_sandbox, **SLOW)
    for step in range(steps_of(sender_sandbox, job)):
        seeded(sender_sandbox, **SLOW)
        notes = Notes()
        killed_at(sender_sandbox, job, notes, step, is_done=is_done)
        assert run(sender_sandbox, job, notes) == run(sender_sandbox, job, Notes())
        assert states(sender_sandbox) == ["DRAFT"], step


def test_a_kill_really_ends_a_run(sender_sandbox: Sandbox) -> None:
    """What the tests above stand on: without the retry nobody would have been mailed, or nobody twice."""
    prepared(sender_sandbox, now_by_id)
    steps = steps_of(sender_sandbox, now_by_id)
    mails = []
    for step in range(steps):
        prepared(sender_sandbox, now_by_id)
        killed_at(sender_sandbox, now_by_id, Notes(), step, is_done=True)
        mails.append(sender_sandbox.counters()["mails"])
    assert mails == sorted(mails)
    assert set(mails) == {0, 3}


# Refused


def test_a_draft_the_service_would_refuse_is_not_sent(sender_sandbox: Sandbox) -> None:
    seeded(sender_sandbox)
    service = service_of(sender_sandbox)
    made = draft(service, html="<p>no way out</p>", from_email="shop@nowhere.invalid")
    with pytest.raises(SendRefusedError, match=r"Sender's own check\): .*unsubscribe link; .*not verified") as told:
        send_once(service, Sending("k", campaign_id=made), Notes())
    assert (told.value.campaign_id, told.value.rule) == (made, "Sender's own check")
    assert (posts(sender_sandbox), sender_sandbox.counters()["mails"]) == (0, 0)


def test_a_refused_send_is_told_in_the_services_words(sender_sandbox: Sandbox) -> None:
    seeded(sender_sandbox)
    service = service_of(sender_sandbox)
    made = draft(service)
    sender_sandbox.fault("refuse", "/campaigns/*/send", "POST", message="Your account is under review")
    with pytest.raises(SendRefusedError, match=r"refused by the service\): .*under review"):
        send_once(service, Sending("k", campaign_id=made), Notes())
    assert sender_sandbox.counters()["mails"] == 0


def test_a_refusal_because_it_is_being_sent_already_is_no_failure(sender_sandbox: Sandbox) -> None:
    seeded(sender_sandbox)

    class Overtaken(SenderService):
        def send_campaign(self, campaign_id: str) -> None:
            super().send_campaign(campaign_id)
            raise InvalidRequestError("Campaign is being sent already")

    service = Overtaken(service_of(sender_sandbox).client)
    assert send_once(service, Sending("k", campaign_id=draft(service)), Notes()).state.has_left_draft
    assert mailed_once(sender_sandbox)


def test_a_campaign_that_is_not_there_is_not_found(sender_sandbox: Sandbox) -> None:
    with pytest.raises(NotFoundError):
        send_once(service_of(sender_sandbox), Sending("k", campaign_id="nope"), Notes())


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_sends_nothing(sender_sandbox: Sandbox, status: int) -> None:
    seeded(sender_sandbox)
    service = service_of(sender_sandbox)
    made = draft(service)
    sender_sandbox.fault("status", "/campaigns/*/send", "POST", status=status)
    with pytest.raises((AuthenticationError, PermissionDeniedError), match=f"HTTP {status}"):
        send_once(service, Sending("k", campaign_id=made), Notes())
    assert (posts(sender_sandbox), sender_sandbox.counters()["mails"]) == (1, 0)


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        ({"min_recipients": 4}, "min_recipients"),
        ({"max_recipients": 2}, "max_recipients"),
        ({"min_recipients": 3, "max_recipients": 3}, None),
        ({"min_recipients": 0}, None),
    ],
)
@pytest.mark.parametrize("is_scheduled", [False, True])
def test_the_number_of_recipients_is_held_against_its_limits(
    sender_sandbox: Sandbox, limits: dict[str, Any], rule: str | None, is_scheduled: bool
) -> None:
    seeded(sender_sandbox)
    service = service_of(sender_sandbox)
    group = service.client.create_group("All").id
    service.client.add_to_group(group, [f"{name}@x.lt" for name in ("a", "b", "c", "out")])
    send_at = later(days=1) if is_scheduled else None
    sending = replace(Sending("k", campaign_id=draft(service, group_ids=(group,)), send_at=send_at), **limits)
    if rule is None:
        assert send_once(service, sending, Notes()).state.has_left_draft
        return
    with pytest.raises(SendRefusedError, match="it has 3, ") as told:
        send_once(service, sending, Notes())
    assert told.value.rule == rule
    assert (posts(sender_sandbox), posts(sender_sandbox, "schedule")) == (0, 0)


def test_a_campaign_to_nobody_is_refused(sender_sandbox: Sandbox) -> None:
    seeded(sender_sandbox)
    service = service_of(sender_sandbox)
    group = service.client.create_group("Empty").id
    made = draft(service, group_ids=(group,))
    sender_sandbox.fault("status", "/campaigns/*/errors", "GET", status=404, times=None)
    with pytest.raises(SendRefusedError, match="no active subscribers"):
        send_once(service, Sending("k", campaign_id=made), Notes())
    assert posts(sender_sandbox) == 0


def test_limits_that_cannot_be_held_against_anything_refuse() -> None:
    service = MemoryService(campaigns=[Campaign("c1", subject="S", state=CampaignState.DRAFT)])
    with pytest.raises(SendRefusedError, match="does not tell how many"):
        send_once(service, Sending("k", campaign_id="c1", max_recipients=5), Notes())
    assert "send_campaign" not in service.calls


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"subject": ""}, "draft"),
        ({"has_content": False}, "draft"),
        ({"recipients": 0}, "recipients"),
        *(
            ({"state": state, "service_state": "?"}, "state")
            for state in (
                CampaignState.UNKNOWN,
                CampaignState.CANCELLED,
                CampaignState.FAILED,
                CampaignState.NEEDS_ATTENTION,
            )
        ),
    ],
)
def test_what_is_not_provably_a_complete_draft_is_not_sent(changes: dict[str, Any], rule: str) -> None:
    whole = Campaign("c1", subject="S", state=CampaignState.DRAFT, recipients=3, has_content=True)
    service = MemoryService(campaigns=[msgspec.structs.replace(whole, **changes)])
    with pytest.raises(SendRefusedError) as told:
        send_once(service, Sending("k", campaign_id="c1"), Notes())
    assert told.value.rule == rule
    assert "send_campaign" not in service.calls
    if rule == "state":
        assert service.campaign_url("c1") in str(told.value)


@pytest.mark.parametrize("state", [CampaignState.SENDING, CampaignState.SENT, CampaignState.PARTLY_SENT])
def test_what_is_sent_already_is_not_sent_again(state: CampaignState) -> None:
    service = MemoryService(campaigns=[Campaign("c1", state=state)])
    assert send_once(service, Sending("k", campaign_id="c1"), Notes()).state is state
    assert service.calls == ["campaign"]


def test_a_service_that_cuts_the_mark_off_the_title_has_nothing_sent() -> None:
    class Cutting(MemoryService):
        def create_campaign(self, definition: CampaignDefinition, title: str) -> str:
            return super().create_campaign(definition, title[:20])

    service = Cutting()
    with pytest.raises(SendRefusedError, match="shorter title") as told:
        send_once(service, BY_DEFINITION, Notes(), sleep=lambda seconds: None)
    assert told.value.rule == "title"
    assert "send_campaign" not in service.calls


def test_neither_a_campaign_nor_a_definition_is_refused(sender_sandbox: Sandbox) -> None:
    with pytest.raises(ConfigurationError, match="campaign_id or campaign"):
        send_once(service_of(sender_sandbox), Sending("k"), Notes())


@pytest.mark.parametrize("which", [0, 1, 2])
def test_of_several_campaigns_with_one_mark_the_one_that_was_sent_counts(sender_sandbox: Sandbox, which: int) -> None:
    seeded(sender_sandbox)
    service = service_of(sender_sandbox)
    marker = marker_of(BY_DEFINITION.send_key)
    for _ in range(3):
        service.create_campaign(DEFINITION, f"x {marker}")
    sent = service.campaigns_titled(marker)[which].id
    service.send_campaign(sent)
    assert send_once(service, BY_DEFINITION, Notes()).id == sent
    assert mailed_once(sender_sandbox)


# Scheduled


@pytest.mark.parametrize("zone", ["UTC", "Europe/Vilnius", "America/New_York", "Asia/Kathmandu"])
def test_a_campaign_goes_out_at_the_moment_it_is_scheduled_for(sender_sandbox: Sandbox, zone: str) -> None:
    seeded(sender_sandbox, time_zone=zone, send_seconds=0)
    service = service_of(sender_sandbox, time_zone=zone)
    send_at = later(hours=30).astimezone(timezone(timedelta(hours=-7)))
    campaign = send_once(service, Sending("k", campaign_id=draft(service), send_at=send_at), Notes())
    assert (campaign.state, campaign.scheduled_at) == (CampaignState.SCHEDULED, send_at)
    sender_sandbox.advance(30 * 3_600 - 60)
    assert sender_sandbox.counters()["mails"] == 0
    sender_sandbox.advance(61)
    assert mailed_once(sender_sandbox)


def test_a_campaign_scheduled_for_that_time_is_left_alone(sender_sandbox: Sandbox) -> None:
    seeded(sender_sandbox)
    service = service_of(sender_sandbox)
    send_at = later(days=1) + timedelta(microseconds=999_999)
    sending = Sending("k", campaign_id=draft(service), send_at=send_at)
    send_once(service, sending, Notes())
    before = sender_sandbox.counters()["requests"]
    assert send_once(service, sending, Notes()).state is CampaignState.SCHEDULED
    assert sender_sandbox.counters()["requests"] == before + 1
    assert posts(sender_sandbox, "schedule") == 1


def test_a_campaign_scheduled_for_another_time_is_scheduled_anew(sender_sandbox: Sandbox) -> None:
    seeded(sender_sandbox)
    service = service_of(sender_sandbox)
    made = draft(service)
    send_once(service, Sending("k", campaign_id=made, send_at=later(days=1)), Notes())
    send_at = later(days=2)
    campaign = send_once(service, Sending("k", campaign_id=made, send_at=send_at), Notes())
    assert campaign.scheduled_at == send_at
    sender_sandbox.advance(1.5 * 86_400)
    assert sender_sandbox.counters()["mails"] == 0


def test_a_schedule_whose_taking_back_was_not_answered_is_made_anew(sender_sandbox: Sandbox) -> None:
    seeded(sender_sandbox)
    service = service_of(sender_sandbox)
    made = draft(service)
    service.schedule_campaign(made, later(days=1))
    sender_sandbox.fault("drop_after", "/campaigns/*/schedule", "DELETE")
    send_at = later(days=2)
    assert send_once(service, Sending("k", campaign_id=made, send_at=send_at), Notes()).scheduled_at == send_at


def test_sending_now_what_is_scheduled_is_refused_with_what_to_do(sender_sandbox: Sandbox) -> None:
    seeded(sender_sandbox)
    service = service_of(sender_sandbox)
    made = draft(service)
    service.schedule_campaign(made, later(days=1))
    with pytest.raises(SendRefusedError, match=r"\(scheduled\): .*Take that back first"):
        send_once(service, Sending("k", campaign_id=made), Notes())
    assert posts(sender_sandbox) == 0


def test_a_time_that_has_passed_is_refused(sender_sandbox: Sandbox) -> None:
    seeded(sender_sandbox)
    service = service_of(sender_sandbox)
    sending = Sending("k", campaign_id=draft(service), send_at=later(seconds=-1))
    with pytest.raises(SendRefusedError, match=r"\(send_at\): .* has passed"):
        send_once(service, sending, Notes())
    assert posts(sender_sandbox, "schedule") == 0


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_state_that_cannot_be_read_after_the_send_is_an_unknown_outcome_that_says_where_to_look(
    sender_sandbox: Sandbox, status: int
) -> None:
    seeded(sender_sandbox)
    service = service_of(sender_sandbox)
    made = draft(service)
    sender_sandbox.fault("status", "/campaigns/*", "GET", status=status, skip=3, times=None)
    with pytest.raises(OutcomeUnknownError, match=rf"told to send campaign {made}, .*HTTP {status}.* Look at https://"):
        send_once(service, Sending("k", campaign_id=made), Notes())
    sender_sandbox.clear_faults()
    send_once(service, Sending("k", campaign_id=made), Notes())
    assert mailed_once(sender_sandbox)


def test_a_service_that_is_away_after_the_send_is_worth_another_try(sender_sandbox: Sandbox) -> None:
    seeded(sender_sandbox)
    service = service_of(sender_sandbox, max_retries=0)
    made = draft(service)
    sender_sandbox.fault("status", "/campaigns/*", "GET", status=503, skip=3, times=None)
    with pytest.raises(ServiceFailureError):
        send_once(service, Sending("k", campaign_id=made), Notes())
    sender_sandbox.clear_faults()
    send_once(service, Sending("k", campaign_id=made), Notes())
    assert mailed_once(sender_sandbox)


def test_what_the_service_objects_to_is_told_without_anybodys_address() -> None:
    class Objecting(MemoryService):
        def obstacles(self, campaign_id: str) -> list[str]:
            return ["The sender bob@example.com is not verified"]

    service = Objecting(campaigns=[Campaign("c1", subject="S", state=CampaignState.DRAFT, recipients=3)])
    with pytest.raises(SendRefusedError, match=r"The sender <address> is not verified"):
        send_once(service, Sending("k", campaign_id="c1"), Notes(), sleep=lambda seconds: None)


@pytest.mark.parametrize(("hour", "is_sayable"), [(0, True), (1, False), (2, True)])
def test_the_hour_that_comes_twice_is_scheduled_once_and_refused_the_second_time(
    sender_sandbox: Sandbox, hour: int, is_sayable: bool
) -> None:
    seeded(sender_sandbox, time_zone="Europe/Vilnius")
    service = service_of(sender_sandbox, time_zone="Europe/Vilnius")
    send_at = datetime(2096, 10, 28, hour, 30, tzinfo=UTC)  # the clocks go back at one
    sending = Sending("k", campaign_id=draft(service), send_at=send_at)
    if is_sayable:
        assert send_once(service, sending, Notes()).scheduled_at == send_at
        return
    with pytest.raises(ConfigurationError, match="send_at: is in the second of the two equal hours"):
        send_once(service, sending, Notes())
    assert posts(sender_sandbox, "schedule") == 0


def test_a_campaign_whose_time_has_passed_was_sent_and_is_found_sent(sender_sandbox: Sandbox) -> None:
    seeded(sender_sandbox, send_seconds=0)
    service = service_of(sender_sandbox)
    sending = Sending("k", campaign_id=draft(service), send_at=later(hours=1))
    send_once(service, sending, Notes())
    sender_sandbox.advance(7_200)
    assert send_once(service, sending, Notes()).state is CampaignState.SENT
    assert mailed_once(sender_sandbox)


@pytest.mark.parametrize("fault", [None, "drop_after"])
def test_an_account_in_another_time_zone_is_found_out_and_the_schedule_taken_back(
    sender_sandbox: Sandbox, fault: str | None
) -> None:
    seeded(sender_sandbox, time_zone="Asia/Tokyo")

    class ReadingTokyo(SenderService):
        """An account whose times come with their zone, so that it can be told which one it is in."""

        def campaign(self, campaign_id: str) -> Campaign:
            found = super().campaign(campaign_id)
            at = found.scheduled_at
            return msgspec.structs.replace(found, scheduled_at=at - timedelta(hours=9) if at else None)

    service = ReadingTokyo(service_of(sender_sandbox, time_zone="UTC").client)
    made = draft(service)
    if fault:
        sender_sandbox.fault(fault, "/campaigns/*/schedule", "DELETE")
    sending = Sending("k", campaign_id=made, send_at=later(days=1))
    with pytest.raises(ConfigurationError, match=r"^send_at: .*extra time_zone says \(UTC\)\. The schedule was taken"):
        send_once(service, sending, Notes())
    assert states(sender_sandbox) == ["DRAFT"]
    sender_sandbox.advance(10 * 86_400)
    assert sender_sandbox.counters()["mails"] == 0


@pytest.mark.parametrize("fault", ["drop_after", "truncate"])
def test_a_schedule_whose_answer_was_lost_is_found_out_by_reading(sender_sandbox: Sandbox, fault: str) -> None:
    seeded(sender_sandbox)
    service = service_of(sender_sandbox)
    sender_sandbox.fault(fault, "/campaigns/*/schedule", "POST")
    sending = Sending("k", campaign_id=draft(service), send_at=later(days=1))
    assert send_once(service, sending, Notes()).state is CampaignState.SCHEDULED
    assert posts(sender_sandbox, "schedule") == 1


# Taken back


@pytest.mark.parametrize("fault", [None, "drop_after", "drop_before"])
def test_a_scheduled_campaign_is_taken_back(sender_sandbox: Sandbox, fault: str | None) -> None:
    seeded(sender_sandbox)
    service = service_of(sender_sandbox)
    made = draft(service)
    service.schedule_campaign(made, later(days=1))
    if fault:
        sender_sandbox.fault(fault, "/campaigns/*/schedule", "DELETE")
    assert cancel(service, made).state is CampaignState.DRAFT
    assert cancel(service, made).state is CampaignState.DRAFT
    sender_sandbox.advance(2 * 86_400)
    assert sender_sandbox.counters()["mails"] == 0


@pytest.mark.parametrize("send_seconds", [0, 3_600])
def test_it_is_too_late_for_what_is_sent_or_being_sent(sender_sandbox: Sandbox, send_seconds: float) -> None:
    seeded(sender_sandbox, send_seconds=send_seconds)
    service = service_of(sender_sandbox)
    made = draft(service)
    service.send_campaign(made)
    with pytest.raises(TooLateError, match=rf"^It is too late to cancel campaign {made}: its state is SEN"):
        cancel(service, made)
    assert sender_sandbox.counters()["by_path"].get("DELETE /campaigns/{id}/schedule", 0) == 0


def test_it_is_too_late_for_what_begins_to_be_sent_meanwhile() -> None:
    scheduled = Campaign("c1", state=CampaignState.SCHEDULED)

    class Overtaken(MemoryService):
        def cancel_campaign(self, campaign_id: str) -> None:
            self.put(campaign_id, state=CampaignState.SENDING)
            if self.is_refusing:
                raise InvalidRequestError("Campaign is not scheduled")

        is_refusing = False

    for is_refusing in (False, True):
        service = Overtaken(campaigns=[scheduled])
        service.is_refusing = is_refusing
        with pytest.raises(TooLateError, match="too late"):
            cancel(service, "c1")


def test_what_somebody_else_takes_back_meanwhile_is_taken_back() -> None:
    class TakenBack(MemoryService):
        def cancel_campaign(self, campaign_id: str) -> None:
            self.put(campaign_id, state=CampaignState.CANCELLED)
            raise InvalidRequestError("Campaign is not scheduled")

    service = TakenBack(campaigns=[Campaign("c1", state=CampaignState.SCHEDULED)])

    assert cancel(service, "c1").state is CampaignState.CANCELLED


@pytest.mark.parametrize("state", [CampaignState.FAILED, CampaignState.NEEDS_ATTENTION, CampaignState.UNKNOWN])
def test_what_is_neither_scheduled_nor_sent_is_not_called_too_late(state: CampaignState) -> None:
    service = MemoryService(campaigns=[Campaign("c1", state=state)])
    with pytest.raises(
        TooLateError, match=rf"cannot be taken back: it is not scheduled \(its state is {state.value}\)"
    ):
        cancel(service, "c1")
    assert "cancel_campaign" not in service.calls


def test_cancelling_what_is_not_there_is_not_found_and_said_by_name(sender_sandbox: Sandbox) -> None:
    with pytest.raises(NotFoundError, match=r"^campaign_id: there is no campaign nope\. .*HTTP 404"):
        cancel(service_of(sender_sandbox), "nope")


def test_a_service_that_refuses_to_take_a_schedule_back_is_told_in_its_own_words() -> None:
    class Refusing(MemoryService):
        def cancel_campaign(self, campaign_id: str) -> None:
            raise InvalidRequestError("Your plan does not allow this")

    with pytest.raises(InvalidRequestError, match="Your plan"):
        cancel(Refusing(campaigns=[Campaign("c1", state=CampaignState.SCHEDULED)]), "c1")


class SlowToTakeBack(MemoryService):
    """An account that takes a schedule back at once, and shows so after some looks.

    :param then: what the campaign is then; None where it never shows.
    """

    then: CampaignState | None = CampaignState.DRAFT
    looks = 0

    def cancel_campaign(self, campaign_id: str) -> None:
        self.asked("cancel_campaign")

    def campaign(self, campaign_id: str) -> Campaign:
        self.looks += "cancel_campaign" in self.calls
        if self.looks > 2 and self.then is not None:
            self.put(campaign_id, state=self.then)
        return super().campaign(campaign_id)


def test_that_a_schedule_was_taken_back_is_success_only_when_it_shows() -> None:
    there = Campaign("c1", state=CampaignState.SCHEDULED)
    service = SlowToTakeBack(campaigns=[there])
    assert cancel_surely(service, "c1", sleep=lambda seconds: None).state is CampaignState.DRAFT
    assert service.calls.count("cancel_campaign") == 1

    service = SlowToTakeBack(campaigns=[there])
    service.then = None
    with pytest.raises(StillScheduledError, match=r"Campaign c1 is still shown as scheduled .* going to be sent"):
        cancel_surely(service, "c1", sleep=lambda seconds: None)

    service = SlowToTakeBack(campaigns=[there])
    service.then = CampaignState.SENDING
    with pytest.raises(TooLateError):
        cancel_surely(service, "c1", sleep=lambda seconds: None)


def test_a_window_that_is_used_up_before_the_send_is_worth_trying_again() -> None:
    def before(call: str) -> None:
        if call == "send_campaign":
            raise RateLimitError("used up", retry_after=50)

    draft_there = Campaign("c1", subject="S", state=CampaignState.DRAFT, recipients=3)
    service = MemoryService(campaigns=[draft_there], before=before)
    with pytest.raises(RateLimitError) as told:
        send_once(service, Sending("k", campaign_id="c1"), Notes(), sleep=lambda seconds: None)
    assert told.value.retryable


def test_it_waits_the_settling_time_of_the_connection_and_no_longer_before_sending() -> None:
    naps: list[float] = []
    draft_there = Campaign("c1", subject="S", state=CampaignState.DRAFT, recipients=3)
    send_once(MemoryService(campaigns=[draft_there]), Sending("k", campaign_id="c1"), Notes(), sleep=naps.append)
    assert naps == [SETTLE_TIME]


# Taken up, but not for something else


@pytest.mark.parametrize("change", [{"subject": "Something else"}, {"from_email": "other@example.com"}])
def test_a_draft_left_by_an_earlier_try_is_not_sent_for_a_definition_mended_since(
    sender_sandbox: Sandbox, change: dict[str, str]
) -> None:
    seeded(sender_sandbox)
    service = service_of(sender_sandbox)
    create_once(service, BY_DEFINITION, Notes())
    mended = replace(BY_DEFINITION, definition=msgspec.structs.replace(DEFINITION, **change))
    for attempt in (create_once, send_once):
        with pytest.raises(SendRefusedError, match=f"with another {next(iter(change))}"):
            attempt(service, mended, Notes())
    assert sender_sandbox.counters()["mails"] == 0


def test_a_second_campaign_under_the_same_key_is_refused_and_not_called_sent(sender_sandbox: Sandbox) -> None:
    seeded(sender_sandbox)
    service = service_of(sender_sandbox)
    send_once(service, BY_DEFINITION, Notes())
    other = replace(BY_DEFINITION, definition=msgspec.structs.replace(DEFINITION, subject="Something else"))
    with pytest.raises(SendRefusedError, match="use another send_key"):
        send_once(service, other, Notes())
    assert mailed_once(sender_sandbox)


@pytest.mark.parametrize("state", [CampaignState.FAILED, CampaignState.CANCELLED, CampaignState.NEEDS_ATTENTION])
def test_a_campaign_that_fails_as_it_is_sent_is_no_success(sender_sandbox: Sandbox, state: CampaignState) -> None:
    seeded(sender_sandbox)

    class Failing(SenderService):
        def campaign(self, campaign_id: str) -> Campaign:
            campaign = super().campaign(campaign_id)
            return msgspec.structs.replace(campaign, state=state) if campaign.state.has_left_draft else campaign

    service = Failing(service_of(sender_sandbox).client)
    with pytest.raises(SendRefusedError, match="right after it was told to send it"):
        send_once(service, Sending("k", campaign_id=draft(service)), Notes())

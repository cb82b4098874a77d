from __future__ import annotations

import pytest

from airflow_provider_sender.client.campaigns import Campaign, CampaignState
from airflow_provider_sender.client.errors import (
    AuthenticationError,
    NotFoundError,
    RateLimitError,
    ServiceFailureError,
)
from airflow_provider_sender.jobs.waiting import (
    LOOK_TWICE_AFTER,
    MOST_FAILURES_IN_A_ROW,
    CampaignNotSentError,
    CampaignTimeoutError,
    Outlook,
    Patience,
    Wait,
    outlook,
    wait_until_sent,
)
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.jobs.accounts import MemoryService, service_of

STRICT = Patience()


def campaign(state: CampaignState, service_state: str = "") -> Campaign:
    return Campaign("c1", state=state, service_state=service_state)


class Watch:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.naps.append(seconds)
        self.now += seconds


def waited(service: MemoryService, watch: Watch, *, timeout: float = 600.0, patience: Patience = STRICT) -> Campaign:
    return wait_until_sent(
        service, "c1", poll_interval=60, timeout=timeout, patience=patience, sleep=watch.sleep, clock=watch
    )


def showing(*states: CampaignState | Exception) -> MemoryService:
    """Return an account whose campaign is in one state after the other, and stays in the last."""
    coming = list(states)

    def before(call: str) -> None:
        state = coming.pop(0) if len(coming) > 1 else coming[0]
        if isinstance(state, Exception):
            raise state
        service.put("c1", state=state, service_state=state.value)

    service = MemoryService(campaigns=[campaign(CampaignState.DRAFT)], before=before)
    return service


EXPECTED = {
    CampaignState.DRAFT: Outlook.WAIT,
    CampaignState.SCHEDULED: Outlook.WAIT,
    CampaignState.SENDING: Outlook.WAIT,
    CampaignState.SENT: Outlook.DONE,
    CampaignState.PARTLY_SENT: Outlook.NEVER,
    CampaignState.CANCELLED: Outlook.NEVER,
    CampaignState.FAILED: Outlook.NEVER,
    CampaignState.NEEDS_ATTENTION: Outlook.NEVER,
    CampaignState.UNKNOWN: Outlook.WAIT,
}


@pytest.mark.parametrize("state", list(CampaignState))
def test_every_state_is_done_on_its_way_or_hopeless(state: CampaignState) -> None:
    expected, why = outlook(campaign(state), 0.0, STRICT)
    assert expected is EXPECTED[state]
    assert bool(why) is (expected is Outlook.NEVER)


@pytest.mark.parametrize("state", [CampaignState.SCHEDULED, CampaignState.SENDING, CampaignState.UNKNOWN])
def test_all_but_drafts_are_waited_for_however_long_it_takes(state: CampaignState) -> None:
    assert outlook(campaign(state), 1e9, STRICT)[0] is Outlook.WAIT


def test_a_draft_is_waited_for_for_a_while_only() -> None:
    patience = Patience(draft_timeout=100)
    assert outlook(campaign(CampaignState.DRAFT), 99.9, patience)[0] is Outlook.WAIT
    expected, why = outlook(campaign(CampaignState.DRAFT), 100, patience)
    assert expected is Outlook.NEVER
    assert "still a draft" in why


def test_reaching_some_is_enough_where_that_is_said() -> None:
    patience = Patience(accept_partly_sent=True)
    assert outlook(campaign(CampaignState.PARTLY_SENT), 0.0, patience)[0] is Outlook.DONE


def test_a_hopeless_campaign_says_why_and_in_the_services_words() -> None:
    with pytest.raises(CampaignNotSentError, match=r"c1 will not be sent: .*act.*NEEDS_ATTENTION, ON_HOLD in") as told:
        seen_twice(campaign(CampaignState.NEEDS_ATTENTION, "ON_HOLD"))
    assert (told.value.campaign_id, told.value.state) == ("c1", CampaignState.NEEDS_ATTENTION)
    with pytest.raises(CampaignNotSentError, match=r"\(state FAILED\)"):
        seen_twice(campaign(CampaignState.FAILED, "Failed"))


def seen_twice(what: Campaign) -> None:
    wait = Wait("c1", STRICT, poll_interval=60)
    assert not wait.saw(what, 0.0)
    wait.saw(what, 5.0)


LAGGING = [CampaignState.CANCELLED, CampaignState.FAILED, NotFoundError("no such"), AuthenticationError("expired")]


@pytest.mark.parametrize("once", LAGGING)
def test_what_a_lagging_service_says_once_ends_nothing(once: CampaignState | Exception) -> None:
    watch = Watch()
    states = [CampaignState.SENDING, once, CampaignState.SENDING, once, CampaignState.SENT]
    assert waited(showing(*states), watch).state is CampaignState.SENT
    assert watch.naps == [60, LOOK_TWICE_AFTER, 60, LOOK_TWICE_AFTER]


def test_it_waits_from_state_to_state_until_sent() -> None:
    watch = Watch()
    states = [CampaignState.DRAFT, CampaignState.UNKNOWN, CampaignState.SCHEDULED, CampaignState.SENDING]
    assert waited(showing(*states, CampaignState.SENT), watch).state is CampaignState.SENT
    assert watch.naps == [60] * 4


def test_what_is_sent_already_is_not_waited_for() -> None:
    watch = Watch()
    waited(showing(CampaignState.SENT), watch)
    assert watch.naps == []


def test_it_gives_up_on_a_draft_when_the_draft_time_is_over() -> None:
    watch = Watch()
    with pytest.raises(CampaignNotSentError, match="after 125 s it is still a draft"):
        waited(showing(CampaignState.DRAFT), watch, patience=Patience(draft_timeout=100))
    assert sum(watch.naps) == 120 + LOOK_TWICE_AFTER


@pytest.mark.parametrize("timeout", [0, 30, 60, 100, 150, 600])
def test_it_waits_for_the_whole_time_and_looks_once_more_at_its_end(timeout: float) -> None:
    watch = Watch()
    service = showing(CampaignState.SENDING)
    with pytest.raises(CampaignTimeoutError, match=f"within {timeout} s.*left alone"):
        waited(service, watch, timeout=timeout)
    assert sum(watch.naps) == timeout
    assert len(service.calls) == len(watch.naps) + 1


def test_a_campaign_sent_in_the_last_moment_is_sent() -> None:
    watch = Watch()
    found = waited(showing(CampaignState.SENDING, CampaignState.SENDING, CampaignState.SENT), watch, timeout=90)
    assert found.state is CampaignState.SENT


AWAY = ServiceFailureError("away")


def test_a_service_that_is_away_for_some_polls_is_survived() -> None:
    watch = Watch()
    away = [AWAY] * (MOST_FAILURES_IN_A_ROW - 1)
    rate_limited = [RateLimitError("slow down", retry_after=5)] * (MOST_FAILURES_IN_A_ROW - 1)
    states: list[CampaignState | Exception] = [*away, CampaignState.SENDING, *rate_limited, CampaignState.SENT]
    assert waited(showing(*states), watch, timeout=10_000).state is CampaignState.SENT


def test_a_service_that_is_away_for_too_many_polls_in_a_row_is_not() -> None:
    service = showing(AWAY)
    with pytest.raises(ServiceFailureError):
        waited(service, Watch(), timeout=10_000)
    assert len(service.calls) == MOST_FAILURES_IN_A_ROW


def test_a_service_that_is_away_does_not_stretch_the_timeout() -> None:
    watch = Watch()
    with pytest.raises(CampaignTimeoutError):
        waited(showing(AWAY), watch, timeout=150)
    assert sum(watch.naps) == 150


@pytest.mark.parametrize("error", [AuthenticationError("expired"), NotFoundError("deleted")])
def test_a_refusal_ends_the_wait_when_it_was_said_twice(error: Exception) -> None:
    watch = Watch()
    with pytest.raises(type(error)):
        waited(showing(error), watch)
    assert watch.naps == [LOOK_TWICE_AFTER]


def test_a_real_campaign_is_waited_for_over_failures_and_dropped_connections(sender_sandbox: Sandbox) -> None:
    sender_sandbox.reset(subscribers=5, send_seconds=0.3)
    service = service_of(sender_sandbox, max_retries=0)
    made = service.client.create_campaign(
        {
            "subject": "News",
            "from": "Shop",
            "reply_to": "shop@example.com",
            "content_type": "text",
            "content": "{$unsubscribe_link}",
        }
    )
    service.send_campaign(made)
    sender_sandbox.fault("status", "/campaigns/*", "GET", status=503, times=2)
    sender_sandbox.fault("drop_before", "/campaigns/*", "GET", times=1, skip=1)
    found = wait_until_sent(service, made, poll_interval=0.05, timeout=20, patience=STRICT)
    assert (found.state, found.sent) == (CampaignState.SENT, found.recipients)
    assert sum(fault["fired"] for fault in sender_sandbox.faults()) == 3

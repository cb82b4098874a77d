from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.client.campaigns import Campaign, CampaignsPage, CampaignState
from airflow_provider_sender.jobs.overview import LOOKS_BETWEEN_DEEP_ONES, MOST_PAGES, Overview, SentSince
from tests.jobs.accounts import MemoryService

BEGINNING = datetime(2026, 1, 5, tzinfo=UTC)
SENT, DRAFT, SENDING = CampaignState.SENT, CampaignState.DRAFT, CampaignState.SENDING


def campaign(number: int, state: CampaignState = SENT, **values: Any) -> Campaign:
    created = BEGINNING + timedelta(minutes=number)
    return Campaign(f"c{number}", state=state, **{"created": created, **values})


def numbered(number: int, state: CampaignState = SENT) -> Campaign:
    """Return a campaign that does not say when it was made."""
    return Campaign(str(number), state=state)


def account(count: int, *, batch: int = 10, newest_first: bool = False) -> MemoryService:
    there = [campaign(number) for number in range(count)]
    return MemoryService(campaigns=there[::-1] if newest_first else there, batch=batch)


def requests(service: MemoryService, look: Overview) -> int:
    before = len(service.calls)
    look.look()
    return len(service.calls) - before


# The overview


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("count", [0, 1, 10, 11, 55])
def test_the_first_look_sees_everything(count: int, newest_first: bool) -> None:
    seen = Overview(account(count, newest_first=newest_first)).look()
    assert set(seen) == {f"c{number}" for number in range(count)}


@pytest.mark.parametrize("newest_first", [False, True])
def test_of_a_large_account_it_sees_the_newest_pages(newest_first: bool) -> None:
    service = account(250, newest_first=newest_first)
    assert set(Overview(service).look()) == {f"c{number}" for number in range(150, 250)}
    assert len(service.calls) <= MOST_PAGES + 1


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_later_look_takes_one_request_where_nothing_is_under_way(newest_first: bool) -> None:
    service = account(55, newest_first=newest_first)
    overview = Overview(service)
    overview.look()
    assert [requests(service, overview) for _ in range(5)] == [1] * 5


def test_what_is_under_way_is_seen_however_old_it_is() -> None:
    service = account(95)
    service.put("c12", state=CampaignState.SCHEDULED)
    overview = Overview(service)
    overview.look()
    service.put("c12", state=SENT)
    assert overview.look()["c12"].state is SENT


def test_an_old_draft_is_seen_some_looks_later() -> None:
    service = account(95)
    service.put("c12", state=DRAFT)
    overview = Overview(service)
    overview.look()
    service.put("c12", state=SENT)
    states = [overview.look()["c12"].state for _ in range(LOOKS_BETWEEN_DEEP_ONES)]
    assert states[0] is DRAFT  # this is what the requests are saved on
    assert states[-1] is SENT


def test_new_campaigns_are_seen_however_many_came() -> None:
    service = account(15)
    overview = Overview(service)
    overview.look()
    service.all_campaigns |= {f"c{number}": campaign(number) for number in range(15, 48)}
    assert len(overview.look()) == 48


def test_what_was_deleted_is_not_looked_for_for_ever() -> None:
    service = account(55)
    service.put("c3", state=SENDING)
    overview = Overview(service)
    overview.look()
    del service.all_campaigns["c3"]
    assert "c3" in overview.look()
    assert "c3" not in overview.look()
    assert requests(service, overview) == 1


def test_where_most_campaigns_were_deleted_the_others_are_still_seen() -> None:
    service = account(55)
    overview = Overview(service)
    overview.look()
    service.all_campaigns = {f"c{number}": campaign(number) for number in range(12)}
    assert {"c11", "c10"} <= set(overview.look())
    service.all_campaigns["c99"] = campaign(99)
    assert "c99" in overview.look()


def test_what_changed_pages_while_they_were_read_is_seen_at_the_next_look() -> None:
    service = account(55)
    service.put("c3", state=SENDING)
    overview = Overview(service)
    since = SentSince()
    since.newly_sent(overview.look())
    hidden = service.all_campaigns.pop("c3")
    assert since.newly_sent(overview.look()) == []
    service.all_campaigns = {"c3": hidden} | service.all_campaigns
    service.put("c3", state=SENT)
    assert [each.id for each in since.newly_sent(overview.look())] == ["c3"]


@pytest.mark.parametrize("count", [0, 7, 10, 35, 40])
def test_where_a_page_tells_only_that_there_is_another_the_first_look_sees_everything(count: int) -> None:
    class Guessing(MemoryService):
        def campaigns_page(self, number: int) -> CampaignsPage:
            page = super().campaigns_page(number)
            return CampaignsPage(page.campaigns, number, number + (len(page.campaigns) == self.batch))

    service = Guessing(campaigns=[numbered(each) for each in range(count)], batch=10)
    overview = Overview(service)
    assert set(overview.look()) == {str(number) for number in range(count)}
    assert requests(service, overview) <= 2  # the last page may be empty


# What was sent since


def news(since: SentSince, *campaigns: Campaign) -> list[str]:
    return [each.id for each in since.newly_sent({each.id: each for each in campaigns})]


def test_what_is_sent_at_the_beginning_is_no_news() -> None:
    since = SentSince()
    assert news(since, campaign(1), campaign(2, DRAFT)) == []
    assert news(since, campaign(1), campaign(2, DRAFT)) == []


def test_each_campaign_is_news_once_when_it_is_sent() -> None:
    since = SentSince()
    news(since, campaign(1, DRAFT), campaign(2, SENDING))
    assert news(since, campaign(1, DRAFT), campaign(2, SENT)) == ["c2"]
    assert news(since, campaign(1, SENDING), campaign(2, SENT)) == []
    assert news(since, campaign(1, SENT), campaign(2, SENT)) == ["c1"]
    assert news(since, campaign(1, SENT), campaign(2, SENT)) == []


def test_one_made_and_sent_between_two_looks_is_news_also_in_an_account_that_was_empty() -> None:
    since = SentSince()
    news(since)
    assert news(since, campaign(1)) == ["c1"]
    assert news(since, campaign(1), campaign(2), campaign(3, created=campaign(1).created)) == ["c3", "c2"]


def test_one_that_only_moves_into_sight_is_no_news() -> None:
    since = SentSince()
    news(since, campaign(8), campaign(9))
    assert news(since, campaign(7), campaign(8)) == []


def test_one_that_was_told_of_is_not_told_of_again_when_it_was_out_of_sight() -> None:
    since = SentSince()
    news(since, campaign(8), campaign(9))
    news(since, campaign(9))
    assert news(since, campaign(8), campaign(9)) == []


def test_the_newest_of_all_that_was_out_of_sight_for_a_while_is_not_told_of_again() -> None:
    since = SentSince()
    news(since, campaign(8), campaign(9))
    news(since, campaign(8))
    assert news(since, campaign(8), campaign(9)) == []
    assert news(since, campaign(8), campaign(9), campaign(10)) == ["c10"]


def test_the_first_sent_comes_first() -> None:
    since = SentSince()
    news(since, *(campaign(number, SENDING) for number in range(3)))
    times = [BEGINNING + timedelta(hours=hour) for hour in (3, 1, 2)]
    assert news(since, *(campaign(number, sent_at=times[number]) for number in range(3))) == ["c1", "c2", "c0"]


def test_campaigns_that_do_not_say_when_they_were_made_go_by_their_numbers_also_over_restarts() -> None:
    since = SentSince()
    assert news(since, *map(numbered, (8, 9))) == []
    assert news(since, *map(numbered, (7, 8, 9, 10))) == ["10"]
    since = SentSince(json.loads(json.dumps(since.memory)))
    assert news(since, *map(numbered, (7, 8, 9, 10, 11))) == ["11"]


STATES = st.sampled_from([DRAFT, SENDING, SENT])


@given(
    st.lists(st.lists(STATES, min_size=12, max_size=12), min_size=2, max_size=6),
    st.integers(0, 12),
    st.sets(st.integers(1, 5)),
)
def test_whatever_happens_each_is_told_of_once_also_over_restarts(
    history: list[list[CampaignState]], there_at_first: int, restarts: set[int]
) -> None:
    """Campaigns only go forward, new ones appear, and now and then another process goes on."""
    order = [DRAFT, SENDING, SENT]
    states = [order.index(state) for state in history[0]]

    def there(moment: int) -> list[Campaign]:
        return [campaign(number, order[states[number]]) for number in range(min(12, there_at_first + 3 * moment))]

    sent_at_first = {each.id for each in there(0) if each.state is SENT}
    since = SentSince()
    told: list[str] = []
    for moment, row in enumerate(history):
        states = [max(before, order.index(now)) for before, now in zip(states, row, strict=True)]
        told += news(since, *there(moment))
        if moment in restarts:
            since = SentSince(json.loads(json.dumps(since.memory)))
    sent = {each.id for each in there(len(history) - 1) if each.state is SENT}
    assert sorted(told) == sorted(sent - sent_at_first)

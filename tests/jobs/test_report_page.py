from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.client.campaigns import Campaign, CampaignState, CampaignTotals
from airflow_provider_sender.jobs.report_page import Picture, page_of, percent

NOW = datetime(2026, 1, 6, 8, 0, tzinfo=UTC)
CAMPAIGN = Campaign(
    "b6gXkQ",
    "Newsletter [series 0a1b2c3d] [key 8254c329a92850f6]",
    "What is new",
    CampaignState.SENT,
    "SENT",
    sent_at=datetime(2026, 1, 5, 9, 2, tzinfo=UTC),
)
TOTALS = CampaignTotals(
    recipients=1000,
    sent=1000,
    delivered=960,
    opened=480,
    clicked=96,
    hard_bounced=25,
    soft_bounced=15,
    unsubscribed=0,
    complained=1,
)
# Elements HTML leaves open.
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Reader(HTMLParser):
    """Reads a page, and sees to it that what is opened is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def tags(self) -> set[str]:
        return {tag for tag, _ in self.seen}


def page(campaign: Campaign = CAMPAIGN, totals: CampaignTotals = TOTALS, service: str = "Sender") -> Reader:
    return Reader(page_of(Picture(service, campaign, totals, "https://app.sender.net/campaigns/b6gXkQ"), NOW))


def test_it_shows_the_way_from_sent_to_clicked_and_the_losses() -> None:
    text = page().text

    assert "Sender campaign Newsletter Subject What is new Sent 5 January 2026, 09:02 UTC Recipients 1,000" in text
    assert "Sent 1,000 100 % of recipients" in text
    assert "Delivered 960 96.0 % of sent" in text
    assert "Opened 480 50.0 % of delivered" in text
    assert "Clicked 96 10.0 % of delivered" in text
    assert "Hard bounces 25 2.5 % of sent" in text
    assert "Soft bounces 15 1.5 % of sent" in text
    assert "Unsubscribes 0 0.0 % of delivered" in text
    assert "Complaints 1 0.1 % of delivered" in text
    assert "told them at 6 January 2026, 08:00 UTC" in text
    assert "not told" not in text


def test_what_the_service_does_not_tell_is_not_called_nought() -> None:
    text = page(totals=CampaignTotals(sent=500, opened=100, bounced=20)).text

    assert "Recipients not told" in text
    assert "Sent 500 Delivered not told" in text
    assert "Opened 100 20.0 % of sent Clicked not told" in text
    assert "Bounces of either kind 20 4.0 % of sent" in text
    assert "Unsubscribes not told" in text
    assert " 0 " not in text


def test_nothing_told_at_all_is_a_page_too() -> None:
    assert page(totals=CampaignTotals()).text.count("not told") == 9
    assert "0.0 %" not in page(totals=CampaignTotals(sent=0, opened=0)).text


@given(st.text(), st.text(), st.text(), st.sampled_from(CampaignState))
def test_what_people_call_things_stays_text(title: str, subject: str, state: str, known: CampaignState) -> None:
    bad = "<script>alert(1)</script>\"'&$title ${subject} $"
    campaign = Campaign(f"<i>{bad}", title + bad, subject + bad, known, state + bad)
    read = page(campaign, service="<b>" + bad)

    assert not read.tags & {"script", "b", "i"}
    assert "alert(1)" in read.text
    assert not any(name.startswith("on") for _, attributes in read.seen for name in attributes)


def test_it_needs_nothing_from_elsewhere() -> None:
    read = page()
    text = page_of(Picture("Sender", CAMPAIGN, TOTALS, "https://app.sender.net/campaigns/b6gXkQ"), NOW)

    assert not read.tags & {"script", "img", "link", "iframe", "object", "video", "source", "base"}
    assert not re.search(r"url\(|@import|src=", text)
    assert [attributes["href"] for tag, attributes in read.seen if tag == "a"] == [
        "https://app.sender.net/campaigns/b6gXkQ"
    ]


def test_who_cannot_see_it_can_read_it() -> None:
    read = page()

    assert ("html", {"lang": "en"}) in read.seen
    assert {attributes.get("aria-hidden") for tag, attributes in read.seen if tag == "svg"} == {"true"}
    assert [attributes["scope"] for tag, attributes in read.seen if tag == "th"] == ["col"] * 3 + ["row"] * 4
    ids = {attributes["id"] for _, attributes in read.seen if "id" in attributes}
    assert {attributes["aria-labelledby"] for _, attributes in read.seen if "aria-labelledby" in attributes} <= ids


@given(st.lists(st.none() | st.integers(0, 10**9), min_size=4, max_size=4))
def test_the_funnel_stays_within_its_frame(counts: list[int | None]) -> None:
    sent, delivered, opened, clicked = counts
    read = page(totals=CampaignTotals(sent=sent, delivered=delivered, opened=opened, clicked=clicked))

    shapes = [str(attributes["points"]) for tag, attributes in read.seen if tag == "polygon"]
    assert len(shapes) == 4
    for shape in shapes:
        assert all(0 <= float(corner.partition(",")[0]) <= 100 for corner in shape.split())


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (1, 3, "33.3 %"),
        (0, 3, "0.0 %"),
        (3, 3, "100 %"),
        (6, 3, "200.0 %"),
        (1, 10_000, "under 0.1 %"),
        (9_999, 10_000, "over 99.9 %"),
        (None, 3, ""),
        (3, None, ""),
        (0, 0, ""),
    ],
)
def test_shares_are_said_in_per_cent(part: int | None, whole: int | None, said: str) -> None:
    assert percent(part, whole).replace("\N{NO-BREAK SPACE}", " ") == said

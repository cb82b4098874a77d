from __future__ import annotations

import csv
import gzip
import itertools
import json
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
from upath import UPath

from airflow_provider_sender.client.campaigns import (
    Campaign,
    CampaignDefinition,
    CampaignState,
    CampaignTotals,
    EventKind,
)
from airflow_provider_sender.client.errors import ConfigurationError, ServiceFailureError, UnsupportedOperationError
from airflow_provider_sender.client.paging import Listing
from airflow_provider_sender.client.sender.client import SenderClient
from airflow_provider_sender.client.sender.events import SenderEventsListing
from airflow_provider_sender.client.sender.service import SenderService
from airflow_provider_sender.client.service import Capability
from airflow_provider_sender.jobs.report import EVENT_COLUMNS, Report, export_report
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.jobs.accounts import MemoryService, service_of

LISTS = {
    "open": "opens",
    "click": "clicks",
    "hard_bounce": "hard_bounces",
    "soft_bounce": "soft_bounces",
    "unsubscribe": "unsubscribes",
    "complaint": "complaints",
}
DEFINITION = CampaignDefinition(
    subject="News <b>& more</b>",
    from_name="The Shop",
    from_email="shop@example.com",
    html="<p>Hello</p><a href='{$unsubscribe_link}'>Unsubscribe</a>",
)


class SmallPages(SenderService):
    """Sender, asked for few rows at a time, with something that may happen before every page."""

    def __init__(self, client: SenderClient, page_size: int, meanwhile: Callable[[], None] = lambda: None) -> None:
        super().__init__(client)
        self._page_size = page_size
        self._meanwhile = meanwhile

    def campaign_events(self, campaign_id: str, kind: EventKind) -> SenderEventsListing:
        listing = SenderEventsListing(self.client, campaign_id, kind, limit=self._page_size)
        read = listing.page

        def page(number: int) -> Any:
            self._meanwhile()
            return read(number)

        listing.page = page  # type: ignore[method-assign]
        return listing


def sent_to(sandbox: Sandbox, people: int, service: SenderService) -> str:
    """Return a campaign that was sent to so many."""
    sandbox.reset(send_seconds=0)
    sandbox.seed(rows=[{"email": f"reader-{number}@example.org"} for number in range(people)])
    campaign = service.create_campaign(DEFINITION, "Newsletter of the week [key 8254c329a92850f6]")
    service.send_campaign(campaign)
    return campaign


def asked(sandbox: Sandbox, path: str) -> Any:
    """Ask the sandbox without any of the code that is being tested."""
    request = urllib.request.Request(
        sandbox.sender_url + path, headers={"Authorization": f"Bearer {sandbox.token}", "Accept": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def there(sandbox: Sandbox, campaign: str) -> dict[str, int]:
    """Return how many events of each kind the sandbox counts."""
    return {kind: asked(sandbox, f"/campaigns/{campaign}/{name}")["meta"]["total"] for kind, name in LISTS.items()}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_figures_are_those_of_the_account(sender_sandbox: Sandbox, tmp_path: Path) -> None:
    service = SmallPages(service_of(sender_sandbox).client, 70)
    campaign = sent_to(sender_sandbox, 3_000, service)
    path = tmp_path / "events.jsonl"

    done = export_report(service, Report(campaign), UPath(path), None)

    expected = there(sender_sandbox, campaign)
    assert done.events == expected
    assert min(expected.values()) > 0
    rows = lines(path)
    assert Counter(row["event"] for row in rows) == expected
    assert len({(row["event"], row["email"]) for row in rows}) == len(rows) == done.rows
    own = asked(sender_sandbox, f"/campaigns/{campaign}")["data"]
    bounces = expected["hard_bounce"] + expected["soft_bounce"]
    assert done.totals == CampaignTotals(
        recipients=own["recipient_count"],
        sent=sender_sandbox.counters()["mails"],
        delivered=3_000 - bounces,
        opened=expected["open"],
        clicked=expected["click"],
        hard_bounced=expected["hard_bounce"],
        soft_bounced=expected["soft_bounce"],
        unsubscribed=expected["unsubscribe"],
        complained=expected["complaint"],
    )
    # The campaign twice, the totals of four lists, and no page more than there are.
    assert done.requests == 2 + 4 + sum(-(-count // 70) for count in expected.values())


def test_a_row_says_who_did_what_and_when(sender_sandbox: Sandbox, tmp_path: Path) -> None:
    service = service_of(sender_sandbox)
    campaign = sent_to(sender_sandbox, 200, service)
    path = tmp_path / "clicks.jsonl"

    export_report(service, Report(campaign, (EventKind.CLICK,)), UPath(path), None)

    found = {
        row["recipient_id"]: row for row in asked(sender_sandbox, f"/campaigns/{campaign}/clicks?limit=100")["data"]
    }
    rows = lines(path)
    assert {row["subscriber_id"] for row in rows} == set(found)
    for row in rows:
        other = found[row["subscriber_id"]]
        assert list(row) == [column.name for column in EVENT_COLUMNS]
        assert (row["campaign_id"], row["event"], row["email"], row["url"]) == (
            campaign,
            "click",
            other["email"],
            other["url"],
        )
        assert row["occurred_at"] == other["created"].replace(" ", "T") + "Z"


@pytest.mark.parametrize("name", ["e.jsonl", "e.jsonl.gz", "e.csv", "e.csv.gz", "e.parquet"])
def test_every_format_holds_the_same(sender_sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    service = service_of(sender_sandbox)
    campaign = sent_to(sender_sandbox, 150, service)
    export_report(service, Report(campaign), UPath(tmp_path / "plain.jsonl"), None)
    export_report(service, Report(campaign), UPath(tmp_path / name), None)

    expected = [
        {**row, "occurred_at": datetime.fromisoformat(row["occurred_at"])} for row in lines(tmp_path / "plain.jsonl")
    ]
    assert expected
    assert read(tmp_path / name) == expected


def read(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a report, times as times."""
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        assert table.schema.names == [column.name for column in EVENT_COLUMNS]
        return [dict(row) for row in table.to_pylist()]
    text = (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode()
    if ".csv" in path.name:
        found: Iterator[dict[str, Any]] = (
            {k: v or None for k, v in row.items()} for row in csv.DictReader(text.splitlines())
        )
    else:
        found = map(json.loads, text.splitlines())
    return [{**row, "occurred_at": datetime.fromisoformat(row["occurred_at"])} for row in found]


def test_refusals_and_failures_on_the_way_lose_nothing(sender_sandbox: Sandbox, tmp_path: Path) -> None:
    service = SmallPages(service_of(sender_sandbox).client, 40)
    campaign = sent_to(sender_sandbox, 1_500, service)
    sender_sandbox.fault("status", "/campaigns/*/*", "GET", status=503, times=None, every=5)
    sender_sandbox.fault("rate_limit", "/campaigns/*/*", "GET", times=None, every=7)
    sender_sandbox.fault("garble", "/campaigns/*/opens", "GET", times=2, skip=3)
    sender_sandbox.fault("drop_after", "/campaigns/*/clicks", "GET", times=2, skip=1)
    path = tmp_path / "events.jsonl"

    done = export_report(service, Report(campaign), UPath(path), None)

    sender_sandbox.clear_faults()
    assert done.events == there(sender_sandbox, campaign)
    assert len({(row["event"], row["email"]) for row in lines(path)}) == done.rows


def test_nothing_is_lost_while_more_comes_in(sender_sandbox: Sandbox, tmp_path: Path) -> None:
    """More mails of the campaign go out while its events are read, and bring events in between the others."""
    plain = service_of(sender_sandbox)
    campaign = sent_to(sender_sandbox, 1_000, plain)
    before = {kind: emails(sender_sandbox, campaign, kind) for kind in LISTS}
    number = itertools.count()

    def more() -> None:
        each = next(number)
        if each % 3 == 0 and each < 60:
            sender_sandbox.seed(rows=[{"email": f"more-{each}-{many}@example.org"} for many in range(20)])
            sender_sandbox.seed(rows=[{"email": f"a-{each}-{many}@example.org"} for many in range(20)])
            plain.send_campaign(campaign)

    service = SmallPages(plain.client, 20, more)
    path = tmp_path / "events.jsonl"
    export_report(service, Report(campaign), UPath(path), None)

    rows = lines(path)
    assert len({(row["event"], row["email"]) for row in rows}) == len(rows)
    for kind in LISTS:
        assert before[kind] <= {row["email"] for row in rows if row["event"] == kind}
    assert any(row["email"].startswith(("more-", "a-")) for row in rows)


def emails(sandbox: Sandbox, campaign: str, kind: str) -> set[str]:
    found: set[str] = set()
    for number in itertools.count(1):
        page = asked(sandbox, f"/campaigns/{campaign}/{LISTS[kind]}?limit=100&page={number}")
        found |= {row["email"] for row in page["data"]}
        if number >= page["meta"]["last_page"]:
            return found
    raise AssertionError


@pytest.mark.parametrize("fails", ["clicks", "complaints"], ids=["an event", "a total"])
def test_no_file_is_left_when_the_service_fails(sender_sandbox: Sandbox, tmp_path: Path, fails: str) -> None:
    service = service_of(sender_sandbox, max_retries=1)
    campaign = sent_to(sender_sandbox, 50, service)
    sender_sandbox.fault("status", f"/campaigns/*/{fails}", "GET", status=500, times=None)
    report = Report(campaign, (EventKind.OPEN, EventKind.CLICK))

    with pytest.raises(ServiceFailureError):
        export_report(service, report, UPath(tmp_path / "e.csv"), UPath(tmp_path / "e.html"))
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_written_is_found_out_before_any_event_is_read(
    sender_sandbox: Sandbox, tmp_path: Path
) -> None:
    service = service_of(sender_sandbox)
    campaign = sent_to(sender_sandbox, 50, service)
    (tmp_path / "taken").mkdir()
    before = sender_sandbox.counters()["requests"]

    with pytest.raises(ConfigurationError, match="html_path: nothing can be written to"):
        export_report(service, Report(campaign), UPath(tmp_path / "e.csv"), UPath(tmp_path / "taken"))
    with pytest.raises(ConfigurationError, match="output_path: nothing can be written to"):
        export_report(
            service, Report(campaign, file_format="csv"), UPath(tmp_path / "taken"), UPath(tmp_path / "e.html")
        )
    assert sender_sandbox.counters()["requests"] - before == 2
    assert [each.name for each in tmp_path.iterdir()] == ["taken"]


def test_a_list_the_account_does_not_have_is_named(sender_sandbox: Sandbox, tmp_path: Path) -> None:
    service = service_of(sender_sandbox)
    campaign = sent_to(sender_sandbox, 50, service)
    sender_sandbox.fault("status", "/campaigns/*/complaints", "GET", status=403, times=None)

    with pytest.raises(ConfigurationError, match=r"Leave 'complaint' out of events\.$"):
        export_report(service, Report(campaign), UPath(tmp_path / "e.csv"), None)
    done = export_report(service, Report(campaign, (EventKind.OPEN,)), UPath(tmp_path / "e.csv"), None)
    assert done.totals.complained is None
    assert done.totals.unsubscribed is not None


@pytest.mark.parametrize("state", [CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.CANCELLED])
def test_a_campaign_nobody_got_is_refused_before_anything_is_written(tmp_path: Path, state: CampaignState) -> None:
    service = MemoryService(campaigns=[Campaign("c", state=state, recipients=3)])

    with pytest.raises(ConfigurationError, match=rf"campaign_id: campaign c is {state.value} and was not sent"):
        export_report(service, Report("c"), UPath(tmp_path / "e.csv"), UPath(tmp_path / "e.html"))
    assert service.calls == ["campaign"]
    assert list(tmp_path.iterdir()) == []


class TotalsOnly(MemoryService):
    """An account that lists no events."""

    capabilities = frozenset(Capability) - {Capability.CAMPAIGN_EVENTS}

    def campaign_totals(self, campaign_id: str) -> CampaignTotals:
        self.asked("campaign_totals")
        return CampaignTotals(sent=10, opened=4)


class SomeEvents(TotalsOnly):
    """An account that lists opens alone, and there are none."""

    def campaign_events(self, campaign_id: str, kind: EventKind) -> Listing:
        if kind is not EventKind.OPEN:
            return super().campaign_events(campaign_id, kind)
        return self.subscribers()


SENT = Campaign("c", "Title", "Subject", CampaignState.SENT, "SENT", sent=10, sent_at=datetime(2026, 1, 5, tzinfo=UTC))


def test_events_a_service_does_not_list_fail_before_the_first_request(tmp_path: Path) -> None:
    service = TotalsOnly(campaigns=[SENT])

    with pytest.raises(UnsupportedOperationError, match=r"Memory cannot list who opened.*Give events="):
        export_report(service, Report("c", (EventKind.OPEN,)), UPath(tmp_path / "e.csv"), None)
    assert service.calls == []


@pytest.mark.parametrize(("of", "events"), [(TotalsOnly, {}), (SomeEvents, {"open": 0})])
def test_by_default_there_are_the_events_the_service_lists(
    tmp_path: Path, of: type[MemoryService], events: dict[str, int]
) -> None:
    done = export_report(of(campaigns=[SENT]), Report("c"), UPath(tmp_path / "e.csv"), None)

    assert done.events == events
    assert (done.totals.sent, done.totals.clicked) == (10, None)
    assert (tmp_path / "e.csv").read_text().splitlines() == ["campaign_id,event,subscriber_id,email,occurred_at,url"]


def test_without_a_file_the_totals_are_all_that_is_read(sender_sandbox: Sandbox) -> None:
    service = service_of(sender_sandbox)
    campaign = sent_to(sender_sandbox, 100, service)

    done = export_report(service, Report(campaign), None, None)

    assert (done.events, done.rows, done.requests) == ({}, 0, 6)
    assert done.totals.opened == there(sender_sandbox, campaign)["open"]


def test_a_campaign_that_is_being_sent_is_reported_as_that(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    campaign = msgspec.structs.replace(SENT, state=CampaignState.SENDING)

    export_report(TotalsOnly(campaigns=[campaign]), Report("c"), None, UPath(tmp_path / "e.html"))

    assert "still being sent" in caplog.text
    assert "still being sent" in (tmp_path / "e.html").read_text()


def test_nobody_s_address_is_on_the_page_or_in_the_log(
    sender_sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    service = service_of(sender_sandbox)
    campaign = sent_to(sender_sandbox, 100, service)

    export_report(service, Report(campaign), UPath(tmp_path / "e.csv"), UPath(tmp_path / "e.html"))

    assert "@" not in (tmp_path / "e.html").read_text().replace("@media", "").replace("@page", "")
    assert "@" not in caplog.text

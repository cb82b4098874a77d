"""What became of a campaign: the totals, and a file with one row for everything a recipient did.

Opens, clicks, bounces, unsubscribes and complaints stand in one table, told apart by ``event``: they have the same
columns, and a warehouse loads one file rather than six.
"""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import BinaryIO, NamedTuple

import msgspec
from upath import UPath

from airflow_provider_sender.client.campaigns import Campaign, CampaignState, CampaignTotals, EventKind
from airflow_provider_sender.client.errors import (
    ConfigurationError,
    NotFoundError,
    PermissionDeniedError,
    UnsupportedOperationError,
)
from airflow_provider_sender.client.paging import Listing, ListingReport, OnDrift, Row
from airflow_provider_sender.client.seen import SeenKeys
from airflow_provider_sender.client.service import Capability, Service
from airflow_provider_sender.jobs.cells import CellValue
from airflow_provider_sender.jobs.destination import published
from airflow_provider_sender.jobs.formats import Encoding, encoding_of
from airflow_provider_sender.jobs.naming import campaign_named
from airflow_provider_sender.jobs.progress import Progress
from airflow_provider_sender.jobs.report_page import Picture, page_of
from airflow_provider_sender.jobs.writers import RowWriter, writer_of

log = logging.getLogger(__name__)


class EventRow(msgspec.Struct, frozen=True, gc=False):
    """A row of the file.

    :param event: one of :class:`EventKind`.
    :param occurred_at: in UTC.
    :param url: the link, of a click.
    """

    campaign_id: str
    event: str
    subscriber_id: str | None
    email: str | None
    occurred_at: datetime | None
    url: str | None


class EventColumn(NamedTuple):
    """A column of a flat report."""

    name: str
    type: str


EVENT_COLUMNS = tuple(
    EventColumn(name, "datetime" if name == "occurred_at" else "text") for name in EventRow.__struct_fields__
)

_values_of = tuple(attrgetter(column.name) for column in EVENT_COLUMNS)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(EventRow).decode

# Nothing was mailed yet in these, whatever else the service says.
_NOT_YET = (CampaignState.DRAFT, CampaignState.SCHEDULED)


@dataclass(frozen=True)
class Report:
    """What is to be reported.

    :param kinds: kinds of events; None for all the service lists.
    :param file_format: a format's name; None lets the path decide.
    :param on_drift: what to do when rows may be missing.
    """

    campaign_id: str
    kinds: tuple[EventKind, ...] | None = None
    file_format: str | None = None
    on_drift: OnDrift = OnDrift.REPAIR


@dataclass
class Reported:
    """What was reported.

    :param events: rows by kind, of the kinds that were asked for.
    """

    campaign: Campaign
    totals: CampaignTotals = field(default_factory=CampaignTotals)
    events: dict[str, int] = field(default_factory=dict)
    requests: int = 0

    @property
    def rows(self) -> int:
        """Rows in the file."""
        return sum(self.events.values())

    def log(self, path: UPath | None) -> None:
        """Say what was reported, and where to."""
        told = {name: count for name, count in msgspec.structs.asdict(self.totals).items() if count is not None}
        totals = ", ".join(f"{name} {count}" for name, count in told.items()) or "none"
        log.info("Totals of campaign %s: %s (%d requests)", self.campaign.id, totals, self.requests)
        if path is not None:
            kinds = ", ".join(f"{kind} {count}" for kind, count in self.events.items()) or "no events"
            log.info("%d rows (%s) -> %s", self.rows, kinds, path)


def export_report(service: Service, report: Report, path: UPath | None, html_path: UPath | None) -> Reported:
    """Write a campaign's events to a file and a picture of the totals to another; each appears when it is complete.

    :param path: the file of events; None for the totals alone.
    :raises UnsupportedOperationError: before the first request, when the service does not list the events asked for.
    :raises ConfigurationError: before any event is read, when a parameter cannot work or nothing was mailed yet.
    :raises ListingDriftError: when rows may be missing and ``on_drift`` does not let that pass.
    """
    listings = {} if path is None else listings_of(service, report)
    encoding = None if path is None else encoding_of(path, report.file_format, parameter="output_path")
    requests_before = service.transport.requests_made
    campaign = campaign_named(service, report.campaign_id)
    check_was_sent(campaign)
    done = Reported(campaign)
    with contextlib.ExitStack() as files:
        # Both places are taken before anything is read, and filled when all of it is there.
        page_file = _opened(files, html_path, "html_path")
        file = _opened(files, path, "output_path")
        if file is not None and encoding is not None:
            done.events = _write_events(service, report, listings, encoding, file)
        if Capability.CAMPAIGN_TOTALS in service.capabilities:
            done.totals = service.campaign_totals(campaign.id)
        if page_file is not None:
            picture = Picture(service.name, campaign, done.totals, service.campaign_url(campaign.id))
            page_file.write(page_of(picture).encode())
    done.requests = service.transport.requests_made - requests_before
    done.log(path)
    return done


def listings_of(service: Service, report: Report) -> dict[EventKind, Listing]:
    """Return where the events asked for are listed; no request is made.

    :raises UnsupportedOperationError: when the service does not list one that was asked for by name.
    """
    listings = {}
    for kind in EventKind if report.kinds is None else report.kinds:
        try:
            listings[kind] = service.campaign_events(report.campaign_id, kind)
        except UnsupportedOperationError:
            if report.kinds is not None:
                raise
    if report.kinds is None and not listings:
        log.warning("%s does not list what single recipients did: the file has no rows.", service.name)
    return listings


def check_was_sent(campaign: Campaign) -> None:
    """See to it that there is something to report.

    :raises ConfigurationError: when nothing was mailed yet.
    """
    if campaign.state in (CampaignState.SENT, CampaignState.PARTLY_SENT):
        return
    if campaign.state is CampaignState.SENDING:
        log.warning("Campaign %s is still being sent: its figures are those of now.", campaign.id)
        return
    if campaign.state in _NOT_YET or not (campaign.sent or campaign.sent_at):
        raise ConfigurationError(
            f"campaign_id: campaign {campaign.id} is {campaign.state.value} and was not sent, so there is nothing to "
            "report. Wait until it is sent with SenderCampaignSensor."
        )
    log.warning("Campaign %s is %s: its figures may not be all.", campaign.id, campaign.state.value)


def _opened(files: contextlib.ExitStack, path: UPath | None, parameter: str) -> BinaryIO | None:
    """Open a file that is published in the end, if one is asked for."""
    return None if path is None else files.enter_context(published(path, parameter=parameter))


def _write_events(
    service: Service, report: Report, listings: Mapping[EventKind, Listing], encoding: Encoding, file: BinaryIO
) -> dict[str, int]:
    """Write all events, kind by kind; return how many there are of each."""
    writer = writer_of(encoding, EVENT_COLUMNS, _flattened, file)
    progress = Progress(log, "events", service.transport.budget)
    counts = {}
    for kind, listing in listings.items():
        counts[kind.value] = _write_kind(service, report, kind, listing, writer, progress.advance)
    writer.close()
    return counts


def _write_kind(
    service: Service,
    report: Report,
    kind: EventKind,
    listing: Listing,
    writer: RowWriter,
    advance: Callable[[int], None],
) -> int:
    found, without_time = ListingReport(), 0
    try:
        for rows in listing.walk(SeenKeys(), found, report.on_drift):
            events = [_event_row(service, report.campaign_id, kind, row) for row in rows]
            without_time += sum(event.occurred_at is None for event in events)
            writer.write(
                [Row(row.key, None, msgspec.Raw(_encode(event))) for row, event in zip(rows, events, strict=True)]
            )
            advance(len(rows))
    except (NotFoundError, PermissionDeniedError) as error:
        if found.passes:
            raise
        raise ConfigurationError(
            f"events: {service.name} does not hand out the {kind.value} events of this campaign ({error}). Leave "
            f"{kind.value!r} out of events."
        ) from error
    if without_time:
        log.warning("%d of %d %s events do not say when: occurred_at is empty.", without_time, found.rows, kind.value)
    return found.rows


def _event_row(service: Service, campaign_id: str, kind: EventKind, row: Row) -> EventRow:
    event = service.read_campaign_event(row.raw, kind)
    return EventRow(campaign_id, kind.value, event.subscriber_id, event.email, event.occurred_at, event.url)


def _flattened(rows: Sequence[Row], left_out: Counter[str]) -> list[Sequence[CellValue]]:
    """Return what stands in the columns, one list a column; every value has its place."""
    events = [_decode(row.raw) for row in rows]
    return [list(map(value_of, events)) for value_of in _values_of]

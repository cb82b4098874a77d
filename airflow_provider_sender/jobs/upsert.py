"""Rows into an account: checked before they are sent, nobody's consent overridden, every refusal accounted for."""

from __future__ import annotations

import enum
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import BinaryIO

import msgspec
from upath import UPath

from airflow_provider_sender.client.errors import (
    ConfigurationError,
    InvalidRequestError,
    NotFoundError,
    SenderError,
    without_addresses,
)
from airflow_provider_sender.client.paging import ListingReport, OnDrift
from airflow_provider_sender.client.records import SubscriberChange
from airflow_provider_sender.client.seen import SeenKeys
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.jobs.consent import ConsentMode, Decision, decide
from airflow_provider_sender.jobs.destination import published
from airflow_provider_sender.jobs.formats import SourceRow, UnreadableRow, json_line, row_json
from airflow_provider_sender.jobs.mapping import Rejected, RowMapping
from airflow_provider_sender.jobs.progress import Progress
from airflow_provider_sender.jobs.staging import StagedRow, Staging

log = logging.getLogger(__name__)

# Rows a page of the account's listing brings; reading it whole pays when more rows than it has pages are to be looked
# up.
_ROWS_A_PAGE = 100

_NOBODY = Rejected("email", "missing, and nobody has this phone or id")
_NOT_FOUND_AGAIN = Rejected(None, "created, but the service did not find it again to set the rest; run it again")


class OnReject(enum.StrEnum):
    """What rejected rows mean for the task."""

    FAIL = "fail"
    WARN = "warn"


class RowsRejectedError(SenderError):
    """Some rows were not accepted; all the others were.

    :param outcome: the figures.
    """

    def __init__(self, outcome: Upserted) -> None:
        where = f" They are in {outcome.rejects_path}, each with its reason." if outcome.rejects_path else ""
        advice = "" if outcome.rejects_path else " Give rejects_path to keep such rows."
        super().__init__(
            f"{outcome.rejected} rows were rejected ({outcome.reasons_sentence()}), {outcome.sent} were sent."
            f"{where}{advice} Mend them and run it again, or accept it with on_reject='warn'."
        )
        self.outcome = outcome


@dataclass(frozen=True)
class Upsert:
    """How rows go into the account.

    :param columns: source column -> place in the account, or None to leave it out.
    :param group_ids: groups every row is put into.
    :param consent: whether people who are not active may be made active again.
    :param trigger_automation: whether the service's automations may start for these rows.
    :param dry_run: find out everything and write nothing.
    """

    columns: Mapping[str, str | None] | None = None
    group_ids: Sequence[str] = ()
    consent: ConsentMode = ConsentMode.KEEP
    trigger_automation: bool = False
    dry_run: bool = False


@dataclass
class Upserted:
    """What became of the rows. In a dry run ``sent`` is what would be sent.

    :param sent: rows created or updated.
    :param unchanged: rows the account already has as they are.
    :param rejected: rows that are malformed or that the service refused.
    :param held: rows that would have made someone active again who is not.
    :param duplicates: rows that gave way to a later one with the same key.
    """

    sent: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    held: int = 0
    duplicates: int = 0
    requests: int = 0
    rejects_path: str | None = None
    reasons: Counter[str] = field(default_factory=Counter)

    def reasons_sentence(self) -> str:
        """Return the most frequent reasons of rejection, with how often each was given."""
        return "; ".join(f"{count} x {reason}" for reason, count in self.reasons.most_common(5))


class _Rejects:
    """Writes rejected rows, one JSON object a line, and counts the reasons."""

    def __init__(self, file: BinaryIO | None, outcome: Upserted) -> None:
        self._file = file
        self._outcome = outcome

    def add(self, line: int, row: bytes, why: Rejected) -> None:
        """Write a row, given as JSON, and why it was rejected."""
        self._outcome.rejected += 1
        self._outcome.reasons[without_addresses(f"{why.field}: {why.reason}" if why.field else why.reason)] += 1
        if self._file is not None:
            rejected = {"line": line, "field": why.field, "reason": why.reason, "row": msgspec.Raw(row)}
            self._file.write(json_line(rejected))


def upsert(
    service: Service,
    rows: Iterable[SourceRow | UnreadableRow],
    how: Upsert,
    *,
    rejects_path: UPath | None = None,
) -> Upserted:
    """Create or update a subscriber for every row.

    All rows are read and checked before the first is sent. A row that is refused does not stop the others.

    :param rejects_path: where rejected rows go; written even when the job fails half-way.
    :raises ConfigurationError: before anything is sent, when a parameter or a column cannot work.
    """
    outcome = Upserted(rejects_path=str(rejects_path) if rejects_path is not None else None)
    requests_before = service.transport.requests_made
    opened = (
        published(rejects_path, parameter="rejects_path", also_on_error=True)
        if rejects_path is not None
        else nullcontext()
    )
    with opened as file, Staging() as staging:
        rejects = _Rejects(file, outcome)
        _stage(service, rows, how, staging, rejects)
        outcome.duplicates = staging.duplicates
        _look_up(service, staging)
        _write(service, staging, how, rejects, outcome)
    outcome.requests = service.transport.requests_made - requests_before
    _log_end(service, how, outcome)
    return outcome


def _stage(
    service: Service,
    rows: Iterable[SourceRow | UnreadableRow],
    how: Upsert,
    staging: Staging,
    rejects: _Rejects,
) -> None:
    mapping = RowMapping(how.columns, service.fields(), how.group_ids)
    _check_groups(service, how.group_ids)
    for line, row in enumerate(rows, start=1):
        if isinstance(row, UnreadableRow):
            rejects.add(line, row_json(row.text), Rejected(None, row.why))
            continue
        change = mapping.change(row)
        if isinstance(change, Rejected):
            rejects.add(line, row_json(row), change)
        else:
            staging.add(line, row, change)


def _check_groups(service: Service, group_ids: Sequence[str]) -> None:
    if not group_ids:
        return
    known = {group.id: group.title for group in service.groups()}
    unknown = [group for group in group_ids if group not in known]
    if unknown:
        there = ", ".join(f"{group} ({title})" for group, title in list(known.items())[:20])
        raise ConfigurationError(
            f"group_ids: the account has no group {', '.join(unknown)}. It has: {there or 'none'}."
        )


def _look_up(service: Service, staging: Staging) -> None:
    """Find out how the account has the people the rows are about, where reading it whole is the cheaper way."""
    count = len(staging)
    if count <= 1:
        return
    listing = service.subscribers()
    pages = -(-listing.count() // _ROWS_A_PAGE)
    if count <= pages + 2:
        return
    log.info("Reading the account first (%d pages), to send only what differs", pages)
    report = ListingReport()
    progress = Progress(log, "subscribers read", service.transport.budget)
    for rows in listing.walk(SeenKeys(), report, OnDrift.WARN):
        staging.note_current(service.read_subscriber(row.raw) for row in rows)
        progress.total = report.total_at_start
        progress.advance(len(rows))


def _write(service: Service, staging: Staging, how: Upsert, rejects: _Rejects, outcome: Upserted) -> None:
    progress = Progress(log, "rows", service.transport.budget, total=len(staging))
    for row in staging.rows():
        # Not having been listed does not mean not being there: whoever came since may have unsubscribed already.
        current = row.current or service.find_subscriber(row.change.key)
        decision, change = decide(row.change, current, how.consent)
        match decision:
            case Decision.UNCHANGED:
                outcome.unchanged += 1
            case Decision.HOLD:
                outcome.held += 1
            case Decision.REJECT:
                rejects.add(row.line, row.source, _NOBODY)
            case Decision.CREATE | Decision.UPDATE:
                _write_row(service, row, decision, change, how, rejects, outcome)
        progress.advance(1)


def _write_row(
    service: Service,
    row: StagedRow,
    decision: Decision,
    change: SubscriberChange,
    how: Upsert,
    rejects: _Rejects,
    outcome: Upserted,
) -> None:
    if not how.dry_run:
        try:
            _send(service, row, decision, change, how)
        except NotFoundError:
            rejects.add(row.line, row.source, _NOBODY if change.email is None else _NOT_FOUND_AGAIN)
            return
        except InvalidRequestError as error:
            name = next(iter(error.errors), None)
            texts = error.errors[name] if name is not None else [error.message]
            rejects.add(row.line, row.source, Rejected(name, "; ".join(texts)))
            return
    outcome.sent += 1
    if decision is Decision.CREATE:
        outcome.created += 1
    else:
        outcome.updated += 1


def _send(service: Service, row: StagedRow, decision: Decision, change: SubscriberChange, how: Upsert) -> None:
    if decision is Decision.UPDATE:
        try:
            service.update_subscriber(change, trigger_automation=how.trigger_automation)
        except NotFoundError:
            # Deleted since it was read. What was left out of the change because it was so already is not so any more.
            decision, change = decide(row.change, None, how.consent)
            if decision is not Decision.CREATE:
                raise
        else:
            return
    service.create_subscriber(change, trigger_automation=how.trigger_automation)


def _log_end(service: Service, how: Upsert, outcome: Upserted) -> None:
    log.info(
        "%s: %d sent (%d created, %d updated), %d unchanged, %d rejected, %d held, %d duplicates; %d requests",
        "Plan" if how.dry_run else "Done",
        outcome.sent,
        outcome.created,
        outcome.updated,
        outcome.unchanged,
        outcome.rejected,
        outcome.held,
        outcome.duplicates,
        outcome.requests,
    )
    if how.dry_run:
        limit = service.transport.budget.limit
        minutes = f", about {outcome.sent / limit:.0f} minutes of the account's quota" if limit else ""
        log.info("Nothing was written. A real run needs at least %d requests%s", outcome.sent, minutes)
    if outcome.held:
        log.warning(
            "%d rows were held: these people are unsubscribed, bounced or complained, and the rows would make them "
            "active again. consent='overwrite' would do so",
            outcome.held,
        )
    if outcome.rejected:
        log.warning("Rejected: %s", outcome.reasons_sentence())

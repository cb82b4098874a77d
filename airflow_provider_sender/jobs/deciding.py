"""Deciding about rows before anything is written: from the ledger, and from the account where it is read whole."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence

import msgspec

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.paging import ListingReport, OnDrift
from airflow_provider_sender.client.seen import SeenKeys
from airflow_provider_sender.client.service import Capability, Service
from airflow_provider_sender.client.subscribers import Subscriber, SubscriberChange
from airflow_provider_sender.jobs.batches import calls_for, in_chunks
from airflow_provider_sender.jobs.consent import ConsentMode, Decision, decide, unseen
from airflow_provider_sender.jobs.mapping import Rejected
from airflow_provider_sender.jobs.outcome import Job
from airflow_provider_sender.jobs.progress import Progress
from airflow_provider_sender.jobs.reading import subscriber_batches
from airflow_provider_sender.jobs.staging import WORK, StagedRow, Task

log = logging.getLogger(__name__)

# So many times as many people to be updated unseen as it takes requests to read the account: then it is read, as it may
# have most of them as they are to be already, when a column was added or left out, say.
_WORTH_A_LOOK = 10

NOBODY = Rejected("email", "missing, and nobody has this phone or id")


def read_account(job: Job) -> bool:
    """Find out how the account has the people the rows are about, where reading it whole is the cheaper way.

    Return whether it was.
    """
    unknown, unseen_updates = job.staging.to_do(Task.LOOK_UP), job.staging.to_do(Task.UPDATE)
    lookups = calls_for(unknown, job.service.largest_lookup)
    must_read = job.staging.to_do(*WORK) > 0 and Capability.FIND_SUBSCRIBER not in job.service.capabilities
    if lookups <= 1 and unseen_updates <= _WORTH_A_LOOK and not must_read:
        return False
    listing = job.service.subscribers()
    pages = calls_for(listing.count(), listing.page_size)
    if lookups <= pages + 2 and unseen_updates <= _WORTH_A_LOOK * pages and not must_read:
        return False
    log.info("Reading the account first (%d pages), to send only what differs", pages)
    members = _members(job)
    for rows in subscriber_batches(job.service, None, ListingReport(), OnDrift.WARN):
        found = (job.service.read_subscriber(row.raw) for row in rows)
        job.staging.note_current(_with_groups(each, members) for each in found)
        job.ledger.keep_up()
    return True


def _members(job: Job) -> dict[str, SeenKeys]:
    """Return who is in the groups the rows name, where the account's listing does not say so; by their ids."""
    if Capability.ROW_GROUPS in job.service.capabilities:
        return {}
    members = {group: SeenKeys() for group in job.staging.groups()}
    for group, seen in members.items():
        with contextlib.suppress(ConfigurationError):  # no such group: its rows are rejected when they are written
            for rows in subscriber_batches(job.service, group, ListingReport(), OnDrift.WARN):
                seen.add_all([job.service.read_subscriber(row.raw).id for row in rows])
                job.ledger.keep_up()
    return members


def _with_groups(subscriber: Subscriber, members: dict[str, SeenKeys]) -> Subscriber:
    if not members:
        return subscriber
    groups = tuple(group for group, seen in members.items() if subscriber.id in seen)
    return msgspec.structs.replace(subscriber, groups=groups)


def decision_on(
    row: StagedRow, current: Subscriber | None, mode: ConsentMode, *, is_seen: bool = False
) -> tuple[Decision, SubscriberChange]:
    """Return what to do with a row, and the change to send.

    :param current: the subscriber as the account has it; None when there is none, or when the ledger will do.
    :param is_seen: whether None can only mean that there is none.
    """
    if current is None and row.task is Task.LEAVE:
        return Decision.HOLD, row.change
    if current is None and row.task in (Task.UPDATE, Task.JOIN) and not is_seen:
        decision = Decision.UPDATE if row.task is Task.UPDATE else Decision.JOIN
        change = unseen(row.change, mode, known_groups=row.known_groups, has_known_fields=row.has_known_fields)
        return decision, change
    return decide(row.change, current, mode)


def decide_beforehand(job: Job, *, is_read: bool) -> None:
    """Decide about all rows that can be decided about, and settle those about which nothing is to be written.

    :param is_read: whether the account was read whole.
    """
    plan = job.outcome.plan
    to_look_up = tasks_to_look_up(job.service)
    can_find = Capability.FIND_SUBSCRIBER in job.service.capabilities
    progress = Progress(log, "rows compared", job.service.transport.budget, total=job.staging.to_do(*WORK))
    for rows in in_chunks(job.staging.rows(), job.service.largest_lookup):
        progress.advance(len(rows))
        found = look_up(job.service, rows) if job.how.dry_run else {}
        for row in rows:
            current = row.current or found.get(row.key)
            if current is None and row.task in to_look_up and can_find and not job.how.dry_run:
                plan.add_lookup(is_newcomer=is_read and row.change.email is not None)
                continue
            is_seen = sees_all(job.service) and (is_read or job.how.dry_run)
            decision, change = decision_on(row, current, job.how.consent, is_seen=is_seen)
            plan.add(decision, change)
            if decision in (Decision.UNCHANGED, Decision.HOLD, Decision.REJECT):
                settle(job, row, decision)
                job.staging.done(row.line)
        job.ledger.keep_up()


def sees_all(service: Service) -> bool:
    """Tell whether everybody is seen before being written: where that costs little, or there is no other way."""
    return service.largest_lookup > 1 or Capability.FIND_SUBSCRIBER not in service.capabilities


def tasks_to_look_up(service: Service) -> tuple[Task, ...]:
    """Return the tasks about which people are looked up."""
    return WORK if sees_all(service) else (Task.LOOK_UP,)


def look_up(service: Service, rows: Sequence[StagedRow]) -> dict[str, Subscriber]:
    """Return those of the people that rows are about and that must be looked up, as the account has them now."""
    keys = [row.key for row in rows if row.current is None and row.task in tasks_to_look_up(service)]
    if not keys or Capability.FIND_SUBSCRIBER not in service.capabilities:
        return {}
    return service.find_subscribers(keys)


def settle(job: Job, row: StagedRow, decision: Decision) -> None:
    """Account for a row about which nothing is written."""
    match decision:
        case Decision.UNCHANGED:
            job.outcome.unchanged += 1
            job.ledger.accept(row, row.change.groups)
        case Decision.HOLD:
            job.outcome.held += 1
            if row.task is not Task.LEAVE or row.current is not None:
                job.ledger.hold(row, row.change.groups)
        case Decision.REJECT:
            job.rejects.add(row.line, row.source, NOBODY)
            job.ledger.forget(row.key)

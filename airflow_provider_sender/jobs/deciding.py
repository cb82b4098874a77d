"""Deciding about rows before anything is written: from the ledger, and from the account where it is read whole."""

from __future__ import annotations

import logging

from airflow_provider_sender.client.paging import ListingReport, OnDrift
from airflow_provider_sender.client.records import Subscriber, SubscriberChange
from airflow_provider_sender.jobs.batches import calls_for
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
    if unknown <= 1 and unseen_updates <= _WORTH_A_LOOK:
        return False
    listing = job.service.subscribers()
    pages = calls_for(listing.count(), listing.page_size)
    if unknown <= pages + 2 and unseen_updates <= _WORTH_A_LOOK * pages:
        return False
    log.info("Reading the account first (%d pages), to send only what differs", pages)
    for rows in subscriber_batches(job.service, None, ListingReport(), OnDrift.WARN):
        job.staging.note_current(job.service.read_subscriber(row.raw) for row in rows)
        job.ledger.keep_up()
    return True


def decision_on(row: StagedRow, current: Subscriber | None, mode: ConsentMode) -> tuple[Decision, SubscriberChange]:
    """Return what to do with a row, and the change to send.

    :param current: the subscriber as the account has it; None when there is none, or when the ledger will do.
    """
    if current is None and row.task is Task.LEAVE:
        return Decision.HOLD, row.change
    if current is None and row.task in (Task.UPDATE, Task.JOIN):
        decision = Decision.UPDATE if row.task is Task.UPDATE else Decision.JOIN
        change = unseen(row.change, mode, known_groups=row.known_groups, has_known_fields=row.has_known_fields)
        return decision, change
    return decide(row.change, current, mode)


def decide_beforehand(job: Job, *, is_read: bool) -> None:
    """Decide about all rows that can be decided about, and settle those about which nothing is to be written.

    :param is_read: whether the account was read whole.
    """
    plan = job.outcome.plan
    progress = Progress(log, "rows compared", job.service.transport.budget, total=job.staging.to_do(*WORK))
    for row in job.staging.rows():
        progress.advance(1)
        current = row.current
        if current is None and row.task is Task.LOOK_UP:
            if not job.how.dry_run:
                plan.add_lookup(is_newcomer=is_read and row.change.email is not None)
                continue
            current = job.service.find_subscriber(row.key)
        decision, change = decision_on(row, current, job.how.consent)
        plan.add(decision, change)
        if decision in (Decision.UNCHANGED, Decision.HOLD, Decision.REJECT):
            settle(job, row, decision)
            job.staging.done(row.line)
        job.ledger.keep_up()


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

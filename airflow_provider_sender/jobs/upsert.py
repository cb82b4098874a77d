"""Rows into an account: checked before they are sent, nobody's consent overridden, every refusal accounted for.

With a ledger, only what changed since the last run is sent.
"""

from __future__ import annotations

import logging
import os
import platform
import uuid

from upath import UPath

from airflow_provider_sender.client.service import Service
from airflow_provider_sender.jobs.deciding import decide_beforehand, read_account
from airflow_provider_sender.jobs.delivery import Delivery
from airflow_provider_sender.jobs.intake import Rows, take_in
from airflow_provider_sender.jobs.ledger import AnyLedger, Ledger, NoLedger
from airflow_provider_sender.jobs.outcome import Job, OnReject, RowsRejectedError, Upsert, Upserted
from airflow_provider_sender.jobs.rejects import Rejects, rejects_file
from airflow_provider_sender.jobs.staging import Staging

__all__ = ["OnReject", "RowsRejectedError", "Upsert", "Upserted", "upsert"]

log = logging.getLogger(__name__)


def upsert(
    service: Service,
    rows: Rows,
    how: Upsert,
    *,
    rejects_path: UPath | None = None,
    ledger_path: UPath | None = None,
    owner: str | None = None,
    save_every: float = 60.0,
) -> Upserted:
    """Create or update a subscriber for every row that is not in the account as it is.

    All rows are read and checked before the first is sent. A row that is refused does not stop the others.

    :param rows: with a ledger they are better something that can be gone through again, as a list or a file can; an
        iterator that cannot costs a request where nothing has changed.
    :param rejects_path: where rejected rows go; when the job fails half-way, those there are by then.
    :param ledger_path: where the ledger is, or is to be.
    :param owner: who works with the ledger: the same text for every try of a task.
    :param save_every: seconds between two saves of the ledger.
    :raises ConfigurationError: before anything is sent, when a parameter, a column or the ledger cannot work.
    :raises LedgerUnavailableError: when somebody else works with the ledger, or has taken it over.
    """
    outcome = Upserted(rejects_path=str(rejects_path) if rejects_path is not None else None)
    requests_before = service.transport.requests_made
    with (
        rejects_file(rejects_path) as file,
        _ledger(ledger_path, service, owner, save_every, how) as ledger,
        Staging(how.consent) as staging,
    ):
        job = Job(service, how, staging, ledger, Rejects(file), outcome)
        outcome.reasons = job.rejects.reasons
        _take_in(job, rows)
        _decide(job, requests_before)
        if not how.dry_run:
            Delivery(job).deliver()
        outcome.rejected = job.rejects.count
        outcome.check_complete(staging.taken_in)
    outcome.requests = service.transport.requests_made - requests_before
    _log_end(how, outcome)
    return outcome


def _take_in(job: Job, rows: Rows) -> None:
    take_in(job.service, rows, job.how, job.staging, job.ledger)
    for line, row, why in job.staging.rejected():
        job.rejects.add(line, row, why)
    job.outcome.duplicates = job.staging.duplicates
    job.outcome.unchanged = job.staging.unchanged()


def _decide(job: Job, requests_before: int) -> None:
    """Decide what can be decided before anything is written, and say what is going to be done."""
    plan, transport, outcome = job.outcome.plan, job.service.transport, job.outcome
    plan.rejected, plan.unchanged = job.rejects.count, outcome.unchanged
    decide_beforehand(job, is_read=read_account(job))
    made = transport.requests_made - requests_before if job.how.dry_run else 0
    plan.complete(job.service, may_reactivate=job.how.may_reactivate, made=made)
    log.info("Plan: %s", plan.sentence(transport.budget))
    if job.how.dry_run:
        outcome.count_created(plan.creates)
        outcome.count_updated(plan.updates)


def _ledger(path: UPath | None, service: Service, owner: str | None, save_every: float, how: Upsert) -> AnyLedger:
    if path is None:
        return NoLedger()
    owner = owner or f"process {os.getpid()} on {platform.node()} ({uuid.uuid4().hex[:8]})"
    return Ledger(path, service, owner=owner, save_every=save_every, is_read_only=how.dry_run)


def _log_end(how: Upsert, outcome: Upserted) -> None:
    if how.dry_run:
        log.info("Nothing was written. It took %d requests to find this out", outcome.requests)
    else:
        log.info(
            "Done: %d sent (%d created, %d updated), %d unchanged, %d rejected, %d held, %d duplicates; %d requests",
            outcome.sent,
            outcome.created,
            outcome.updated,
            outcome.unchanged,
            outcome.rejected,
            outcome.held,
            outcome.duplicates,
            outcome.requests,
        )
    if outcome.unconfirmed:
        log.warning(
            "%d rows are not confirmed: the service took them without telling what became of each",
            outcome.unconfirmed,
        )
    if outcome.held:
        log.warning(
            "%d rows were held: these people are unsubscribed, bounced or complained, and the rows would make them "
            "active again. consent='overwrite' would do so",
            outcome.held,
        )
    if outcome.rejected:
        log.warning("Rejected: %s", outcome.reasons_sentence())

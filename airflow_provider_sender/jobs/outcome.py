"""How rows are to go into an account, what the steps of that work on, and what became of the rows."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from airflow_provider_sender.client.errors import SenderError
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.jobs.consent import ConsentMode
from airflow_provider_sender.jobs.ledger import AnyLedger
from airflow_provider_sender.jobs.plan import Plan
from airflow_provider_sender.jobs.rejects import Rejects, most_frequent
from airflow_provider_sender.jobs.staging import Staging


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


class RowsUnaccountedError(SenderError):
    """It cannot be told of every row what became of it."""


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

    @property
    def may_reactivate(self) -> bool:
        """Whether people who opted out may be made active."""
        return self.consent is ConsentMode.OVERWRITE


@dataclass
class Upserted:
    """What became of the rows; each is in one count. In a dry run ``sent`` is what would be sent.

    :param sent: rows created or updated.
    :param unchanged: rows that are in the account as they are, by the account's own word or the ledger's.
    :param rejected: rows that are malformed or that the service refused.
    :param held: rows that would have made someone active again who is not.
    :param duplicates: rows that gave way to a later one with the same key.
    :param unconfirmed: rows the service took without telling, or showing, what became of them.
    :param plan: what was going to be done, before anything was.
    """

    sent: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    held: int = 0
    duplicates: int = 0
    unconfirmed: int = 0
    requests: int = 0
    rejects_path: str | None = None
    reasons: Counter[str] = field(default_factory=Counter)
    plan: Plan = field(default_factory=Plan)

    def count_created(self, rows: int = 1) -> None:
        """Count rows whose people are new."""
        self.created += rows
        self.sent += rows

    def count_updated(self, rows: int = 1) -> None:
        """Count rows whose people were there and are changed."""
        self.updated += rows
        self.sent += rows

    def check_complete(self, rows: int) -> None:
        """Make sure that every row is in one count.

        :param rows: how many rows there were.
        :raises RowsUnaccountedError: when one is in none, or in two.
        """
        counts = (self.sent, self.unchanged, self.rejected, self.held, self.duplicates, self.unconfirmed)
        if sum(counts) != rows:
            raise RowsUnaccountedError(
                f"There were {rows} rows, and what became of them adds up to {sum(counts)} ({self.sent} sent, "
                f"{self.unchanged} unchanged, {self.rejected} rejected, {self.held} held, {self.duplicates} "
                f"duplicates, {self.unconfirmed} unconfirmed). This is a fault of the package; please report it."
            )

    def reasons_sentence(self) -> str:
        """Return the most frequent reasons of rejection, with how often each was given."""
        return most_frequent(self.reasons)


@dataclass(frozen=True)
class Job:
    """What the steps of an upsert work on."""

    service: Service
    how: Upsert
    staging: Staging
    ledger: AnyLedger
    rejects: Rejects
    outcome: Upserted

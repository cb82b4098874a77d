"""What was decided, written into the account: the people first, then the groups in calls for many.

As many rows are looked up and written at a time as the service takes in one call, which may be one. A row that is
refused does not stop the others. Every row is accounted for once, and noted in the ledger as soon as the account has
taken it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial

import msgspec

from airflow_provider_sender.client.errors import InvalidRequestError, NotFoundError
from airflow_provider_sender.client.rows import Write, WriteResult
from airflow_provider_sender.client.subscribers import OPTED_OUT, Membership, Subscriber, SubscriberChange
from airflow_provider_sender.jobs.additions import Additions
from airflow_provider_sender.jobs.batches import in_batches, in_chunks
from airflow_provider_sender.jobs.consent import Decision, decide, not_among
from airflow_provider_sender.jobs.deciding import NOBODY, decision_on, look_up, sees_all, settle
from airflow_provider_sender.jobs.mapping import Rejected
from airflow_provider_sender.jobs.outcome import Job
from airflow_provider_sender.jobs.progress import Progress
from airflow_provider_sender.jobs.rejects import refused
from airflow_provider_sender.jobs.staging import WORK, StagedRow

log = logging.getLogger(__name__)

_NOT_FOUND_AGAIN = Rejected(None, "created, but the service did not find it again to set the rest; run it again")
_NO_SUCH_GROUP = Rejected("groups", "the account has no such group")
_NO_ADDRESS = Rejected("email", "the service takes it for no address")


class Delivery:
    """Writes the rows something is to be done about into an account."""

    def __init__(self, job: Job) -> None:
        self._service = job.service
        self._how = job.how
        self._staging = job.staging
        self._ledger = job.ledger
        self._rejects = job.rejects
        self._outcome = job.outcome
        self._job = job

    def deliver(self) -> None:
        """Write all rows something is to be done about."""
        with closing(Additions()) as self._additions:
            progress = Progress(log, "rows", self._service.transport.budget, total=self._staging.to_do(*WORK))
            size = max(self._service.largest_write, self._service.largest_lookup)
            for rows in in_chunks(self._staging.rows(), size):
                self._write(rows)
                self._ledger.keep_up()
                progress.advance(len(rows))
            self._add_to_groups()
            self._outcome.count_updated(self._additions.finished(is_certain=True))
            self._outcome.unconfirmed += self._additions.finished(is_certain=False)

    def _attempt(self, row: StagedRow, write: Callable[[], None]) -> None:
        """Do something about a row; when it is refused, reject it."""
        try:
            write()
        except NotFoundError as error:
            self._ledger.forget(row.key)
            if error.errors:
                self._reject(row, refused(error))  # something the row names is not there, a group
                return
            self._reject(row, NOBODY if row.change.email is None else _NOT_FOUND_AGAIN)
        except InvalidRequestError as error:
            self._reject(row, refused(error))

    def _reject(self, row: StagedRow, why: Rejected) -> None:
        self._additions.drop(row.line)
        self._rejects.add(row.line, row.source, why)

    def _write(self, rows: Sequence[StagedRow]) -> None:
        # Not having been listed does not mean not being there: whoever came since may have unsubscribed already.
        found = look_up(self._service, rows)
        writes: list[tuple[StagedRow, Decision, Write]] = []
        for row in rows:
            current = row.current or found.get(row.key)
            decision, change = decision_on(row, current, self._how.consent, is_seen=sees_all(self._service))
            if decision in (Decision.CREATE, Decision.UPDATE):
                writes.append((row, decision, self._write_of(change, current, decision)))
            elif decision is Decision.JOIN:
                self._attempt(row, partial(self._join, row, change, current))
            else:
                settle(self._job, row, decision)
        for batch in in_chunks(writes, self._service.largest_write):
            self._write_all(batch)

    def _write_of(self, change: SubscriberChange, current: Subscriber | None, decision: Decision) -> Write:
        is_new = decision is Decision.CREATE
        return Write(change, current, is_new=is_new, may_reactivate=self._how.may_reactivate)

    def _write_all(self, batch: Sequence[tuple[StagedRow, Decision, Write]]) -> None:
        results = self._service.write_subscribers(
            # Somebody who is there joins groups afterwards, in calls for many.
            [write if decision is Decision.CREATE else without_groups(write) for _, decision, write in batch],
            trigger_automation=self._how.trigger_automation,
        )
        for (row, decision, write), result in zip(batch, results, strict=True):
            self._attempt(row, partial(self._written, row, decision, write, result))

    def _written(self, row: StagedRow, decision: Decision, write: Write, result: WriteResult) -> None:
        """Account for a row that was written, or refused."""
        is_gone = isinstance(result.refusal, NotFoundError) and not result.refusal.errors
        if is_gone and decision is Decision.UPDATE:
            self._write_anew(row)
            return
        if result.refusal is not None:
            raise result.refusal
        if decision is Decision.UPDATE:
            self._join(row, write.change, write.current, is_certain=result.is_certain)
        elif result.is_certain:
            self._ledger.accept(row, write.change.groups)
            self._outcome.count_created()
        else:
            self._outcome.unconfirmed += 1
        if not result.is_certain:
            self._ledger.forget(row.key)  # the next run finds out, or writes it again

    def _write_anew(self, row: StagedRow) -> None:
        """Write a row whose person is gone: what was left out because it was so already is not so any more.

        :raises NotFoundError: when nobody can be created from it.
        """
        decision, change = decide(row.change, None, self._how.consent)
        if decision is not Decision.CREATE:
            raise NotFoundError("Nobody has this phone or id.")
        write = self._write_of(change, None, decision)
        (result,) = self._service.write_subscribers([write], trigger_automation=self._how.trigger_automation)
        self._written(row, decision, write, result)

    def _join(
        self, row: StagedRow, change: SubscriberChange, current: Subscriber | None, *, is_certain: bool = True
    ) -> None:
        """Note that a person has what the row asks for but for some groups, and which ones those are."""
        there = row.known_groups if current is None else not_among(row.change.groups, change.groups)
        self._ledger.accept(row, there)
        if not change.groups:
            self._count_written(is_certain=is_certain)
            return
        address = row.change.email or (current.email if current is not None else None)
        if address is None and current is None:
            current = self._service.find_subscriber(row.key)
            if current is None:
                raise NotFoundError("Nobody has this phone or id.")
            address = current.email
        if address is not None:
            self._additions.add(row.line, row.key, address, change.groups, is_certain=is_certain)
        elif current is not None:
            self._join_alone(row, change.groups, current)
            self._count_written(is_certain=is_certain)

    def _count_written(self, *, is_certain: bool) -> None:
        if is_certain:
            self._outcome.count_updated()
        else:
            self._outcome.unconfirmed += 1

    def _join_alone(self, row: StagedRow, groups: Iterable[str], current: Subscriber) -> None:
        """Put somebody into groups by a call of their own, with all groups, as they may take the others' place."""
        missing = not_among(tuple(groups), current.groups)
        if missing:
            change = SubscriberChange(row.key, groups=(*current.groups, *missing))
            self._service.update_subscriber(change, trigger_automation=self._how.trigger_automation)
        for group in groups:
            self._ledger.join([row.key], group)

    def _add_to_groups(self) -> None:
        service, total = self._service, len(self._additions)
        progress = Progress(log, "group additions", service.transport.budget, total=total)
        for group_id in self._additions.groups():
            add = partial(service.add_to_group, group_id, trigger_automation=self._how.trigger_automation)
            try:
                for batch, answer in in_batches(self._additions.addresses(group_id), service.largest_batch, add):
                    self._note(group_id, batch, answer)
                    self._ledger.keep_up()
                    progress.advance(len(batch))
            except NotFoundError:
                self._reject_all(group_id, self._additions.addresses(group_id), _NO_SUCH_GROUP)
            except InvalidRequestError as error:
                self._reject_all(group_id, self._additions.addresses(group_id), refused(error))

    def _note(self, group_id: str, batch: Sequence[str], answer: Membership | InvalidRequestError) -> None:
        if isinstance(answer, InvalidRequestError):
            self._reject_all(group_id, batch, refused(answer))
            return
        self._made(group_id, (*answer.changed, *answer.unchanged))
        self._reject_all(group_id, answer.invalid, _NO_ADDRESS)
        self._hold_all(group_id, answer.held)
        for address in (*answer.missing, *answer.untold):
            for line, _ in self._additions.rows(group_id, address):
                row = self._staging.row(line)
                self._attempt(row, partial(self._add_alone, group_id, address, row))

    def _add_alone(self, group_id: str, address: str, row: StagedRow) -> None:
        """Put somebody into a group whom the call for many did not put there, or did not tell of."""
        current = self._service.find_subscriber(row.key)
        if current is None:
            self._additions.drop(row.line)
            self._write_anew(row)
            return
        self._join_alone(row, [group_id], current)
        self._additions.made(group_id, [address])

    def _made(self, group_id: str, addresses: Sequence[str]) -> None:
        self._additions.made(group_id, addresses)
        for address in addresses:
            self._ledger.join([key for _, key in self._additions.rows(group_id, address)], group_id)

    def _hold_all(self, group_id: str, addresses: Iterable[str]) -> None:
        """Account for people who opted out, and whom joining the group would make active again."""
        for address in addresses:
            for line, _ in self._additions.rows(group_id, address):
                row = self._staging.row(line)
                self._additions.drop(line)
                self._ledger.hold(row, row.change.groups)
                if row.change.consent in OPTED_OUT:
                    self._outcome.count_updated()  # as the row asks: it says that they opted out
                else:
                    self._outcome.held += 1

    def _reject_all(self, group_id: str, addresses: Iterable[str], why: Rejected) -> None:
        for address in addresses:
            for line, _ in self._additions.rows(group_id, address):
                self._reject(self._staging.row(line), why)


def without_groups(write: Write) -> Write:
    """Return a write that leaves groups alone."""
    return replace(write, change=msgspec.structs.replace(write.change, groups=()))

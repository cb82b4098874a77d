"""What was decided, written into the account: one call a person, then the groups in calls for many.

A row that is refused does not stop the others. Every row is accounted for once, and noted in the ledger as soon as the
account has taken it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial

import msgspec

from airflow_provider_sender.client.errors import InvalidRequestError, NotFoundError
from airflow_provider_sender.client.records import Membership, Subscriber, SubscriberChange
from airflow_provider_sender.jobs.additions import Additions
from airflow_provider_sender.jobs.batches import in_batches
from airflow_provider_sender.jobs.consent import Decision, decide, not_among
from airflow_provider_sender.jobs.deciding import NOBODY, decision_on, settle
from airflow_provider_sender.jobs.mapping import Rejected
from airflow_provider_sender.jobs.outcome import Job
from airflow_provider_sender.jobs.progress import Progress
from airflow_provider_sender.jobs.rejects import refused
from airflow_provider_sender.jobs.staging import WORK, StagedRow, Task

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
            for row in self._staging.rows():
                self._attempt(row, partial(self._write, row))
                self._ledger.keep_up()
                progress.advance(1)
            self._add_to_groups()
            self._outcome.count_updated(self._additions.finished())

    def _attempt(self, row: StagedRow, write: Callable[[], None]) -> None:
        """Do something about a row; when it is refused, reject it."""
        try:
            write()
        except NotFoundError:
            self._ledger.forget(row.key)
            self._reject(row, NOBODY if row.change.email is None else _NOT_FOUND_AGAIN)
        except InvalidRequestError as error:
            self._reject(row, refused(error))

    def _reject(self, row: StagedRow, why: Rejected) -> None:
        self._additions.drop(row.line)
        self._rejects.add(row.line, row.source, why)

    def _write(self, row: StagedRow) -> None:
        current = row.current
        if current is None and row.task is Task.LOOK_UP:
            # Not having been listed does not mean not being there: whoever came since may have unsubscribed already.
            current = self._service.find_subscriber(row.key)
        decision, change = decision_on(row, current, self._how.consent)
        match decision:
            case Decision.CREATE:
                self._create(row, change)
            case Decision.UPDATE:
                try:
                    self._update(change)
                except NotFoundError:
                    self._write_anew(row)
                else:
                    self._join(row, change, current)
            case Decision.JOIN:
                self._join(row, change, current)
            case _:
                settle(self._job, row, decision)

    def _write_anew(self, row: StagedRow) -> None:
        """Write a row whose person is gone: what was left out because it was so already is not so any more.

        :raises NotFoundError: when nobody can be created from it.
        """
        decision, change = decide(row.change, None, self._how.consent)
        if decision is not Decision.CREATE:
            raise NotFoundError("Nobody has this phone or id.")
        self._create(row, change)

    def _create(self, row: StagedRow, change: SubscriberChange) -> None:
        self._service.create_subscriber(change, trigger_automation=self._how.trigger_automation)
        self._ledger.accept(row, change.groups)
        self._outcome.count_created()

    def _update(self, change: SubscriberChange) -> None:
        self._service.update_subscriber(
            msgspec.structs.replace(change, groups=()), trigger_automation=self._how.trigger_automation
        )

    def _join(self, row: StagedRow, change: SubscriberChange, current: Subscriber | None) -> None:
        """Note that a person has what the row asks for but for some groups, and which ones those are."""
        there = row.known_groups if current is None else not_among(row.change.groups, change.groups)
        self._ledger.accept(row, there)
        if not change.groups:
            self._outcome.count_updated()
            return
        address = row.change.email or (current.email if current is not None else None)
        if address is None and current is None:
            current = self._service.find_subscriber(row.key)
            if current is None:
                raise NotFoundError("Nobody has this phone or id.")
            address = current.email
        if address is not None:
            self._additions.add(row.line, row.key, address, change.groups)
        elif current is not None:
            self._join_alone(row, change.groups, current)
            self._outcome.count_updated()

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

    def _reject_all(self, group_id: str, addresses: Iterable[str], why: Rejected) -> None:
        for address in addresses:
            for line, _ in self._additions.rows(group_id, address):
                self._reject(self._staging.row(line), why)

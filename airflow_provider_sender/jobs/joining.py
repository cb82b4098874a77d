"""People put into a group: in calls for many, and by themselves where such a call does not know them."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import msgspec

from airflow_provider_sender.client.errors import InvalidRequestError, NotFoundError
from airflow_provider_sender.client.subscribers import Subscriber, SubscriberChange
from airflow_provider_sender.jobs.addresses import State
from airflow_provider_sender.jobs.batches import cost, in_batches, in_chunks
from airflow_provider_sender.jobs.consent import ConsentMode, decide
from airflow_provider_sender.jobs.group import FRESH_SECONDS, GroupRun
from airflow_provider_sender.jobs.mapping import Rejected, RowMapping
from airflow_provider_sender.jobs.progress import Progress
from airflow_provider_sender.jobs.rejects import refused

log = logging.getLogger(__name__)

_NOT_FOUND_AGAIN = Rejected(None, "created, but the service did not find it again to set the rest; run it again")


@dataclass(frozen=True)
class Joining:
    """How people are put into a group.

    :param newcomers: what a row makes of somebody new; None leaves out whom the account does not know.
    :param trigger_automation: whether the service's automations may start for them.
    """

    newcomers: RowMapping | None = None
    trigger_automation: bool = False

    def put_in(self, run: GroupRun) -> None:
        """Put those into the group who are to join."""
        asked_at = run.clock.running()
        self._ask(run)
        run.look_at_untold(if_member=State.ADDED, if_not=State.MISSING)
        self._put_in_alone(run, State.UNTOLD, if_member=State.ADDED)
        # An earlier job's newcomers are known by now, if this one took that long until it asked.
        may_be_fresh = asked_at < FRESH_SECONDS
        is_few = run.people.count(State.MISSING) <= run.service.largest_batch
        if self.newcomers is not None or (may_be_fresh and is_few):
            self._put_in_alone(run, State.MISSING, if_member=State.UNCHANGED)
        elif may_be_fresh:
            run.outwait_freshness()
            run.people.move(State.MISSING, State.JOIN)
            self._ask(run)
            run.people.move(State.UNTOLD, State.MISSING)

    def _ask(self, run: GroupRun) -> None:
        service, joining = run.service, run.people.count(State.JOIN)
        progress = Progress(log, "people put in", service.transport.budget, total=joining)
        for batch, answer in in_batches(
            run.people.each(State.JOIN),
            service.largest_batch,
            lambda emails: service.add_to_group(run.group_id, emails, trigger_automation=self.trigger_automation),
        ):
            run.note(batch, answer, State.ADDED)
            progress.advance(len(batch))

    def _put_in_alone(self, run: GroupRun, asked: State, *, if_member: State) -> None:
        """Look at people one by one, and put those in who are there; this works for newcomers, too."""
        count = run.people.count(asked)
        if not count:
            return
        budget = run.service.transport.budget
        log.info("Looking at %d one by one, which may take %s", count, cost(2 * count, budget))
        progress = Progress(log, "people looked at", budget, total=count)
        for addresses in in_chunks(run.people.each(asked), run.service.largest_lookup):
            found = run.service.find_subscribers(addresses)
            for address in addresses:
                try:
                    self._put_in_one(run, address, found.get(address), if_member)
                except InvalidRequestError as error:
                    run.reject(address, refused(error))
                progress.advance(1)

    def _put_in_one(self, run: GroupRun, address: str, person: Subscriber | None, if_member: State) -> None:
        if person is None:
            self._create(run, address)
            return
        if run.group_id in person.groups:
            run.people.settle([address], if_member)
            return
        # With all of the groups, as a service may put those given in the others' place; and no word about consent.
        change = SubscriberChange(address.lower(), groups=(*person.groups, run.group_id))
        try:
            run.service.update_subscriber(change, trigger_automation=self.trigger_automation)
            run.people.settle([address], State.ADDED)
        except NotFoundError:
            run.people.settle([address], State.MISSING)

    def _create(self, run: GroupRun, address: str) -> None:
        if self.newcomers is None:
            run.people.settle([address], State.MISSING)
            return
        _, source = run.people.row(address)
        change = self.newcomers.change(msgspec.json.decode(source))
        if isinstance(change, Rejected):
            run.reject(address, change)
            return
        _, change = decide(msgspec.structs.replace(change, groups=(run.group_id,)), None, ConsentMode.KEEP)
        try:
            run.service.create_subscriber(change, trigger_automation=self.trigger_automation)
            run.people.settle([address], State.CREATED)
        except NotFoundError:
            run.reject(address, _NOT_FOUND_AGAIN)

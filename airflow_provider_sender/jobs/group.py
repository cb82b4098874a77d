"""A group, its members, and a run that changes who they are."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from airflow_provider_sender.client.errors import InvalidRequestError, NotFoundError
from airflow_provider_sender.client.paging import ListingDriftError, ListingReport, OnDrift
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.client.subscribers import Membership
from airflow_provider_sender.jobs.addresses import Addresses, State
from airflow_provider_sender.jobs.batches import calls_for
from airflow_provider_sender.jobs.clock import Clock
from airflow_provider_sender.jobs.mapping import Rejected
from airflow_provider_sender.jobs.reading import no_such_group, subscriber_batches
from airflow_provider_sender.jobs.rejects import Rejects, refused

log = logging.getLogger(__name__)

# For so long after somebody was created a group call may not know them; 15 s have been measured at Sender.
FRESH_SECONDS = 20.0

_NO_ADDRESS = Rejected("email", "the service takes it for no address")


class GroupRun:
    """A run that changes who is in a group.

    :param people: whoever is to join, to leave or to stay.
    :param nameless: members without an e-mail address, as of the last reading.
    """

    def __init__(self, service: Service, group_id: str, people: Addresses, rejects: Rejects, clock: Clock) -> None:
        self.service = service
        self.group_id = group_id
        self.people = people
        self.rejects = rejects
        self.clock = clock
        self.nameless = 0
        self._listing = service.subscribers(group_id)
        self._members = 0

    def count(self) -> int:
        """Return how many members there are now; one request.

        :raises ConfigurationError: when there is no such group.
        """
        try:
            self._members = self._listing.count()
        except NotFoundError as error:
            raise no_such_group(self.service, self.group_id) from error
        return self._members

    @property
    def pages(self) -> int:
        """Requests it takes to read the members, going by the last count."""
        return calls_for(self._members, self._listing.page_size)

    def members(self) -> Iterator[list[str]]:
        """Read the group, and yield the addresses of its members in batches.

        :raises ConfigurationError: when there is no such group.
        :raises ListingDriftError: when members may be missing because the group moved too much meanwhile.
        """
        report = ListingReport()
        self.nameless = 0
        try:
            for rows in subscriber_batches(self.service, self.group_id, report, OnDrift.REPAIR):
                addresses = [self.service.read_subscriber(row.raw).email for row in rows]
                self.nameless += sum(not address for address in addresses)
                yield [address for address in addresses if address]
        except ListingDriftError as error:
            raise ListingDriftError(error.report, "Run it again when the group is quieter.") from error
        self._members = report.total_at_end

    def look_at_untold(self, if_member: State, if_not: State) -> None:
        """Read the group to find out about those whom no answer told of, where looking at each costs more."""
        if self.people.count(State.UNTOLD) <= self.pages + 1:
            return
        for addresses in self.members():
            self.people.settle(addresses, if_member, only=State.UNTOLD)
        self.people.move(State.UNTOLD, if_not)

    def outwait_freshness(self) -> None:
        """Wait until the calls must know everybody who was created before this run began."""
        pause = max(0.0, FRESH_SECONDS - self.clock.running())
        unknown = self.people.count(State.MISSING)
        log.info("%d are unknown; asking again in %.0f s, as some may be new to the account", unknown, pause)
        self.clock.sleep(pause)

    def note(self, batch: Sequence[str], answer: Membership | InvalidRequestError, changed: State) -> None:
        """Note what the answer to a call says of those it was for; an error is about one of them."""
        if isinstance(answer, InvalidRequestError):
            self.reject(batch[0], refused(answer))
            return
        self.people.settle(answer.changed, changed)
        self.people.settle(answer.unchanged, State.UNCHANGED)
        self.people.settle(answer.missing, State.MISSING)
        self.people.settle(answer.held, State.HELD)
        self.people.settle(answer.untold, State.UNTOLD)
        for address in answer.invalid:
            self.reject(address, _NO_ADDRESS)

    def reject(self, address: str, why: Rejected) -> None:
        """Put somebody's row among the rejected ones."""
        self.people.settle([address], State.REJECTED)
        self.rejects.add(*self.people.row(address), why)

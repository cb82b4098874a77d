"""What an upsert is going to do, as far as it is known before it does anything."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.client.subscribers import SubscriberChange
from airflow_provider_sender.jobs.batches import calls_for, cost
from airflow_provider_sender.jobs.consent import Decision


@dataclass
class Plan:
    """What is going to be done.

    :param creates: people who are to be created.
    :param updates: people who are there and are to be changed, or to be put into groups.
    :param unchanged: rows that are as they should be.
    :param additions: group -> how many people are to be put into it in calls for many.
    :param held: rows that would make somebody active again who is not.
    :param rejected: rows that are known to be rejected.
    :param lookups: people who are to be looked up first.
    :param undecided: those of them of whom only that will tell what is to be done.
    :param writes: people to be written, groups apart.
    :param requests: calls it takes at the least.
    :param minutes: how long the account allows for that; None when its limit is not known.
    """

    creates: int = 0
    updates: int = 0
    unchanged: int = 0
    additions: Counter[str] = field(default_factory=Counter)
    held: int = 0
    rejected: int = 0
    lookups: int = 0
    undecided: int = 0
    writes: int = 0
    requests: int = 0
    minutes: float | None = None

    def add(self, decision: Decision, change: SubscriberChange) -> None:
        """Count what is to be done about a row.

        :param change: the change to send.
        """
        match decision:
            case Decision.CREATE:
                self.creates += 1
                self.writes += 1
            case Decision.UPDATE | Decision.JOIN:
                self.updates += 1
                self.writes += decision is Decision.UPDATE
                self.additions.update(change.groups)
            case Decision.UNCHANGED:
                self.unchanged += 1
            case Decision.HOLD:
                self.held += 1
            case Decision.REJECT:
                self.rejected += 1

    def add_lookup(self, *, is_newcomer: bool) -> None:
        """Count somebody who is to be looked up first.

        :param is_newcomer: whether that is to make sure of what is as good as known: that they are to be created.
        """
        self.lookups += 1
        if is_newcomer:
            self.add(Decision.CREATE, SubscriberChange(""))
        else:
            self.undecided += 1

    def complete(self, service: Service, *, may_reactivate: bool = False, made: int = 0) -> None:
        """Work out what it costs, when all rows are counted.

        :param may_reactivate: whether people who opted out may be made active.
        :param made: requests that it took to find all this out, where they are to be counted, too.
        """
        self.requests = made + calls_for(self.lookups, service.largest_lookup)
        a_request = service.largest_write if may_reactivate else service.largest_careful_write
        self.requests += calls_for(self.writes, a_request)
        self.requests += sum(calls_for(count, service.largest_batch) for count in self.additions.values())
        transport = service.transport
        limits = [limit for limit in (transport.budget.limit, transport.settings.requests_per_minute) if limit]
        if limits or not self.requests:
            self.minutes = round(self.requests / min(limits), 1) if self.requests else 0.0

    def figures(self) -> dict[str, int | float | None]:
        """Return the plan as a dry run returns it."""
        return {
            "creates": self.creates,
            "updates": self.updates,
            "unchanged": self.unchanged,
            "group_adds": self.additions.total(),
            "group_removals": 0,  # nobody is taken out of a group by an upsert
            "held": self.held,
            "rejected": self.rejected,
            "requests": self.requests,
            "minutes": self.minutes,
        }

    def sentence(self, budget: Budget) -> str:
        """Say it in words."""
        unknown = f", {self.undecided} to be looked up before that is known" if self.undecided else ""
        return (
            f"{self.creates} to create, {self.updates} to update, {self.unchanged} unchanged, "
            f"{self.additions.total()} group additions, 0 group removals, {self.held} held, {self.rejected} rejected"
            f"{unknown}; at least {cost(self.requests, budget)}"
        )

"""Groups to change: an account in memory whose answers can be as bad as any, and time that passes in sleep."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import msgspec

from airflow_provider_sender.client.paging import Listing
from airflow_provider_sender.client.subscribers import Consent, Membership, Subscriber, SubscriberChange
from airflow_provider_sender.jobs.clock import Clock
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.jobs.accounts import MemoryListing, MemoryService

GROUP = "vip"


class GroupAccount(MemoryService):
    """An account in memory with groups.

    :param fresh: addresses group calls do not know, because their owners were created a moment ago.
    :param distort: makes of a group call's true answer what the account says.
    """

    def __init__(
        self,
        subscribers: Sequence[Subscriber] = (),
        *,
        fresh: Sequence[str] = (),
        distort: Callable[[Membership], Membership] = lambda answer: answer,
        **rest: Any,
    ) -> None:
        super().__init__(subscribers, **rest)
        self.fresh = set(fresh)
        self.distort = distort
        self.automations: list[bool] = []
        self._ids = {each.email.lower(): each.id for each in subscribers if each.email}

    def members(self) -> set[str]:
        """The members' addresses; the ids of those without one."""
        return {(each.email or each.id).lower() for each in self.people.values() if GROUP in each.groups}

    def subscribers(self, group_id: str | None = None) -> Listing:
        people = [each for each in self.people.values() if group_id is None or group_id in each.groups]
        return MemoryListing(self, people, self.batch)

    def _find(self, key: str) -> Subscriber | None:
        return self.people.get(self._ids.get(key.lower(), key))

    def create_subscriber(self, change: SubscriberChange, *, trigger_automation: bool) -> None:
        assert self._find(change.key) is None, "somebody who is there may have opted out, and would be active again"
        assert change.email is not None
        self.automations.append(trigger_automation)
        self._ids[change.key] = new = f"new{len(self.people)}"
        super().create_subscriber(change, trigger_automation=trigger_automation)
        self.people[new] = Subscriber(
            new, email=change.email, consent=change.consent or Consent.ACTIVE, groups=change.groups
        )

    def update_subscriber(self, change: SubscriberChange, *, trigger_automation: bool) -> None:
        self.automations.append(trigger_automation)
        super().update_subscriber(change, trigger_automation=trigger_automation)
        there = self._find(change.key)
        assert there is not None
        # The worst a service may do: the groups it is given are all that are left.
        self.people[there.id] = msgspec.structs.replace(there, groups=change.groups)

    def add_to_group(self, group_id: str, emails: Sequence[str], *, trigger_automation: bool) -> Membership:
        self.automations.append(trigger_automation)
        return super().add_to_group(group_id, emails, trigger_automation=trigger_automation)

    def _regroup(self, emails: Sequence[str], change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Membership:
        assert 0 < len(emails) <= self.largest_batch
        known = [email for email in emails if email.lower() not in self.fresh]
        answer = super()._regroup(known, change)
        missing = (*answer.missing, *(email for email in emails if email not in known))
        lists = {name: getattr(answer, name) for name in Membership.__struct_fields__} | {"missing": missing}
        return self.distort(Membership(**{name: tuple(map(str.lower, each)) for name, each in lists.items()}))

    def delete_subscribers(self, emails: Sequence[str]) -> None:
        assert 0 < len(emails) <= self.largest_batch
        super().delete_subscribers(emails)


class Time:
    """Time that passes in sleep.

    :param sandbox: a sandbox whose time passes, too.
    """

    def __init__(self, sandbox: Sandbox | None = None) -> None:
        self.naps: list[float] = []
        self.seconds = 0.0
        self._sandbox = sandbox

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.seconds += seconds
        if self._sandbox is not None:
            self._sandbox.advance(seconds)

    def clock(self) -> Clock:
        return Clock(self.sleep, lambda: self.seconds)


def untold(answer: Membership) -> Membership:
    """An answer that says nothing about anybody."""
    everybody = [each for name in Membership.__struct_fields__ for each in getattr(answer, name)]
    return Membership(untold=tuple(everybody))


def people(*addresses: str, group: bool = False, **values: Any) -> list[Subscriber]:
    """People with these addresses, members or not."""
    values = {"consent": Consent.ACTIVE, "groups": (GROUP,) if group else (), **values}
    return [Subscriber(f"s-{each}", email=each, **cast("Mapping[str, Any]", values)) for each in addresses]

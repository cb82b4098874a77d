"""Accounts to run jobs on: the sandbox's over a real socket, and one in memory for what a sandbox cannot show."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import msgspec

from airflow_provider_sender.client.account import Account
from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.campaigns import Campaign, CampaignDefinition, CampaignsPage, CampaignState
from airflow_provider_sender.client.errors import NotFoundError
from airflow_provider_sender.client.messages import Event, Message
from airflow_provider_sender.client.paging import Listing, ListingReport, OnDrift, Row
from airflow_provider_sender.client.seen import SeenKeys
from airflow_provider_sender.client.sender.client import SenderClient
from airflow_provider_sender.client.sender.dialect import SenderDialect
from airflow_provider_sender.client.sender.service import SenderService
from airflow_provider_sender.client.service import Capability, Service
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.client.subscribers import Consent, Field, Group, Membership, Subscriber, SubscriberChange
from airflow_provider_sender.client.transport import Transport
from airflow_provider_sender.sandbox.remote import Sandbox

SETTLE_TIME = 0.1


def service_of(sandbox: Sandbox, **settings: Any) -> SenderService:
    """Return the sandbox's account; it waits for rate windows as ever, and hardly at all before a retry."""
    settings = {"settle_time": SETTLE_TIME, "timeout": 10.0, "time_zone": "UTC", **settings}
    checked = Settings(base_url=sandbox.sender_url, **settings).checked()
    budget = Budget(max_wait=checked.max_wait)
    client = SenderClient(sandbox.token, checked, budget)
    client.transport = Transport(
        SenderDialect(sandbox.token), checked, budget, sleep=lambda seconds: time.sleep(min(seconds, 0.01))
    )
    return SenderService(client)


@dataclass
class StillTransport:
    """Stands for a transport nobody makes a request with."""

    settings: Settings = field(default_factory=lambda: Settings("http://localhost", settle_time=SETTLE_TIME))
    budget: Budget = field(default_factory=Budget)
    requests_made: int = 0


class MemoryListing(Listing):
    """Hands out subscribers, a few at a time."""

    def __init__(self, account: MemoryService, subscribers: Sequence[Subscriber], batch: int) -> None:
        self._account = account
        self._subscribers = subscribers
        self.page_size = batch

    def count(self) -> int:
        return len(self._subscribers)

    def walk(
        self, seen: SeenKeys, report: ListingReport, on_drift: OnDrift, since: datetime | None = None
    ) -> Iterator[list[Row]]:
        report.passes = 1
        report.total_at_start = report.total_at_end = len(self._subscribers)
        for start in range(0, len(self._subscribers) or 1, self.page_size):
            self._account.asked("listing")
            rows = [
                Row(each.id, None, msgspec.Raw(msgspec.json.encode(each)))
                for each in self._subscribers[start : start + self.page_size]
            ]
            rows = [row for row in rows if seen.add(row.key)]
            report.rows += len(rows)
            yield rows


class MemoryService(Service):
    """An account in memory, whose every call can be watched or made to do something on the side.

    :param before: is called before a call is carried out, with its name; what it raises, the call raises.
    """

    name = "Memory"
    capabilities = frozenset(Capability) - {Capability.FREE_FIELDS}
    largest_batch = 100
    fingerprint = "memory"

    def __init__(
        self,
        subscribers: Sequence[Subscriber] = (),
        *,
        fields: Sequence[Field] = (),
        campaigns: Sequence[Campaign] = (),
        before: Callable[[str], None] = lambda call: None,
        batch: int = 100,
    ) -> None:
        self.transport = cast("Transport", StillTransport())
        self.people = {each.id: each for each in subscribers}
        self.account_fields = list(fields)
        self.all_campaigns = {each.id: each for each in campaigns}
        self.calls: list[str] = []
        self.before = before
        self.batch = batch
        self.writes: list[tuple[str, SubscriberChange]] = []
        self.messages: list[Message] = []

    def asked(self, call: str) -> None:
        self.transport.requests_made += 1
        self.calls.append(call)
        self.before(call)

    def identity(self) -> str:
        return "memory"

    def account(self) -> Account:
        return Account("memory")

    def subscribers(self, group_id: str | None = None) -> Listing:
        return MemoryListing(self, list(self.people.values()), self.batch)

    def read_subscriber(self, raw: bytes) -> Subscriber:
        return msgspec.json.decode(raw, type=Subscriber)

    def find_subscriber(self, key: str) -> Subscriber | None:
        self.asked("find_subscriber")
        return self._find(key)

    def _find(self, key: str) -> Subscriber | None:
        names = ((each, (each.id, (each.email or "").lower(), each.phone)) for each in self.people.values())
        return next((each for each, known in names if key in known), None)

    def groups(self) -> list[Group]:
        self.asked("groups")
        return []

    def fields(self) -> list[Field]:
        self.asked("fields")
        return self.account_fields

    def create_subscriber(self, change: SubscriberChange, *, trigger_automation: bool) -> None:
        self.asked("create_subscriber")
        self.writes.append(("create", change))
        there = self._find(change.key)
        new = there.id if there else f"new{len(self.writes)}"
        # The worst a service may do: whoever is there already is made active again.
        person = Subscriber(id=new, email=change.email, consent=change.consent or Consent.ACTIVE)
        self.people[new] = _changed(person, change)

    def update_subscriber(self, change: SubscriberChange, *, trigger_automation: bool) -> None:
        self.asked("update_subscriber")
        self.writes.append(("update", change))
        there = self._find(change.key)
        if there is None:
            raise NotFoundError("Nobody.")
        self.people[there.id] = _changed(there, change)

    def add_to_group(self, group_id: str, emails: Sequence[str], *, trigger_automation: bool) -> Membership:
        self.asked("add_to_group")
        return self._regroup(emails, lambda groups: (*(each for each in groups if each != group_id), group_id))

    def remove_from_group(self, group_id: str, emails: Sequence[str]) -> Membership:
        self.asked("remove_from_group")
        return self._regroup(emails, lambda groups: tuple(each for each in groups if each != group_id))

    def _regroup(self, emails: Sequence[str], change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Membership:
        changed: list[str] = []
        unchanged: list[str] = []
        missing: list[str] = []
        for email in emails:
            there = self._find(email)
            if there is None:
                missing.append(email)
                continue
            groups = change(there.groups)
            (changed if set(groups) != set(there.groups) else unchanged).append(email)
            self.people[there.id] = msgspec.structs.replace(there, groups=groups)
        return Membership(tuple(changed), tuple(unchanged), tuple(missing))

    def delete_subscribers(self, emails: Sequence[str]) -> None:
        self.asked("delete_subscribers")
        for email in emails:
            if there := self._find(email):
                del self.people[there.id]

    def campaign(self, campaign_id: str) -> Campaign:
        self.asked("campaign")
        if campaign_id not in self.all_campaigns:
            raise NotFoundError("No such campaign.")
        return self.all_campaigns[campaign_id]

    def campaigns_page(self, number: int) -> CampaignsPage:
        self.asked("campaigns_page")
        oldest_first = list(self.all_campaigns.values())
        pages = [oldest_first[start : start + self.batch] for start in range(0, len(oldest_first), self.batch)] or [[]]
        there = pages[number - 1] if number <= len(pages) else []
        return CampaignsPage(tuple(there), number, len(pages))

    def campaigns_titled(self, part: str) -> list[Campaign]:
        self.asked("campaigns_titled")
        return [each for each in self.all_campaigns.values() if part in each.title]

    def create_campaign(self, definition: CampaignDefinition, title: str) -> str:
        self.asked("create_campaign")
        new = f"made{len(self.all_campaigns)}"
        self.all_campaigns[new] = Campaign(
            new, title, definition.subject, CampaignState.DRAFT, "DRAFT", recipients=3, created=datetime.now(UTC)
        )
        return new

    def send_campaign(self, campaign_id: str) -> None:
        self.asked("send_campaign")
        self.put(campaign_id, state=CampaignState.SENDING, service_state="SENDING")

    def check_can_schedule(self) -> None:
        pass

    def schedule_campaign(self, campaign_id: str, send_at: datetime) -> None:
        self.asked("schedule_campaign")
        self.put(campaign_id, state=CampaignState.SCHEDULED, service_state="SCHEDULED", scheduled_at=send_at)

    def cancel_campaign(self, campaign_id: str) -> None:
        self.asked("cancel_campaign")
        self.put(campaign_id, state=CampaignState.DRAFT, service_state="DRAFT", scheduled_at=None)

    def put(self, campaign_id: str, **changes: Any) -> None:
        """Have a campaign be otherwise from now on."""
        self.all_campaigns[campaign_id] = msgspec.structs.replace(self.all_campaigns[campaign_id], **changes)

    def obstacles(self, campaign_id: str) -> Sequence[str]:
        self.asked("obstacles")
        return []

    def audience(self, campaign: Campaign) -> int | None:
        return campaign.recipients

    def campaign_url(self, campaign_id: str) -> str:
        return f"https://memory.example/campaigns/{campaign_id}"

    def send_message(self, message: Message) -> str | None:
        self.asked("send_message")
        self.messages.append(message)
        return f"mail{len(self.messages)}"

    def start_workflow(self, workflow_id: str, email: str, variables: Mapping[str, Any]) -> None:
        self.asked("start_workflow")

    def record_event(self, event: Event) -> None:
        self.asked("record_event")


def _changed(person: Subscriber, change: SubscriberChange) -> Subscriber:
    """Return a person as a change leaves them; groups, if it names any, take the others' place."""
    named = ("phone", "firstname", "lastname", "consent")
    values: dict[str, Any] = {name: getattr(change, name) for name in named if getattr(change, name) is not None}
    values |= {"groups": change.groups} if change.groups else {}
    return msgspec.structs.replace(person, **values, fields={**person.fields, **change.fields})

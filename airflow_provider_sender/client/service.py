"""The port: what an e-mail marketing service can do, in words that hold for every one of them.

Jobs are written against :class:`Service`. What a service lacks it leaves out of ``capabilities``, and the call raises
:class:`UnsupportedOperationError` before anything is sent.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from airflow_provider_sender.client.account import Account
from airflow_provider_sender.client.campaigns import (
    Campaign,
    CampaignDefinition,
    CampaignEvent,
    CampaignsPage,
    CampaignTotals,
    EventKind,
)
from airflow_provider_sender.client.errors import InvalidRequestError, NotFoundError, UnsupportedOperationError
from airflow_provider_sender.client.messages import Event, Message
from airflow_provider_sender.client.paging import Listing
from airflow_provider_sender.client.rows import Write, WriteResult
from airflow_provider_sender.client.subscribers import Field, Group, Membership, Subscriber, SubscriberChange
from airflow_provider_sender.client.transport import Transport
from airflow_provider_sender.client.values import Json


class Capability(enum.StrEnum):
    """Something not every service can do."""

    LIST_ACCOUNT = "list the subscribers of the whole account"
    LIST_CAMPAIGNS = "list the campaigns of the whole account"
    SEND_DRAFT = "send a campaign that exists as a draft"
    SCHEDULE_DRAFT = "schedule a campaign that exists as a draft"
    CANCEL_SCHEDULED = "take a scheduled campaign back"
    CHECK_CAMPAIGN = "say why a campaign cannot be sent"
    ROW_RESULTS = "say for every row whether it was accepted"
    START_WORKFLOW = "start a workflow for a subscriber"
    RECORD_EVENT = "record an event of a subscriber's"
    FIND_SUBSCRIBER = "find a subscriber by address"
    ROW_GROUPS = "say with every subscriber which groups they are in"
    FREE_FIELDS = "keep a custom field that nobody made before"
    GROUPLESS = "keep a subscriber who is in no group"
    START_CAMPAIGN = "create a campaign and have it sent in one call"
    CLAIM = "keep a mark for one run at a time"
    COPY_CAMPAIGN = "hand out a campaign's content"
    CAMPAIGN_TOTALS = "say how many recipients a campaign reached"
    IDEMPOTENT_MESSAGES = "send one mail for a key, however often it is asked to"
    CAMPAIGN_EVENTS = "list who opened, clicked, bounced, unsubscribed or complained"


class Service(ABC):
    """A service, bound to one account.

    ``largest_batch`` is how many addresses a call for many takes, ``largest_write`` how many rows
    :meth:`write_subscribers` takes, and ``largest_lookup`` how many addresses :meth:`find_subscribers` handles at the
    cost of about one request. ``largest_careful_write`` is how many rows one request writes if nobody may be made
    active by it. ``template_brings`` are the attributes of a :class:`Message` that a template kept with the service has
    of its own, so that a mail from it has none, and ``template_needs`` those that such a mail must have all the same.
    ``fingerprint`` is a digest of the service's address and the credentials in use: where it is the same,
    the account is.
    """

    name: ClassVar[str]
    capabilities: ClassVar[frozenset[Capability]]
    largest_batch: ClassVar[int]
    largest_write: ClassVar[int] = 1
    largest_careful_write: ClassVar[int] = 1
    largest_lookup: ClassVar[int] = 1
    template_brings: ClassVar[frozenset[str]] = frozenset({"subject", "sender", "reply_to"})
    template_needs: ClassVar[frozenset[str]] = frozenset()
    transport: Transport
    fingerprint: str

    @abstractmethod
    def identity(self) -> str:
        """Return what tells this account from every other, the same for all of its tokens; at most one request."""

    @abstractmethod
    def account(self) -> Account:
        """Make one cheap authenticated call and say whose account it is."""

    @abstractmethod
    def subscribers(self, group_id: str | None = None) -> Listing:
        """Return the listing of all subscribers, or of a group's."""

    @abstractmethod
    def read_subscriber(self, raw: bytes) -> Subscriber:
        """Return a subscriber from a listing's row."""

    @abstractmethod
    def find_subscriber(self, key: str) -> Subscriber | None:
        """Return the subscriber with this address, phone or id, or None."""

    def find_subscribers(self, keys: Sequence[str]) -> dict[str, Subscriber]:
        """Return those of up to ``largest_lookup`` addresses, phones or ids the account knows."""
        found = {key: self.find_subscriber(key) for key in keys}
        return {key: subscriber for key, subscriber in found.items() if subscriber is not None}

    @abstractmethod
    def groups(self) -> list[Group]:
        """Return all groups (lists)."""

    @abstractmethod
    def fields(self) -> list[Field]:
        """Return the account's custom fields."""

    @abstractmethod
    def create_subscriber(self, change: SubscriberChange, *, trigger_automation: bool) -> None:
        """Create a subscriber; safe to repeat.

        :raises InvalidRequestError: when the service refuses the row.
        """

    @abstractmethod
    def update_subscriber(self, change: SubscriberChange, *, trigger_automation: bool) -> None:
        """Change a subscriber that exists, leaving its consent alone unless ``change.consent`` is set.

        :raises NotFoundError: when there is none.
        :raises InvalidRequestError: when the service refuses the row.
        """

    def write_subscribers(self, writes: Sequence[Write], *, trigger_automation: bool) -> Sequence[WriteResult]:
        """Create or change up to ``largest_write`` subscribers, groups included; safe to repeat.

        :return: what became of each, in the order given. One that is refused does not stop the others.
        """
        return [self._write_alone(write, trigger_automation=trigger_automation) for write in writes]

    def _write_alone(self, write: Write, *, trigger_automation: bool) -> WriteResult:
        act = self.create_subscriber if write.is_new else self.update_subscriber
        try:
            act(write.change, trigger_automation=trigger_automation)
        except (InvalidRequestError, NotFoundError) as error:
            return WriteResult(refusal=error)
        return WriteResult()

    @abstractmethod
    def add_to_group(self, group_id: str, emails: Sequence[str], *, trigger_automation: bool) -> Membership:
        """Put up to ``largest_batch`` subscribers into a group; safe to repeat.

        :raises NotFoundError: when there is no such group.
        """

    @abstractmethod
    def remove_from_group(self, group_id: str, emails: Sequence[str]) -> Membership:
        """Take up to ``largest_batch`` subscribers out of a group; safe to repeat.

        :raises NotFoundError: when there is no such group.
        """

    @abstractmethod
    def delete_subscribers(self, emails: Sequence[str]) -> None:
        """Ask for up to ``largest_batch`` subscribers to be deleted, which may happen later; safe to repeat.

        Addresses the account does not know are passed over.
        """

    @abstractmethod
    def campaign(self, campaign_id: str) -> Campaign:
        """Return a campaign.

        :raises NotFoundError: when there is none.
        """

    def campaigns_page(self, number: int) -> CampaignsPage:
        """Return one page of all campaigns, the oldest first as a rule; one past the last is empty.

        A campaign that cannot be read is left out: it hides no other.

        :raises UnsupportedOperationError: when the service has no such listing (``LIST_CAMPAIGNS``).
        """
        raise UnsupportedOperationError(self.name, Capability.LIST_CAMPAIGNS, "Read them one by one.")

    @abstractmethod
    def campaigns_titled(self, part: str) -> list[Campaign]:
        """Return every campaign whose title contains ``part``, oldest first."""

    @abstractmethod
    def create_campaign(self, definition: CampaignDefinition, title: str) -> str:
        """Create a draft under ``title`` and return its id. Not repeatable."""

    def start_campaign(self, definition: CampaignDefinition, title: str, send_at: datetime | None) -> str:
        """Create a campaign that is sent without anything more being done, and return its id. Not repeatable.

        :param send_at: an aware datetime; None sends it now.
        :raises UnsupportedOperationError: when the service has no such call (``START_CAMPAIGN``).
        """
        raise UnsupportedOperationError(self.name, Capability.START_CAMPAIGN, "Create a draft and send that.")

    def campaign_definition(self, campaign_id: str) -> CampaignDefinition:
        """Return a campaign as what another one can be made from: its content, sender and recipients.

        :raises UnsupportedOperationError: when the service does not hand out content (``COPY_CAMPAIGN``).
        :raises NotFoundError: when there is none.
        """
        raise UnsupportedOperationError(self.name, Capability.COPY_CAMPAIGN, "Give campaign its content instead.")

    def claim(self, mark: str) -> str | None:
        """Take a mark for oneself, and return the claim's id; None when it is taken.

        :raises UnsupportedOperationError: when the service has nothing to do that with (``CLAIM``).
        """
        raise UnsupportedOperationError(self.name, Capability.CLAIM, "Give the campaign as a draft.")

    def claims(self, mark: str) -> list[str]:
        """Return the ids of the claims to a mark, the first one first."""
        raise UnsupportedOperationError(self.name, Capability.CLAIM, "Give the campaign as a draft.")

    def release(self, claim_id: str) -> None:
        """Give a claim up, one's own or a dead run's; safe to repeat."""
        raise UnsupportedOperationError(self.name, Capability.CLAIM, "Give the campaign as a draft.")

    @abstractmethod
    def send_campaign(self, campaign_id: str) -> None:
        """Send a draft now. Not repeatable; refused drafts raise :class:`InvalidRequestError`."""

    @abstractmethod
    def check_can_schedule(self) -> None:
        """Find out, without a request, whether a time can be given to the service so that it means what it says.

        :raises ConfigurationError: when it cannot.
        """

    @abstractmethod
    def schedule_campaign(self, campaign_id: str, send_at: datetime) -> None:
        """Schedule a draft for an aware datetime. Not repeatable."""

    @abstractmethod
    def cancel_campaign(self, campaign_id: str) -> None:
        """Take a scheduled campaign back; safe to repeat."""

    @abstractmethod
    def obstacles(self, campaign_id: str) -> Sequence[str]:
        """Return what the service says keeps this campaign from being sent; empty when nothing does."""

    @abstractmethod
    def audience(self, campaign: Campaign) -> int | None:
        """Return how many recipients a campaign has at the most, or None when the service does not tell."""

    def campaign_totals(self, campaign_id: str) -> CampaignTotals:
        """Return how many recipients a campaign reached, and what became of the mails.

        :raises UnsupportedOperationError: when the service does not tell (``CAMPAIGN_TOTALS``).
        """
        raise UnsupportedOperationError(self.name, Capability.CAMPAIGN_TOTALS, "Look at the campaign's page.")

    def campaign_events(self, campaign_id: str, kind: EventKind) -> Listing:
        """Return the listing of what recipients of a campaign did, or what befell them, of one kind.

        :raises UnsupportedOperationError: when the service does not list them (``CAMPAIGN_EVENTS``).
        """
        raise UnsupportedOperationError(self.name, Capability.CAMPAIGN_EVENTS, "Give events=() for the totals alone.")

    def read_campaign_event(self, raw: bytes, kind: EventKind) -> CampaignEvent:
        """Return an event from such a listing's row."""
        raise UnsupportedOperationError(self.name, Capability.CAMPAIGN_EVENTS, "Give events=() for the totals alone.")

    @abstractmethod
    def campaign_url(self, campaign_id: str) -> str:
        """Return the address of the campaign's page in the service's own interface."""

    @abstractmethod
    def send_message(self, message: Message) -> str | None:
        """Send one mail, and return the service's id of it if it gives one.

        Not repeatable, unless the service keeps keys (``IDEMPOTENT_MESSAGES``) and ``message.key`` is one.
        """

    @abstractmethod
    def start_workflow(self, workflow_id: str, email: str, variables: Mapping[str, Json]) -> None:
        """Start a workflow for a subscriber. Not repeatable.

        :raises InvalidRequestError: when the workflow is not active.
        """

    @abstractmethod
    def record_event(self, event: Event) -> None:
        """Record that a subscriber did something. Not repeatable."""

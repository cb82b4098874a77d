"""SendPulse behind the port."""

from __future__ import annotations

import contextlib
from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

import msgspec

from airflow_provider_sender.client.account import Account
from airflow_provider_sender.client.campaigns import Campaign, CampaignDefinition, CampaignsPage, CampaignTotals
from airflow_provider_sender.client.errors import (
    ConfigurationError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    UnsupportedOperationError,
)
from airflow_provider_sender.client.loose import row_from
from airflow_provider_sender.client.messages import Event, Message
from airflow_provider_sender.client.paging import Listing, ListingReport, OnDrift
from airflow_provider_sender.client.request import read
from airflow_provider_sender.client.rows import Write, WriteResult
from airflow_provider_sender.client.seen import SeenKeys
from airflow_provider_sender.client.sendpulse.calls import PAGE_SIZE
from airflow_provider_sender.client.sendpulse.campaigns import (
    SendPulseCampaign,
    body_of,
    campaign_from,
    head_of,
    read_campaign,
    time_text,
    totals_from,
)
from airflow_provider_sender.client.sendpulse.claims import Claims
from airflow_provider_sender.client.sendpulse.client import SendPulseClient
from airflow_provider_sender.client.sendpulse.lists import (
    AccountSubscribers,
    ListSubscribers,
    campaigns_listing,
    read_joined,
    real_lists,
)
from airflow_provider_sender.client.sendpulse.lookup import look_up
from airflow_provider_sender.client.sendpulse.membership import join, leave
from airflow_provider_sender.client.sendpulse.messages import event_body, message_body
from airflow_provider_sender.client.sendpulse.people import MOST_ADDRESSES
from airflow_provider_sender.client.sendpulse.records import (
    field_from,
    group_from,
    is_standard,
    text_of,
)
from airflow_provider_sender.client.sendpulse.writes import Variables, write_all
from airflow_provider_sender.client.service import Capability, Service
from airflow_provider_sender.client.subscribers import Field, Group, Membership, Subscriber, SubscriberChange
from airflow_provider_sender.client.values import Json
from airflow_provider_sender.client.zones import zone_given, zone_named

_SENT_AS_MADE = "Give the campaign itself: SendPulse sends a campaign as it makes it."

# Account -> its time zone, which is asked for once a process.
_zones: dict[str, ZoneInfo | None] = {}


class SendPulseService(Service):
    """SendPulse, bound to one account.

    :param client: the account.
    """

    name: ClassVar[str] = "SendPulse"
    # Nothing starts a draft, nobody is without a list, and who did what with a campaign is told by webhooks alone.
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            Capability.LIST_ACCOUNT,
            Capability.LIST_CAMPAIGNS,
            Capability.CANCEL_SCHEDULED,
            Capability.CHECK_CAMPAIGN,
            Capability.RECORD_EVENT,
            Capability.FIND_SUBSCRIBER,
            Capability.ROW_GROUPS,
            Capability.START_CAMPAIGN,
            Capability.CLAIM,
            Capability.COPY_CAMPAIGN,
            Capability.CAMPAIGN_TOTALS,
        }
    )
    largest_batch: ClassVar[int] = MOST_ADDRESSES
    largest_write: ClassVar[int] = 100
    largest_careful_write: ClassVar[int] = 100
    largest_lookup: ClassVar[int] = 100
    # A template is the content alone.
    template_brings: ClassVar[frozenset[str]] = frozenset()
    template_needs: ClassVar[frozenset[str]] = frozenset({"subject", "sender"})

    def __init__(self, client: SendPulseClient) -> None:
        self.client = client
        self.transport = client.transport
        self.fingerprint = client.fingerprint
        self._variables = Variables(client)
        self._claims = Claims(client)
        self._given_zone = zone_given(client.transport.settings)

    # The account

    def identity(self) -> str:
        """Return what tells this account from every other."""
        user = self.client.get_user_info()
        return f"{self.transport.settings.base_url} {user.id or self.fingerprint}"

    def account(self) -> Account:
        """Make one cheap authenticated call and say whose account it is."""
        user = self.client.get_user_info()
        whose = user.team_name or user.name
        return Account(
            f"this is account {user.id}"
            + (f" of {whose}" if whose else "")
            + (f", in the time zone {user.locale}" if user.locale else "")
        )

    @property
    def zone(self) -> ZoneInfo | None:
        """The account's time zone: the connection's ``time_zone``, else what the account says; None when neither does.

        The first use in a process makes a request.
        """
        if self._given_zone is not None:
            return self._given_zone
        if self.fingerprint not in _zones:
            _zones[self.fingerprint] = None
            with contextlib.suppress(PermissionDeniedError):
                _zones[self.fingerprint] = zone_named(text_of(self.client.get_user_info().locale))
        return _zones[self.fingerprint]

    # Subscribers

    def subscribers(self, group_id: str | None = None) -> Listing:
        """Return the listing of everybody in any mailing list, or of those in one."""
        return AccountSubscribers(self.client) if group_id is None else ListSubscribers(self.client, group_id)

    def read_subscriber(self, raw: bytes) -> Subscriber:
        """Return a subscriber from a listing's row."""
        return read_joined(raw)

    def find_subscriber(self, key: str) -> Subscriber | None:
        """Return the subscriber with this address, or None; nobody is found by anything else."""
        return self.find_subscribers([key]).get(key)

    def find_subscribers(self, keys: Sequence[str]) -> dict[str, Subscriber]:
        """Return those of up to ``largest_lookup`` addresses any mailing list has."""
        found = look_up(self.client, [key for key in keys if "@" in key])
        return {key: found[key.lower()] for key in keys if key.lower() in found}

    def groups(self) -> list[Group]:
        """Return all mailing lists."""
        return [group_from(each) for each in real_lists(self.client)]

    def fields(self) -> list[Field]:
        """Return the variables of all mailing lists; a name is of the type it has in the first one."""
        known: dict[str, Field] = {}
        for mailing_list in real_lists(self.client):
            with contextlib.suppress(NotFoundError):  # deleted meanwhile
                for variable in self.client.list_variables(str(mailing_list.id)):
                    if not is_standard(variable.name):
                        known.setdefault(variable.name, field_from(variable))
        return list(known.values())

    def create_subscriber(self, change: SubscriberChange, *, trigger_automation: bool) -> None:
        """Put somebody new into mailing lists; safe to repeat."""
        self._write(Write(change))

    def update_subscriber(self, change: SubscriberChange, *, trigger_automation: bool) -> None:
        """Change somebody in every mailing list they are in."""
        current = self.find_subscriber(change.key)
        if current is None:
            raise NotFoundError("No mailing list has a subscriber with this address.", path="/emails")
        self._write(Write(change, current))

    def _write(self, write: Write) -> None:
        (result,) = write_all(self.client, [write], self._variables)
        if result.refusal is not None:
            raise result.refusal

    def write_subscribers(self, writes: Sequence[Write], *, trigger_automation: bool) -> Sequence[WriteResult]:
        """Create or change up to ``largest_write`` subscribers in a call for each mailing list; safe to repeat."""
        return write_all(self.client, writes, self._variables)

    def add_to_group(self, group_id: str, emails: Sequence[str], *, trigger_automation: bool) -> Membership:
        """Put up to ``largest_batch`` subscribers into a mailing list; safe to repeat."""
        return join(self.client, group_id, emails, look_up(self.client, emails))

    def remove_from_group(self, group_id: str, emails: Sequence[str]) -> Membership:
        """Take up to ``largest_batch`` subscribers out of a mailing list; safe to repeat."""
        return leave(self.client, group_id, emails, look_up(self.client, emails))

    def delete_subscribers(self, emails: Sequence[str]) -> None:
        """Take people out of every mailing list, one after the other; safe to repeat."""
        for email in emails:
            with contextlib.suppress(NotFoundError):
                self.client.delete_address(email)

    # Campaigns

    def campaign(self, campaign_id: str) -> Campaign:
        """Return a campaign."""
        return self._campaign(self._campaign_wire(campaign_id))

    def _campaign_wire(self, campaign_id: str) -> SendPulseCampaign:
        return self.transport.call(read("/campaigns/{}", campaign_id), SendPulseCampaign)

    def _campaign(self, wire: SendPulseCampaign) -> Campaign:
        return campaign_from(wire, self.zone or UTC)

    def campaigns_page(self, number: int) -> CampaignsPage:
        """Return one page of all campaigns; one past the last is empty. That a page is the last shows on it alone."""
        request = read("/campaigns", limit=PAGE_SIZE, offset=(number - 1) * PAGE_SIZE, order="asc")
        rows = self.transport.call(request, list[msgspec.Raw])
        found = []
        for row in rows:
            # Row by row: one of an unknown shape must not hide ninety-nine others.
            with contextlib.suppress(msgspec.DecodeError):
                found.append(self._campaign(read_campaign.decode(row)))
        return CampaignsPage(tuple(found), number, number if len(rows) < PAGE_SIZE else number + 1)

    def campaigns_titled(self, part: str) -> list[Campaign]:
        """Return every campaign whose name contains ``part``, oldest first."""
        found: list[SendPulseCampaign] = []
        for rows in campaigns_listing(self.client).walk(SeenKeys(), ListingReport(), OnDrift.REPAIR):
            found += [
                wire
                for wire in (row_from(read_campaign, row.raw, self.name) for row in rows)
                if part in text_of(wire.name)
            ]
        campaigns = []
        for wire in sorted(found, key=lambda each: each.id):
            with contextlib.suppress(NotFoundError):  # deleted meanwhile
                # A listing's row need not say what the campaign itself does.
                has_all = head_of(wire).subject and wire.status is not None
                campaigns.append(self._campaign(wire) if has_all else self.campaign(str(wire.id)))
        return campaigns

    def create_campaign(self, definition: CampaignDefinition, title: str) -> str:
        """Create a draft and return its id. Not repeatable. Only SendPulse's own pages can send it."""
        return str(self.client.create_campaign({**body_of(definition, title), "type": "draft"}).id)

    def start_campaign(self, definition: CampaignDefinition, title: str, send_at: datetime | None) -> str:
        """Create a campaign that is sent without anything more being done, and return its id. Not repeatable."""
        body = body_of(definition, title)
        if send_at is not None:
            if self.zone is None:
                raise ConfigurationError(
                    "send_at: SendPulse reads the time in the account's time zone, and does not say which that is. Put "
                    "it into the connection's extra time_zone, as Europe/Vilnius or UTC."
                )
            body["send_date"] = time_text(send_at, self.zone)
        return str(self.client.create_campaign(body).id)

    def campaign_definition(self, campaign_id: str) -> CampaignDefinition:
        """Return a campaign as what another one can be made from."""
        wire = self._campaign_wire(campaign_id)
        head, campaign = head_of(wire), self._campaign(wire)
        if not (isinstance(head.body, str) and head.body):
            raise UnsupportedOperationError(
                self.name, f"{Capability.COPY_CAMPAIGN} (it hands out none of this one)", "Give campaign its content."
            )
        return CampaignDefinition(
            subject=campaign.subject,
            from_name=text_of(head.sender_name),
            from_email=text_of(head.sender_email),
            html=_html(head.body),
            title=campaign.title,
            group_ids=campaign.group_ids,
            segment_ids=campaign.segment_ids,
        )

    def send_campaign(self, campaign_id: str) -> None:
        """Refuse: nothing in the API starts a draft."""
        raise UnsupportedOperationError(self.name, Capability.SEND_DRAFT, _SENT_AS_MADE)

    def schedule_campaign(self, campaign_id: str, send_at: datetime) -> None:
        """Refuse: nothing in the API schedules a draft."""
        raise UnsupportedOperationError(self.name, Capability.SCHEDULE_DRAFT, _SENT_AS_MADE)

    def check_can_schedule(self) -> None:
        """Do nothing: the account says which time zone it is in."""

    def cancel_campaign(self, campaign_id: str) -> None:
        """Take a scheduled campaign back; safe to repeat.

        :raises NotFoundError: when it is too late, or there is no such campaign.
        """
        self.client.cancel_campaign(campaign_id)

    def obstacles(self, campaign_id: str) -> Sequence[str]:
        """Return what would keep this campaign from being sent: a sender the account does not have, empty lists."""
        campaign = self.campaign(campaign_id)
        found = []
        senders = {each.email.lower() for each in self.client.list_senders()}
        if campaign.sender_address and senders and campaign.sender_address.lower() not in senders:
            found.append("its sender's address is none of the account's senders")
        for list_id in campaign.group_ids:
            try:
                self.client.get_mailing_list_cost(list_id)
            except (InvalidRequestError, NotFoundError) as error:
                found.append(f"mailing list {list_id}: {error.message}")
        return found

    def audience(self, campaign: Campaign) -> int | None:
        """Return how many active subscribers a campaign's mailing lists have, each counted on its own."""
        if campaign.recipients:
            return campaign.recipients
        if campaign.segment_ids or not campaign.group_ids:
            return None
        counts = [self.client.get_mailing_list(group).active_email_qty for group in campaign.group_ids]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    def campaign_totals(self, campaign_id: str) -> CampaignTotals:
        """Return how many recipients a campaign reached, and what became of the mails."""
        wire = self._campaign_wire(campaign_id)
        return totals_from(wire.statistics, wire.all_email_qty)

    def campaign_url(self, campaign_id: str) -> str:
        """Return the address of the campaigns' page in SendPulse's own interface; it has none for a single one."""
        return f"https://login.sendpulse.com/emailservice/tasks/#{campaign_id}"

    # Claims

    def claim(self, mark: str) -> str | None:
        """Take a mark for oneself, by making a mailing list of that name; None when it is taken."""
        return self._claims.take(mark)

    def claims(self, mark: str) -> list[str]:
        """Return the ids of the claims to a mark, the first one first."""
        return self._claims.to(mark)

    def release(self, claim_id: str) -> None:
        """Give a claim up; safe to repeat. No mailing list but a claim is deleted."""
        self._claims.give_up(claim_id)

    # Single mails and events

    def send_message(self, message: Message) -> str | None:
        """Send one mail, and return SendPulse's id of it. Not repeatable."""
        return text_of(self.client.send_message(message_body(message)).id) or None

    def start_workflow(self, workflow_id: str, email: str, variables: Mapping[str, Json]) -> None:
        """Refuse: an automation is started by the event it waits for."""
        raise UnsupportedOperationError(
            self.name,
            Capability.START_WORKFLOW,
            "Record the event it begins with (SenderCreateEventOperator); the property automation_id names one of "
            "several automations.",
        )

    def record_event(self, event: Event) -> None:
        """Record an event, which starts the automations that wait for it. Not repeatable."""
        self.client.send_event(event.name, event_body(event))


def _html(body: str) -> str:
    """Return a campaign's content, which may or may not come as Base64."""
    try:
        decoded = b64decode(body, validate=True).decode()
    except ValueError:
        return body
    return decoded if "<" in decoded else body

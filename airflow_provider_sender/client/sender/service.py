"""Sender behind the port."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar

import msgspec

from airflow_provider_sender.client.account import Account
from airflow_provider_sender.client.campaigns import (
    Campaign,
    CampaignDefinition,
    CampaignEvent,
    CampaignsPage,
    CampaignTotals,
    EventKind,
)
from airflow_provider_sender.client.errors import (
    ConfigurationError,
    InvalidRequestError,
    NotFoundError,
)
from airflow_provider_sender.client.loose import row_from
from airflow_provider_sender.client.messages import Event, Message
from airflow_provider_sender.client.paging import ListingReport, OnDrift
from airflow_provider_sender.client.request import read
from airflow_provider_sender.client.seen import SeenKeys
from airflow_provider_sender.client.sender.campaign_records import SenderCampaign, campaign_from, definition_from
from airflow_provider_sender.client.sender.client import PAGE_SIZE, SenderClient
from airflow_provider_sender.client.sender.envelopes import every
from airflow_provider_sender.client.sender.events import SenderEventsListing, event_from, totals_of
from airflow_provider_sender.client.sender.fields import FieldKeys
from airflow_provider_sender.client.sender.listing import SenderListing, raw_page
from airflow_provider_sender.client.sender.membership import membership_from
from airflow_provider_sender.client.sender.messages import event_body, message_body
from airflow_provider_sender.client.sender.rows import subscriber_as_documented
from airflow_provider_sender.client.sender.subscriber_records import WRITTEN_CONSENTS, SenderSubscriber, subscriber_from
from airflow_provider_sender.client.service import Capability, Service
from airflow_provider_sender.client.subscribers import Consent, Field, Group, Membership, Subscriber, SubscriberChange
from airflow_provider_sender.client.values import Json
from airflow_provider_sender.client.zones import zone_given

_read_subscriber = msgspec.json.Decoder(SenderSubscriber, strict=False)
_read_campaign = msgspec.json.Decoder(SenderCampaign, strict=False)


class SenderService(Service):
    """Sender, bound to one account.

    :param client: the account.
    """

    name: ClassVar[str] = "Sender"
    # A draft is what its campaigns are agreed upon with, so it needs neither.
    capabilities: ClassVar[frozenset[Capability]] = frozenset(Capability) - {
        Capability.START_CAMPAIGN,
        Capability.CLAIM,
        Capability.IDEMPOTENT_MESSAGES,
        Capability.FREE_FIELDS,
    }
    largest_batch: ClassVar[int] = 100

    def __init__(self, client: SenderClient) -> None:
        self.client = client
        self.transport = client.transport
        self.fingerprint = client.fingerprint
        # UTC, to read times in, where nobody said which it is.
        self._zone = zone_given(client.transport.settings) or UTC
        self._fields = FieldKeys(client)

    def identity(self) -> str:
        """Return what tells this account from every other.

        An account without groups does not say which it is, so there it is told by its token.
        """
        groups = self.client.list_groups(limit=1).data
        account = groups[0].account_id if groups else None
        return f"{self.transport.settings.base_url} {account or self.fingerprint}"

    def account(self) -> Account:
        """Make one cheap authenticated call and say whose account it is.

        No documented endpoint names the account, so its groups have to do: they show which one it is.
        """
        groups = self.client.list_groups(limit=1)
        found = f"{groups.meta.total} groups"
        if groups.data:
            found += f", one of them {groups.data[0].title!r}"
        limit = self.transport.budget.limit
        return Account(f"the token opens an account with {found}" + (f"; {limit} requests a minute" if limit else ""))

    def subscribers(self, group_id: str | None = None) -> SenderListing:
        """Return the listing of all subscribers, or of a group's."""
        if group_id is None:
            return SenderListing(self.client, "/subscribers")
        return SenderListing(self.client, "/groups/{}/subscribers", group_id)

    def read_subscriber(self, raw: bytes) -> Subscriber:
        """Return a subscriber from a listing's row."""
        return subscriber_as_documented(raw) or subscriber_from(row_from(_read_subscriber, raw, self.name))

    def find_subscriber(self, key: str) -> Subscriber | None:
        """Return the subscriber with this address, phone or id, or None."""
        try:
            return subscriber_from(self.client.get_subscriber(key))
        except NotFoundError:
            return None

    def groups(self) -> list[Group]:
        """Return all groups."""
        return [Group(group.id, group.title or "", group.recipient_count) for group in every(self.client.list_groups)]

    def fields(self) -> list[Field]:
        """Return the account's custom fields."""
        return self._fields.known()

    def create_subscriber(self, change: SubscriberChange, *, trigger_automation: bool) -> None:
        """Create a subscriber; safe to repeat.

        Sender's create call takes no status. Whoever is to be created as anything but active is therefore created
        without groups, fields and automations, and set to that status before anything else happens.
        """
        if change.consent not in (None, Consent.ACTIVE):
            self._create_inactive(change)
            return
        body = _body(change, trigger_automation=trigger_automation)
        try:
            self._fields.create(
                change,
                lambda fields: self.client.upsert_subscriber(
                    {"email": change.email, **body, **({"fields": fields} if fields else {})}
                ),
            )
        except InvalidRequestError as error:
            if not _is_there_already(error):
                raise
            self.update_subscriber(change, trigger_automation=trigger_automation)

    def _create_inactive(self, change: SubscriberChange) -> None:
        bare = msgspec.structs.replace(change, groups=(), fields={})
        later = change
        try:
            self.client.upsert_subscriber({"email": change.email, **_body(bare, trigger_automation=False)})
            later = SubscriberChange(change.key, groups=change.groups, fields=change.fields)
        except InvalidRequestError as error:
            if not _is_there_already(error):
                raise
        # On its own: were the rest refused, whoever must not be mailed would be left active.
        self.update_subscriber(SubscriberChange(change.key, consent=change.consent), trigger_automation=False)
        if later != SubscriberChange(change.key):
            self.update_subscriber(msgspec.structs.replace(later, consent=None), trigger_automation=False)

    def update_subscriber(self, change: SubscriberChange, *, trigger_automation: bool) -> None:
        """Change a subscriber that exists, leaving its consent alone unless ``change.consent`` is set."""
        body = _body(change, trigger_automation=trigger_automation)
        if change.consent is not None:
            body["subscriber_status"] = WRITTEN_CONSENTS[change.consent]
        self._fields.update(
            change,
            lambda fields: self.client.update_subscriber(
                change.key, {**body, **({"fields": fields} if fields else {})}
            ),
        )

    def add_to_group(self, group_id: str, emails: Sequence[str], *, trigger_automation: bool) -> Membership:
        """Put up to ``largest_batch`` subscribers into a group; safe to repeat."""
        done = self.client.add_to_group(group_id, emails, trigger_automation=trigger_automation)
        return membership_from(done.message, emails)

    def remove_from_group(self, group_id: str, emails: Sequence[str]) -> Membership:
        """Take up to ``largest_batch`` subscribers out of a group; safe to repeat."""
        return membership_from(self.client.remove_from_group(group_id, emails).message, emails)

    def delete_subscribers(self, emails: Sequence[str]) -> None:
        """Ask for up to ``largest_batch`` subscribers to be deleted, which happens later; safe to repeat."""
        self.client.delete_subscribers(emails)

    def campaign(self, campaign_id: str) -> Campaign:
        """Return a campaign."""
        return campaign_from(self.client.get_campaign(campaign_id), self._zone)

    def campaigns_page(self, number: int) -> CampaignsPage:
        """Return one page of all campaigns, the oldest first; one past the last is empty."""
        request = read("/campaigns", page=number, limit=PAGE_SIZE, order="created", direction="asc")
        page = self.transport.fetch(request, lambda body: raw_page(number, body))
        found = []
        for row in page.data:
            # Row by row: one of an unknown shape must not hide ninety-nine others.
            with contextlib.suppress(msgspec.DecodeError):
                found.append(campaign_from(_read_campaign.decode(row), self._zone))
        return CampaignsPage(tuple(found), number, page.meta.last_page)

    def campaigns_titled(self, part: str) -> list[Campaign]:
        """Return every campaign whose title contains ``part``, oldest first."""
        listing = SenderListing(self.client, "/campaigns")
        found: list[Campaign] = []
        for rows in listing.walk(SeenKeys(), ListingReport(), OnDrift.REPAIR):
            campaigns = (campaign_from(row_from(_read_campaign, row.raw, self.name), self._zone) for row in rows)
            found += [campaign for campaign in campaigns if part in campaign.title]
        return sorted(found, key=lambda campaign: (campaign.created or datetime.max.replace(tzinfo=UTC), campaign.id))

    def create_campaign(self, definition: CampaignDefinition, title: str) -> str:
        """Create a draft under ``title`` and return its id. Not repeatable."""
        body = {
            **definition.extra,
            "title": title,
            "subject": definition.subject,
            "from": definition.from_name,
            "reply_to": definition.from_email,
            "preheader": definition.preheader,
            "content_type": "html" if definition.html is not None else "text",
            "content": definition.html if definition.html is not None else definition.text,
            "groups": list(definition.group_ids) or None,
            "segments": list(definition.segment_ids) or None,
        }
        return self.client.create_campaign({key: value for key, value in body.items() if value is not None})

    def campaign_definition(self, campaign_id: str) -> CampaignDefinition:
        """Return a campaign as what another one can be made from."""
        return definition_from(self.client.get_campaign(campaign_id))

    def send_campaign(self, campaign_id: str) -> None:
        """Send a draft now. Not repeatable."""
        self.client.send_campaign(campaign_id)

    def schedule_campaign(self, campaign_id: str, send_at: datetime) -> None:
        """Schedule a draft for an aware datetime, which Sender takes in the account's time zone. Not repeatable."""
        self.check_can_schedule()
        local = send_at.astimezone(self._zone)
        if local.replace(fold=0).utcoffset() != local.utcoffset():
            # Written without its zone it would read as an hour earlier, and the mails would go out then.
            raise ConfigurationError(
                f"send_at: is in the second of the two equal hours at the end of summer time in {self._zone}, which "
                "Sender cannot be told from the first. Choose a time outside that hour."
            )
        self.client.schedule_campaign(campaign_id, local.strftime("%Y-%m-%d %H:%M:%S"))

    def check_can_schedule(self) -> None:
        """See to it that the connection says which time zone the account is in.

        Sender returns a time as it was sent, so a wrong zone would only show when the campaign goes out hours early.

        :raises ConfigurationError: when it does not.
        """
        if self.transport.settings.time_zone is None:
            raise ConfigurationError(
                "send_at: Sender reads the time in the account's time zone. Put that zone into the connection's extra "
                "time_zone, as Europe/Vilnius or UTC (Sender: Account settings)."
            )

    def cancel_campaign(self, campaign_id: str) -> None:
        """Take a scheduled campaign back; safe to repeat."""
        self.client.cancel_campaign_schedule(campaign_id)

    def obstacles(self, campaign_id: str) -> Sequence[str]:
        """Return what Sender says keeps this campaign from being sent; empty when it says nothing.

        The shape of the answer is documented nowhere, so every text in it counts as one reason.
        """
        try:
            answer = self.client.get_campaign_errors(campaign_id)
        except NotFoundError:
            return []
        said = answer.get("data") or answer.get("errors") if isinstance(answer, Mapping) else answer
        return list(_texts(said))

    def audience(self, campaign: Campaign) -> int | None:
        """Return how many active subscribers a campaign's groups and segments have, each counted on its own."""
        if campaign.recipients:
            return campaign.recipients
        counts = [self._active_in_group(group) for group in campaign.group_ids]
        if campaign.segment_ids:
            segments = {segment.id: segment for segment in every(self.client.list_segments)}
            counts += [getattr(segments.get(each), "active_subscribers", None) for each in campaign.segment_ids]
        known = [count for count in counts if count is not None]
        return sum(known) if counts and len(known) == len(counts) else None

    def _active_in_group(self, group_id: str) -> int | None:
        """Return a group's active subscribers; None while the service is still counting them anew."""
        waited, pause = 0.0, 0.5
        while True:
            group = self.client.get_group(group_id)
            if not group.is_recalculating_subscribers:
                return group.active_subscribers
            if waited >= self.transport.settings.settle_time:
                return None
            time.sleep(pause)
            waited, pause = waited + pause, 2 * pause

    def campaign_totals(self, campaign_id: str) -> CampaignTotals:
        """Return how many recipients a campaign reached, and what became of the mails; up to seven requests."""
        return totals_of(self.client, campaign_id)

    def campaign_events(self, campaign_id: str, kind: EventKind) -> SenderEventsListing:
        """Return the listing of what recipients of a campaign did, or what befell them, of one kind."""
        return SenderEventsListing(self.client, campaign_id, kind)

    def read_campaign_event(self, raw: bytes, kind: EventKind) -> CampaignEvent:
        """Return an event from such a listing's row."""
        return event_from(raw, kind)

    def campaign_url(self, campaign_id: str) -> str:
        """Return the address of the campaign's page in Sender's own interface."""
        return f"https://app.sender.net/campaigns/{campaign_id}"

    def send_message(self, message: Message) -> str | None:
        """Send one mail, and return Sender's id of it. Not repeatable."""
        body = message_body(message)
        if message.template_id is None:
            return self.client.send_message(body).email_id
        return self.client.send_transactional_campaign(message.template_id, body).email_id

    def start_workflow(self, workflow_id: str, email: str, variables: Mapping[str, Json]) -> None:
        """Start a workflow for a subscriber. Not repeatable."""
        self.client.start_workflow(workflow_id, email, variables)

    def record_event(self, event: Event) -> None:
        """Record a custom event. Not repeatable."""
        self.client.create_event(event_body(event))


def _body(change: SubscriberChange, *, trigger_automation: bool) -> dict[str, Json]:
    """Return a change as both write calls take it, but for the custom fields."""
    values = {
        "firstname": change.firstname,
        "lastname": change.lastname,
        "phone": change.phone,
        "groups": list(change.groups) or None,
    }
    known = {key: value for key, value in values.items() if value is not None}
    return {**known, "trigger_automation": trigger_automation}


def _is_there_already(error: InvalidRequestError) -> bool:
    # Another field's value may be taken too, say somebody else's phone number; that is a refusal.
    texts = error.errors.get("email", []) if error.errors else [error.message]
    return error.status == 409 or any("already" in text.lower() for text in texts)


def _texts(said: Json) -> Sequence[str]:
    if isinstance(said, str):
        return [said] if said.strip() else []
    if isinstance(said, Mapping):
        return [text for value in said.values() for text in _texts(value)]
    if isinstance(said, Sequence):
        return [text for value in said for text in _texts(value)]
    return []

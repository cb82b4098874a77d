"""Sendara behind the port."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar, NoReturn
from uuid import uuid4

import msgspec

from airflow_provider_sender.client.account import Account
from airflow_provider_sender.client.campaigns import Campaign, CampaignDefinition, CampaignsPage, CampaignTotals
from airflow_provider_sender.client.errors import (
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    ServiceFailureError,
    UnsupportedOperationError,
)
from airflow_provider_sender.client.loose import row_from
from airflow_provider_sender.client.messages import Event, Message
from airflow_provider_sender.client.paging import Listing
from airflow_provider_sender.client.rows import Write, WriteResult
from airflow_provider_sender.client.sendara.broadcast_records import SendaraBroadcast, campaign_from, totals_from
from airflow_provider_sender.client.sendara.client import SendaraClient
from airflow_provider_sender.client.sendara.contact_records import TAGS, SendaraList
from airflow_provider_sender.client.sendara.listing import PAGE_SIZE, SendaraListing
from airflow_provider_sender.client.sendara.membership import join, leave
from airflow_provider_sender.client.sendara.messages import broadcast_body, message_body
from airflow_provider_sender.client.sendara.people import contacts, found, is_id, members, pages, subscriber_in
from airflow_provider_sender.client.sendara.suppressions import Suppressions
from airflow_provider_sender.client.sendara.writing import ImportForm, SendaraWriter
from airflow_provider_sender.client.service import Capability, Service
from airflow_provider_sender.client.subscribers import OPTED_OUT, Field, Group, Membership, Subscriber, SubscriberChange
from airflow_provider_sender.client.values import Json

log = logging.getLogger(__name__)

_read_list = msgspec.json.Decoder(SendaraList, strict=False)
_read_broadcast = msgspec.json.Decoder(SendaraBroadcast, strict=False)

# Attributes are declared nowhere, so those of the newest contacts are the ones that are known.
_CONTACTS_LOOKED_AT = 3 * PAGE_SIZE


class SendaraService(Service):
    """Sendara, bound to one account.

    :param client: the account.
    :param import_form: the form the account's import takes.
    """

    name: ClassVar[str] = "Sendara"
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            Capability.LIST_ACCOUNT,
            Capability.LIST_CAMPAIGNS,
            Capability.SEND_DRAFT,
            Capability.CANCEL_SCHEDULED,
            Capability.ROW_RESULTS,
            Capability.GROUPLESS,
            Capability.FREE_FIELDS,
            Capability.START_CAMPAIGN,
            Capability.CAMPAIGN_TOTALS,
            Capability.IDEMPOTENT_MESSAGES,
        }
    )
    # Members are added one by one, but to find out their ids the account is read once for all of them.
    largest_batch: ClassVar[int] = 5_000
    largest_write: ClassVar[int] = 500
    largest_careful_write: ClassVar[int] = 1
    largest_lookup: ClassVar[int] = 5_000
    # Whom a mail is from is said beside the template.
    template_brings: ClassVar[frozenset[str]] = frozenset({"subject"})

    def __init__(self, client: SendaraClient, import_form: ImportForm = ImportForm.CONTACTS) -> None:
        self.client = client
        self.transport = client.transport
        self.fingerprint = client.fingerprint
        self._writer = SendaraWriter(client, import_form)
        self._suppressions = Suppressions(client)
        self._broadcasts_a_page: int | None = None
        self._first_of_page: dict[int, str] = {}

    def identity(self) -> str:
        """Return what tells this account from every other.

        Contacts say which account they are of. Without one, or with a key that must not read them, the key tells it.
        """
        account = None
        with contextlib.suppress(PermissionDeniedError):
            account = next((each.account_id for each in self.client.list_contacts(limit=1)), None)
        return f"{self.transport.settings.base_url} {account or self.fingerprint}"

    def account(self) -> Account:
        """Make one cheap authenticated call and say what the key opens; no answer names the account."""
        kind = "test key, with which nothing is really sent," if self.client.is_test else "key"
        try:
            usage = self.client.get_usage()
        except PermissionDeniedError as error:
            if error.code != "forbidden":
                raise
            return Account(f"the {kind} is accepted, but its scope is not read, so nothing more is known")
        sent = "" if usage.total_send_count is None else f" that sent {usage.total_send_count} messages"
        period = f" in {usage.period}" if usage.period else " in this period"
        limit = self.transport.budget.limit
        return Account(
            f"the {kind} opens an account{sent}{period if sent else ''}"
            + (f"; {limit} requests a second" if limit else "")
        )

    # Subscribers

    def subscribers(self, group_id: str | None = None) -> Listing:
        """Return the listing of all contacts, or of a list's members."""
        self._suppressions.forget()
        return contacts(self.client) if group_id is None else members(self.client, group_id)

    def read_subscriber(self, raw: bytes) -> Subscriber:
        """Return a subscriber from a listing's row; which lists it is in no row says.

        For the first one of a listing the suppression list is read, too.
        """
        return self._suppressions.laid_over(subscriber_in(raw))

    def find_subscriber(self, key: str) -> Subscriber | None:
        """Return the subscriber with this id, or None.

        :raises UnsupportedOperationError: for an address or a phone number.
        """
        if not is_id(key):
            raise UnsupportedOperationError(
                self.name, Capability.FIND_SUBSCRIBER, "Give ids, or read the account (find_subscribers does)."
            )
        return self.find_subscribers([key]).get(key)

    def find_subscribers(self, keys: Sequence[str]) -> dict[str, Subscriber]:
        """Return those of many addresses, phones or ids the account knows; the contacts are read once for all."""
        self._suppressions.forget()
        return {key: self._suppressions.laid_over(each) for key, each in found(self.client, keys).items()}

    def groups(self) -> list[Group]:
        """Return all lists."""
        listing = SendaraListing(self.transport, "/v1/contacts/lists", name="lists")
        found_lists = [row_from(_read_list, row.raw, self.name) for rows in pages(listing) for row in rows]
        return [Group(each.id, each.name or "") for each in found_lists]

    def fields(self) -> list[Field]:
        """Return the tags, and the attributes that any of the newest contacts has."""
        names: set[str] = set()
        looked_at = 0
        for rows in pages(contacts(self.client)):
            names |= {name for row in rows for name in subscriber_in(row.raw).fields}
            looked_at += len(rows)
            if looked_at >= _CONTACTS_LOOKED_AT:
                break
        return [Field(name) for name in (TAGS, *sorted(names - {TAGS}))]

    def create_subscriber(self, change: SubscriberChange, *, trigger_automation: bool) -> None:
        """Create a subscriber; safe to repeat."""
        self._write_one(Write(change))

    def update_subscriber(self, change: SubscriberChange, *, trigger_automation: bool) -> None:
        """Change a subscriber that exists. By an address, the contacts are read to find it."""
        current = found(self.client, [change.key]).get(change.key)
        if current is None:
            raise NotFoundError("There is no such contact.")
        self._write_one(Write(change, current))

    def _write_one(self, write: Write) -> None:
        (result,) = self._writer.write([write])
        if result.refusal is not None:
            raise result.refusal

    def write_subscribers(self, writes: Sequence[Write], *, trigger_automation: bool) -> Sequence[WriteResult]:
        """Create or change subscribers, most of them in one import; safe to repeat."""
        return self._writer.write(writes)

    def add_to_group(self, group_id: str, emails: Sequence[str], *, trigger_automation: bool) -> Membership:
        """Put subscribers into a static list; safe to repeat."""
        return join(self.client, group_id, emails)

    def remove_from_group(self, group_id: str, emails: Sequence[str]) -> Membership:
        """Take subscribers out of a static list; safe to repeat."""
        return leave(self.client, group_id, emails)

    def delete_subscribers(self, emails: Sequence[str]) -> None:
        """Delete subscribers; safe to repeat."""
        for contact in found(self.client, emails).values():
            with contextlib.suppress(NotFoundError):
                self.client.delete_contact(contact.id)

    # Campaigns

    def campaign(self, campaign_id: str) -> Campaign:
        """Return a broadcast."""
        answer = self.client.get_broadcast(campaign_id)
        if not answer.itself.id:
            raise ServiceFailureError("Sendara's answer holds no broadcast.", method="GET", path="/v1/broadcasts/{}")
        return campaign_from(answer.itself, answer.stats)

    def campaigns_page(self, number: int) -> CampaignsPage:
        """Return one page of all broadcasts, the newest first; one past the last is empty.

        How many a page holds is not documented: as many as the first one brought. Nor is, in the reference, that there
        are pages: where another one begins as the first does, there are none; or as the one before it does, where a
        broadcast was made since the first was read.
        """
        if self._broadcasts_a_page is None and number > 1:
            self.campaigns_page(1)
        size = self._broadcasts_a_page or PAGE_SIZE
        rows = self.client.list_broadcasts(offset=(number - 1) * size)
        if number == 1 and rows:
            self._broadcasts_a_page = size = len(rows)
        elif rows and rows[0].id in (self._first_of_page.get(1), self._first_of_page.get(number - 1)):
            rows = []
        if rows:
            self._first_of_page[number] = rows[0].id
        last = number + 1 if rows and len(rows) >= size else number
        return CampaignsPage(tuple(campaign_from(row) for row in rows), number, last if rows else max(1, number - 1))

    def campaigns_titled(self, part: str) -> list[Campaign]:
        """Return every broadcast whose name contains ``part``, oldest first."""
        listing = SendaraListing(self.transport, "/v1/broadcasts", name="broadcasts")
        every = (row_from(_read_broadcast, row.raw, self.name) for rows in pages(listing) for row in rows)
        titled = [campaign_from(wire) for wire in every if part in (wire.name or "")]
        return sorted(titled, key=lambda campaign: (campaign.created or datetime.max.replace(tzinfo=UTC), campaign.id))

    def create_campaign(self, definition: CampaignDefinition, title: str) -> str:
        """Create a draft under ``title`` and return its id. Not repeatable."""
        return self._create(definition, broadcast_body(definition, title))

    def start_campaign(self, definition: CampaignDefinition, title: str, send_at: datetime | None) -> str:
        """Create a broadcast that is sent now or at a time, and return its id. Not repeatable."""
        when: dict[str, Json] = {"send_now": True}
        if send_at is not None:
            when = {"scheduled_at": send_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        return self._create(definition, {**broadcast_body(definition, title), **when})

    def _create(self, definition: CampaignDefinition, body: dict[str, Json]) -> str:
        try:
            made = self.client.create_broadcast(body)
        except InvalidRequestError as error:
            # That a name may stand before the address is documented for single mails only.
            if error.code not in ("invalid_request", "from_not_verified") or not definition.from_name:
                raise
            made = self.client.create_broadcast({**body, "from_email": definition.from_email})
            log.warning("Sendara takes no sender's name for a broadcast; it was made without")
        if not made.id:
            raise OutcomeUnknownError("Sendara accepted the broadcast and did not say which one it is. Look at them.")
        return made.id

    def send_campaign(self, campaign_id: str) -> None:
        """Send a draft now. Not repeatable."""
        try:
            self.client.send_broadcast(campaign_id)
        except NotFoundError as error:
            # What it answers when it is too late is not documented: as long as there is one, this is a refusal.
            self.campaign(campaign_id)
            raise InvalidRequestError(
                error.message,
                method=error.method,
                path=error.path,
                status=error.status,
                code=error.code,
                request_id=error.request_id,
            ) from error

    def check_can_schedule(self) -> None:
        """Do nothing: times are sent with their zone."""

    def schedule_campaign(self, campaign_id: str, send_at: datetime) -> NoReturn:
        """Raise: only a broadcast that is being created takes a time."""
        raise UnsupportedOperationError(
            self.name, Capability.SCHEDULE_DRAFT, "Give the campaign itself instead of campaign_id, with send_at."
        )

    def cancel_campaign(self, campaign_id: str) -> None:
        """Take a scheduled broadcast back, for good; safe to repeat."""
        try:
            self.client.cancel_broadcast(campaign_id)
        except (InvalidRequestError, NotFoundError):
            if self.campaign(campaign_id).service_state.lower() not in ("cancelled", "canceled"):
                raise

    def obstacles(self, campaign_id: str) -> Sequence[str]:
        """Return nothing: Sendara has no check of its own."""
        return ()

    def audience(self, campaign: Campaign) -> int | None:
        """Return how many members of its lists may be mailed, each list counted on its own."""
        if campaign.recipients:
            return campaign.recipients
        if not campaign.group_ids:
            return None
        self._suppressions.forget()
        return sum(self._active_in(list_id) for list_id in campaign.group_ids)

    def _active_in(self, list_id: str) -> int:
        every = (self.read_subscriber(row.raw) for rows in pages(members(self.client, list_id)) for row in rows)
        return sum(each.consent not in OPTED_OUT for each in every)

    def campaign_totals(self, campaign_id: str) -> CampaignTotals:
        """Return how many recipients a broadcast reached; clicks and unsubscribes Sendara does not count."""
        stats = self.client.get_broadcast(campaign_id).stats
        if stats is None:
            raise ServiceFailureError("Sendara's answer holds no stats.", method="GET", path="/v1/broadcasts/{}")
        return totals_from(stats)

    def campaign_url(self, campaign_id: str) -> str:
        """Return an address to look at. Where broadcasts are in Sendara's own interface is documented nowhere."""
        return f"{self.transport.settings.base_url}/v1/broadcasts/{campaign_id}"

    # Single mails

    def send_message(self, message: Message) -> str | None:
        """Send one mail, once for every ``message.key``, and return Sendara's id of it."""
        body = message_body(message)
        try:
            return self.client.send_message(body, idempotency_key=message.key or str(uuid4())).id or None
        except InvalidRequestError as error:
            if error.code != "idempotency_key_reused" or message.key is None:
                raise
            return self._sent_before(message.key)

    def _sent_before(self, key: str) -> str | None:
        """Return the mail an earlier try sent, with content that was rendered otherwise then.

        That there is one the service has said; which one, a key that may only send is not told.
        """
        log.warning("An earlier try of this task sent the mail already, with another content; it is not sent again")
        try:
            sent = self.client.find_message(key)
        except (InvalidRequestError, PermissionDeniedError) as error:
            log.warning("Which mail that is cannot be found out (%s)", error)
            return None
        return (sent.id or None) if sent is not None else None

    def start_workflow(self, workflow_id: str, email: str, variables: Mapping[str, Json]) -> NoReturn:
        """Raise: Sendara has no workflows."""
        raise UnsupportedOperationError(
            self.name, Capability.START_WORKFLOW, "Send a mail (SenderSendMessageOperator), or a broadcast to a list."
        )

    def record_event(self, event: Event) -> NoReturn:
        """Raise: Sendara keeps no events of one's own."""
        raise UnsupportedOperationError(
            self.name,
            Capability.RECORD_EVENT,
            "Set an attribute or a tag of the contact (SenderUpsertSubscribersOperator).",
        )

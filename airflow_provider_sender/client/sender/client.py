"""Sender's API (https://api.sender.net/): every endpoint as a typed method of a few lines.

:class:`SenderEndpoints` only needs something that can make a call, so the client and the Airflow hook share it.
Identifiers of subscribers may be an e-mail address, a phone number or an id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.client import Calls, Client, fits_a_header
from airflow_provider_sender.client.errors import ConfigurationError, OutcomeUnknownError
from airflow_provider_sender.client.request import Request, once, read, repeatable
from airflow_provider_sender.client.sender.account_records import (
    SenderMessage,
    SenderTransactional,
    SenderWebhook,
    SenderWorkflow,
)
from airflow_provider_sender.client.sender.campaign_records import SenderCampaign
from airflow_provider_sender.client.sender.dialect import GROUP_MEMBERS, SenderDialect
from airflow_provider_sender.client.sender.envelopes import Data, Done, ListPage
from airflow_provider_sender.client.sender.subscriber_records import (
    SenderField,
    SenderGroup,
    SenderSegment,
    SenderSubscriber,
)
from airflow_provider_sender.client.sequences import texts_of
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.client.values import Json

BASE_URL = "https://api.sender.net/v2"
PAGE_SIZE = 100

# What a campaign's recipients did, as the API spells it in paths.
CAMPAIGN_EVENTS = ("opens", "clicks", "hard_bounces", "soft_bounces", "unsubscribes", "complaints")


class SenderEndpoints(Calls):
    """The endpoints. ``call`` is what a subclass brings along."""

    # Subscribers

    def list_subscribers(
        self, page: int = 1, *, limit: int = PAGE_SIZE, order: str = "created", direction: str = "asc"
    ) -> ListPage[SenderSubscriber]:
        """Return one page of all subscribers; one past the last page is empty."""
        request = read("/subscribers", page=page, limit=limit, order=order, direction=direction)
        return self.call(request, ListPage[SenderSubscriber])

    def get_subscriber(self, identifier: str) -> SenderSubscriber:
        """Return one subscriber.

        :raises NotFoundError: when there is none.
        """
        return self.call(read("/subscribers/{}", identifier), Data[SenderSubscriber]).data

    def upsert_subscriber(self, body: Mapping[str, Json]) -> Done:
        """Create a subscriber or, most probably, update the one with this ``email``.

        :param body: ``email``, and as wanted ``firstname``, ``lastname``, ``phone``, ``groups``, ``fields``,
            ``trigger_automation`` (true where it is left out).
        """
        return self.call(repeatable("POST", "/subscribers", body=dict(body)), Done)

    def update_subscriber(self, identifier: str, body: Mapping[str, Json]) -> Done:
        """Change a subscriber.

        :param body: as for ``upsert_subscriber`` without ``email``, and ``subscriber_status``, ``sms_status``,
            ``transactional_email_status`` (``ACTIVE``, ``UNSUBSCRIBED``, ``BOUNCED``, ``SPAM_REPORTED``).
        :raises NotFoundError: when there is none.
        """
        return self.call(repeatable("PATCH", "/subscribers/{}", identifier, body=dict(body)), Done)

    def delete_subscribers(self, emails: Sequence[str]) -> Done:
        """Ask for subscribers to be deleted; the service does so some time later."""
        these = texts_of(emails, "emails")
        _refuse_nothing(these, "emails")
        return self.call(repeatable("DELETE", "/subscribers", body={"subscribers": these}), Done)

    def get_subscriber_events(self, identifier: str, actions: Sequence[str] = ("got",)) -> Mapping[str, Json]:
        """Return what was sent to a subscriber and what came of it.

        :param actions: of ``got``, ``opened``, ``clicked``, ``bounced``, ``unsubscribed``.
        """
        wanted = msgspec.json.encode(texts_of(actions, "actions")).decode()
        return self.call(read("/subscribers/{}/events", identifier, actions=wanted), dict[str, Json])

    # Groups

    def list_groups(self, page: int = 1, *, limit: int = PAGE_SIZE) -> ListPage[SenderGroup]:
        """Return one page of the groups."""
        return self.call(read("/groups", page=page, limit=limit), ListPage[SenderGroup])

    def get_group(self, group_id: str) -> SenderGroup:
        """Return one group."""
        return self.call(read("/groups/{}", group_id), Data[SenderGroup]).data

    def create_group(self, title: str) -> SenderGroup:
        """Create a group. Two calls make two groups."""
        return self.call(once("POST", "/groups", body={"title": title}), Data[SenderGroup]).data

    def rename_group(self, group_id: str, title: str) -> Done:
        """Give a group another title."""
        return self.call(repeatable("PATCH", "/groups/{}", group_id, body={"title": title}), Done)

    def delete_group(self, group_id: str) -> Done:
        """Delete a group; its subscribers stay in the account."""
        return self.call(repeatable("DELETE", "/groups/{}", group_id), Done)

    def list_group_subscribers(
        self,
        group_id: str,
        page: int = 1,
        *,
        limit: int = PAGE_SIZE,
        order: str = "created",
        direction: str = "asc",
    ) -> ListPage[SenderSubscriber]:
        """Return one page of a group's subscribers."""
        request = read("/groups/{}/subscribers", group_id, page=page, limit=limit, order=order, direction=direction)
        return self.call(request, ListPage[SenderSubscriber])

    def add_to_group(self, group_id: str, emails: Sequence[str], *, trigger_automation: bool = False) -> Done:
        """Put subscribers into a group.

        :return: its ``message`` lists who joined and who is unknown; ``success`` is false only when nobody is known.
        """
        body = {"subscribers": texts_of(emails, "emails"), "trigger_automation": trigger_automation}
        return self.call(repeatable("POST", GROUP_MEMBERS, group_id, body=body), Done)

    def remove_from_group(self, group_id: str, emails: Sequence[str]) -> Done:
        """Take subscribers out of a group; the answer as that of ``add_to_group``."""
        body = {"subscribers": texts_of(emails, "emails")}
        return self.call(repeatable("DELETE", GROUP_MEMBERS, group_id, body=body), Done)

    # Fields and segments

    def list_fields(self, page: int = 1, *, limit: int = PAGE_SIZE) -> ListPage[SenderField]:
        """Return one page of the fields, built-in ones included."""
        return self.call(read("/fields", page=page, limit=limit), ListPage[SenderField])

    def create_field(self, title: str, field_type: str = "text") -> SenderField:
        """Create a custom field of type ``text``, ``number`` or ``datetime``."""
        return self.call(once("POST", "/fields", body={"title": title, "type": field_type}), Data[SenderField]).data

    def update_field(self, field_id: str, *, title: str | None = None, show: bool | None = None) -> Done:
        """Give a custom field another title, or show or hide it; its type cannot change."""
        wanted = {"title": title, "show": show}
        body = {key: value for key, value in wanted.items() if value is not None}
        return self.call(repeatable("PATCH", "/fields/{}", field_id, body=body), Done)

    def delete_field(self, field_id: str) -> Done:
        """Delete a custom field, and with it what every subscriber has there."""
        return self.call(repeatable("DELETE", "/fields/{}", field_id), Done)

    def list_segments(self, page: int = 1, *, limit: int = PAGE_SIZE) -> ListPage[SenderSegment]:
        """Return one page of the segments."""
        return self.call(read("/segments/", page=page, limit=limit), ListPage[SenderSegment])

    def get_segment(self, segment_id: str) -> SenderSegment:
        """Return one segment; its counts are null here."""
        return self.call(read("/segments/{}", segment_id), Data[SenderSegment]).data

    # Campaigns

    def list_campaigns(
        self,
        page: int = 1,
        *,
        limit: int = PAGE_SIZE,
        status: str | None = None,
        order: str = "created",
        direction: str = "asc",
    ) -> ListPage[SenderCampaign]:
        """Return one page of the campaigns, of those in a ``status`` (``DRAFT`` ...) where one is given."""
        request = read("/campaigns", page=page, limit=limit, status=status, order=order, direction=direction)
        return self.call(request, ListPage[SenderCampaign])

    def get_campaign(self, campaign_id: str) -> SenderCampaign:
        """Return one campaign."""
        return self.call(read("/campaigns/{}", campaign_id), Data[SenderCampaign]).data

    def create_campaign(self, body: Mapping[str, Json]) -> str:
        """Create a draft and return its id.

        :param body: ``subject``, ``from`` (a name), ``reply_to`` (the address), ``content_type`` (``html``, ``text``,
            ``editor``), and as wanted ``title``, ``preheader``, ``content``, ``groups``, ``segments`` ...
        """
        return self.call(once("POST", "/campaigns", body=dict(body)), Data[SenderCampaign]).data.id

    def update_campaign(self, campaign_id: str, body: Mapping[str, Json]) -> Done:
        """Change a draft."""
        return self.call(repeatable("PATCH", "/campaigns/{}", campaign_id, body=dict(body)), Done)

    def copy_campaign(self, campaign_id: str) -> str:
        """Copy a campaign into a new draft and return that one's id."""
        return self.call(once("POST", "/campaigns/{}/copy", campaign_id), Data[SenderCampaign]).data.id

    def delete_campaigns(self, campaign_ids: Sequence[str]) -> Done:
        """Delete campaigns."""
        these = texts_of(campaign_ids, "campaign_ids")
        _refuse_nothing(these, "campaign_ids")
        return self.call(repeatable("DELETE", "/campaigns", ids=f"[{','.join(these)}]"), Done)

    def send_campaign(self, campaign_id: str) -> Done:
        """Send a campaign now.

        :raises OutcomeUnknownError: when the answer was lost. Read the campaign; do not send again.
        """
        return self.call(once("POST", "/campaigns/{}/send", campaign_id), Done)

    def schedule_campaign(self, campaign_id: str, schedule_time: str) -> Done:
        """Schedule a campaign.

        :param schedule_time: ``YYYY-MM-DD HH:MM:SS`` in the account's time zone.
        """
        return self.call(
            once("POST", "/campaigns/{}/schedule", campaign_id, body={"schedule_time": schedule_time}), Done
        )

    def cancel_campaign_schedule(self, campaign_id: str) -> Done:
        """Take a scheduled campaign back to being a draft."""
        return self.call(repeatable("DELETE", "/campaigns/{}/schedule", campaign_id), Done)

    def get_campaign_errors(self, campaign_id: str) -> Json:
        """Return why a campaign cannot be sent, in whatever shape the service uses."""
        return self.call(read("/campaigns/{}/errors", campaign_id), Json)

    def list_campaign_events(
        self, campaign_id: str, event: str, page: int = 1, *, limit: int = PAGE_SIZE
    ) -> ListPage[dict[str, Json]]:
        """Return one page of who did what with a campaign.

        :param event: one of ``CAMPAIGN_EVENTS``.
        """
        if event not in CAMPAIGN_EVENTS:
            raise ConfigurationError(f"event must be one of {', '.join(CAMPAIGN_EVENTS)}; got {event!r}.")
        request = read(f"/campaigns/{{}}/{event}", campaign_id, page=page, limit=limit)
        return self.call(request, ListPage[dict[str, Json]])

    # Transactional mail

    def send_message(self, body: Mapping[str, Json]) -> SenderMessage:
        """Send one transactional e-mail.

        :param body: ``from`` and ``to`` (``{email, name}``), ``subject``, ``html`` and/or ``text``, and as wanted
            ``reply_to``, ``headers``, ``variables``, ``attachments``.
        """
        return self.call(once("POST", "/message/send", body=dict(body)), SenderMessage)

    def send_transactional_campaign(self, transactional_id: str, body: Mapping[str, Json]) -> SenderMessage:
        """Send one e-mail from a transactional campaign."""
        return self.call(once("POST", "/message/{}/send", transactional_id, body=dict(body)), SenderMessage)

    def list_transactional_campaigns(self, page: int = 1, *, limit: int = PAGE_SIZE) -> ListPage[SenderTransactional]:
        """Return one page of the transactional campaigns."""
        return self.call(read("/transactional", page=page, limit=limit), ListPage[SenderTransactional])

    def get_transactional_campaign(self, transactional_id: str) -> SenderTransactional:
        """Return one transactional campaign."""
        return self.call(read("/transactional/{}", transactional_id), Data[SenderTransactional]).data

    def create_transactional_campaign(self, body: Mapping[str, Json]) -> SenderTransactional:
        """Create a transactional campaign: ``subject``, ``from``, ``reply_to``, ``editor`` and as wanted the rest."""
        return self.call(once("POST", "/transactional", body=dict(body)), Data[SenderTransactional]).data

    def update_transactional_campaign(self, transactional_id: str, body: Mapping[str, Json]) -> Done:
        """Change a transactional campaign."""
        return self.call(repeatable("PATCH", "/transactional/{}", transactional_id, body=dict(body)), Done)

    def delete_transactional_campaign(self, transactional_id: str) -> Done:
        """Delete a transactional campaign."""
        return self.call(repeatable("DELETE", "/transactional/{}", transactional_id), Done)

    def get_transactional_report(self, transactional_id: str, start: date, end: date, *, period: str = "day") -> Json:
        """Return what became of a transactional campaign's mails, added up by day, week, month or year."""
        query = {"from": start.isoformat(), "to": end.isoformat(), "period": period}
        return self.call(Request("GET", "/transactional/{}/report", (transactional_id,), query=query), Json)

    # Workflows, custom events, webhooks

    def list_workflows(
        self, page: int = 1, *, limit: int = PAGE_SIZE, status: str | None = None, title: str | None = None
    ) -> ListPage[SenderWorkflow]:
        """Return one page of the workflows, of a ``status`` (DRAFT, ACTIVE, PAUSED) or with titles that begin so."""
        request = read("/workflows", page=page, limit=limit, status=status, title=title)
        return self.call(request, ListPage[SenderWorkflow])

    def get_workflow(self, workflow_id: str) -> SenderWorkflow:
        """Return one workflow."""
        return self.call(read("/workflows/{}", workflow_id), Data[SenderWorkflow]).data

    def start_workflow(self, workflow_id: str, email: str, variables: Mapping[str, Json] | None = None) -> Done:
        """Start a workflow for a subscriber.

        :param variables: what else the body is to hold; no document says what the service does with it.
        :raises InvalidRequestError: when the workflow is not active.
        """
        body = {**(variables or {}), "email": email}
        return self.call(once("POST", "/workflows/{}/start", workflow_id, body=body), Done)

    def create_event(self, body: Mapping[str, Json]) -> Done:
        """Record a custom event: ``subscriber`` (email, phone or id), ``type``, and as wanted its values."""
        return self.call(once("POST", "/events", body=dict(body)), Done)

    def list_webhooks(self) -> Json:
        """Return the account's webhooks, in whatever shape the service uses."""
        return self.call(read("/account/webhooks"), Json)

    def create_webhook(self, url: str, topic: str, *, relation_id: str | None = None) -> SenderWebhook:
        """Create an account webhook.

        :param relation_id: the group, for the topics of one group.
        """
        body = {"url": url, "topic": topic} | ({"relation_id": relation_id} if relation_id else {})
        answer = self.call(once("POST", "/account/webhooks", body=body), dict[str, Json])
        # Two clients of the service read the new webhook from two different places.
        try:
            return msgspec.convert(answer.get("data") or answer, SenderWebhook, strict=False)
        except msgspec.ValidationError as error:
            raise OutcomeUnknownError(
                f"Sender accepted the webhook and did not say which one it is ({error}). List the webhooks to see it."
            ) from error

    def delete_webhook(self, webhook_id: str) -> Done:
        """Delete an account webhook."""
        return self.call(repeatable("DELETE", "/account/webhooks/{}", webhook_id), Done)


def _refuse_nothing(which: Sequence[str], parameter: str) -> None:
    """Let no call out that deletes "these" without saying which; nobody documents what that deletes."""
    if not which:
        raise ConfigurationError(f"{parameter}: is empty. Name what is to be deleted.")


class SenderClient(Client, SenderEndpoints):
    """A Sender account over HTTP.

    :param token: API access token.
    :param settings: checked settings.
    :param budget: the account's request budget.
    """

    def __init__(self, token: str, settings: Settings, budget: Budget) -> None:
        token = token.strip()
        if not token:
            raise ConfigurationError(
                "The connection has no API access token. Put one into its password: Sender -> Account settings -> "
                "API access tokens."
            )
        if not fits_a_header(token):
            raise ConfigurationError(
                "The connection's API access token has blanks, line breaks or other characters no token has. Copy it "
                "again, without the word Bearer."
            )
        super().__init__(SenderDialect(token), settings, budget, token)

"""SendPulse's endpoints for what is sent: campaigns, single mails, templates, and what goes with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from airflow_provider_sender.client.client import Calls
from airflow_provider_sender.client.errors import InvalidRequestError, OutcomeUnknownError
from airflow_provider_sender.client.request import Request, once, read, repeatable
from airflow_provider_sender.client.sendpulse.calls import (
    PAGE_SIZE,
    base64_of,
    encoded,
    given,
    refuse_nothing,
)
from airflow_provider_sender.client.sendpulse.dialect import UNSUBSCRIBED_SEARCH
from airflow_provider_sender.client.sendpulse.records import CreatedCampaign, Done, SentMessage
from airflow_provider_sender.client.sequences import texts_of
from airflow_provider_sender.client.values import Json

_V2 = "/v2/email-service"


class _Data(msgspec.Struct):
    data: Json = None


class _Rows(msgspec.Struct):
    data: list[dict[str, Json]] = []


class SendPulseMailing(Calls):
    """The endpoints for campaigns, single mails, templates, the blacklist, webhooks, tags and events."""

    # Campaigns and their statistics

    def list_campaigns(
        self, *, limit: int = PAGE_SIZE, offset: int = 0, order: str | None = None, planned: bool | None = None
    ) -> list[dict[str, Json]]:
        """Return some of the campaigns.

        :param planned: only those whose time is still to come.
        """
        request = read("/campaigns", limit=limit, offset=offset, order=order, planed=planned)
        return self.call(request, list[dict[str, Json]])

    def get_campaign(self, campaign_id: str) -> dict[str, Json]:
        """Return one campaign with its statistics.

        :raises NotFoundError: when there is none.
        """
        return self.call(read("/campaigns/{}", campaign_id), dict[str, Json])

    def create_campaign(self, body: Mapping[str, Json]) -> CreatedCampaign:
        """Create a campaign, which **sends** it unless ``type`` is ``draft`` or ``send_date`` is in the future.

        :param body: ``sender_name``, ``sender_email``, ``subject``, ``body`` (HTML as it is) or ``template_id``,
            ``list_id`` (one or up to 10) or ``segment_id``, and as wanted ``name``, ``send_date`` (``YYYY-MM-DD
            hh:mm:ss`` in the account's time zone), ``stats``, ``attachments``, ``is_test``, ``type`` ...
        :raises OutcomeUnknownError: when the answer was lost. List the campaigns; do not create it again.
        """
        return self.call(once("POST", "/campaigns", body=encoded(body, "body", "body_amp")), CreatedCampaign)

    def update_campaign(self, campaign_id: str, body: Mapping[str, Json]) -> Done:
        """Change a campaign whose time is still to come."""
        request = repeatable("PATCH", "/campaigns/{}", campaign_id, body=encoded(body, "body", "body_amp"))
        return self.call(request, Done)

    def cancel_campaign(self, campaign_id: str) -> Done:
        """Stop a campaign; mails that went out cannot be taken back.

        :raises NotFoundError: when it is too late, or there is none.
        """
        return self.call(repeatable("DELETE", "/campaigns/{}", campaign_id), Done)

    def get_campaign_countries(self, campaign_id: str) -> Json:
        """Return how many recipients opened a campaign, by country."""
        return self.call(read("/campaigns/{}/countries", campaign_id), Json)

    def get_campaign_referrals(self, campaign_id: str) -> Json:
        """Return how often each link of a campaign was clicked."""
        return self.call(read("/campaigns/{}/referrals", campaign_id), Json)

    def get_campaign_recipient(self, campaign_id: str, email: str) -> dict[str, Json]:
        """Return what became of a campaign's mail to one address."""
        return self.call(read("/campaigns/{}/email/{}", campaign_id, email), dict[str, Json])

    def get_address_campaigns(self, email: str) -> dict[str, Json]:
        """Return how many mails an address got, opened and clicked."""
        return self.call(read("/emails/{}/campaigns", email), dict[str, Json])

    # Single mails (SMTP)

    def send_message(self, email: Mapping[str, Json]) -> SentMessage:
        """Send one mail.

        :param email: ``subject``, ``from`` and ``to`` (``{name, email}``, the latter in a list), ``html`` (as it is)
            and ``text``, or ``template`` (``{id, variables}``), and as wanted ``cc``, ``bcc``, ``attachments`` ...
        :raises OutcomeUnknownError: when the answer was lost; it may have been sent.
        """
        return self.call(once("POST", "/smtp/emails", body={"email": encoded(email, "html")}), SentMessage)

    def list_messages(self, *, limit: int = PAGE_SIZE, offset: int = 0, **filters: str) -> list[dict[str, Json]]:
        """Return some of the mails sent.

        :param filters: ``from`` and ``to`` (dates), ``sender``, ``recipient``, ``country``.
        """
        request = Request("GET", "/smtp/emails", query={"limit": limit, "offset": offset, **filters})
        return self.call(request, list[dict[str, Json]])

    def get_message(self, message_id: str) -> dict[str, Json]:
        """Return what became of a mail.

        :raises NotFoundError: when there is none.
        """
        return self.call(read("/smtp/emails/{}", message_id), dict[str, Json])

    def get_messages(self, message_ids: Sequence[str]) -> list[dict[str, Json]]:
        """Return what became of up to 500 mails."""
        body = {"emails": texts_of(message_ids, "message_ids")}
        return self.call(repeatable("POST", "/smtp/emails/info", body=body), list[dict[str, Json]])

    def list_bounces(self, day: date, *, limit: int = PAGE_SIZE, offset: int = 0) -> dict[str, Json]:
        """Return some of a day's bounces, and how many there are."""
        request = read("/smtp/bounces/day", date=day.isoformat(), limit=limit, offset=offset)
        return self.call(request, dict[str, Json])

    def list_message_unsubscribes(self, *, limit: int = PAGE_SIZE, offset: int = 0) -> list[dict[str, Json]]:
        """Return some of those who get no single mails any more."""
        return self.call(read("/smtp/unsubscribe", limit=limit, offset=offset), list[dict[str, Json]])

    def is_unsubscribed_from_messages(self, email: str) -> bool:
        """Return whether somebody gets no single mails any more."""
        return self.call(read(UNSUBSCRIBED_SEARCH, email=email), Done).result in (True, 1, "true", "1")

    def unsubscribe_from_messages(self, emails: Sequence[str]) -> Done:
        """Send no single mails to these any more.

        The addresses are in an object for all clients, and in a bare list for the reference.
        """
        these = texts_of(emails, "emails")
        refuse_nothing(these, "emails")
        try:
            return self.call(repeatable("POST", "/smtp/unsubscribe", body={"emails": these}), Done)
        except InvalidRequestError:
            return self.call(repeatable("POST", "/smtp/unsubscribe", body=these), Done)

    def list_message_senders(self) -> list[str]:
        """Return the addresses single mails can be sent from."""
        return self.call(read("/smtp/senders"), list[str])

    def list_ip_addresses(self) -> list[str]:
        """Return the addresses of the servers single mails are sent from."""
        return self.call(read("/smtp/ips"), list[str])

    def list_sender_domains(self) -> Json:
        """Return the domains single mails can be sent from, and what was found when each was checked."""
        return self.call(read(f"{_V2}/smtp/sender_domains"), Json)

    # Templates

    def list_templates(
        self, *, owner: str = "me", only_active: bool | None = None, limit: int = PAGE_SIZE, offset: int = 0
    ) -> list[dict[str, Json]]:
        """Return some of the account's templates, or of the vendor's own (``owner="sendpulse"``)."""
        request = read("/templates", owner=owner, only_active=only_active, limit=limit, offset=offset)
        return self.call(request, list[dict[str, Json]])

    def get_template(self, template_id: str) -> dict[str, Json]:
        """Return one template."""
        return self.call(read("/template/{}", template_id), dict[str, Json])

    def create_template(self, html: str, *, name: str | None = None, lang: str | None = None) -> str:
        """Create a template and return its id.

        :raises OutcomeUnknownError: also when the answer does not say which one it is.
        """
        body = {"body": html, "name": name, "lang": lang}
        answer = self.call(once("POST", "/template", body=encoded(given(body), "body")), dict[str, Json])
        made = answer.get("real_id") or answer.get("id")
        if made is None:
            raise OutcomeUnknownError("SendPulse took the template and did not say which one it is. Look at them.")
        return str(made)

    def update_template(self, template_id: str, html: str, *, lang: str | None = None) -> Done:
        """Change a template's content; one from the layout editor cannot be changed."""
        body = encoded(given({"body": html, "lang": lang}), "body")
        return self.call(repeatable("POST", "/template/edit/{}", template_id, body=body), Done)

    # Blacklist

    def list_blacklist(self) -> list[str]:
        """Return the addresses nothing is sent to.

        Whether they come in pages is not documented: more are asked for until none is new.
        """
        found: dict[str, None] = {}
        while True:
            page = self.call(read("/blacklist", limit=PAGE_SIZE, offset=len(found)), list[str])
            if set(page) <= found.keys():
                return list(found)
            found |= dict.fromkeys(page)

    def add_to_blacklist(self, emails: Sequence[str], *, comment: str = "") -> Done:
        """Send nothing to these addresses any more."""
        these = texts_of(emails, "emails")
        refuse_nothing(these, "emails")
        body = {"emails": base64_of(",".join(these)), "comment": comment}
        return self.call(repeatable("POST", "/blacklist", body=body), Done)

    def remove_from_blacklist(self, emails: Sequence[str]) -> Done:
        """Let mails to these addresses pass again."""
        these = texts_of(emails, "emails")
        refuse_nothing(these, "emails")
        return self.call(repeatable("DELETE", "/blacklist", body={"emails": base64_of(",".join(these))}), Done)

    # Webhooks, tags, events

    def list_webhooks(self) -> list[dict[str, Json]]:
        """Return the webhooks; there is one for each action."""
        return self.call(read(f"{_V2}/webhook"), _Rows).data

    def get_webhook(self, webhook_id: str) -> dict[str, Json]:
        """Return one webhook."""
        data: Json = self.call(read(f"{_V2}/webhook/{{}}", webhook_id), _Data).data
        webhook: dict[str, Json] = data[0] if isinstance(data, list) else data
        return webhook

    def create_webhooks(self, url: str, actions: Sequence[str]) -> list[dict[str, Json]]:
        """Create a webhook for each of some actions.

        :param actions: ``new_emails``, ``delete``, ``unsubscribe``, ``task_status_update``, ``open``, ``delivered``,
            ``redirect``, ``spam``, ``hard_bounces``, ``soft_bounces``.
        """
        body = {"url": url, "actions": texts_of(actions, "actions")}
        return self.call(once("POST", f"{_V2}/webhook", body=body), _Rows).data

    def update_webhook(self, webhook_id: str, url: str) -> Done:
        """Have a webhook call another address."""
        return self.call(repeatable("PUT", f"{_V2}/webhook/{{}}", webhook_id, body={"url": url}), Done)

    def delete_webhook(self, webhook_id: str) -> Done:
        """Delete a webhook."""
        return self.call(repeatable("DELETE", f"{_V2}/webhook/{{}}", webhook_id), Done)

    def list_tags(self) -> Json:
        """Return the account's tags, in whatever shape the service uses."""
        return self.call(read("/tags"), Json)

    def create_tag(self, body: Mapping[str, Json]) -> Json:
        """Create a tag; the service does so some time later."""
        return self.call(once("POST", "/tags", body=dict(body)), Json)

    def delete_tag(self, tag_id: str) -> Done:
        """Delete a tag; the service does so some time later."""
        return self.call(repeatable("DELETE", "/tags/{}", tag_id), Done)

    def send_event(self, name: str, body: Mapping[str, Json]) -> Done:
        """Record an event, which may start automations.

        :param body: ``email`` or ``phone``, the event's variables, and as wanted ``automation_id``.
        """
        return self.call(once("POST", "/events/name/{}", name, body=dict(body)), Done)

    def list_automations(self, *, limit: int = PAGE_SIZE, offset: int = 0) -> Json:
        """Return some of the automations."""
        return self.call(read("/a360/autoresponders/list", limit=limit, offset=offset), Json)

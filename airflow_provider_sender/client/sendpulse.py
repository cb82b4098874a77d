"""SendPulse's API (https://sendpulse.com/integrations/api): every endpoint as a typed method of a few lines.

:class:`SendPulseEndpoints` only needs something that can make a call, so the client and the Airflow hook share it.
What the API wants as Base64 is given as it is and encoded here. Lists are read by ``limit`` (at most 100) and
``offset``.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import blake2b
from typing import TypeVar

import msgspec

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.errors import ConfigurationError, NotFoundError, ServiceFailureError
from airflow_provider_sender.client.sendpulse_dialect import (
    UNSUBSCRIBED_SEARCH,
    Credentials,
    SendPulseDialect,
    StaticKey,
)
from airflow_provider_sender.client.sendpulse_records import (
    CreatedCampaign,
    Done,
    Json,
    MailingList,
    Member,
    SenderAddress,
    SentMessage,
    UserInfo,
    Variable,
)
from airflow_provider_sender.client.sendpulse_token import shared_credentials
from airflow_provider_sender.client.transport import Request, Settings, Transport, once, read, repeatable

AnswerT = TypeVar("AnswerT")

BASE_URL = "https://api.sendpulse.com"
PAGE_SIZE = 100

# Addresses the calls that unsubscribe and delete take at the most.
MOST_ADDRESSES = 100

_V2 = "/v2/email-service"


class SendPulseEndpoints:
    """The endpoints. ``call`` is what a subclass brings along."""

    def call(self, request: Request, answer_type: type[AnswerT]) -> AnswerT:
        """Make one call and return its answer decoded."""
        raise NotImplementedError

    # Account, balance, senders

    def get_user_info(self) -> UserInfo:
        """Return whose account it is."""
        return self.call(read("/user/info"), UserInfo)

    def list_invited_users(self) -> list[dict[str, Json]]:
        """Return the members of the account's team."""
        return self.call(read("/user/invited-users-list"), list[dict[str, Json]])

    def get_balance_details(self) -> dict[str, Json]:
        """Return the balance, and the plans of each of the services with what is left of them."""
        return self.call(read("/user/balance/detail"), dict[str, Json])

    def get_balance(self, currency: str | None = None) -> dict[str, Json]:
        """Return the balance, in a currency (``USD``, ``EUR`` ...) if one is given."""
        request = read("/balance") if currency is None else read("/balance/{}", currency)
        return self.call(request, dict[str, Json])

    def list_senders(self) -> list[SenderAddress]:
        """Return the addresses campaigns can be sent from."""
        return self.call(read("/senders"), list[SenderAddress])

    def add_sender(self, email: str, name: str) -> Done:
        """Add a sender's address, which is to be confirmed then."""
        return self.call(once("POST", "/senders", body={"email": email, "name": name}), Done)

    def remove_sender(self, email: str) -> Done:
        """Remove a sender's address."""
        return self.call(repeatable("DELETE", "/senders", body={"email": email}), Done)

    def request_sender_code(self, email: str) -> Done:
        """Have a code sent to a sender's address; once in 15 minutes."""
        return self.call(Request("GET", "/senders/{}/code", (email,), repeatable=False), Done)

    def confirm_sender(self, email: str, code: str) -> Done:
        """Confirm a sender's address with the code it got."""
        return self.call(repeatable("POST", "/senders/{}/code", email, body={"code": code}), Done)

    # Mailing lists

    def list_mailing_lists(self, *, limit: int = PAGE_SIZE, offset: int = 0) -> list[MailingList]:
        """Return some of the mailing lists."""
        return self.call(read("/addressbooks", limit=limit, offset=offset), list[MailingList])

    def get_mailing_list(self, list_id: str) -> MailingList:
        """Return one mailing list.

        :raises NotFoundError: when there is none.
        """
        answer = self.call(read("/addressbooks/{}", list_id), list[MailingList])
        if not answer:
            raise NotFoundError("There is no such mailing list.", method="GET", path="/addressbooks/{}")
        return answer[0]

    def create_mailing_list(self, name: str) -> str:
        """Create a mailing list and return its id; a name can be taken once."""
        return str(self.call(once("POST", "/addressbooks", body={"bookName": name}), Done).id)

    def rename_mailing_list(self, list_id: str, name: str) -> Done:
        """Give a mailing list another name."""
        return self.call(repeatable("PUT", "/addressbooks/{}", list_id, body={"name": name}), Done)

    def delete_mailing_list(self, list_id: str) -> Done:
        """Delete a mailing list with all it knows about those who are in it."""
        return self.call(repeatable("DELETE", "/addressbooks/{}", list_id), Done)

    def list_variables(self, list_id: str) -> list[Variable]:
        """Return the variables of a mailing list."""
        return self.call(read("/addressbooks/{}/variables", list_id), list[Variable])

    def get_mailing_list_cost(self, list_id: str) -> dict[str, Json]:
        """Return what a campaign to a mailing list would cost.

        :raises InvalidRequestError: when the list is empty.
        """
        return self.call(read("/addressbooks/{}/cost", list_id), dict[str, Json])

    def list_mailing_list_campaigns(
        self, list_id: str, *, limit: int = PAGE_SIZE, offset: int = 0
    ) -> list[dict[str, Json]]:
        """Return some of a mailing list's campaigns, which are called tasks here."""
        request = read("/addressbooks/{}/campaigns", list_id, limit=limit, offset=offset)
        return self.call(request, list[dict[str, Json]])

    # Subscribers

    def list_subscribers(
        self, list_id: str, *, limit: int = PAGE_SIZE, offset: int = 0, order: str = "asc"
    ) -> list[Member]:
        """Return some of a mailing list's subscribers, in all states."""
        request = read("/addressbooks/{}/emails", list_id, limit=limit, offset=offset, order=order)
        return self.call(request, list[Member])

    def count_subscribers(self, list_id: str) -> int:
        """Return how many subscribers a mailing list has, in all states."""
        return self.call(read("/addressbooks/{}/emails/total", list_id), _Total).total

    def get_subscriber(self, list_id: str, email: str) -> dict[str, Json]:
        """Return a subscriber of a mailing list.

        :raises NotFoundError: when there is none.
        """
        return self.call(read("/addressbooks/{}/emails/{}", list_id, email), dict[str, Json])

    def find_by_variable(self, list_id: str, name: str, value: str) -> list[Member]:
        """Return the subscribers of a mailing list who have this value in a variable."""
        return self.call(read("/addressbooks/{}/variables/{}/{}", list_id, name, value), list[Member])

    def get_address(self, email: str) -> list[Member]:
        """Return what each mailing list says about an address."""
        return self.call(read("/emails/{}", email), list[Member])

    def get_address_details(self, email: str) -> Json:
        """Return when and how an address got into each of its mailing lists."""
        return self.call(read("/emails/{}/details", email), Json)

    def get_addresses(self, emails: Sequence[str]) -> dict[str, list[Member]]:
        """Return what each mailing list says about each of many addresses; those in none may be missing."""
        answer = self.call(repeatable("POST", "/emails", body={"emails": list(emails)}), Json)
        found = answer if isinstance(answer, Mapping) else {}
        try:
            return {address: msgspec.convert(said or [], list[Member], strict=False) for address, said in found.items()}
        except msgspec.ValidationError as error:
            raise ServiceFailureError(f"SendPulse's answer about addresses cannot be read ({error}).") from None

    def add_subscribers(self, list_id: str, subscribers: Sequence[Mapping[str, Json]], **options: Json) -> Done:
        """Put subscribers into a mailing list, or change the variables of those who are there.

        :param subscribers: ``{"email": ..., "variables": {...}}`` each; dates are written ``YYYY-MM-DD``.
        :param options: ``tags``, ``dont_update``, ``check_emails``, ``disable_webhook``; for double opt-in
            ``confirmation="force"``, ``sender_email``, ``template_id`` and ``message_lang``.
        :return: that the call was taken, and nothing about any of them.
        """
        body = {"emails": [dict(each) for each in subscribers], **options}
        return self.call(repeatable("POST", "/addressbooks/{}/emails", list_id, body=body), Done)

    def update_variables(self, list_id: str, email: str, variables: Mapping[str, Json]) -> Done:
        """Change variables of one subscriber, and nothing else.

        :raises NotFoundError: when the mailing list has no such subscriber.
        """
        body = {"email": email, "variables": [{"name": name, "value": value} for name, value in variables.items()]}
        return self.call(repeatable("POST", "/addressbooks/{}/emails/variable", list_id, body=body), Done)

    def update_phone(self, list_id: str, email: str, phone: str) -> Done:
        """Change the phone number of one subscriber."""
        return self.call(
            repeatable("PUT", "/addressbooks/{}/phone", list_id, body={"email": email, "phone": phone}), Done
        )

    def unsubscribe(self, list_id: str, emails: Sequence[str]) -> Done:
        """Unsubscribe up to 100 subscribers of a mailing list; one without an active one is refused."""
        _refuse_nothing(emails, "emails")
        return self.call(
            repeatable("POST", "/addressbooks/{}/emails/unsubscribe", list_id, body={"emails": list(emails)}), Done
        )

    def remove_subscribers(self, list_id: str, emails: Sequence[str]) -> Done:
        """Take up to 100 subscribers out of a mailing list.

        :raises NotFoundError: when none of them is in it.
        """
        _refuse_nothing(emails, "emails")
        return self.call(repeatable("DELETE", "/addressbooks/{}/emails", list_id, body={"emails": list(emails)}), Done)

    def delete_address(self, email: str) -> Done:
        """Take an address out of every mailing list."""
        return self.call(repeatable("DELETE", "/emails/{}", email), Done)

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
        return self.call(once("POST", "/campaigns", body=_encoded(body, "body", "body_amp")), CreatedCampaign)

    def update_campaign(self, campaign_id: str, body: Mapping[str, Json]) -> Done:
        """Change a campaign whose time is still to come."""
        request = repeatable("PATCH", "/campaigns/{}", campaign_id, body=_encoded(body, "body", "body_amp"))
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
        return self.call(once("POST", "/smtp/emails", body={"email": _encoded(email, "html")}), SentMessage)

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
        return self.call(
            repeatable("POST", "/smtp/emails/info", body={"emails": list(message_ids)}), list[dict[str, Json]]
        )

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
        """Send no single mails to these any more."""
        return self.call(repeatable("POST", "/smtp/unsubscribe", body={"emails": list(emails)}), Done)

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
        """Create a template and return its id."""
        body = {"body": html, "name": name, "lang": lang}
        answer = self.call(once("POST", "/template", body=_encoded(_given(body), "body")), dict[str, Json])
        return str(answer.get("real_id") or answer.get("id"))

    def update_template(self, template_id: str, html: str, *, lang: str | None = None) -> Done:
        """Change a template's content; one from the layout editor cannot be changed."""
        body = _encoded(_given({"body": html, "lang": lang}), "body")
        return self.call(repeatable("POST", "/template/edit/{}", template_id, body=body), Done)

    # Blacklist

    def list_blacklist(self) -> list[str]:
        """Return the addresses nothing is sent to."""
        return self.call(read("/blacklist"), list[str])

    def add_to_blacklist(self, emails: Sequence[str], *, comment: str = "") -> Done:
        """Send nothing to these addresses any more."""
        _refuse_nothing(emails, "emails")
        body = {"emails": base64_of(",".join(emails)), "comment": comment}
        return self.call(repeatable("POST", "/blacklist", body=body), Done)

    def remove_from_blacklist(self, emails: Sequence[str]) -> Done:
        """Let mails to these addresses pass again."""
        _refuse_nothing(emails, "emails")
        return self.call(repeatable("DELETE", "/blacklist", body={"emails": base64_of(",".join(emails))}), Done)

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
        return self.call(once("POST", f"{_V2}/webhook", body={"url": url, "actions": list(actions)}), _Rows).data

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


class SendPulseClient(SendPulseEndpoints):
    """A SendPulse account over HTTP.

    :param client_id: id of the API client; None where ``secret`` is a static API key.
    :param secret: the client's secret, or the key.
    :param settings: checked settings.
    :param budget: the account's request budget.
    """

    def __init__(self, client_id: str | None, secret: str, settings: Settings, budget: Budget) -> None:
        client_id, secret = (client_id or "").strip(), secret.strip()
        if not secret:
            raise ConfigurationError(
                "The connection has no password. Put the client secret there and the client id into the login, or an "
                "API key into the password alone: SendPulse -> Settings -> API."
            )
        for what, value in (("login", client_id), ("password", secret)):
            if not value.isascii() or not value.isprintable() or " " in value:
                # http.client would say so too, and show it.
                raise ConfigurationError(
                    f"The connection's {what} has blanks, line breaks or other characters no id, secret or key has. "
                    "Copy it again, without the word Bearer."
                )
        credentials: Credentials = StaticKey(secret)
        if client_id:
            credentials = shared_credentials(client_id, secret, settings, budget)
        self.transport = Transport(SendPulseDialect(credentials), settings, budget)
        # Says whether two connections open the same account the same way, and nothing else about them.
        self.fingerprint = blake2b(f"{settings.base_url} {client_id} {secret}".encode(), digest_size=8).hexdigest()

    def call(self, request: Request, answer_type: type[AnswerT]) -> AnswerT:
        """Make one call and return its answer decoded.

        :raises ServiceError: what the service said, or that it could not be reached.
        :raises OutcomeUnknownError: when a call that must not be repeated may have been carried out.
        """
        return self.transport.call(request, answer_type)


class _Total(msgspec.Struct):
    total: int


class _Data(msgspec.Struct):
    data: Json = None


class _Rows(msgspec.Struct):
    data: list[dict[str, Json]] = []


def _refuse_nothing(which: Sequence[str], parameter: str) -> None:
    """Let no call out that changes "these" without saying which; nobody documents what that does."""
    if not which:
        raise ConfigurationError(f"{parameter}: is empty. Name what is to be changed.")


def base64_of(text: str) -> str:
    """Return a text as the API wants contents."""
    return b64encode(text.encode()).decode()


def _encoded(body: Mapping[str, Json], *names: str) -> dict[str, Json]:
    return {**body, **{name: base64_of(body[name]) for name in names if isinstance(body.get(name), str)}}


def _given(body: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in body.items() if value is not None}

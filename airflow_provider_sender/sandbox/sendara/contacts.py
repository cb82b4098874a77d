"""``/v1/contacts``: list, look up, create, change and delete contacts."""

from __future__ import annotations

import json

import msgspec

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.campaigns import campaign_id
from airflow_provider_sender.sandbox.account.database import Value
from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.account.fields import field_id
from airflow_provider_sender.sandbox.account.ids import row_number
from airflow_provider_sender.sandbox.account.mails import Mail, Outcome
from airflow_provider_sender.sandbox.account.records import EVERYBODY, FieldType, Subscriber, SubscriberStatus
from airflow_provider_sender.sandbox.sendara.checks import Body, body_of
from airflow_provider_sender.sandbox.sendara.dates import written
from airflow_provider_sender.sandbox.sendara.keys import route
from airflow_provider_sender.sandbox.sendara.pages import contact_page, natural, stretch
from airflow_provider_sender.sandbox.sendara.people import rendered
from airflow_provider_sender.sandbox.sendara.replies import answer, invalid, not_found, nothing, refused
from airflow_provider_sender.sandbox.sendara.suppressions import REASONS, suppress
from airflow_provider_sender.sandbox.wire import Call, Reply

CONSENTS = ("subscribed", "unsubscribed", "unknown")


class Wanted(msgspec.Struct):
    """What a body says about a contact; what it does not mention is not touched.

    :param email: the address, where there is one.
    :param columns: new values of the account's own columns.
    :param attributes: all of the contact's attributes.
    """

    email: str | None
    columns: dict[str, Value]
    attributes: dict[str, Json] | None
    tags: list[str] | None
    consent: str | None


def wanted(body: Body) -> Wanted:
    """Read a contact."""
    columns: dict[str, Value] = {}
    for name, column in (("first_name", "firstname"), ("last_name", "lastname")):
        if name in body:
            columns[column] = body.text(name)
    if "phone_number" in body:
        columns["phone"] = body.phone("phone_number")
    return Wanted(
        email=body.address("email"),
        columns=columns,
        attributes=body.mapping("attributes"),
        tags=body.strings("tags"),
        consent=body.choice("email_consent", CONSENTS),
    )


def created(account: Account, contact: Wanted) -> Subscriber:
    """A new contact.

    :raises Refused: when it has neither address nor phone number.
    """
    phone = contact.columns.get("phone")
    if contact.email is None and phone is None:
        raise invalid("email or phone_number is required")
    now, delay = account.now, account.settings.listing_delay_seconds
    # The account tells people apart by address; this stands for one, and Sendara neither shows nor mails it.
    email = contact.email or f"no-address:{account.database.next_number('subscribers')}"
    subscriber = account.subscribers.add(email, now, listed_at=now + delay if delay else 0)
    return changed(account, subscriber, contact)


def changed(account: Account, subscriber: Subscriber, contact: Wanted) -> Subscriber:
    """A contact with what was said about it; attributes and tags replace the old ones."""
    changes: dict[str, Value] = dict(contact.columns)
    if contact.email is not None:
        changes["email"] = contact.email
    if contact.attributes is not None:
        changes["field_values"] = json.dumps(_values(account, contact.attributes))
    if contact.tags is not None:
        changes["tags"] = json.dumps(list(dict.fromkeys(contact.tags)))
    if contact.consent is not None:
        changes |= _consent_changes(account, subscriber, contact.consent)
    account.subscribers.change(subscriber, {**changes, "modified": account.now})
    return account.subscribers.read([subscriber.number])[0]


def _values(account: Account, attributes: dict[str, Json]) -> dict[str, Json]:
    return {attribute_field(account, name, value): value for name, value in attributes.items()}


def attribute_field(account: Account, name: str, value: Json) -> str:
    """The id of the account's field that keeps an attribute, made when there is none of exactly this name."""
    found = next((field for field in account.fields.all() if field.title == name), None)
    if found is None:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        found = account.fields.add(name, FieldType.NUMBER if is_number else FieldType.TEXT, account.now)
    return field_id(found)


def _consent_changes(account: Account, subscriber: Subscriber, consent: str) -> dict[str, Value]:
    """Consent is one thing and suppression another: who had bounced stays suppressed, whatever they agree to."""
    reason = REASONS.get(SubscriberStatus(subscriber.status))
    if reason is not None:
        suppress(account, "email", subscriber.email, reason)
    if consent == "unsubscribed":
        return {"status": SubscriberStatus.UNSUBSCRIBED, "unsubscribed_at": int(account.now), "consent": None}
    return {"status": SubscriberStatus.ACTIVE, "unsubscribed_at": None, "bounced_at": None, "consent": consent}


def find_contact(account: Account, id: str) -> Subscriber | None:
    """The contact with an id."""
    number = row_number("subscriber", id.removeprefix("ct_")) if id.startswith("ct_") else None
    return None if number is None else next(iter(account.subscribers.read([number])), None)


def the_contact(account: Account, call: Call) -> Subscriber:
    """The contact a path names."""
    found = find_contact(account, call.parameters["id"])
    if found is None:
        raise not_found("Contact")
    return found


def shown(account: Account, subscriber: Subscriber, status: int = 200) -> Reply:
    """One contact."""
    return Reply(status, rendered(account, [subscriber.number])[0])


def _list(account: Account, call: Call) -> Reply:
    return contact_page(account, EVERYBODY, stretch(call, account.settings), "contacts")


def _get(account: Account, call: Call) -> Reply:
    return shown(account, the_contact(account, call))


def _post(account: Account, call: Call) -> Reply:
    contact = wanted(body_of(call))
    _free(account, contact, None)
    return shown(account, created(account, contact), 201)


def _put(account: Account, call: Call) -> Reply:
    subscriber, contact = the_contact(account, call), wanted(body_of(call))
    _free(account, contact, subscriber)
    return shown(account, changed(account, subscriber, contact))


def _free(account: Account, contact: Wanted, holder: Subscriber | None) -> None:
    found = None if contact.email is None else account.subscribers.find(contact.email)
    if found is not None and (holder is None or found.number != holder.number):
        raise refused("duplicate_contact", "A contact with this email already exists")


def _delete(account: Account, call: Call) -> Reply:
    account.subscribers.delete([the_contact(account, call).number])
    return nothing()


def _usage(account: Account, call: Call) -> Reply:
    return answer({"contact_count": account.subscribers.count(), "contact_limit": None})


def _activity(account: Account, call: Call) -> Reply:
    """What broadcasts did to a contact, newest first."""
    subscriber = the_contact(account, call)
    campaigns = {campaign.number: campaign for campaign in account.campaigns.of("sendara")}
    events: list[dict[str, object]] = []
    for mail in reversed(account.mails.to(subscriber.number)):
        campaign = campaigns.get(mail.campaign_number)
        if campaign is not None:
            types = ["sent"] if campaign.sent_at is None else ["sent", *_outcomes(mail)]
            events += [_event(mail, type) for type in reversed(types)]
    return answer({"activity": events[: natural(call.query.get("limit")) or account.settings.sendara_default_limit]})


def _outcomes(mail: Mail) -> list[str]:
    if mail.came_to(Outcome.HARD_BOUNCE) or mail.came_to(Outcome.SOFT_BOUNCE):
        return ["bounced"]
    types = ["delivered", "opened"] if mail.came_to(Outcome.OPEN) else ["delivered"]
    return [*types, "complained"] if mail.came_to(Outcome.COMPLAINT) else types


def _event(mail: Mail, type: str) -> dict[str, object]:
    return {
        "type": type,
        "channel": "email",
        "broadcast_id": "bc_" + campaign_id(mail.campaign_number),
        "occurred_at": written(mail.mailed_at + (0 if type == "sent" else mail.fate % 900)),
    }


ROUTES = (
    route("read", "GET", "/v1/contacts", _list),
    route("send", "POST", "/v1/contacts", _post),
    route("read", "GET", "/v1/contacts/usage", _usage),
    route("read", "GET", "/v1/contacts/{id}", _get),
    route("send", "PUT", "/v1/contacts/{id}", _put),
    route("send", "DELETE", "/v1/contacts/{id}", _delete),
    route("read", "GET", "/v1/contacts/{id}/activity", _activity),
)

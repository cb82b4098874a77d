"""``/v1/suppressions``: recipients nobody may write to, by name or because they bounced or complained."""

from __future__ import annotations

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Document, Json
from airflow_provider_sender.sandbox.account.listing import page_of
from airflow_provider_sender.sandbox.account.records import Audience, Subscriber, SubscriberStatus
from airflow_provider_sender.sandbox.sendara.checks import body_of, is_address
from airflow_provider_sender.sandbox.sendara.dates import written
from airflow_provider_sender.sandbox.sendara.keys import route
from airflow_provider_sender.sandbox.sendara.pages import stretches
from airflow_provider_sender.sandbox.sendara.people import SUPPRESSION
from airflow_provider_sender.sandbox.sendara.replies import answer, invalid, not_found, nothing
from airflow_provider_sender.sandbox.wire import Call, Reply

CHANNELS = ("email", "sms", "push", "voice", "webhook")
REASONS = {SubscriberStatus.BOUNCED: "hard_bounce", SubscriberStatus.SPAM_REPORTED: "complaint"}
_SUPPRESSED = Audience("status IN (?, ?)", tuple(REASONS))


def suppress(account: Account, channel: str, recipient: str, reason: str | None) -> Document:
    """Suppress a recipient; one that is suppressed already stays so, for the reason given last."""
    kept: dict[str, Json] = {
        "channel": channel, "recipient": recipient, "reason": reason, "updated_at": account.now,
    }  # fmt: skip
    found = _named(account, channel, recipient)
    document = account.documents.add(SUPPRESSION, kept, account.now) if found is None else found
    _forget(account, recipient)
    return account.documents.change(document, kept)


def is_suppressed(account: Account, channel: str, recipient: str) -> bool:
    """Whether a recipient may not be written to."""
    return _named(account, channel, recipient) is not None or _bounced(account, channel, recipient) is not None


def _named(account: Account, channel: str, recipient: str) -> Document | None:
    for document in account.documents.all(SUPPRESSION):
        if document.body["channel"] == channel and str(document.body["recipient"]).lower() == recipient.lower():
            return document
    return None


def _bounced(account: Account, channel: str, recipient: str) -> Subscriber | None:
    found = account.subscribers.find(recipient) if channel == "email" and is_address(recipient) else None
    return found if found is not None and found.status in REASONS else None


def _forget(account: Account, recipient: str) -> None:
    """A contact's consent may show that it is suppressed."""
    found = account.subscribers.find(recipient)
    if found is not None:
        account.subscribers.forget_rendered([found.number])


def _as_json(document: Document) -> dict[str, object]:
    body = document.body
    updated = body.get("updated_at")
    return {
        "channel": body["channel"],
        "recipient": body["recipient"],
        "state": "suppressed",
        "reason": body.get("reason"),
        "updated_at": written(updated if isinstance(updated, float) else document.created),
    }


def _of_contact(subscriber: Subscriber) -> dict[str, object]:
    return {
        "channel": "email",
        "recipient": subscriber.email,
        "state": "suppressed",
        "reason": REASONS[SubscriberStatus(subscriber.status)],
        "updated_at": written(subscriber.bounced_at or subscriber.modified or subscriber.created),
    }


def _list(account: Account, call: Call) -> Reply:
    channel = call.query.get("channel")
    rows = [
        _as_json(document)
        for document in reversed(account.documents.all(SUPPRESSION))
        if channel in (None, "", document.body["channel"])
    ]
    if channel in (None, "", "email"):
        named = {str(row["recipient"]).lower() for row in rows if row["channel"] == "email"}
        numbers = account.subscribers.listing.ascending("created", _SUPPRESSED, account.now)
        bounced = account.subscribers.read(page_of(numbers, 0, len(numbers), descending=True))
        rows += [_of_contact(subscriber) for subscriber in bounced if subscriber.email.lower() not in named]
    part = stretches(call, account.settings)[account.settings.sendara_suppressions]
    return answer({"suppressions": rows[part.offset : part.offset + part.limit]})


def _post(account: Account, call: Call) -> Reply:
    body = body_of(call)
    channel, recipient = body.needed("channel"), body.needed("recipient")
    body.choice("channel", CHANNELS)
    if channel == "email":
        body.needed_address("recipient")
    return answer(_as_json(suppress(account, channel, recipient, body.text("reason"))), 201)


def _delete(account: Account, call: Call) -> Reply:
    channel, recipient = call.query.get("channel"), call.query.get("recipient")
    if not channel or not recipient:
        raise invalid(f"{'recipient' if channel else 'channel'} is required")
    named, bounced = _named(account, channel, recipient), _bounced(account, channel, recipient)
    if named is None and bounced is None:
        raise not_found("Suppression")
    if named is not None:
        account.documents.delete(named)
    if bounced is not None:
        account.subscribers.change(bounced, {"status": SubscriberStatus.ACTIVE, "bounced_at": None})
    _forget(account, recipient)
    return nothing()


ROUTES = (
    route("read", "GET", "/v1/suppressions", _list),
    route("send", "POST", "/v1/suppressions", _post),
    route("send", "DELETE", "/v1/suppressions", _delete),
)

"""``/v1/webhooks``: kept and shown. The sandbox calls nobody; its control API hands out signed deliveries."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets

import msgspec

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Document, Json
from airflow_provider_sender.sandbox.sendara.checks import Body, body_of
from airflow_provider_sender.sandbox.sendara.dates import written
from airflow_provider_sender.sandbox.sendara.keys import route
from airflow_provider_sender.sandbox.sendara.pages import natural
from airflow_provider_sender.sandbox.sendara.replies import answer, invalid, not_found, nothing
from airflow_provider_sender.sandbox.wire import Call, Reply

_KIND = "sendara webhook"
_DELIVERY = "sendara delivery"
_PREFIX = "message."


class Delivery(msgspec.Struct):
    """What a subscriber's endpoint would be sent.

    :param headers: those that prove where it comes from, and the content type.
    :param body: the raw body the signature is over.
    """

    headers: dict[str, str]
    body: str


def find_webhook(account: Account, id: str) -> Document | None:
    """The subscription with an id."""
    return account.documents.find(_KIND, id.removeprefix("wh_")) if id.startswith("wh_") else None


def deliver(account: Account, webhook: Document, event_type: str, message_id: str, timestamp: int) -> Delivery:
    """A signed delivery, written down among the subscription's deliveries.

    :param event_type: its bare name, such as ``delivered``.
    :param timestamp: when it is signed, in seconds since the epoch.
    """
    named = f"{_PREFIX}{event_type}" if account.settings.sendara_event_names == "prefixed" else event_type
    event_id = f"evt_{secrets.token_hex(8)}"
    event = {
        "event_id": event_id,
        "event_type": named,
        "message_id": message_id,
        "channel": "email",
        "occurred_at": written(timestamp),
    }
    body = json.dumps(event, separators=(",", ":"))
    secret = str(webhook.body["signing_secret"])
    signature = hmac.new(secret.encode(), f"{timestamp}.{body}".encode(), hashlib.sha256).hexdigest()
    kept: dict[str, Json] = {"webhook": webhook.id, "event_id": event_id, "event_type": named}
    account.documents.add(_DELIVERY, kept, account.now)
    headers = {
        "Content-Type": "application/json",
        "Sendara-Signature": signature,
        "Sendara-Timestamp": str(timestamp),
        "Sendara-Event-Id": event_id,
        "Sendara-Event-Type": named,
    }
    return Delivery(headers, body)


def _new_secret(account: Account) -> str:
    return secrets.token_hex(32) if account.settings.sendara_secret_form == "hex" else f"whsec_{secrets.token_hex(16)}"


def _as_json(account: Account, document: Document, *, is_new: bool = False) -> dict[str, object]:
    body, shown = document.body, is_new or account.settings.sendara_secret_form == "hex"
    return {
        "id": f"wh_{document.id}",
        "endpoint_url": body["endpoint_url"],
        "event_types": body["event_types"],
        **({"signing_secret": body["signing_secret"]} if shown else {}),
        "is_active": body["is_active"],
        "created_at": written(document.created),
    }


def _read(body: Body) -> dict[str, Json]:
    found: dict[str, Json] = {}
    if (url := body.text("endpoint_url")) is not None:
        if not url.startswith("https://"):
            raise invalid("endpoint_url must be an HTTPS URL")
        found["endpoint_url"] = url
    if (types := body.strings("event_types")) is not None:
        found["event_types"] = [*types]
    if (is_active := body.flag("is_active")) is not None:
        found["is_active"] = is_active
    return found


def _the_one(account: Account, call: Call) -> Document:
    found = find_webhook(account, call.parameters["id"])
    if found is None:
        raise not_found("Webhook")
    return found


def _list(account: Account, call: Call) -> Reply:
    webhooks = reversed(account.documents.all(_KIND))
    return answer({"webhooks": [_as_json(account, document) for document in webhooks]})


def _get(account: Account, call: Call) -> Reply:
    return answer(_as_json(account, _the_one(account, call)))


def _post(account: Account, call: Call) -> Reply:
    body = body_of(call)
    body.needed("endpoint_url")
    kept: dict[str, Json] = {
        "event_types": [], "is_active": True, **_read(body), "signing_secret": _new_secret(account),
    }  # fmt: skip
    return answer(_as_json(account, account.documents.add(_KIND, kept, account.now), is_new=True), 201)


def _put(account: Account, call: Call) -> Reply:
    document = _the_one(account, call)
    return answer(_as_json(account, account.documents.change(document, _read(body_of(call)))))


def _rotate(account: Account, call: Call) -> Reply:
    secret = _new_secret(account)
    account.documents.change(_the_one(account, call), {"signing_secret": secret})
    return answer({"signing_secret": secret})


def _delete(account: Account, call: Call) -> Reply:
    account.documents.delete(_the_one(account, call))
    return nothing()


def _deliveries(account: Account, call: Call) -> Reply:
    found = account.documents.where(_DELIVERY, "webhook", _the_one(account, call).id)
    limit = natural(call.query.get("limit")) or account.settings.sendara_default_limit
    rows = [
        {
            "id": f"whd_{delivery.id}",
            "event_id": delivery.body["event_id"],
            "event_type": delivery.body["event_type"],
            "status": "succeeded",
            account.settings.sendara_delivery_status_key: 200,
            "attempt_count": 1,
            "created_at": written(delivery.created),
        }
        for delivery in reversed(found)
    ]
    return answer({"deliveries": rows[:limit]})


ROUTES = (
    route("read", "GET", "/v1/webhooks", _list),
    route("admin", "POST", "/v1/webhooks", _post),
    route("read", "GET", "/v1/webhooks/{id}", _get),
    route("admin", "PUT", "/v1/webhooks/{id}", _put),
    route("admin", "DELETE", "/v1/webhooks/{id}", _delete),
    route("admin", "POST", "/v1/webhooks/{id}/rotate-secret", _rotate),
    route("read", "GET", "/v1/webhooks/{id}/deliveries", _deliveries),
)

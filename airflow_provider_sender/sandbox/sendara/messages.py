"""``/v1/messages``: what became of transactional messages."""

from __future__ import annotations

import base64
import binascii

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Document
from airflow_provider_sender.sandbox.sendara.dates import read, written
from airflow_provider_sender.sandbox.sendara.keys import route
from airflow_provider_sender.sandbox.sendara.pages import natural
from airflow_provider_sender.sandbox.sendara.replies import answer, invalid, not_found
from airflow_provider_sender.sandbox.sendara.usage import MESSAGE
from airflow_provider_sender.sandbox.wire import Call, Reply

_DEFAULT, _MAX = 50, 100
_CURSOR = "after:"


def _events(account: Account, message: Document) -> list[tuple[str, float]]:
    """What has happened to a message by now, and when."""
    body, settings = message.body, account.settings
    start = body["sends_at"]
    assert isinstance(start, float)
    if body["is_cancelled"]:
        return []
    end = start + settings.send_seconds
    timeline = [(settings.sendara_first_event, start), ("sent", (start + end) / 2)]
    if body["outcome"] == "complained":
        timeline.append(("delivered", end))
    timeline.append((str(body["outcome"]), end))
    return [(type, moment) for type, moment in timeline if moment <= account.now]


def _status(account: Account, message: Document) -> str:
    if message.body["is_cancelled"]:
        return "canceled"
    events = _events(account, message)
    if not events:
        return "scheduled"
    last: str = events[-1][0]
    return "queued" if last == account.settings.sendara_first_event else last


def _summary(account: Account, message: Document) -> dict[str, object]:
    body = message.body
    return {
        "id": f"msg_{message.id}",
        "channel": body["channel"],
        "status": _status(account, message),
        "message_type": body["message_type"],
        "created_at": written(message.created),
    }


def _as_json(account: Account, message: Document) -> dict[str, object]:
    events = [
        {"id": f"ev_{message.id}{place}", "type": type, "occurred_at": written(moment)}
        for place, (type, moment) in enumerate(_events(account, message), 1)
    ]
    key = message.body["idempotency_key"]
    return {**_summary(account, message), "idempotency_key": key, "events": events}


def _list(account: Account, call: Call) -> Reply:
    query = call.query
    if query.get("idempotency_key") and account.settings.sendara_key_lookup != "all":
        return _by_key(account, query["idempotency_key"])
    first, last = (_bound(query, name) for name in ("from", "to"))
    found = [
        message
        for message in reversed(account.documents.all(MESSAGE))
        if (first is None or int(message.created) >= first)
        and (last is None or int(message.created) <= last)
        and _is_meant(account, message, query)
    ]
    before = _position(query.get("cursor"))
    if before is not None:
        found = [message for message in found if message.number < before]
    limit = min(natural(query.get("limit")) or _DEFAULT, _MAX)
    shown = found[:limit]
    following = _cursor(shown[-1].number) if len(found) > limit else None
    return answer({"messages": [_summary(account, message) for message in shown], "next_cursor": following})


def _bound(query: dict[str, str], name: str) -> float | None:
    text = query.get(name)
    moment = read(text) if text else None
    if text and moment is None:
        raise invalid(f"{name} must be an RFC 3339 time")
    return moment


def _is_meant(account: Account, message: Document, query: dict[str, str]) -> bool:
    return (
        query.get("channel") in (None, "", message.body["channel"])
        and query.get("status") in (None, "", _status(account, message))
        and query.get("search", "").lower() in str(message.body["recipient"]).lower()
    )


def _cursor(number: int) -> str:
    return base64.urlsafe_b64encode(f"{_CURSOR}{number}".encode()).decode().rstrip("=")


def _position(cursor: str | None) -> int | None:
    if not cursor:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        text = ""
    number = text.removeprefix(_CURSOR)
    if not text.startswith(_CURSOR) or not number.isdigit():
        raise invalid("cursor is not valid")
    return int(number)


def _by_key(account: Account, key: str) -> Reply:
    found = account.documents.where(MESSAGE, "idempotency_key", key)
    if account.settings.sendara_key_lookup == "list":
        return answer({"messages": [_summary(account, message) for message in found], "next_cursor": None})
    if not found:
        raise not_found("Message")
    return answer(_as_json(account, found[0]))


def _the_one(account: Account, call: Call) -> Document:
    id = call.parameters["id"]
    found = account.documents.find(MESSAGE, id.removeprefix("msg_")) if id.startswith("msg_") else None
    if found is None:
        raise not_found("Message")
    return found


def _get(account: Account, call: Call) -> Reply:
    return answer(_as_json(account, _the_one(account, call)))


def _cancel(account: Account, call: Call) -> Reply:
    message = _the_one(account, call)
    if _status(account, message) != "scheduled":
        raise not_found("Scheduled message")
    account.outbox.take_back(str(message.body["ticket"]))
    account.documents.change(message, {"is_cancelled": True})
    return answer({"id": f"msg_{message.id}", "status": "canceled"})


ROUTES = (
    route("read", "GET", "/v1/messages", _list),
    route("read", "GET", "/v1/messages/{id}", _get),
    route("send", "POST", "/v1/messages/{id}/cancel", _cancel),
)

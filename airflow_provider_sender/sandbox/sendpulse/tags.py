"""``/tags``: labels. What is written goes through a queue, and is there a moment later."""

from __future__ import annotations

import hashlib

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Document, Json
from airflow_provider_sender.sandbox.sendpulse.codes import TARIFF
from airflow_provider_sender.sandbox.sendpulse.ids import document_key
from airflow_provider_sender.sandbox.sendpulse.reading import required, whole
from airflow_provider_sender.sandbox.sendpulse.replies import answer, invalid, number, refused
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Reply

_KIND = "sendpulse tag"
_QUEUE_SECONDS = 1.0


def _queued(account: Account, **more: object) -> Reply:
    seed = f"{account.now}:{account.database.next_number('documents')}"
    queue_id = hashlib.sha256(seed.encode()).hexdigest()[:24]
    return answer({"success": True, "code": "request_sended_to_queue", "queue_id": queue_id, **more})


def _tags(account: Account) -> list[Document]:
    """The tags that have come out of the queue."""
    return [tag for tag in account.documents.all(_KIND) if account.now >= tag.created + _QUEUE_SECONDS]


def _list(account: Account, call: Call) -> Reply:
    return answer(
        {
            "success": True,
            "data": [
                {"id": number(account, tag.number), "name": tag.body["name"], "color": tag.body["color"]}
                for tag in _tags(account)
            ],
        }
    )


def _check_plan(account: Account) -> None:
    if not account.settings.sendpulse_tags:
        raise refused(TARIFF)


def _the_tag(account: Account, id: str) -> Document:
    found = account.documents.find(_KIND, document_key(_KIND, id))
    if found is None:
        raise refused(8, 404)
    return found


def _post(account: Account, call: Call) -> Reply:
    _check_plan(account)
    name = required(call.json, "name")
    account.documents.add(_KIND, {"name": name, "color": call.json.get("color"), "pinned": []}, account.now)
    return _queued(account)


def _put(account: Account, call: Call) -> Reply:
    _check_plan(account)
    tag = _the_tag(account, call.parameters["id"])
    account.documents.change(tag, {"name": required(call.json, "name")})
    return _queued(account)


def _delete(account: Account, call: Call) -> Reply:
    _check_plan(account)
    account.documents.delete(_the_tag(account, call.parameters["id"]))
    return _queued(account)


def _pin(account: Account, call: Call) -> Reply:
    """Give somebody labels, or take them away."""
    _check_plan(account)
    what, key = call.segments[1], call.segments[2]
    person = required(call.json, key, 1101)
    given = call.json.get("tags")
    if not isinstance(given, list) or not given:
        raise invalid("The tags field is required.")
    for tag in [_the_tag(account, str(whole(id, "tags"))) for id in given]:
        pinned = tag.body["pinned"]
        others: list[Json] = [other for other in pinned if other != person] if isinstance(pinned, list) else []
        account.documents.change(tag, {"pinned": [*others, person] if what == "pin" else others})
    return _queued(account)


ROUTES = (
    Route("GET", "/tags", _list),
    Route("POST", "/tags", _post),
    Route("PUT", "/tags/{id}", _put),
    Route("DELETE", "/tags/{id}", _delete),
    Route("POST", "/tags/pin/email", _pin),
    Route("POST", "/tags/pin/phone", _pin),
    Route("POST", "/tags/unpin/email", _pin),
    Route("POST", "/tags/unpin/phone", _pin),
)

"""``/workflows``, which are made in the service's own pages, and ``/events``, which set them off."""

from __future__ import annotations

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Document, Json
from airflow_provider_sender.sandbox.sender.checks import Checks
from airflow_provider_sender.sandbox.sender.dates import plain
from airflow_provider_sender.sandbox.sender.pages import SortKey, page_of_all
from airflow_provider_sender.sandbox.sender.replies import (
    answer,
    done,
    invalid,
    not_found,
    precondition,
    single,
)
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Refused, Reply

_KIND = "workflow"
_STATUSES = ("DRAFT", "ACTIVE", "PAUSED")
_MOST_TEXT, _MOST_PROPERTIES = 2_048, 8_192


def _as_json(document: Document) -> dict[str, object]:
    return {
        "id": document.id,
        # Numbers, unlike everywhere else.
        "user_id": 42,
        "account_id": 7,
        "title": document.body["title"],
        "status": document.body["status"],
        "created": plain(document.created),
        "modified": plain(document.created),
        "emails_sent": _started(document),
        "type": "regular",
        "description": None,
        "thumbnail": None,
        "workflow_category_id": None,
    }


def _started(document: Document) -> int:
    started = document.body.get("started")
    return len(started) if isinstance(started, list) else 0


def _short_report(document: Document) -> dict[str, object]:
    return {"sent": _started(document), "opened": 0, "clicked": 0, "open_rate": 0, "click_rate": 0}


def _report(document: Document) -> dict[str, object]:
    rest = {"unsubscribed": 0, "bounced": 0, "unsubscribe_rate": 0, "bounce_rate": 0}
    return {**_short_report(document), **rest}


def _list(account: Account, call: Call) -> Reply:
    query = call.query
    limit = query.get("limit", "10")
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit) <= 100):
        raise Refused(invalid({"limit": ["The limit must be between 1 and 100."]}))
    if query.get("status", "ACTIVE") not in _STATUSES:
        raise Refused(invalid({"status": ["The selected status is invalid."]}))
    workflows = [
        document
        for document in account.documents.all(_KIND)
        if query.get("status") in (None, document.body["status"])
        and str(document.body["title"]).startswith(query.get("title", ""))
    ]
    keys: dict[str, SortKey[Document]] = {
        "id": lambda document: document.number,
        "created": lambda document: int(document.created),
        "title": lambda document: str(document.body["title"]),
        "status": lambda document: str(document.body["status"]),
    }
    return page_of_all(
        call,
        account.settings,
        workflows,
        lambda document: {**_as_json(document), "index_report": _short_report(document)},
        keys,
    )


def _the_one(account: Account, call: Call) -> Document:
    found = account.documents.find(_KIND, call.parameters["id"])
    if found is None:
        raise not_found()
    return found


def _get(account: Account, call: Call) -> Reply:
    document = _the_one(account, call)
    return single({**_as_json(document), "report": _report(document)})


def _average_report(account: Account, call: Call) -> Reply:
    return answer({"success": True, "data": _report(_the_one(account, call))})


def _steps(account: Account, call: Call) -> Reply:
    """The steps, in batches; these workflows have one step, so only the first batch has any."""
    document = _the_one(account, call)
    step = {"id": document.id, "type": "email", "position": 1, "active_subscribers_count": _started(document)}
    is_first = call.query.get("batch_no", "0") in ("", "0")
    return answer({"data": [step] if is_first else [], "next_batch": None})


def _start(account: Account, call: Call) -> Reply:
    document, checks = _the_one(account, call), Checks(call.json)
    email = checks.address("email", required=True)
    checks.passed()
    if document.body["status"] != "ACTIVE":
        raise precondition("You must activate workflow first")
    started = document.body.get("started")
    so_far: list[Json] = started if isinstance(started, list) else []
    account.documents.change(document, {"started": [*so_far, email]})
    return done("Workflow started")


def _event(account: Account, call: Call) -> Reply:
    checks = Checks(call.json)
    subscriber = checks.mapping("subscriber", required=True)
    if subscriber is not None and not any(subscriber.get(name) for name in ("id", "email", "phone")):
        checks.wrong("subscriber", "At least one of id, email and phone is required.")
    checks.text("type", required=True)
    currency = checks.text("value_currency")
    if currency is not None and not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        checks.wrong("value_currency", "The value_currency must be an ISO 4217 code.")
    value = checks.body.get("value")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        checks.wrong("value", "The value must be a number.")
    _check_properties(checks)
    checks.passed()
    account.documents.add("event", checks.body, account.now)
    return answer({"success": True, "message": "Event created"})


def _check_properties(checks: Checks) -> None:
    properties = checks.mapping("properties") or {}
    total = 0
    for name, value in properties.items():
        size = len(str(value).encode())
        total += len(name.encode()) + size
        if isinstance(value, dict | list):
            checks.wrong(f"properties.{name}", "Properties must not be nested.")
        elif size > _MOST_TEXT:
            checks.wrong(f"properties.{name}", "The property is larger than 2 KB.")
    if total > _MOST_PROPERTIES:
        checks.wrong("properties", "The properties are larger than 8 KB.")


ROUTES = (
    Route("GET", "/workflows", _list),
    Route("GET", "/workflows/{id}", _get),
    Route("GET", "/workflows/{id}/average_report", _average_report),
    Route("GET", "/workflows/{id}/steps", _steps),
    Route("POST", "/workflows/{id}/start", _start),
    Route("POST", "/events", _event),
)

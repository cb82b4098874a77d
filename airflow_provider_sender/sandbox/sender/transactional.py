"""``/transactional``: the templates of transactional e-mails, and how they did."""

from __future__ import annotations

from datetime import date, datetime

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Document, Json
from airflow_provider_sender.sandbox.sender.checks import Checks
from airflow_provider_sender.sandbox.sender.dates import plain
from airflow_provider_sender.sandbox.sender.identity import ACCOUNT_ID, USER_ID
from airflow_provider_sender.sandbox.sender.messages import KIND as MESSAGE
from airflow_provider_sender.sandbox.sender.pages import SortKey, page_of_all
from airflow_provider_sender.sandbox.sender.replies import done, not_found, single
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Reply

_KIND = "transactional"
_EDITORS = ("plain", "html", "builder")
_PERIODS = ("day", "week", "month", "year")
_TEXTS = ("title", "subject", "from", "reply_to", "preheader", "content", "last_action")


def _as_json(document: Document) -> dict[str, object]:
    body = document.body
    return {
        "id": document.id,
        "user_id": USER_ID,
        "account_id": ACCOUNT_ID,
        "title": body.get("title") or body.get("subject"),
        "subject": body.get("subject"),
        "from": body.get("from"),
        "reply_to": body.get("reply_to"),
        "domain_id": "b7yYKa",
        "created": plain(document.created),
        "modified": plain(document.created),
        "type": "API",
        "last_action": body.get("last_action") or "step1",
        "editor": body.get("editor"),
        "html": {"id": document.id, "html_content": body.get("content") or "", "thumbnail_url": None},
        "purchaseCount": 0,
    }


_KEYS: dict[str, SortKey[Document]] = {
    "id": lambda document: document.number,
    "created": lambda document: int(document.created),
    "title": lambda document: str(document.body.get("title")),
    "subject": lambda document: str(document.body.get("subject")),
}


def _list(account: Account, call: Call) -> Reply:
    return page_of_all(call, account.settings, account.documents.all(_KIND), _as_json, _KEYS)


def _the_one(account: Account, call: Call) -> Document:
    found = account.documents.find(_KIND, call.parameters["id"])
    if found is None:
        raise not_found()
    return found


def _get(account: Account, call: Call) -> Reply:
    return single(_as_json(_the_one(account, call)))


def _read(call: Call, *, is_new: bool) -> dict[str, Json]:
    checks = Checks(call.json)
    required = ("subject", "from") if is_new else ()
    body: dict[str, Json] = {
        name: checks.text(name, required=name in required) for name in _TEXTS if name != "reply_to"
    }
    body["reply_to"] = checks.address("reply_to", required=is_new)
    body["editor"] = checks.choice("editor", _EDITORS, required=is_new)
    checks.passed()
    return {name: value for name, value in body.items() if value is not None}


def _post(account: Account, call: Call) -> Reply:
    return single(_as_json(account.documents.add(_KIND, _read(call, is_new=True), account.now)))


def _patch(account: Account, call: Call) -> Reply:
    document = _the_one(account, call)
    return single(_as_json(account.documents.change(document, _read(call, is_new=False))))


def _delete(account: Account, call: Call) -> Reply:
    account.documents.delete(_the_one(account, call))
    return done("Campaign deleted")


def _sent_from(account: Account, template: Document) -> list[Document]:
    messages = account.documents.all(MESSAGE)
    return [message for message in messages if message.body.get("transactional_id") == template.id]


def _report(account: Account, call: Call) -> Reply:
    template, checks = _the_one(account, call), Checks({**call.query})
    bounds = {}
    for name in ("from", "to"):
        text = checks.text(name, required=True)
        try:
            bounds[name] = None if text is None else datetime.strptime(text, "%Y-%m-%d").date()
        except ValueError:
            checks.wrong(name, f"The {name} does not match the format Y-m-d.")
    checks.choice("period", _PERIODS, required=True)
    checks.passed()
    first, last = bounds["from"] or date.min, bounds["to"] or date.max
    days = [date.fromisoformat(str(plain(message.created))[:10]) for message in _sent_from(account, template)]
    sent = sum(first <= day <= last for day in days)
    return single({"sent": sent, "opens": 0, "clicks": 0, "bounces": 0, "unsubscribes": 0, "spam": 0})


def _sent(account: Account, call: Call) -> Reply:
    address = call.query.get("email_address")

    def recipient(message: Document) -> str:
        to = message.body.get("to")
        return str(to.get("email")) if isinstance(to, dict) else ""

    messages = [
        message
        for message in _sent_from(account, _the_one(account, call))
        if address is None or recipient(message) == address
    ]
    return page_of_all(
        call,
        account.settings,
        messages,
        lambda message: {"id": message.id, "email": recipient(message), "created": plain(message.created)},
        _KEYS,
    )


ROUTES = (
    Route("GET", "/transactional", _list),
    Route("GET", "/transactional/{id}", _get),
    Route("POST", "/transactional", _post),
    Route("PATCH", "/transactional/{id}", _patch),
    Route("DELETE", "/transactional/{id}", _delete),
    Route("GET", "/transactional/{id}/report", _report),
    Route("GET", "/transactional/{id}/sent", _sent),
)

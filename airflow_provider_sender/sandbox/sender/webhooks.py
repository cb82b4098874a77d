"""``/account/webhooks``: kept and shown; the sandbox calls nobody."""

from __future__ import annotations

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Document, Json
from airflow_provider_sender.sandbox.sender.checks import Checks
from airflow_provider_sender.sandbox.sender.identity import ACCOUNT_ID
from airflow_provider_sender.sandbox.sender.pages import page_of_all
from airflow_provider_sender.sandbox.sender.replies import done, not_found, single
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Reply

_KIND = "webhook"
_GROUP_TOPICS = ("groups/new-subscriber", "groups/unsubscribed")
_TOPICS = (
    "subscribers/new",
    "subscribers/updated",
    "subscribers/unsubscribed",
    "groups/new",
    *_GROUP_TOPICS,
    "campaigns/new",
    "bounces/new",
)


def _as_json(document: Document) -> dict[str, object]:
    return {
        "id": document.id,
        "account_id": ACCOUNT_ID,
        "url": document.body["url"],
        "topic": document.body["topic"],
        "group": document.body.get("group"),
        "total_deliveries": 0,
        "total_failures": 0,
        "response_time": None,
        "status": "ACTIVE",
    }


def _the_one(account: Account, call: Call) -> Document:
    found = account.documents.find(_KIND, call.parameters["id"])
    if found is None:
        raise not_found()
    return found


def _read(account: Account, call: Call, *, is_new: bool) -> dict[str, Json]:
    checks = Checks(call.json)
    url = checks.text("url", required=is_new)
    if url is not None and not url.startswith("https://"):
        checks.wrong("url", "The url must be an HTTPS address.")
    topic = checks.choice("topic", _TOPICS, required=is_new)
    group = checks.text("relation_id", required=topic in _GROUP_TOPICS)
    if group is not None and account.groups.find(group) is None:
        checks.wrong("relation_id", "The selected relation_id is invalid.")
    checks.passed()
    found: dict[str, Json] = {"url": url, "topic": topic, "group": group}
    return {name: value for name, value in found.items() if value is not None}


def _list(account: Account, call: Call) -> Reply:
    webhooks = account.documents.all(_KIND)
    return page_of_all(call, account.settings, webhooks, _as_json, {"created": lambda document: document.number})


def _get(account: Account, call: Call) -> Reply:
    return single(_as_json(_the_one(account, call)))


def _post(account: Account, call: Call) -> Reply:
    added = account.documents.add(_KIND, _read(account, call, is_new=True), account.now)
    return done("Webhook created", _as_json(added))


def _patch(account: Account, call: Call) -> Reply:
    document = _the_one(account, call)
    changed = account.documents.change(document, _read(account, call, is_new=False))
    return done("Webhook updated", _as_json(changed))


def _delete(account: Account, call: Call) -> Reply:
    account.documents.delete(_the_one(account, call))
    return done("Webhook deleted")


ROUTES = (
    Route("GET", "/account/webhooks", _list),
    Route("GET", "/account/webhooks/{id}", _get),
    Route("POST", "/account/webhooks", _post),
    Route("PATCH", "/account/webhooks/{id}", _patch),
    Route("DELETE", "/account/webhooks/{id}", _delete),
)

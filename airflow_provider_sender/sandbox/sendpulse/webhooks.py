"""``/v2/email-service/webhook``: kept and shown, a row for each action; the sandbox calls nobody."""

from __future__ import annotations

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Document
from airflow_provider_sender.sandbox.sendpulse.ids import document_key
from airflow_provider_sender.sandbox.sendpulse.reading import required
from airflow_provider_sender.sandbox.sendpulse.replies import done_v2, invalid, number, refused
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Reply

_KIND = "sendpulse webhook"
_PATH = "/v2/email-service/webhook"
_USER = 7_043_663
_ACTIONS = frozenset(
    {
        "new_emails",
        "delete",
        "unsubscribe",
        "task_status_update",
        "open",
        "delivered",
        "redirect",
        "spam",
        "hard_bounces",
        "soft_bounces",
    }
)


def _as_json(account: Account, webhook: Document) -> dict[str, object]:
    return {
        "id": number(account, webhook.number),
        "user_id": number(account, _USER),
        "url": webhook.body["url"],
        "action": webhook.body["action"],
    }


def _the_one(account: Account, call: Call) -> Document:
    found = account.documents.find(_KIND, document_key(_KIND, call.parameters["id"]))
    if found is None:
        raise refused(8, 404)
    return found


def _url(call: Call) -> str:
    url = required(call.json, "url")
    if not url.startswith(("http://", "https://")):
        raise invalid("The url format is invalid.")
    return url


def _list(account: Account, call: Call) -> Reply:
    return done_v2([_as_json(account, webhook) for webhook in account.documents.all(_KIND)])


def _get(account: Account, call: Call) -> Reply:
    return done_v2(_as_json(account, _the_one(account, call)))


def _post(account: Account, call: Call) -> Reply:
    url, actions = _url(call), call.json.get("actions")
    if not isinstance(actions, list) or not actions or not all(action in _ACTIONS for action in actions):
        raise invalid("The selected actions is invalid.")
    added = [account.documents.add(_KIND, {"url": url, "action": action}, account.now) for action in actions]
    return done_v2([_as_json(account, webhook) for webhook in added])


def _put(account: Account, call: Call) -> Reply:
    account.documents.change(_the_one(account, call), {"url": _url(call)})
    return done_v2([True])


def _delete(account: Account, call: Call) -> Reply:
    account.documents.delete(_the_one(account, call))
    return done_v2([True])


ROUTES = (
    Route("GET", _PATH, _list),
    Route("POST", _PATH, _post),
    Route("GET", _PATH + "/{id}", _get),
    Route("PUT", _PATH + "/{id}", _put),
    Route("DELETE", _PATH + "/{id}", _delete),
)

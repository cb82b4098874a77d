"""API keys, each with one scope, and what a scope may do."""

from __future__ import annotations

import secrets

import msgspec

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Document, Json
from airflow_provider_sender.sandbox.sendara.checks import body_of
from airflow_provider_sender.sandbox.sendara.dates import written
from airflow_provider_sender.sandbox.sendara.replies import answer, not_found, nothing, refused
from airflow_provider_sender.sandbox.service import Handler, Route
from airflow_provider_sender.sandbox.wire import Call, Reply

_KIND = "sendara key"
_SCOPES = ("send", "read", "admin")


class Key(msgspec.Struct, frozen=True):
    """Who a call is from.

    :param is_test: whether nothing is really sent.
    """

    scope: str
    is_test: bool


def key_of(account: Account, call: Call) -> Key | None:
    """The key a call was made with; the sandbox's own token is an ``admin`` key."""
    kind, _, secret = call.headers.get("authorization", "").partition(" ")
    if kind != "Bearer" or not secret:
        return None
    if secret == account.token:
        return Key("admin", secret.startswith("sk_test_"))
    for document in account.documents.all(_KIND):
        if document.body["key"] == secret:
            return Key(str(document.body["scope"]), bool(document.body["test_mode"]))
    return None


def route(scope: str, method: str, template: str, handler: Handler) -> Route:
    """An endpoint for keys of a scope."""

    def guarded(account: Account, call: Call) -> Reply:
        key, settings = key_of(account, call), account.settings
        assert key is not None
        may = {key.scope}
        if key.scope == "admin" and settings.sendara_admin_includes:
            may |= {"send", "read"}
        if key.scope == "send" and settings.sendara_send_reads:
            may.add("read")
        if scope not in may:
            raise refused("forbidden", f"This operation requires a key with the {scope} scope")
        return handler(account, call)

    return Route(method, template, guarded)


def _as_json(document: Document) -> dict[str, object]:
    return {
        "id": f"key_{document.id}",
        "key_prefix": str(document.body["key"])[:12],
        "scope": document.body["scope"],
        "test_mode": document.body["test_mode"],
        "created_at": written(document.created),
    }


def _new_secret(*, is_test: bool) -> str:
    return f"sk_{'test' if is_test else 'live'}_{secrets.token_hex(16)}"


def _the_one(account: Account, call: Call) -> Document:
    found = account.documents.find(_KIND, call.parameters["id"].removeprefix("key_"))
    if found is None:
        raise not_found("API key")
    return found


def _list(account: Account, call: Call) -> Reply:
    return answer({"keys": [_as_json(document) for document in reversed(account.documents.all(_KIND))]})


def _post(account: Account, call: Call) -> Reply:
    body = body_of(call, optional=True)
    scope, is_test = body.choice("scope", _SCOPES) or "send", bool(body.flag("test_mode"))
    kept: dict[str, Json] = {"key": _new_secret(is_test=is_test), "scope": scope, "test_mode": is_test}
    shown = _as_json(account.documents.add(_KIND, kept, account.now))
    return answer({"id": shown.pop("id"), "key": kept["key"], **shown}, 201)


def _rotate(account: Account, call: Call) -> Reply:
    document = _the_one(account, call)
    secret = _new_secret(is_test=bool(document.body["test_mode"]))
    account.documents.change(document, {"key": secret})
    return answer({"key": secret})


def _delete(account: Account, call: Call) -> Reply:
    account.documents.delete(_the_one(account, call))
    return nothing()


ROUTES = (
    route("admin", "GET", "/v1/keys", _list),
    route("admin", "POST", "/v1/keys", _post),
    route("admin", "POST", "/v1/keys/{id}/rotate", _rotate),
    route("admin", "DELETE", "/v1/keys/{id}", _delete),
)

"""``/fields``: the built-in ones, which have no id, and the account's own."""

from __future__ import annotations

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.database import Value
from airflow_provider_sender.sandbox.account.fields import bare_name, field_id
from airflow_provider_sender.sandbox.account.records import Field, FieldType
from airflow_provider_sender.sandbox.sender.checks import Checks
from airflow_provider_sender.sandbox.sender.dates import plain
from airflow_provider_sender.sandbox.sender.identity import ACCOUNT_ID, USER_ID
from airflow_provider_sender.sandbox.sender.pages import SortKey, page_of_all
from airflow_provider_sender.sandbox.sender.replies import done, not_found
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Reply

_BUILT_IN = ("Email", "Firstname", "Lastname", "Phone")


def _as_json(field: Field) -> dict[str, object]:
    is_own = field.number > 0
    return {
        "id": field_id(field) if is_own else None,
        "title": field.title,
        "account_id": ACCOUNT_ID if is_own else None,
        "user_id": USER_ID if is_own else None,
        "created": plain(field.created) if is_own else None,
        "modified": plain(field.modified) if is_own else None,
        "type": field.type,
        "show": field.shown,
        "field_name": "{$" + bare_name(field.title) + "}",
        "position": _position(field),
        "default": not is_own,
    }


def _built_in() -> list[Field]:
    """The built-in fields, numbered below zero in their order of appearance."""
    return [Field(index - len(_BUILT_IN), title, FieldType.TEXT, 1, 0, 0) for index, title in enumerate(_BUILT_IN)]


def _position(field: Field) -> int:
    return field.number + len(_BUILT_IN) + (field.number < 0)


def _list(account: Account, call: Call) -> Reply:
    keys: dict[str, SortKey[Field]] = {
        "id": lambda field: field.number,
        "title": lambda field: field.title,
        "type": lambda field: field.type,
        "created": lambda field: int(field.created),
        "modified": lambda field: int(field.modified),
        "position": _position,
    }
    return page_of_all(call, account.settings, [*_built_in(), *account.fields.all()], _as_json, keys)


def _the_one(account: Account, call: Call) -> Field:
    found = account.fields.find(call.parameters["id"])
    if found is None:
        raise not_found()
    return found


def _post(account: Account, call: Call) -> Reply:
    checks = Checks(call.json)
    title = checks.text("title", required=True)
    type = checks.choice("type", list(FieldType), required=True)
    if title is not None and account.fields.keyed(title) is not None:
        checks.wrong("title", "The title has already been taken.")
    checks.passed()
    assert title is not None
    assert type is not None
    return done("Field successfully created", _as_json(account.fields.add(title, type, account.now)))


def _patch(account: Account, call: Call) -> Reply:
    """Title and visibility; a type in the body changes nothing."""
    field, checks = _the_one(account, call), Checks(call.json)
    title, shown = checks.text("title"), checks.flag("show")
    checks.passed()
    changes: dict[str, Value] = {"modified": account.now}
    if title is not None:
        changes["title"] = title
    if shown is not None:
        changes["shown"] = int(shown)
    account.fields.change(field, changes)
    return done("Field successfully updated", _as_json(_the_one(account, call)))


def _delete(account: Account, call: Call) -> Reply:
    account.fields.delete(_the_one(account, call))
    return done("Field successfully deleted")


ROUTES = (
    Route("GET", "/fields", _list),
    Route("POST", "/fields", _post),
    Route("PATCH", "/fields/{id}", _patch),
    Route("DELETE", "/fields/{id}", _delete),
)

"""``/v1/templates``: stored content with ``{{ variables }}``."""

from __future__ import annotations

import re

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Document, Json
from airflow_provider_sender.sandbox.sendara.checks import Body, body_of
from airflow_provider_sender.sandbox.sendara.dates import written
from airflow_provider_sender.sandbox.sendara.keys import route
from airflow_provider_sender.sandbox.sendara.replies import answer, invalid, not_found, nothing, refused
from airflow_provider_sender.sandbox.wire import Call, Reply

_KIND = "sendara template"
_TEXTS = ("subject", "body_html", "body_text")
_CONTENT = (*_TEXTS, "body_json", "variables")
_VARIABLE = re.compile(r"\{\{\{?\s*([\w.]+)\s*\}?\}\}")
_STRAY = re.compile(r"\{\{|\}\}")


def find_template(account: Account, id: str) -> Document | None:
    """The template with an id."""
    return account.documents.find(_KIND, id.removeprefix("tmpl_")) if id.startswith("tmpl_") else None


def usable_template(account: Account, id: str) -> Document:
    """A template that can be sent.

    :raises Refused: when there is none, or it is switched off.
    """
    found = find_template(account, id)
    if found is None:
        raise not_found("Template")
    if not found.body["is_active"]:
        raise refused("invalid_template", "The template is not active")
    return found


def render(template: Document, values: dict[str, Json]) -> dict[str, str | None]:
    """A template's texts with values in the places of its variables.

    :raises Refused: when a required one is missing.
    """
    known = dict(values)
    variables = template.body.get("variables")
    for variable in variables if isinstance(variables, list) else []:
        if isinstance(variable, dict) and str(variable.get("name")) not in known:
            if variable.get("default") is not None:
                known[str(variable["name"])] = variable["default"]
            elif variable.get("required"):
                raise refused("missing_variable", f"Missing required variable: {variable.get('name')}")
    texts = {}
    for name in _TEXTS:
        text = template.body.get(name)
        filled = (
            _VARIABLE.sub(lambda found: _as_text(known.get(found.group(1))), text) if isinstance(text, str) else None
        )
        texts[name] = filled
    return texts


def _as_text(value: Json) -> str:
    return "" if value is None else str(value)


def _as_json(document: Document) -> dict[str, object]:
    body = document.body
    updated = body["updated_at"]
    assert isinstance(updated, float)
    return {
        "id": f"tmpl_{document.id}",
        "name": body["name"],
        "channel": "email",
        **{name: body.get(name) for name in _CONTENT},
        "version": body["version"],
        "is_active": body["is_active"],
        "created_at": written(document.created),
        "updated_at": written(updated),
    }


def _summary(document: Document) -> dict[str, object]:
    whole = _as_json(document)
    return {name: whole[name] for name in ("id", "name", "channel", "version", "is_active", "created_at")}


def _content(body: Body) -> dict[str, Json]:
    content: dict[str, Json] = {name: body.text(name) for name in _TEXTS if name in body}
    for text in content.values():
        if isinstance(text, str) and _STRAY.search(_VARIABLE.sub("", text)):
            raise refused("invalid_template", "The template has an unclosed or empty variable")
    if "body_json" in body:
        content["body_json"] = body.mapping("body_json")
    if "variables" in body:
        variables = body.array("variables") or []
        if not all(isinstance(each, dict) and isinstance(each.get("name"), str) for each in variables):
            raise invalid("variables must be an array of objects with a name")
        content["variables"] = variables
    return content


def _the_one(account: Account, call: Call) -> Document:
    found = find_template(account, call.parameters["id"])
    if found is None:
        raise not_found("Template")
    return found


def _list(account: Account, call: Call) -> Reply:
    return answer({"templates": [_summary(document) for document in reversed(account.documents.all(_KIND))]})


def _get(account: Account, call: Call) -> Reply:
    return answer(_as_json(_the_one(account, call)))


def _post(account: Account, call: Call) -> Reply:
    body = body_of(call)
    name = body.needed("name")
    body.needed("channel")
    body.choice("channel", ("email",))
    blank: dict[str, Json] = {name: None for name in _CONTENT}
    kept: dict[str, Json] = {
        **blank, "variables": [], **_content(body),
        "name": name, "version": 1, "is_active": True, "updated_at": account.now,
    }  # fmt: skip
    return answer(_as_json(account.documents.add(_KIND, kept, account.now)), 201)


def _put(account: Account, call: Call) -> Reply:
    document, body = _the_one(account, call), body_of(call)
    changes = _content(body)
    version = document.body["version"]
    assert isinstance(version, int)
    if any(document.body.get(name) != value for name, value in changes.items() if name != "subject"):
        changes["version"] = version + 1
    if "name" in body:
        changes["name"] = body.needed("name")
    if (is_active := body.flag("is_active")) is not None:
        changes["is_active"] = is_active
    return answer(_as_json(account.documents.change(document, {**changes, "updated_at": account.now})))


def _render(account: Account, call: Call) -> Reply:
    template, values = _the_one(account, call), body_of(call).mapping("vars")
    if values is None:
        raise invalid("vars is required")
    return answer(render(template, values))


def _delete(account: Account, call: Call) -> Reply:
    account.documents.delete(_the_one(account, call))
    return nothing()


ROUTES = (
    route("read", "GET", "/v1/templates", _list),
    route("send", "POST", "/v1/templates", _post),
    route("read", "GET", "/v1/templates/{id}", _get),
    route("send", "PUT", "/v1/templates/{id}", _put),
    route("send", "DELETE", "/v1/templates/{id}", _delete),
    route("read", "POST", "/v1/templates/{id}/render", _render),
)

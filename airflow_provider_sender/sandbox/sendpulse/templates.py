"""``/template`` and ``/templates``: texts that are kept. The vendor has one of its own, made in its layout editor."""

from __future__ import annotations

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Document
from airflow_provider_sender.sandbox.sendpulse.dates import local
from airflow_provider_sender.sandbox.sendpulse.ids import document_key
from airflow_provider_sender.sandbox.sendpulse.reading import decoded, page_of, text
from airflow_provider_sender.sandbox.sendpulse.replies import answer, done, invalid, number, refused
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Reply

_KIND = "sendpulse template"
_LANGUAGES = ("en", "ru", "ua", "tr", "es", "pt", "fr", "de", "it", "pl")
_REAL_IDS = 900_000
_VENDORS = 100
_VENDORS_OWN: dict[str, object] = {
    "id": "5f1e2d3c4b5a",
    "real_id": _VENDORS,
    "lang": "en",
    "name": "Spring sale",
    "name_slug": "spring-sale",
    "created": "2020-01-01 00:00:00",
    "full_description": None,
    "is_structure": True,
    "category": "other",
    "category_info": [],
    "tags": [],
    "owner": "sendpulse",
    "preview": "https://login.sendpulse.com/files/templates/100.png",
}


def real_id(template: Document) -> int:
    """A template's number for the API."""
    return _REAL_IDS + template.number


def the_template(account: Account, id: str, code: int = 290) -> Document:
    """One of the account's own templates, by either of its ids.

    :param code: the error's code when there is none.
    """
    number = str(int(id) - _REAL_IDS) if id.isascii() and id.isdigit() and int(id) > _REAL_IDS else ""
    key = document_key(_KIND, number) if number else id
    found = account.documents.find(_KIND, key)
    if found is None:
        raise refused(code)
    return found


def _as_json(account: Account, template: Document) -> dict[str, object]:
    return {
        "id": template.id,
        "real_id": number(account, real_id(template)),
        "lang": template.body["lang"],
        "name": template.body["name"],
        "name_slug": str(template.body["name"]).lower().replace(" ", "-"),
        "created": local(account, template.created),
        "full_description": None,
        "is_structure": False,
        "category": "",
        "category_info": [],
        "tags": [],
        "owner": "me",
        "preview": None,
    }


def _list(account: Account, call: Call) -> Reply:
    """The vendor's own templates, unless the account's are asked for."""
    owner = call.query.get("owner", "sendpulse")
    if owner not in ("me", "sendpulse"):
        raise invalid("The selected owner is invalid.")
    if owner == "sendpulse":
        return answer(page_of(call, [_VENDORS_OWN]))
    return answer([_as_json(account, template) for template in page_of(call, account.documents.all(_KIND))])


def _get(account: Account, call: Call) -> Reply:
    if call.parameters["id"] in (str(_VENDORS), _VENDORS_OWN["id"]):
        return answer({**_VENDORS_OWN, "body": "<h1>Sale</h1>"})
    template = the_template(account, call.parameters["id"])
    return answer({**_as_json(account, template), "body": template.body["body"]})


def _get_by_slug(account: Account, call: Call) -> Reply:
    for template in account.documents.all(_KIND):
        shown = _as_json(account, template)
        if shown["name_slug"] == call.parameters["slug"]:
            return answer({**shown, "body": template.body["body"]})
    if call.parameters["slug"] == _VENDORS_OWN["name_slug"]:
        return answer({**_VENDORS_OWN, "body": "<h1>Sale</h1>"})
    raise refused(290)


def _language(call: Call) -> str:
    lang = text(call.json, "lang") or "en"
    if lang not in _LANGUAGES:
        raise invalid("The selected lang is invalid.")
    return lang


def _body(call: Call) -> str:
    body = decoded(call.json, "body")
    if body is None:
        raise invalid("The body field is required.")
    return body


def _post(account: Account, call: Call) -> Reply:
    body, lang = _body(call), _language(call)
    templates = account.documents.all(_KIND)
    name = text(call.json, "name") or f"Template {len(templates) + 1}"
    if any(template.body["name"] == name for template in templates):
        raise refused(573)
    added = account.documents.add(_KIND, {"name": name, "body": body, "lang": lang}, account.now)
    return done(real_id=number(account, real_id(added)))


def _edit(account: Account, call: Call) -> Reply:
    if call.parameters["id"] in (str(_VENDORS), _VENDORS_OWN["id"]):
        raise refused(2900)
    template = the_template(account, call.parameters["id"], 31)
    account.documents.change(template, {"body": _body(call), "lang": _language(call)})
    return done()


ROUTES = (
    Route("GET", "/templates", _list),
    Route("POST", "/template", _post),
    Route("GET", "/template/{id}", _get),
    Route("GET", "/template/slug/{slug}", _get_by_slug),
    Route("POST", "/template/edit/{id}", _edit),
)

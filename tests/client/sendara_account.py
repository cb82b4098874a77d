"""A Sendara account in memory, behind ``requests``. What its documents leave open can be decided either way.

It answers as the reference has it; see the fields of :class:`Ways` for where sources contradict each other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import requests_mock

from airflow_provider_sender.client.sendara.client import RATE_WINDOW, SendaraClient
from airflow_provider_sender.client.sendara.dialect import SendaraDialect
from airflow_provider_sender.client.sendara.service import SendaraService
from airflow_provider_sender.client.sendara.writing import ImportForm
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.client.sliding import SlidingBudget
from airflow_provider_sender.client.transport import Transport
from tests.client.accounts import Clock

BASE = "https://api.sendara.test"
KEY = "sk_live_key-nobody-may-see"
BEGAN = datetime(2026, 6, 14, 10, tzinfo=UTC)


@dataclass
class Ways:
    """How this account does what no document settles.

    :param most_a_page: rows a page holds at the most, whatever is asked for.
    :param members_are_paged: whether ``limit`` and ``offset`` mean anything for a list's members.
    :param import_replaces: whether an import puts other attributes and tags in the place of those there.
    :param import_subscribes: whether an import without a consent makes people subscribed.
    :param import_refuses: whom an import skips.
    :param import_is_silent: whether an import says nothing.
    :param largest_import: contacts an import takes.
    :param nests: whether an error is within an envelope.
    :param lists_suppressed: whether the suppression list can be read.
    :param refuses_suppression_pages: whether it refuses to be asked for in pages.
    :param takes_names: whether a broadcast's sender may have a name.
    """

    most_a_page: int = 100
    members_are_paged: bool = False
    import_replaces: bool = False
    import_subscribes: bool = False
    import_refuses: Callable[[dict[str, Any]], bool] = lambda contact: "@" not in contact.get("email", "")
    import_is_silent: bool = False
    largest_import: int = 10_000
    nests: bool = True
    takes_names: bool = True
    lists_suppressed: bool = True
    refuses_suppression_pages: bool = False


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str) -> None:
        self.status, self.code = status, code


@dataclass
class SendaraAccount:
    """The account, and what was asked of it.

    :param before: called before a request is carried out, with its method and path.
    """

    ways: Ways = field(default_factory=Ways)
    contacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    broadcasts: dict[str, dict[str, Any]] = field(default_factory=dict)
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    suppressed: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    before: Callable[[str, str], None] = lambda method, path: None
    waits: list[float] = field(default_factory=list)

    def service(self, form: ImportForm = ImportForm.CONTACTS, **settings: Any) -> SendaraService:
        return SendaraService(self.client(**settings), form)

    def client(self, **settings: Any) -> SendaraClient:
        return make_client(BASE, self.waits, **settings)

    def add(self, email: str, **values: Any) -> dict[str, Any]:
        number = len(self.contacts) + 1
        contact = {
            "id": f"ct_{number:06}",
            "email": email,
            "phone_number": None,
            "first_name": "",
            "last_name": "",
            "attributes": {},
            "tags": [],
            "email_consent": "subscribed",
            "account_id": "acc_1",
            "created_at": (BEGAN + timedelta(seconds=number)).isoformat().replace("+00:00", "Z"),
            **values,
        }
        self.contacts[contact["id"]] = contact
        return contact

    def person(self, email: str) -> dict[str, Any]:
        (found,) = (each for each in self.contacts.values() if each["email"] == email)
        return found

    def count(self, method: str, path: str) -> int:
        return sum(made == (method, path) for made in self.calls)

    # Over the wire

    def answer(self, request: Any, context: Any) -> Any:
        parts = urlsplit(request.url)
        path = unquote(parts.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        is_json = request.headers["Content-Type"] == "application/json"
        body = json.loads(request.body) if request.body and is_json else request.body
        self.calls.append((request.method, re.sub(r"/(ct|list|bc|msg|wh|tmpl)_\w+", r"/{\1}", path)))
        self.bodies.append(body)
        self.before(request.method, path)
        try:
            context.status_code, said = self.carry_out(request.method, path.split("/")[2:], query, body)
        except Refused as refused:
            context.status_code = refused.status
            inside = {"code": refused.code, "message": f"{refused.code} it is", "status": refused.status}
            said = {"error": inside} if self.ways.nests else inside
        context.headers["X-Request-Id"] = "req_1"
        return None if context.status_code == 204 else said

    def carry_out(self, method: str, where: list[str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        match method, *where:
            case "GET", "contacts":
                return 200, {"contacts": self.page(list(self.contacts.values()), query)}
            case "POST", "contacts":
                return 201, self.create(body)
            case "POST", "contacts", "import":
                return 200, self.imported(body["contacts"])
            case "POST", "contacts", "import", "inline":
                return 200, self.imported(body["rows"])
            case "GET", "contacts", "lists":
                lists = [{"id": each, "name": each.title()} for each in self.lists]
                return 200, {"lists": self.page(lists, query)}
            case "GET", "contacts", "lists", list_id, "members":
                return 200, {"members": self.members(list_id, query)}
            case "POST", "contacts", "lists", list_id, "members":
                return 201, self.join(list_id, body["contact_id"])
            case "DELETE", "contacts", "lists", list_id, "members", contact_id:
                self.list_of(list_id).remove(self.the(self.contacts, contact_id)["id"])
                return 204, None
            case "GET", "contacts", contact_id:
                return 200, self.the(self.contacts, contact_id)
            case "PUT", "contacts", contact_id:
                self.the(self.contacts, contact_id).update(body)
                return 200, {"id": contact_id}
            case "DELETE", "contacts", contact_id:
                self.the(self.contacts, contact_id)
                del self.contacts[contact_id]
                return 204, None
            case "POST", "suppressions":
                self.suppressed[body["recipient"]] = body.get("reason", "")
                return 201, {**body, "state": "suppressed"}
            case "GET", "suppressions":
                if not self.ways.lists_suppressed:
                    raise Refused(404, "not_found")
                if self.ways.refuses_suppression_pages and "limit" in query:
                    raise Refused(400, "invalid_request")
                told = [
                    {"channel": "email", "recipient": each, "reason": self.suppressed[each]} for each in self.suppressed
                ]
                return 200, {"suppressions": told}
            case "GET", "broadcasts":
                return 200, {"broadcasts": self.page(list(self.broadcasts.values()), query)}
            case "POST", "broadcasts":
                return 201, self.broadcast(body)
            case "GET", "broadcasts", broadcast_id:
                made = self.the(self.broadcasts, broadcast_id)
                is_draft = made["status"] == "draft"
                stats = {} if is_draft else {"total": 4, "sent": 4, "delivered": 3, "bounced": 1}
                return 200, {"broadcast": made, "stats": stats}
            case "POST", "broadcasts", broadcast_id, "send":
                return 202, self.moved(broadcast_id, {"draft"}, "sending")
            case "POST", "broadcasts", broadcast_id, "cancel":
                return 200, self.moved(broadcast_id, {"draft", "scheduled"}, "cancelled")
            case "POST", "send":
                return 201, self.send(body)
            case "GET", "messages":
                found = self.messages.get(query["idempotency_key"])
                return 200, {"messages": [found["answer"]] if found else [], "next_cursor": None}
            case "GET", "usage":
                return 200, {"period": "2026-06", "total_send_count": 7, "channels": []}
        raise Refused(404, "not_found")

    def the(self, kind: dict[str, dict[str, Any]], identifier: str) -> dict[str, Any]:
        if identifier not in kind:
            raise Refused(404, "not_found")
        return kind[identifier]

    def list_of(self, list_id: str) -> list[str]:
        if list_id not in self.lists:
            raise Refused(404, "not_found")
        return self.lists[list_id]

    def page(self, oldest_first: list[dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
        start, limit = int(query.get("offset", 0)), int(query.get("limit", 20))
        return oldest_first[::-1][start : start + min(limit, self.ways.most_a_page)]

    def members(self, list_id: str, query: dict[str, str]) -> list[dict[str, Any]]:
        there = [self.contacts[each] for each in self.list_of(list_id) if each in self.contacts]
        return self.page(there, query) if self.ways.members_are_paged else there[::-1]

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        if "@" not in body.get("email", "@") or not (body.get("email") or body.get("phone_number")):
            raise Refused(400, "invalid_request")
        if body.get("email") and any(each["email"] == body["email"] for each in self.contacts.values()):
            raise Refused(409, "duplicate_contact")
        return self.add(**{"email": None, **body})

    def imported(self, rows: list[dict[str, Any]]) -> dict[str, int]:
        if len(rows) > self.ways.largest_import:
            raise Refused(413, "payload_too_large")
        told = {"imported": 0, "updated": 0, "skipped": 0}
        for row in rows:
            there = next((each for each in self.contacts.values() if each["email"] == row["email"]), None)
            if self.ways.import_refuses(row):
                told["skipped"] += 1
            elif there is None:
                self.add(**row)
                told["imported"] += 1
            else:
                self.merge(there, row)
                told["updated"] += 1
        return {} if self.ways.import_is_silent else told

    def merge(self, there: dict[str, Any], row: dict[str, Any]) -> None:
        if self.ways.import_replaces:
            there.update({"first_name": "", "last_name": "", "phone_number": None, "attributes": {}, "tags": []})
        if self.ways.import_subscribes:
            there["email_consent"] = "subscribed"
        attributes = {**there["attributes"], **row.get("attributes", {})}
        there.update({**row, "attributes": attributes})

    def join(self, list_id: str, contact_id: str) -> dict[str, Any]:
        members = self.list_of(list_id)
        self.the(self.contacts, contact_id)
        if contact_id in members:
            raise Refused(409, "duplicate_member")
        members.append(contact_id)
        return {"id": "lm_1", "contact_list_id": list_id, "contact_id": contact_id}

    def broadcast(self, body: dict[str, Any]) -> dict[str, Any]:
        if "<" in body["from_email"] and not self.ways.takes_names:
            raise Refused(422, "from_not_verified")
        number = len(self.broadcasts) + 1
        status = "sending" if body.get("send_now") else "scheduled" if body.get("scheduled_at") else "draft"
        made = {
            "id": f"bc_{number:04}",
            "status": status,
            "total_recipients": 0,
            "sent_count": 0,
            "created_at": (BEGAN + timedelta(minutes=number)).isoformat(),
            **{name: value for name, value in body.items() if name not in ("send_now", "list_ids")},
            "include_list_ids": body.get("list_ids"),
        }
        self.broadcasts[made["id"]] = made
        return made

    def moved(self, broadcast_id: str, before: set[str], after: str) -> dict[str, Any]:
        made = self.the(self.broadcasts, broadcast_id)
        if made["status"] not in before:
            raise Refused(409, "invalid_request")
        made["status"] = after
        return made

    def send(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["destination"]["email"] in self.suppressed:
            raise Refused(409, "recipient_suppressed")
        known = self.messages.setdefault(body["idempotency_key"], {"body": body, "answer": {}})
        if known["body"] != body:
            raise Refused(409, "idempotency_key_reused")
        known["answer"] = {
            "id": f"msg_{list(self.messages).index(body['idempotency_key']) + 1}",
            "status": "queued",
            "idempotency_key": body["idempotency_key"],
        }
        return dict(known["answer"])


def make_client(base_url: str, waits: list[float], *, key: str = KEY, **settings: Any) -> SendaraClient:
    """A client that only writes down how long it would have waited."""
    clock = Clock(waits)
    checked = Settings(base_url, **{"settle_time": 0.0, **settings}).checked()
    budget = SlidingBudget(window=RATE_WINDOW, max_wait=checked.max_wait, clock=clock.now, sleep=clock.sleep)
    client = SendaraClient(key, checked, budget)
    client.transport = Transport(SendaraDialect(key), checked, budget, sleep=clock.sleep)
    return client


def account_behind(mocker: requests_mock.Mocker, **ways: Any) -> SendaraAccount:
    account = SendaraAccount(Ways(**ways))
    mocker.register_uri(requests_mock.ANY, re.compile(re.escape(BASE)), json=account.answer)
    return account


def accounts(**ways: Any) -> Iterator[SendaraAccount]:
    """Yield an account, for a ``with`` or a fixture."""
    with requests_mock.Mocker() as mocker:
        yield account_behind(mocker, **ways)

"""Reading a campaign from a body: what has to be there, and the number of the error when it is not."""

from __future__ import annotations

import base64
import binascii
import json

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.database import Value
from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.account.groups import group_id
from airflow_provider_sender.sandbox.account.records import Group
from airflow_provider_sender.sandbox.sendpulse.books import list_of
from airflow_provider_sender.sandbox.sendpulse.dates import moment
from airflow_provider_sender.sandbox.sendpulse.ids import list_id, segment_key
from airflow_provider_sender.sandbox.sendpulse.reading import decoded, required, text, truth, whole
from airflow_provider_sender.sandbox.sendpulse.replies import invalid, refused
from airflow_provider_sender.sandbox.sendpulse.senders import is_activated
from airflow_provider_sender.sandbox.sendpulse.states import Detail
from airflow_provider_sender.sandbox.sendpulse.templates import the_template

_MOST_LISTS, _MOST_ATTACHMENTS = 10, 5


def read_sender(account: Account, body: dict[str, Json]) -> dict[str, Value]:
    """Who a campaign is from."""
    name, email = required(body, "sender_name", 701), required(body, "sender_email", 701)
    if not is_activated(account, email):
        raise refused(704)
    return {"sender_name": name, "reply_to": email}


def read_text(account: Account, body: dict[str, Json]) -> tuple[str | None, str | None]:
    """What it says: the text, or the id of a template."""
    content, template = decoded(body, "body"), body.get("template_id")
    decoded(body, "body_amp")
    if template in (None, ""):
        if content is None:
            raise refused(721)
        return content, None
    id = str(whole(template, "template_id"))
    return str(the_template(account, id, 31).body["body"]), id


def read_audience(account: Account, body: dict[str, Json], detail: Detail) -> tuple[list[Group], str | None]:
    """Who it goes to: up to ten lists, or a segment, which belongs to one list."""
    given = body.get("list_id")
    ids = given if isinstance(given, list) else [] if given in (None, "") else [given]
    segment = body.get("segment_id")
    if not ids and segment in (None, ""):
        raise refused(722)
    if len(ids) > _MOST_LISTS:
        raise invalid(f"The list_id may not have more than {_MOST_LISTS} items.")
    if len(ids) > 1 and (detail.is_test or segment not in (None, "")):
        raise invalid("Only one mailing list is allowed for a test or a segment.")
    groups = [list_of(account, str(whole(id, "list_id")), 703) for id in ids]
    detail.list_ids = [list_id(group.number) for group in groups]
    if any(not account.lists.counts(group) for group in groups):
        raise refused(211)
    if segment in (None, ""):
        return groups, None
    detail.segment_id = whole(segment, "segment_id")
    key = segment_key(detail.segment_id)
    if account.segments.find(key) is None:
        raise invalid("The selected segment_id is invalid.")
    return groups, key


def read_date(account: Account, body: dict[str, Json]) -> float | None:
    """When it goes out, in the account's zone; ``None`` for as soon as possible."""
    given = text(body, "send_date")
    if given is None:
        return None
    try:
        due = moment(account, given)
    except ValueError:
        raise refused(799) from None
    if due < int(account.now):
        raise refused(799)
    return due


def read_campaign(account: Account, body: dict[str, Json]) -> tuple[dict[str, Value], Detail, float | None]:
    """A new campaign: its columns, what only SendPulse knows of it, and when it is due."""
    detail = Detail(is_test=truth(body, "is_test"))
    columns = read_sender(account, body)
    subject = required(body, "subject", 720)
    content, detail.template_id = read_text(account, body)
    groups, segment = read_audience(account, body, detail)
    due = read_date(account, body)
    detail.send_date = text(body, "send_date")
    _read_statistics(body, detail)
    _read_attachments(body, detail)
    truth(body, "use_dynamic_list")
    columns |= {
        "title": text(body, "name") or subject,
        "subject": subject,
        "content": content,
        "group_ids": json.dumps([group_id(group) for group in groups]),
        "segment_ids": json.dumps([] if segment is None else [segment]),
        "service": "sendpulse",
    }
    return columns, detail, due


def _read_statistics(body: dict[str, Json], detail: Detail) -> None:
    given = body.get("stats") or {}
    if not isinstance(given, dict):
        raise invalid("The stats must be an array.")
    detail.opens, detail.clicks = truth(given, "opens", True), truth(given, "clicks", True)


def _read_attachments(body: dict[str, Json], detail: Detail) -> None:
    for name in ("attachments", "attachments_binary"):
        given = body.get(name) or {}
        if not isinstance(given, dict):
            raise invalid(f"The {name} must be an array.")
        if name == "attachments_binary":
            for file in given:
                decoded_file(given, file)
        detail.attachments += list(given)
    if len(detail.attachments) > _MOST_ATTACHMENTS:
        raise invalid(f"The attachments may not have more than {_MOST_ATTACHMENTS} items.")


def decoded_file(files: dict[str, Json], name: str) -> None:
    """Check that a file comes as Base64; its content need be no text."""
    given = files[name]
    try:
        base64.b64decode(given if isinstance(given, str) else "?", validate=True)
    except binascii.Error:
        raise invalid(f"The attachment {name} must be encoded in Base64.") from None

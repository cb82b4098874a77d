"""Many contacts in one call: import in its three described forms, bulk actions, and a look at a segment."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.account.records import Group, Subscriber
from airflow_provider_sender.sandbox.account.segments import matching
from airflow_provider_sender.sandbox.sendara.checks import Body, body_of
from airflow_provider_sender.sandbox.sendara.contacts import CONSENTS, Wanted, changed, created, find_contact, wanted
from airflow_provider_sender.sandbox.sendara.keys import route
from airflow_provider_sender.sandbox.sendara.lists import find_list, read_rules
from airflow_provider_sender.sandbox.sendara.people import rendered
from airflow_provider_sender.sandbox.sendara.replies import answer, invalid, not_found, refused
from airflow_provider_sender.sandbox.wire import Call, Refused, Reply

_ACTIONS = ("add_tag", "remove_tag", "add_to_list", "remove_from_list", "set_consent", "delete")


def _import(account: Account, call: Call) -> Reply:
    form, body = account.settings.sendara_import_form, body_of(call)
    if form == "s3":
        body.needed("s3_key")
        body.choice("format", ("csv", "json"))
        # What happens to the file nobody describes, nor how to put one there.
        return answer({"status": "queued"})
    rows = body.array("contacts")
    if form == "inline" or rows is None:
        raise invalid("contacts is required" if form == "contacts" else "Use /v1/contacts/import/inline")
    return _counted(account, rows, None, is_dry=False)


def _import_inline(account: Account, call: Call) -> Reply:
    if account.settings.sendara_import_form != "inline":
        raise not_found("Route")
    body = body_of(call)
    rows, id, is_dry = body.array("rows"), body.text("list_id"), bool(body.flag("dry_run"))
    if rows is None:
        raise invalid("rows is required")
    return _counted(account, rows, None if id is None else _static(account, id), is_dry=is_dry)


def _static(account: Account, id: str) -> Group:
    found = find_list(account, id)
    if not isinstance(found, Group):
        raise not_found("List")
    return found


def _counted(account: Account, rows: list[Json], group: Group | None, *, is_dry: bool) -> Reply:
    """Take every row by itself. Which ones were skipped is not told."""
    limit = account.settings.sendara_import_limit
    if limit is not None and len(rows) > limit:
        raise refused("payload_too_large", f"At most {limit} contacts can be imported in one call")
    counts = {"imported": 0, "updated": 0, "skipped": 0}
    new: set[str] = set()
    for row in rows:
        contact = _importable(account, row)
        if contact is None:
            counts["skipped"] += 1
            continue
        key = (contact.email or str(contact.columns["phone"])).lower()
        found = account.subscribers.find(contact.email) if contact.email is not None else None
        counts["updated" if found is not None or key in new else "imported"] += 1
        new.add(key)
        if not is_dry:
            stored = created(account, contact) if found is None else _merged(account, found, contact)
            if group is not None:
                account.groups.join(group, [stored.number])
    return answer(counts)


def _importable(account: Account, row: Json) -> Wanted | None:
    if not isinstance(row, dict):
        return None
    try:
        contact = wanted(Body(row))
    except Refused:
        return None
    skipped = account.settings.sendara_import_skips
    if skipped is not None and contact.email is not None and fnmatchcase(contact.email, skipped):
        return None
    return contact if contact.email is not None or contact.columns.get("phone") is not None else None


def _merged(account: Account, subscriber: Subscriber, contact: Wanted) -> Subscriber:
    if account.settings.sendara_import_merges:
        there = json.loads(rendered(account, [subscriber.number])[0])
        if contact.attributes is not None:
            contact.attributes = {**there["attributes"], **contact.attributes}
        if contact.tags is not None:
            contact.tags = [*there["tags"], *contact.tags]
    contact.email = None
    return changed(account, subscriber, contact)


def _bulk(account: Account, call: Call) -> Reply:
    body = body_of(call)
    ids, action = body.strings("ids"), body.choice("action", _ACTIONS)
    if ids is None or action is None:
        raise invalid("ids is required" if ids is None else "action is required")
    found = [subscriber for id in dict.fromkeys(ids) if (subscriber := find_contact(account, id)) is not None]
    numbers = [subscriber.number for subscriber in found]
    if action == "delete":
        account.subscribers.delete(numbers)
    elif action in ("add_to_list", "remove_from_list"):
        group = _static(account, body.needed("list_id"))
        change = account.groups.join if action == "add_to_list" else account.groups.leave
        change(group, numbers)
    else:
        _change_each(account, body, action, found)
    return answer({"affected": len(found)})


def _change_each(account: Account, body: Body, action: str, found: list[Subscriber]) -> None:
    consent = body.choice("consent", CONSENTS)
    if action == "set_consent" and (consent is None or body.choice("channel", ("email",)) is None):
        raise invalid("channel and consent are required")
    tag = None if action == "set_consent" else body.needed("tag")
    for subscriber in found:
        contact = Wanted(None, {}, None, None, consent if tag is None else None)
        if tag is not None:
            others = [each for each in json.loads(subscriber.tags) if each != tag]
            contact.tags = [*others, tag] if action == "add_tag" else others
        changed(account, subscriber, contact)


def _preview(account: Account, call: Call) -> Reply:
    match = read_rules(account, body_of(call).mapping("segment_rules"))
    return answer({"count": account.subscribers.count(matching(match))})


ROUTES = (
    route("send", "POST", "/v1/contacts/import", _import),
    route("send", "POST", "/v1/contacts/import/inline", _import_inline),
    route("send", "POST", "/v1/contacts/bulk", _bulk),
    route("read", "POST", "/v1/contacts/segments/preview", _preview),
)

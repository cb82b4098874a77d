"""``/v1/contacts/lists``: static lists are the account's groups, dynamic ones its segments."""

from __future__ import annotations

from typing import TypeAlias, TypeGuard

import msgspec

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.account.groups import group_id
from airflow_provider_sender.sandbox.account.ids import public_id
from airflow_provider_sender.sandbox.account.records import Audience, Group, Segment, Subscriber
from airflow_provider_sender.sandbox.account.segments import Match, segment_id
from airflow_provider_sender.sandbox.sendara.checks import Body, body_of
from airflow_provider_sender.sandbox.sendara.contacts import attribute_field, find_contact, the_contact
from airflow_provider_sender.sandbox.sendara.dates import written
from airflow_provider_sender.sandbox.sendara.keys import route
from airflow_provider_sender.sandbox.sendara.pages import contact_page, stretch, stretches
from airflow_provider_sender.sandbox.sendara.people import ACCOUNT_ID, contact_id
from airflow_provider_sender.sandbox.sendara.replies import answer, invalid, not_found, nothing, refused
from airflow_provider_sender.sandbox.wire import Call, Reply

ContactList: TypeAlias = Group | Segment


def list_id(found: ContactList) -> str:
    """A list's id."""
    return "list_" + (group_id(found) if isinstance(found, Group) else segment_id(found))


def find_list(account: Account, id: str) -> ContactList | None:
    """The list with an id; segments that no client made are none."""
    short = id.removeprefix("list_")
    if not id.startswith("list_"):
        return None
    group = account.groups.find(short)
    if group is not None:
        return group
    segment = account.segments.find(short)
    return segment if _is_made(segment) else None


def _is_made(segment: Segment | None) -> TypeGuard[Segment]:
    return segment is not None and segment.rule.startswith("{")


def audience_of(account: Account, found: ContactList) -> Audience:
    """Who is on a list."""
    return account.groups.members([found]) if isinstance(found, Group) else account.segments.audience(found)


def _match(segment: Segment) -> Match:
    return msgspec.json.decode(segment.rule, type=Match)


def _rules(found: ContactList) -> dict[str, object] | None:
    if isinstance(found, Group):
        return None
    match = _match(found)
    rules: dict[str, object] = {"tags": match.tags} if match.tags else {}
    return {**rules, "attributes": match.attributes} if match.attributes else rules


def _as_json(found: ContactList) -> dict[str, object]:
    is_static = isinstance(found, Group)
    return {
        "id": list_id(found),
        "account_id": ACCOUNT_ID,
        "name": found.title if isinstance(found, Group) else found.name,
        "list_type": "static" if is_static else "dynamic",
        "segment_rules": _rules(found),
        "created_at": written(found.created),
        "updated_at": written(found.modified if isinstance(found, Group) else found.created),
    }


def the_list(account: Account, call: Call) -> ContactList:
    """The list a path names."""
    found = find_list(account, call.parameters["id"])
    if found is None:
        raise not_found("List")
    return found


def _list(account: Account, call: Call) -> Reply:
    part = stretch(call, account.settings)
    chosen = _newest_first(account)[part.offset : part.offset + part.limit]
    return answer({"lists": [_as_json(found) for found in chosen]})


def _newest_first(account: Account) -> list[ContactList]:
    made: list[ContactList] = [*account.groups.all(), *filter(_is_made, account.segments.all())]
    return sorted(made, key=lambda found: (found.created, isinstance(found, Segment), found.number), reverse=True)


def _of_contact(account: Account, call: Call) -> Reply:
    number = the_contact(account, call).number
    return answer({"lists": [_as_json(found) for found in _newest_first(account) if _has(account, found, number)]})


def _has(account: Account, found: ContactList, number: int) -> bool:
    audience = audience_of(account, found)
    only = Audience(f"number = ? AND ({audience.condition})", (number, *audience.parameters))
    return account.subscribers.count(only) > 0


def _get(account: Account, call: Call) -> Reply:
    return answer(_as_json(the_list(account, call)))


def read_rules(account: Account, rules: dict[str, Json] | None) -> Match:
    """The rules of a dynamic list."""
    body = Body(rules or {}, "segment_rules.")
    tags, attributes = body.strings("tags") or [], body.mapping("attributes") or {}
    if not tags and not attributes:
        raise invalid("segment_rules must have tags or attributes")
    values = {attribute_field(account, name, value): value for name, value in attributes.items()}
    return Match(tags=tags, values={**values}, attributes={**attributes})


def _post(account: Account, call: Call) -> Reply:
    body = body_of(call)
    name, kind, rules = body.needed("name"), body.needed("list_type"), body.mapping("segment_rules")
    body.choice("list_type", ("static", "dynamic"))
    if kind == "static":
        return answer(_as_json(account.groups.add(name, account.now)), 201)
    return answer(_as_json(account.segments.add(name, read_rules(account, rules), account.now)), 201)


def _put(account: Account, call: Call) -> Reply:
    found, body = the_list(account, call), body_of(call)
    name, rules = body.text("name"), body.mapping("segment_rules")
    if isinstance(found, Group):
        if name is not None:
            account.groups.rename(found, name, account.now)
        return _get(account, call)
    match = _match(found) if rules is None else read_rules(account, rules)
    return answer(_as_json(account.segments.change(found, name or found.name, match)))


def _delete(account: Account, call: Call) -> Reply:
    found = the_list(account, call)
    if isinstance(found, Group):
        account.groups.delete(found)
    else:
        account.segments.delete(found)
    return nothing()


def _members(account: Account, call: Call) -> Reply:
    part = stretches(call, account.settings)[account.settings.sendara_members]
    return contact_page(account, audience_of(account, the_list(account, call)), part, "members")


def _static(account: Account, call: Call) -> Group:
    found = the_list(account, call)
    if not isinstance(found, Group):
        raise invalid("Members of a dynamic list follow from its segment_rules")
    return found


def member_id(group: Group, subscriber: Subscriber) -> str:
    """The id of somebody's being on a list."""
    return "lm_" + public_id("membership", group.number << 24 | subscriber.number)


def _add_member(account: Account, call: Call) -> Reply:
    group, id = _static(account, call), body_of(call).needed("contact_id")
    subscriber = find_contact(account, id)
    if subscriber is None:
        raise not_found("Contact")
    if account.groups.is_member(group, subscriber.number):
        raise refused("duplicate_member", "The contact is already a member of this list")
    account.groups.join(group, [subscriber.number])
    return answer(
        {
            "id": member_id(group, subscriber),
            "contact_list_id": list_id(group),
            "contact_id": contact_id(subscriber.number),
            "added_at": written(account.now),
        },
        201,
    )


def _remove_member(account: Account, call: Call) -> Reply:
    group, subscriber = _static(account, call), find_contact(account, call.parameters["contact_id"])
    if subscriber is None or not account.groups.is_member(group, subscriber.number):
        raise not_found("Member")
    account.groups.leave(group, [subscriber.number])
    return nothing()


ROUTES = (
    route("read", "GET", "/v1/contacts/lists", _list),
    route("read", "GET", "/v1/contacts/{id}/lists", _of_contact),
    route("send", "POST", "/v1/contacts/lists", _post),
    route("read", "GET", "/v1/contacts/lists/{id}", _get),
    route("send", "PUT", "/v1/contacts/lists/{id}", _put),
    route("send", "DELETE", "/v1/contacts/lists/{id}", _delete),
    route("read", "GET", "/v1/contacts/lists/{id}/members", _members),
    route("send", "POST", "/v1/contacts/lists/{id}/members", _add_member),
    route("send", "DELETE", "/v1/contacts/lists/{id}/members/{contact_id}", _remove_member),
)

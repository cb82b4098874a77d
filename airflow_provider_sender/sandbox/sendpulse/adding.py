"""Putting addresses onto a list, changing them there, and taking them off.

The answer to a batch is ``{"result": true}`` whatever became of its rows: an address without the shape of one is
dropped, one that is blacklisted or at a domain ending with ``.invalid`` is kept as rejected, and who left stays
as they are.
"""

from __future__ import annotations

import msgspec

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.account.lists import EntryStatus
from airflow_provider_sender.sandbox.account.records import Group
from airflow_provider_sender.sandbox.sendpulse.blacklist import is_blacklisted
from airflow_provider_sender.sandbox.sendpulse.books import the_list
from airflow_provider_sender.sandbox.sendpulse.codes import TARIFF
from airflow_provider_sender.sandbox.sendpulse.members import the_entry
from airflow_provider_sender.sandbox.sendpulse.reading import addresses, is_address, required, text, truth
from airflow_provider_sender.sandbox.sendpulse.replies import done, invalid, refused
from airflow_provider_sender.sandbox.sendpulse.senders import is_activated
from airflow_provider_sender.sandbox.sendpulse.variables import PHONE, checked, digits, types_of
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Reply

_LANGUAGES = ("en", "ru", "ua", "tr", "es", "pt")


class _Row(msgspec.Struct):
    email: str
    values: dict[str, Json]


def _rows(account: Account, body: dict[str, Json]) -> list[_Row]:
    given = body.get("emails")
    if not isinstance(given, list) or not given:
        raise invalid("The emails field is required.")
    most = account.settings.sendpulse_batch_limit
    if most is not None and len(given) > most:
        raise invalid(f"The emails may not have more than {most} items.")
    return [_row(account, element, place) for place, element in enumerate(given)]


def _row(account: Account, element: Json, place: int) -> _Row:
    if isinstance(element, str) and account.settings.sendpulse_plain_addresses:
        return _Row(element, {})
    if not isinstance(element, dict):
        raise invalid(f"The emails.{place} must be an array.")
    email = element.get("email")
    if not isinstance(email, str) or not email:
        raise invalid(f"The emails.{place}.email field is required.")
    # PHP clients write an empty map as an empty list.
    values = element.get("variables") or {}
    if not isinstance(values, dict):
        raise invalid(f"The emails.{place}.variables must be an array.")
    return _Row(email.strip(), values)


def _new_status(account: Account, body: dict[str, Json]) -> EntryStatus:
    """What an address is that was not on the list: new, or asked to confirm itself."""
    confirmation = text(body, "confirmation")
    if confirmation is None:
        return EntryStatus.NEW
    if confirmation != "force":
        raise invalid("The selected confirmation is invalid.")
    if not is_activated(account, required(body, "sender_email")):
        raise refused(1003)
    if body.get("message_lang") is not None and body["message_lang"] not in _LANGUAGES:
        raise invalid("The selected message_lang is invalid.")
    return EntryStatus.CONFIRMATION_REQUESTED


def _check_extras(account: Account, body: dict[str, Json]) -> bool:
    """Check what else a batch may say.

    :return: whether the variables of addresses already there stay as they are.
    """
    tags = body.get("tags")
    if tags is not None and not (isinstance(tags, list) and all(isinstance(tag, int) for tag in tags)):
        raise invalid("The tags must be an array of integers.")
    if tags and not account.settings.sendpulse_tags:
        raise refused(TARIFF)
    for name in ("check_emails", "disable_webhook"):
        truth(body, name)
    return truth(body, "dont_update")


def _post(account: Account, call: Call) -> Reply:
    group, body = the_list(account, call), call.json
    rows, status = _rows(account, body), _new_status(account, body)
    leave_values, types = _check_extras(account, body), types_of(account, group)
    for row in rows:
        values = checked(account, group, row.values, types)
        if is_address(row.email):
            _add(account, group, _Row(row.email, values), status, leave_values)
    return done()


def _add(account: Account, group: Group, row: _Row, status: EntryStatus, leave_values: bool) -> None:
    person = account.subscribers.find(row.email)
    if person is None:
        delay = account.settings.listing_delay_seconds
        listed_at = account.now + delay if delay else 0
        person = account.subscribers.add(row.email, account.now, listed_at=listed_at)
    entry = account.lists.entry(group, person)
    if entry is None:
        is_rejected = is_blacklisted(account, row.email) or row.email.lower().endswith(".invalid")
        account.lists.put(group, person, EntryStatus.REJECTED if is_rejected else status, "api", account.now)
        entry = account.lists.entry(group, person)
        assert entry is not None
    elif leave_values:
        return
    account.lists.set_values(group, entry, row.values)


def _set_variables(account: Account, call: Call) -> Reply:
    group, body = the_list(account, call), call.json
    entry = the_entry(account, group, required(body, "email", 1101), 422)
    given = body.get("variables")
    if not isinstance(given, list) or not given:
        raise invalid("The variables field is required.")
    values: dict[str, Json] = {}
    for variable in given:
        name = variable.get("name") if isinstance(variable, dict) else None
        if not isinstance(variable, dict) or not isinstance(name, str) or "value" not in variable:
            raise refused(299)
        values[name] = variable["value"]
    account.lists.set_values(group, entry, checked(account, group, values, types_of(account, group)))
    return done()


def _set_phone(account: Account, call: Call) -> Reply:
    group, body = the_list(account, call), call.json
    entry = the_entry(account, group, required(body, "email", 1101), 422)
    phone = body.get("phone")
    if not isinstance(phone, str | int) or isinstance(phone, bool) or not digits(str(phone)):
        raise invalid("The phone field is required.")
    account.lists.set_values(group, entry, {PHONE: digits(str(phone))})
    return done()


def _unsubscribe(account: Account, call: Call) -> Reply:
    """Have addresses leave this one list."""
    group = the_list(account, call)
    active = [
        entry.subscriber.number
        for _, person in account.subscribers.by_address(addresses(call.json))
        if person is not None
        and (entry := account.lists.entry(group, person)) is not None
        and entry.status.is_reachable
    ]
    if not active:
        raise refused(422, message="Active emails not found")
    account.lists.set_status(group, active, EntryStatus.UNSUBSCRIBED)
    return done()


def _delete(account: Account, call: Call) -> Reply:
    """Take addresses off a list, which needs a body though the method is DELETE."""
    group = the_list(account, call)
    found = [
        person.number
        for _, person in account.subscribers.by_address(addresses(call.json))
        if person is not None and account.groups.is_member(group, person.number)
    ]
    if not found:
        raise refused(303)
    account.lists.remove(group, found)
    return done()


ROUTES = (
    Route("POST", "/addressbooks/{id}/emails", _post),
    Route("DELETE", "/addressbooks/{id}/emails", _delete),
    Route("POST", "/addressbooks/{id}/emails/variable", _set_variables),
    Route("POST", "/addressbooks/{id}/emails/unsubscribe", _unsubscribe),
    Route("PUT", "/addressbooks/{id}/phone", _set_phone),
)

"""``/subscribers``: list, look up, create or update, and delete."""

from __future__ import annotations

import json

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.database import Value
from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.account.fields import field_id
from airflow_provider_sender.sandbox.account.listing import page_of
from airflow_provider_sender.sandbox.account.records import (
    EVERYBODY,
    Audience,
    Group,
    Subscriber,
    SubscriberStatus,
)
from airflow_provider_sender.sandbox.account.subscribers import international
from airflow_provider_sender.sandbox.sender.checks import Checks
from airflow_provider_sender.sandbox.sender.pages import page, page_asked, unknown_order
from airflow_provider_sender.sandbox.sender.people import rendered
from airflow_provider_sender.sandbox.sender.replies import answer, done, not_found
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Reply

# The keys a list can be ordered by. Ids are written from row numbers, so the service orders by these.
_ORDERS = {"id": "number", "status": "status"} | {
    name: name
    for name in (
        "email", "firstname", "lastname", "phone", "created", "bounced_at", "unsubscribed_at", "location",
        "ip_address",
    )
}  # fmt: skip

# Merge tags that stand for the built-in columns.
_BUILT_IN = {"{$email}": "email", "{$firstname}": "firstname", "{$lastname}": "lastname", "{$phone}": "phone"}
_STATUS_COLUMNS = {
    "subscriber_status": "status",
    "transactional_email_status": "transactional_status",
    "sms_status": "sms_status",
}


def subscriber_page(account: Account, call: Call, audience: Audience) -> Reply:
    """A page of an audience."""
    settings = account.settings
    asked = page_asked(call, settings)
    column = _ORDERS.get(asked.order or "created")
    if column is None:
        raise unknown_order()
    numbers = account.subscribers.listing.ascending(column, audience, account.now, stable_ties=settings.stable_ties)
    chosen = page_of(numbers, asked.offset, asked.limit, descending=asked.is_descending)
    return page(asked, len(numbers), rendered(account, chosen))


def _list(account: Account, call: Call) -> Reply:
    return subscriber_page(account, call, EVERYBODY)


def the_subscriber(account: Account, call: Call) -> Subscriber:
    """The subscriber a path names."""
    found = account.subscribers.find(call.parameters["key"])
    if found is None:
        raise not_found()
    return found


def _get(account: Account, call: Call) -> Reply:
    return Reply(200, b'{"data":' + rendered(account, [the_subscriber(account, call).number])[0] + b"}")


def _post(account: Account, call: Call) -> Reply:
    settings, checks = account.settings, Checks(call.json)
    email = checks.address("email", required=True, message="Required value, email")
    columns = _columns(checks)
    groups = _groups(account, checks)
    fields = checks.mapping("fields")
    checks.flag("trigger_automation")
    subscriber = None if email is None else account.subscribers.find(email)
    if subscriber is not None and settings.post_conflict:
        checks.wrong("email", "The email has already been taken.")
    checks.passed()
    assert email is not None
    if subscriber is None:
        now = account.now
        subscriber = account.subscribers.add(
            email,
            now,
            listed_at=now + settings.listing_delay_seconds if settings.listing_delay_seconds else 0,
            groupable_at=now + settings.group_visibility_seconds if settings.group_visibility_seconds else 0,
            **columns,
        )
    else:
        if settings.post_reactivates:
            columns |= {"status": SubscriberStatus.ACTIVE, "unsubscribed_at": None, "bounced_at": None}
        account.subscribers.change(subscriber, columns)
    _assign(account, subscriber, groups, settings.post_groups)
    if settings.post_fields:
        _store(account, subscriber, fields)
    data = rendered(account, [subscriber.number])[0]
    return Reply(settings.post_status, b'{"success":true,"message":[],"data":' + data + b"}")


def _patch(account: Account, call: Call) -> Reply:
    subscriber, checks = the_subscriber(account, call), Checks(call.json)
    columns = _columns(checks)
    for name, column in _STATUS_COLUMNS.items():
        status = checks.choice(name, [status.name for status in SubscriberStatus])
        if status is not None:
            columns[column] = SubscriberStatus[status]
    groups = _groups(account, checks)
    fields = checks.mapping("fields")
    checks.flag("trigger_automation")
    checks.passed()
    if "status" in columns:
        now = int(account.now)
        columns["unsubscribed_at"] = now if columns["status"] == SubscriberStatus.UNSUBSCRIBED else None
        columns["bounced_at"] = now if columns["status"] == SubscriberStatus.BOUNCED else None
    account.subscribers.change(subscriber, columns)
    _assign(account, subscriber, groups, account.settings.patch_groups)
    _store(account, subscriber, fields)
    # The updated subscriber is not returned.
    return done("Success")


def _columns(checks: Checks) -> dict[str, Value]:
    columns: dict[str, Value] = {}
    for name in ("firstname", "lastname"):
        if name in checks.body:
            columns[name] = checks.text(name)
    if "phone" in checks.body:
        phone = checks.phone("phone")
        columns["phone"] = None if phone is None else international(phone)
    return columns


def _groups(account: Account, checks: Checks) -> list[Group] | None:
    ids = checks.strings("groups")
    if ids is None:
        return None
    groups = []
    for index, id in enumerate(ids):
        group = account.groups.find(id)
        if group is None:
            checks.wrong(f"groups.{index}", f"The selected groups.{index} is invalid.")
        else:
            groups.append(group)
    return groups


def _assign(account: Account, subscriber: Subscriber, groups: list[Group] | None, mode: str) -> None:
    if groups is None:
        return
    if mode == "replace":
        account.groups.leave_all(subscriber.number)
    for group in groups:
        account.groups.join(group, [subscriber.number])


def _store(account: Account, subscriber: Subscriber, fields: dict[str, Json] | None) -> None:
    """Store custom field values; what is no field of the account is dropped without a word."""
    values: dict[str, Value] = {}
    columns: dict[str, Value] = {}
    for key, value in (fields or {}).items():
        plain_value = value if value is None or isinstance(value, str | int | float) else json.dumps(value)
        field = account.fields.keyed(key)
        if field is not None:
            values[field_id(field)] = plain_value
        elif key in _BUILT_IN and key != "{$email}":
            columns[_BUILT_IN[key]] = plain_value
    account.subscribers.change(subscriber, columns)
    account.subscribers.set_values(subscriber, values)


def _delete(account: Account, call: Call) -> Reply:
    """Deletion is asynchronous, and says nothing about addresses that are not there."""
    when = account.now + account.settings.delete_seconds
    for audience in _selected(account, call):
        account.subscribers.delete_later(audience, when)
    if account.settings.delete_seconds == 0:
        account.subscribers.delete_due(when)
    instance = account.documents.add("deletion", {}, account.now)
    return answer({"message": "Selected subscribers will be deleted shortly", "delete_instance": instance.id})


def _selected(account: Account, call: Call) -> list[Audience]:
    checks = Checks(call.json)
    addresses, conditions = checks.strings("subscribers"), checks.text("conditions")
    if (addresses is None) == (conditions is None):
        checks.wrong("subscribers", "Either subscribers or conditions is required.")
    checks.passed()
    if addresses is None:
        return [EVERYBODY]
    return [Audience("email = ?", (address,)) for address in addresses]


ROUTES = (
    Route("GET", "/subscribers", _list),
    Route("GET", "/subscribers/{key}", _get),
    Route("POST", "/subscribers", _post),
    Route("PATCH", "/subscribers/{key}", _patch),
    Route("DELETE", "/subscribers", _delete),
)

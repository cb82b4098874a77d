"""``/addressbooks/{id}/emails``: who is on a list, a page at a time and one by one."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.account.listing import page_of
from airflow_provider_sender.sandbox.account.lists import Entry, EntryStatus
from airflow_provider_sender.sandbox.account.records import Audience, Group
from airflow_provider_sender.sandbox.sendpulse.books import the_list
from airflow_provider_sender.sandbox.sendpulse.ids import list_id
from airflow_provider_sender.sandbox.sendpulse.reading import flag, is_descending, page
from airflow_provider_sender.sandbox.sendpulse.replies import answer, encoded, mapping, number, refused
from airflow_provider_sender.sandbox.sendpulse.variables import kind_of, phone_of, types_of, values_of
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Reply

EXPLAINED = {
    EntryStatus.NEW: "New",
    EntryStatus.ACTIVE: "Active",
    EntryStatus.CONFIRMATION_REQUESTED: "Confirmation requested",
    EntryStatus.ACTIVATION_REQUESTED: "Activation requested",
    EntryStatus.UNSUBSCRIBED: "Unsubscribed",
    EntryStatus.REJECTED: "Rejected",
    EntryStatus.UNSUBSCRIBED_FROM_ALL: "Unsubscribed from all",
    EntryStatus.ACTIVATION_SENT: "Activation mail sent",
    EntryStatus.BLOCKED_BY_USER: "Blocked by user",
    EntryStatus.SENDING_ERROR: "Sending error",
}
_SORTED_BY = {"created": "created", "email": "email", "shuffled": "(number * 7919) % 10007"}


def status_of(account: Account, entry: Entry) -> dict[str, object]:
    """The two keys a status is written in."""
    return {"status": number(account, entry.status), "status_explain": EXPLAINED[entry.status]}


def _rendered(account: Account, group: Group, numbers: Sequence[int]) -> list[bytes]:
    """Members of a list as elements of its pages; what did not change since the last time is not written anew."""
    kept = account.subscribers.rendered(f"sendpulse {group.number}")
    missing = [number for number in numbers if number not in kept]
    if missing:
        fields = account.fields.all()
        for entry in account.lists.entries(group, missing):
            values = values_of(fields, entry)
            written = {
                "email": entry.subscriber.email,
                "phone": phone_of(values),
                **status_of(account, entry),
                "variables": mapping({**values}),
            }
            kept[entry.subscriber.number] = encoded(written)
    return [kept[number] for number in numbers if number in kept]


def _audience(account: Account, call: Call, group: Group) -> Audience:
    active, inactive = flag(call, "active"), flag(call, "not_active")
    return account.lists.members(group, reachable=None if active == inactive else active)


def _list(account: Account, call: Call) -> Reply:
    group, (limit, offset) = the_list(account, call), page(call)
    descending = is_descending(call)
    everybody = account.subscribers.listing.ascending(
        _SORTED_BY[account.settings.sendpulse_order],
        _audience(account, call, group),
        account.now,
        stable_ties=account.settings.stable_ties,
    )
    numbers = page_of(everybody, offset, limit, descending=descending)
    return Reply(200, b"[" + b",".join(_rendered(account, group, numbers)) + b"]")


def _total(account: Account, call: Call) -> Reply:
    group = the_list(account, call)
    return answer({"total": number(account, account.subscribers.count(_audience(account, call, group)))})


def listed_variables(account: Account, group: Group, entry: Entry) -> list[dict[str, Json]]:
    """A member's variables as an array, which they are in every call but the list."""
    types = types_of(account, group)
    values = values_of(account.fields.all(), entry)
    return [{"name": name, "type": types.get(name) or kind_of(value), "value": value} for name, value in values.items()]


def the_entry(account: Account, group: Group, email: str, status: int = 404) -> Entry:
    """A list's entry of an address.

    :param status: the HTTP status where it has none.
    """
    found = account.subscribers.find(email) if "@" in email else None
    entry = None if found is None else account.lists.entry(group, found)
    if entry is None:
        raise refused(502, status)
    return entry


def _get(account: Account, call: Call) -> Reply:
    group = the_list(account, call)
    entry = the_entry(account, group, call.parameters["email"])
    return answer(
        {
            "email": entry.subscriber.email,
            # A string, whatever the other ids are.
            "abook_id": str(list_id(group.number)),
            "phone": phone_of(values_of(account.fields.all(), entry)),
            **status_of(account, entry),
            "variables": listed_variables(account, group, entry),
        }
    )


def _search(account: Account, call: Call) -> Reply:
    group, name, wanted = the_list(account, call), call.parameters["name"], call.parameters["value"]
    fields = account.fields.all()
    members = account.lists.members(group)
    numbers = account.subscribers.listing.ascending("created", members, account.now)
    found = [
        entry for entry in account.lists.entries(group, numbers) if str(values_of(fields, entry).get(name)) == wanted
    ]
    return answer([{"email": entry.subscriber.email, **status_of(account, entry)} for entry in found])


ROUTES = (
    Route("GET", "/addressbooks/{id}/emails", _list),
    Route("GET", "/addressbooks/{id}/emails/total", _total),
    Route("GET", "/addressbooks/{id}/emails/{email}", _get),
    Route("GET", "/addressbooks/{id}/variables/{name}/{value}", _search),
)

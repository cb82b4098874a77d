"""Who is in which Sendara list: contacts join and leave one at a time, and by their ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from airflow_provider_sender.client.errors import NotFoundError
from airflow_provider_sender.client.sendara.client import SendaraClient
from airflow_provider_sender.client.sendara.listing import SendaraListing
from airflow_provider_sender.client.sendara.people import found, is_id, members, pages, subscriber_in
from airflow_provider_sender.client.subscribers import Membership, Subscriber


def join(client: SendaraClient, list_id: str, keys: Sequence[str]) -> Membership:
    """Put contacts into a list.

    :raises NotFoundError: when there is no such list.
    """
    keys = _names(keys)
    there = _among(members(client, list_id), keys)
    others = [key for key in keys if key not in there]
    known = found(client, others)
    changed: list[str] = []
    unchanged = list(there)
    missing = [key for key in others if key not in known]
    for key, contact in known.items():
        try:
            is_new = client.add_member(list_id, contact.id).id is not None
        except NotFoundError:
            if found(client, [contact.id]):
                raise  # so it is the list that is not there
            missing.append(key)
            continue
        (changed if is_new else unchanged).append(key)
    return Membership(tuple(changed), tuple(unchanged), tuple(missing))


def leave(client: SendaraClient, list_id: str, keys: Sequence[str]) -> Membership:
    """Take contacts out of a list. Whoever is not in it is looked for elsewhere only where it is not shown whole.

    :raises NotFoundError: when there is no such list.
    """
    keys = _names(keys)
    listing = members(client, list_id)
    there = _among(listing, keys)
    others = [key for key in keys if key not in there]
    if others and listing.may_be_cut_off:
        there |= found(client, others)
    left = [key for key, contact in there.items() if _removed(client, list_id, contact.id)]
    gone = set(left)
    return Membership(changed=tuple(left), unchanged=tuple(key for key in keys if key not in gone))


def _removed(client: SendaraClient, list_id: str, contact_id: str) -> bool:
    """Take a contact out of a list; return whether it was in there."""
    try:
        client.remove_member(list_id, contact_id)
    except NotFoundError:
        return False
    return True


def _among(listing: SendaraListing, keys: Iterable[str]) -> dict[str, Subscriber]:
    """Return those of the keys that are in a listing."""
    sought = set(keys)
    there: dict[str, Subscriber] = {}
    for rows in pages(listing):
        for contact in map(subscriber_in, (row.raw for row in rows)):
            for name in _names([contact.email or "", contact.phone or "", contact.id]):
                if name in sought:
                    there[name] = contact
        if len(there) == len(sought):
            break
    return there


def _names(keys: Iterable[str]) -> list[str]:
    """Return each key once, addresses in lower case."""
    return list(dict.fromkeys(key if is_id(key) else key.lower() for key in keys))

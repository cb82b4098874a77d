"""Finding Sendara contacts by address.

Only an id opens a contact; no call takes an address. So addresses are looked for in the listing of all contacts, all
at once, from the newest on, and no further than to where the last of them is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from airflow_provider_sender.client.errors import NotFoundError
from airflow_provider_sender.client.loose import row_from
from airflow_provider_sender.client.paging import ListingReport, OnDrift, Row
from airflow_provider_sender.client.seen import SeenKeys
from airflow_provider_sender.client.sendara.client import SendaraClient
from airflow_provider_sender.client.sendara.contact_records import SendaraContact, subscriber_from
from airflow_provider_sender.client.sendara.listing import SendaraListing
from airflow_provider_sender.client.subscribers import Subscriber

_read_contact = msgspec.json.Decoder(SendaraContact, strict=False)

# So many pages that bring nobody who is looked for, and newcomers are not where they should be.
_PAGES_IN_VAIN = 3


def contacts(client: SendaraClient) -> SendaraListing:
    """Return the listing of all contacts."""
    return SendaraListing(client.transport, "/v1/contacts", name="contacts")


def members(client: SendaraClient, list_id: str) -> SendaraListing:
    """Return the listing of a list's members."""
    return SendaraListing(client.transport, "/v1/contacts/lists/{}/members", list_id, name="members")


def subscriber_in(raw: bytes | msgspec.Raw) -> Subscriber:
    """Return the contact in a listing's row.

    :raises ServiceFailureError: when the row is none.
    """
    return subscriber_from(row_from(_read_contact, raw, "Sendara"))


def is_id(key: str) -> bool:
    """Tell an id from an address and a phone number."""
    return "@" not in key and not key.lstrip("+").isdigit()


def found(client: SendaraClient, keys: Iterable[str], *, among_newest: bool = False) -> dict[str, Subscriber]:
    """Return those of ids, addresses and phone numbers the account knows.

    :param among_newest: they came just now, so they are the first in the listing or nowhere.
    """
    keys = list(dict.fromkeys(keys))
    by_id = {key: _with_id(client, key) for key in keys if is_id(key)}
    sought = {key.lower(): key for key in keys if not is_id(key)}
    result = {key: contact for key, contact in by_id.items() if contact is not None}
    if not sought:
        return result
    pages_in_vain = 0
    for rows in pages(contacts(client)):
        before = len(sought)
        for contact in map(subscriber_in, (row.raw for row in rows)):
            for name in (contact.email, contact.phone):
                key = sought.pop(name.lower(), None) if name else None
                if key is not None:
                    result[key] = contact
        pages_in_vain = pages_in_vain + 1 if len(sought) == before else 0
        if not sought or (among_newest and pages_in_vain == _PAGES_IN_VAIN):
            break
    return result


def pages(listing: SendaraListing) -> Iterator[Sequence[Row]]:
    """Yield the rows of a listing, each once."""
    yield from listing.walk(SeenKeys(), ListingReport(), OnDrift.WARN)


def _with_id(client: SendaraClient, contact_id: str) -> Subscriber | None:
    try:
        return subscriber_from(client.get_contact(contact_id))
    except NotFoundError:
        return None

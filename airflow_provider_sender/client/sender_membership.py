"""What Sender's answer to a group call says about each address, whatever its lists are called.

An answer of 200 is no promise that everybody joined: the addresses are spread over lists under ``message``, whose names
differ from source to source (``subscribers_added_to_group`` or ``subscribers_add_tag_group``, with or without one for
those who were in already). So a list is read by what its name says, and an address in none of them counts as untold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from airflow_provider_sender.client.records import Membership
from airflow_provider_sender.client.sender_records import Json

# Part of a list's name -> what it is a list of. The first that fits counts; a name none fits lists who was changed.
_LISTS = (
    ("non_exist", "missing"),
    ("not_exist", "missing"),
    ("not_found", "missing"),
    ("missing", "missing"),
    ("unknown", "missing"),
    ("invalid", "invalid"),
    ("already", "unchanged"),
)


def membership_from(message: Json, emails: Sequence[str]) -> Membership:
    """Return what became of ``emails``."""
    told: dict[str, str] = {}
    if isinstance(message, Mapping):
        for name, listed in message.items():
            kind = next((kind for part, kind in _LISTS if part in name.lower()), "changed")
            told |= dict.fromkeys(_addresses(listed), kind)
    sorted_out: dict[str, list[str]] = {name: [] for name in Membership.__struct_fields__}
    for email in dict.fromkeys(each.lower() for each in emails):
        sorted_out[told.get(email, "untold")].append(email)
    return Membership(**{kind: tuple(addresses) for kind, addresses in sorted_out.items()})


def _addresses(listed: Json) -> Iterable[str]:
    """Yield the addresses of a list; its entries may be subscribers."""
    for each in listed if isinstance(listed, list) else ():
        address = each.get("email") if isinstance(each, Mapping) else each
        if isinstance(address, str):
            yield address.lower()

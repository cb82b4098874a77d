"""What Sender's answer to a group call says about each address, whatever its lists are called.

An answer of 200 is no promise that everybody joined: the addresses are spread over lists under ``message``, whose names
differ from source to source (``subscribers_added_to_group`` or ``subscribers_add_tag_group``, with or without one for
those who were in already). So a list is read by what its name says. An address counts as untold when it is in no list,
in one whose name says nothing that is known here, or in two that contradict each other: whoever asked has to look.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from airflow_provider_sender.client.subscribers import Membership
from airflow_provider_sender.client.values import Json

# What a list's name holds -> what it is a list of; the first that fits counts.
_LISTS = (
    (re.compile("non_?exist|not_exist|not_found|missing|unknown"), "missing"),
    (re.compile("invalid|malformed"), "invalid"),
    (re.compile("already|unchanged"), "unchanged"),
    (re.compile("not_|fail|error"), "untold"),  # not_added, failed_to_remove ...
    (re.compile("(?<![a-z])(add(ed)?|removed?)(?![a-z])"), "changed"),  # as a word: there may be "addresses", too
)

# Two kinds that may be told of one address, and what they mean together: whoever was in the group already may be listed
# among those who were added, too.
_TOGETHER = {
    frozenset(("changed", "unchanged")): "unchanged",
    frozenset(("missing", "invalid")): "invalid",
}


def membership_from(message: Json, emails: Sequence[str]) -> Membership:
    """Return what became of ``emails``."""
    told: dict[str, str] = {}
    if isinstance(message, Mapping):
        for name, listed in message.items():
            kind = _kind(name)
            for address in _addresses(listed):
                before = told.get(address, kind)
                told[address] = kind if kind == before else _TOGETHER.get(frozenset((kind, before)), "untold")
    sorted_out: dict[str, list[str]] = {name: [] for name in Membership.__struct_fields__}
    for email in dict.fromkeys(each.lower() for each in emails):
        sorted_out[told.get(email, "untold")].append(email)
    return Membership(**{kind: tuple(addresses) for kind, addresses in sorted_out.items()})


def _kind(name: str) -> str:
    words = name.lower().replace("-", "_").replace(" ", "_")
    return next((kind for pattern, kind in _LISTS if pattern.search(words)), "untold")


def _addresses(listed: Json) -> Iterable[str]:
    """Yield the addresses of a list; its entries may be subscribers, and PHP writes a list with gaps as an object."""
    if isinstance(listed, Mapping):
        listed = list(listed.values())
    for each in listed if isinstance(listed, list) else ():
        address = each.get("email") if isinstance(each, Mapping) else each
        if isinstance(address, str):
            yield address.strip().lower()

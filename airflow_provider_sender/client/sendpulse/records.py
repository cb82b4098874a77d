"""SendPulse's own shapes, and what they mean in the words of ``subscribers.py``.

Every field may be missing, unknown ones are passed over, and numbers may come as texts. An object without members may
come as an empty list, as PHP writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from airflow_provider_sender.client.loose import Loose, field_value_from
from airflow_provider_sender.client.subscribers import Consent, Field, FieldType, Group, Subscriber
from airflow_provider_sender.client.values import FieldValue, Json

# Variables that are columns of their own in every service's words; written so, read in any case.
PHONE, FIRSTNAME, LASTNAME = "Phone", "firstname", "lastname"
_STANDARD = {PHONE.lower(), FIRSTNAME, LASTNAME}


class Done(msgspec.Struct):
    """The answer to a change. It names no rows."""

    result: Json = None
    success: Json = None
    id: Json = None
    data: Json = None


class MailingList(msgspec.Struct):
    """A mailing list ("address book")."""

    id: int
    name: Loose = None
    all_email_qty: int | None = None
    active_email_qty: int | None = None
    inactive_email_qty: int | None = None
    creationdate: Loose = None
    status: Json = None
    status_explain: Loose = None


class Variable(msgspec.Struct):
    """A variable of a mailing list."""

    name: str
    type: Loose = None


class Member(msgspec.Struct):
    """Somebody in one mailing list, as its listing has it or as a look-up by address does.

    :param variables: name -> value in the first, a list of ``{name, type, value}`` in the second.
    """

    email: str | None = None
    phone: Json = None
    status: Json = None
    status_explain: Loose = None
    variables: Json = None
    book_id: int | None = None


class UserInfo(msgspec.Struct):
    """Whose account it is."""

    id: Json = None
    name: Loose = None
    email: Loose = None
    locale: Loose = None
    time_zone: Loose = None
    currency: Loose = None
    country: Loose = None
    team_name: Loose = None


class SenderAddress(msgspec.Struct):
    """An address campaigns can be sent from."""

    email: str
    name: Loose = None
    status: Json = None


class CreatedCampaign(msgspec.Struct):
    """The answer to a campaign's creation. The misspelling is the service's own."""

    id: int
    status: Json = None
    count: Json = None
    tariff_email_qty: Json = None
    overdraft_price: Json = None
    ovedraft_currency: Json = None


class SentMessage(msgspec.Struct):
    """The answer to a single mail: it was accepted, not delivered."""

    result: Json = None
    id: Loose = None


# What a subscriber's status in a list means. The codes from 7 on are a third party's reading.
CONSENTS: Mapping[int, Consent] = {
    0: Consent.ACTIVE,  # new
    1: Consent.ACTIVE,
    2: Consent.UNCONFIRMED,
    3: Consent.UNCONFIRMED,
    4: Consent.UNSUBSCRIBED,  # from this list
    5: Consent.UNSUBSCRIBED,  # rejected
    6: Consent.UNSUBSCRIBED,  # from all lists
    7: Consent.UNCONFIRMED,
    8: Consent.COMPLAINED,  # blocked by the user
    9: Consent.BOUNCED,
    10: Consent.BOUNCED,
    11: Consent.BOUNCED,
    12: Consent.BOUNCED,
    13: Consent.UNSUBSCRIBED,  # deleted by the user
    14: Consent.BOUNCED,
}

# In several lists, the first of these in any of them counts.
_STRICTEST = (
    Consent.COMPLAINED,
    Consent.UNSUBSCRIBED,
    Consent.BOUNCED,
    Consent.UNCONFIRMED,
    Consent.UNKNOWN,
    Consent.ACTIVE,
)

_FIELD_TYPES = {"number": FieldType.NUMBER, "date": FieldType.DATETIME}


def group_from(wire: MailingList) -> Group:
    """Return a mailing list in common words."""
    return Group(str(wire.id), text_of(wire.name), wire.all_email_qty)


def text_of(value: Loose) -> str:
    """Return a text, whatever it came as; nothing is an empty one."""
    return "" if value is None else str(value)


def whole(number: Json) -> int | None:
    """Return a whole number, which may have come as a text; None where it is none."""
    try:
        return int(number) if number is not None else None
    except (TypeError, ValueError, OverflowError):
        return None


def id_in(text: str) -> int | str:
    """Return an id as the calls take it: as a number, where it is one."""
    return int(text) if text.isascii() and text.isdigit() else text


def field_from(wire: Variable) -> Field:
    """Return a variable in common words; a type that is new is text."""
    return Field(wire.name, _FIELD_TYPES.get(text_of(wire.type).lower(), FieldType.TEXT))


def is_standard(variable: str) -> bool:
    """Tell whether a variable is a column of its own in every service's words."""
    return variable.lower() in _STANDARD


def subscriber_from(address: str, memberships: Iterable[tuple[str, Member]]) -> Subscriber:
    """Return one person in common words, from what each of their lists says.

    The strictest status of any list counts. Of a variable, the first list that has a value counts.

    :param memberships: list id and what it says, in the service's order.
    """
    groups: list[str] = []
    consents: set[Consent] = set()
    fields: dict[str, FieldValue] = {}
    standard: dict[str, str] = {}
    for group, member in memberships:
        groups.append(group)
        consents.add(consent_of(member.status))
        values = variables_of(member.variables)
        if member.phone not in (None, "", 0, "0"):
            standard.setdefault(PHONE.lower(), str(member.phone))
        for name, value in values.items():
            if is_standard(name):
                if value not in (None, ""):
                    standard.setdefault(name.lower(), str(value))
            elif fields.get(name) in (None, ""):
                fields[name] = value
    return Subscriber(
        id=address.lower(),
        email=address,
        phone=standard.get(PHONE.lower()),
        firstname=standard.get(FIRSTNAME),
        lastname=standard.get(LASTNAME),
        consent=next((each for each in _STRICTEST if each in consents), Consent.UNKNOWN),
        groups=tuple(groups),
        fields=fields,
    )


def consent_of(status: Json) -> Consent:
    """Return what a status in a list means; one that is no number is unknown like a number that is new."""
    code = whole(status)
    return CONSENTS.get(code, Consent.UNKNOWN) if code is not None else Consent.UNKNOWN


def variables_of(said: Json) -> dict[str, FieldValue]:
    """Return name -> value from any of the shapes in use."""
    if isinstance(said, Mapping):
        return {str(name): field_value_from(value) for name, value in said.items()}
    if isinstance(said, list):
        named = (each for each in said if isinstance(each, Mapping) and each.get("name"))
        return {str(each["name"]): field_value_from(each.get("value")) for each in named}
    return {}

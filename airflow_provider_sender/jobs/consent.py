"""Who may be written to, and how: nobody who is not active is made active again, unless that is spelled out."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec

from airflow_provider_sender.client.subscribers import OPTED_OUT, Consent, Subscriber, SubscriberChange
from airflow_provider_sender.client.values import same_value


class ConsentMode(enum.StrEnum):
    """Whose word counts about consent: the account's (KEEP), or the source's (OVERWRITE)."""

    KEEP = "keep"
    OVERWRITE = "overwrite"


class Decision(enum.Enum):
    """What is to be done with a row. JOIN: all is as it should be but for groups the person is not in yet."""

    CREATE = "create"
    UPDATE = "update"
    JOIN = "join"
    UNCHANGED = "unchanged"
    HOLD = "hold"
    REJECT = "reject"


def decide(
    change: SubscriberChange, current: Subscriber | None, mode: ConsentMode
) -> tuple[Decision, SubscriberChange]:
    """Return what to do with a row, and the change to send; of groups and custom fields, only what is not there yet.

    With KEEP a change never asks for ACTIVE: between reading someone's state and writing it they may have unsubscribed.
    Unsubscribing is always allowed. With OVERWRITE a row without a status counts as active, as subscribing someone
    does.

    :param current: the subscriber as the account has it, or None when there is none.
    """
    if current is None:
        if change.email is None:
            return Decision.REJECT, change
        if mode is ConsentMode.KEEP and _wants_active(change):
            # Who is new is active anyway, and who is there all the same may have unsubscribed.
            change = msgspec.structs.replace(change, consent=None)
        return Decision.CREATE, change
    if mode is ConsentMode.KEEP and _would_make_active(change, current):
        return Decision.HOLD, change
    change = msgspec.structs.replace(
        change,
        consent=_consent_to_ask_for(change, current, mode),
        groups=not_among(change.groups, current.groups),
        fields={
            name: value for name, value in change.fields.items() if not same_value(current.fields.get(name), value)
        },
    )
    if _differs(change, current):
        return Decision.UPDATE, change
    return (Decision.JOIN if change.groups else Decision.UNCHANGED), change


def _would_make_active(change: SubscriberChange, current: Subscriber) -> bool:
    """Tell whether writing a row may make somebody active who is not; one without a status counts where they left."""
    if current.consent in OPTED_OUT:
        return _wants_active(change)
    return change.consent is Consent.ACTIVE and current.consent is not Consent.ACTIVE


def _consent_to_ask_for(change: SubscriberChange, current: Subscriber, mode: ConsentMode) -> Consent | None:
    """Return the state to write of somebody who is there; None leaves theirs alone."""
    if current.consent in OPTED_OUT:
        # Out is out: that someone complained is not to be softened to having unsubscribed.
        return Consent.ACTIVE if mode is ConsentMode.OVERWRITE and _wants_active(change) else None
    if mode is ConsentMode.KEEP and change.consent is Consent.ACTIVE:
        return None  # they are, or it would be held
    return change.consent


def unseen(
    change: SubscriberChange, mode: ConsentMode, *, known_groups: Sequence[str], has_known_fields: bool
) -> SubscriberChange:
    """Return the change to send about somebody whom an earlier run sent the same status, without a look at them.

    With KEEP that is no status at all: whatever the person has done since counts. With OVERWRITE it is ACTIVE where the
    row wants that. Being out is not asked for again either: it would soften a complaint.

    :param known_groups: groups the earlier run put the person into.
    :param has_known_fields: whether it sent the same custom fields.
    """
    is_again = mode is ConsentMode.OVERWRITE and _wants_active(change)
    return msgspec.structs.replace(
        change,
        consent=Consent.ACTIVE if is_again else None,
        groups=not_among(change.groups, known_groups),
        fields={} if has_known_fields else change.fields,
    )


def asked_status(change: SubscriberChange, mode: ConsentMode) -> str:
    """Return the status a row asks for, in a word: ``""`` for none, ``reactivate`` for ACTIVE with OVERWRITE."""
    if mode is ConsentMode.OVERWRITE and _wants_active(change):
        return "reactivate"
    return change.consent.value if change.consent is not None else ""


def not_among(wanted: Sequence[str], there: Sequence[str]) -> tuple[str, ...]:
    """Return the groups that are wanted and not there."""
    return tuple(group for group in wanted if group not in there)


def _wants_active(change: SubscriberChange) -> bool:
    return change.consent in (None, Consent.ACTIVE)


def _differs(change: SubscriberChange, current: Subscriber) -> bool:
    """Tell whether a change asks for something else than there is; its fields are those that do."""
    wanted_and_there = [
        (change.firstname, current.firstname),
        (change.lastname, current.lastname),
        (_digits(change.phone), _digits(current.phone)),
        (change.consent, current.consent),
    ]
    return bool(change.fields) or any(
        wanted is not None and wanted != (there or "") for wanted, there in wanted_and_there
    )


def _digits(phone: str | None) -> str | None:
    """Return a phone number in one form: ``+370 600 00000`` and ``0037060000000`` are the same."""
    if phone is None:
        return None
    digits = "".join(character for character in phone if character.isdigit())
    return digits.removeprefix("00") if phone.startswith("00") else digits

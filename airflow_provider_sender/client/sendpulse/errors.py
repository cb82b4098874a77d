"""What SendPulse's error codes mean for whoever made the call: one table.

The codes are the vendor's own (https://sendpulse.com/integrations/api, "Error codes", and the examples of its OpenAPI
files). Several look like HTTP statuses and are none: 502 is an address that is not there.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from airflow_provider_sender.client.errors import (
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServiceError,
    ServiceFailureError,
)


class Reaction(enum.StrEnum):
    """What to do about an error.

    RETRY_SOON: the same call works in a moment. RETRY_LATER: after a long time, longer than a worker should wait.
    REFRESH: with another token, once. FINAL: never. BENIGN: never, but what was wanted may be so already; the calls for
    which that holds say so themselves.
    """

    RETRY_SOON = "retry soon"
    RETRY_LATER = "retry after long"
    REFRESH = "refresh"
    FINAL = "final"
    BENIGN = "benign"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code means.

    :param kind: the error that is raised.
    :param text: what there is to know, in words.
    :param wait: seconds after which it is worth trying again.
    """

    reaction: Reaction
    kind: type[ServiceError]
    text: str
    wait: float | None = None


def _final(text: str, kind: type[ServiceError] = InvalidRequestError) -> Meaning:
    return Meaning(Reaction.FINAL, kind, text)


def _missing(text: str) -> Meaning:
    return Meaning(Reaction.FINAL, NotFoundError, text)


def _plan(text: str) -> Meaning:
    return Meaning(Reaction.FINAL, PermissionDeniedError, text)


def _later(text: str, wait: float) -> Meaning:
    return Meaning(Reaction.RETRY_LATER, RateLimitError, text, wait)


def _done(text: str, kind: type[ServiceError] = InvalidRequestError) -> Meaning:
    return Meaning(Reaction.BENIGN, kind, text)


_HOUR, _QUARTER = 3600.0, 900.0

TOO_FAST = 2020202020
LIST_NAME_TAKEN = 203
NO_ACTIVE_ADDRESSES = "active emails not found"

# What a call about one address is refused with when no mailing list has it, or when it is not an address.
UNKNOWN_ADDRESS = frozenset({17, 303, 502, 906})

MEANINGS: Mapping[int, Meaning] = {
    8: _final("The call holds no data."),
    10: _final("The sender's e-mail address is missing."),
    11: _final("The recipients' addresses are missing or cannot be found."),
    12: _final("The subject is missing."),
    13: _final("The message has no content."),
    14: _missing("There is no e-mail with this id."),
    17: _missing("There is no such e-mail address."),
    19: _done("The e-mail address exists already."),
    20: _final("The sender's address is with a free e-mail provider, which is not allowed."),
    21: _missing("No such e-mail address awaits activation."),
    31: _missing("There is no such template."),
    32: _final("The template is refused."),
    97: _final("The address is with a free e-mail provider, which is not allowed."),
    201: _final("The mailing list's name is empty."),
    LIST_NAME_TAKEN: _done("There is a mailing list of this name already."),
    211: _final("The mailing list is empty."),
    213: _missing("There is no such mailing list."),
    290: _missing("There is no such template."),
    299: _final("A variable is refused."),
    303: _done("None of the addresses is in the mailing list.", NotFoundError),
    400: _plan("The account has no SMTP user. Activate SMTP in SendPulse first."),
    401: Meaning(
        Reaction.REFRESH,
        AuthenticationError,
        "The token is missing, wrong, expired or revoked, or not for use from this machine's IP address.",
    ),
    403: _plan("The account has expired, or its plan or the key's list of IP addresses does not allow this."),
    422: _final("The service refuses these values."),
    502: _missing("There is no such e-mail address."),
    503: _plan("The account has no SMTP user. Activate SMTP in SendPulse first."),
    550: _plan("There are more recipients than the plan allows."),
    573: _final("There is a template of this name already."),
    602: _done("There is no such campaign; it has probably been sent already.", NotFoundError),
    701: _final("The sender's address or name is missing."),
    703: _missing("There is no such mailing list."),
    704: _final("The account has no such sender. Add and confirm the address in SendPulse first."),
    707: _plan("The account's balance is used up."),
    708: _plan("The campaign has more recipients than the plan allows."),
    711: _later("There was a push campaign for this website a moment ago.", _QUARTER),
    720: _final("The subject is empty."),
    721: _final("The message is empty."),
    722: _final("The mailing list's id is missing."),
    731: _final("The message is refused."),
    791: _later("The account has made the 4 campaigns an hour that the API allows.", _HOUR),
    799: _final("The date is in the past, or not written as YYYY-MM-DD hh:mm:ss."),
    800: _final("The operation is not possible."),
    802: _done("There is no such campaign.", NotFoundError),
    832: _final("The service refuses this operation."),
    901: _final("The sender's name is missing."),
    902: _done("The address is in use as a sender already."),
    903: _final("The sender's e-mail address is missing."),
    904: _final("The e-mail address is on the blacklist."),
    905: _plan("The account has as many senders as its plan allows."),
    906: _final("The e-mail address is malformed."),
    999: _final("The service refuses this message."),
    1003: _final("There is no such sender, or it is not activated."),
    1004: _later("The activation code has been sent already.", _QUARTER),
    1005: _final("The confirmation could not be sent."),
    1101: _final("The e-mail address is missing."),
    1104: _final("The activation code is missing."),
    2900: Meaning(
        Reaction.RETRY_SOON, ServiceFailureError, "The template is still being worked on by the service.", 3.0
    ),
    TOO_FAST: Meaning(Reaction.RETRY_SOON, RateLimitError, "There were more than 10 requests in a second.", 1.0),
    3030303030: _plan("The account's plan does not allow this."),
}

# The same code as for a value that is refused; only the text tells.
SENDING_LIMITED = _later("The account may send no more mails for now.", _HOUR)
QUOTA_EXCEEDED = _plan("The account's sending quota is used up.")

# The same code as for a template that is not ready yet.
NOT_EDITABLE = _final("A template made in the layout editor cannot be edited through the API.")

_TEXTS = {
    "sending from your account is currently limited": SENDING_LIMITED,
    "sending quota or bandwidth exceeded": QUOTA_EXCEEDED,
}


def meaning_of(code: int | None, message: str, path: str) -> Meaning | None:
    """Return what an error means; None for a code that is in no document.

    :param message: the service's sentence.
    :param path: the call's path as a template.
    """
    for text, meaning in _TEXTS.items():
        if text in message.lower():
            return meaning
    if code == 2900 and path.startswith("/template/edit/"):
        return NOT_EDITABLE
    return MEANINGS.get(code) if code is not None else None

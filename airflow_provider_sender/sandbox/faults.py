"""Things that go wrong on purpose."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Literal, TypeAlias

import msgspec

from airflow_provider_sender.sandbox.wire import Call

Whole: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
FromOne: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0)]


class Fault(msgspec.Struct, kw_only=True, tag_field="kind", forbid_unknown_fields=True):
    """What every fault can be told.

    :param method: the method of the calls it is for; ``*`` for any.
    :param path: a glob over their paths below the service's own.
    :param times: how often it happens; ``None`` for ever.
    :param skip: how many matching calls go through first.
    :param every: after these, only each n-th matching call is hit.
    """

    method: str = "*"
    path: str = "*"
    times: Whole | None = 1
    skip: Whole = 0
    every: FromOne = 1

    def is_for(self, call: Call) -> bool:
        """Whether a call is one of those this fault is for."""
        return self.method.upper() in ("*", call.method) and fnmatchcase(call.path, self.path)


class Refuse(Fault, tag="refuse"):
    """400 with a message; nothing done."""

    message: str = "The request was refused."


class Status(Fault, tag="status"):
    """Any status; nothing done. A ``body`` that is a string is sent as text, everything else as JSON."""

    status: Annotated[int, msgspec.Meta(ge=200, le=599)]
    body: object = None
    headers: dict[str, str] = {}


class Delay(Fault, tag="delay"):
    """Wait, then do it."""

    seconds: Seconds


class DelayAfter(Fault, tag="delay_after"):
    """Do it, then wait before answering."""

    seconds: Seconds


class DropBefore(Fault, tag="drop_before"):
    """Close the connection without an answer; nothing done."""


class DropAfter(Fault, tag="drop_after"):
    """Do it for good, then close the connection without an answer."""


class Truncate(Fault, tag="truncate"):
    """Do it, announce the whole answer, and close the connection half-way through it."""


class Garble(Fault, tag="garble"):
    """Do it, and answer 200 with JSON that breaks off, as if that were all of it."""


class RateLimited(Fault, tag="rate_limit"):
    """429; nothing done. Without ``Retry-After`` unless ``headers`` has it."""

    headers: dict[str, str] = {}


class AddSubscribers(Fault, tag="add_subscribers"):
    """Others add subscribers just before the call is served; ``where`` is meant in creation order."""

    count: Whole = 1
    where: Literal["first", "last", "random"] = "last"


class DeleteSubscribers(Fault, tag="delete_subscribers"):
    """Others delete subscribers just before the call is served; ``where`` is meant in creation order."""

    count: Whole = 1
    where: Literal["first", "last", "random"] = "last"


class Reject(Fault, tag="reject"):
    """422 for an address a glob fits.

    :param email: a glob over the ``email`` in the call's body, or over those of the rows in it.
    """

    method: str = "POST"
    path: str = "/subscribers"
    email: str = "*"
    errors: dict[str, list[str]] = msgspec.field(default_factory=lambda: {"email": ["The email is not accepted."]})

    def is_for(self, call: Call) -> bool:
        """Whether a call is for such an address."""
        return super().is_for(call) and any(fnmatchcase(address, self.email) for address in _addresses(call))


def _addresses(call: Call) -> list[str]:
    """The addresses in a call's body: its own, and those of a batch's rows."""
    body = call.json
    rows = [row for rows in body.values() if isinstance(rows, list) for row in rows]
    return [str(body.get("email")), *(str(row["email"]) for row in rows if isinstance(row, dict) and "email" in row)]


AnyFault: TypeAlias = (
    Refuse | Status | Delay | DelayAfter | DropBefore | DropAfter | Truncate | Garble | RateLimited
    | AddSubscribers | DeleteSubscribers | Reject
)  # fmt: skip


class Planned(msgspec.Struct):
    """A fault that was ordered, and how far it has got.

    :param matched: calls so far that it was for.
    :param fired: how often it happened.
    """

    id: int
    fault: AnyFault
    matched: int = 0
    fired: int = 0

    @property
    def is_over(self) -> bool:
        """Whether it will happen no more."""
        return self.fault.times is not None and self.fired >= self.fault.times

    def strikes(self, call: Call) -> bool:
        """Whether it happens to this call; counts it either way."""
        if self.is_over or not self.fault.is_for(call):
            return False
        self.matched += 1
        after_skip = self.matched - self.fault.skip
        if after_skip <= 0 or after_skip % self.fault.every:
            return False
        self.fired += 1
        return True


class Faults:
    """The faults that were ordered, in that order."""

    def __init__(self) -> None:
        self.planned: list[Planned] = []
        self._ordered = 0

    def order(self, fault: AnyFault) -> Planned:
        """Have a fault happen from the next call on."""
        self._ordered += 1
        self.planned.append(Planned(self._ordered, fault))
        return self.planned[-1]

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self.planned.clear()

    def striking(self, call: Call) -> list[AnyFault]:
        """The faults that happen to a call."""
        return [planned.fault for planned in self.planned if planned.strikes(call)]

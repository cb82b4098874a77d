"""A deed that is done once: by whichever try, whatever kills it, and never again by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import count

import pytest

from airflow_provider_sender.client.errors import (
    OutcomeUnknownError,
    RateLimitError,
    SenderError,
    ServiceFailureError,
)
from airflow_provider_sender.jobs.once import Deed, do_once


class Killed(BaseException):
    """A worker's death: nothing of its process runs any more."""


class TimeLimit(BaseException):
    """What Airflow raises in a task that takes too long."""


class Notes:
    """What tasks note, where it survives them."""

    def __init__(self, before: Callable[[str], None] = lambda what: None) -> None:
        self.facts: dict[str, str] = {}
        self.before = before

    def noted(self) -> Mapping[str, str]:
        self.before("read")
        return dict(self.facts)

    def note(self, **facts: str) -> None:
        self.before("write")
        self.facts |= facts
        self.before("written")


class Lost:
    """Keeps no notes, as Airflow before 3.3."""

    def noted(self) -> Mapping[str, str]:
        return {}

    def note(self, **facts: str) -> None:
        pass


DEED = Deed("The mail", "2", "Look at Sender's transactional mails.")
CLEARED = Deed("The mail", "5", "Look at Sender's transactional mails.")


class Sent:
    """Counts what was sent.

    :param errors: what becomes of each call instead of an answer, one after the other.
    """

    def __init__(self, *errors: BaseException) -> None:
        self.times = 0
        self.errors = list(errors)

    def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        self.times += 1
        return f"mail{self.times}"


def test_a_deed_is_done_and_its_result_returned() -> None:
    assert do_once(DEED, Sent(), Notes()) == "mail1"
    assert do_once(DEED, Sent(), Lost()) == "mail1"


def test_what_an_earlier_try_did_is_not_done_again_and_returns_the_same() -> None:
    notes, sent = Notes(), Sent()
    assert do_once(DEED, sent, notes) == do_once(DEED, sent, notes) == "mail1"
    assert sent.times == 1


def test_who_clears_the_task_has_it_done_again() -> None:
    notes, sent = Notes(), Sent()
    do_once(DEED, sent, notes)
    assert do_once(CLEARED, sent, notes) == "mail2"


def test_a_deed_without_a_result_is_remembered_too() -> None:
    notes, calls = Notes(), count()

    def call() -> None:
        next(calls)

    do_once(DEED, call, notes)
    assert do_once(DEED, call, notes) is None
    assert next(calls) == 1


@pytest.mark.parametrize("error", [RateLimitError("Full."), ServiceFailureError("Refused.", nothing_done=True)])
def test_what_was_certainly_not_done_is_done_by_the_next_try(error: SenderError) -> None:
    notes, sent = Notes(), Sent(error)
    with pytest.raises(type(error)):
        do_once(DEED, sent, notes)
    assert do_once(DEED, sent, notes) == "mail1"


@pytest.mark.parametrize("lost", [OutcomeUnknownError("No answer came."), TimeLimit(), ValueError("?")])
def test_what_nobody_knows_of_is_an_error_that_says_where_to_look(lost: BaseException) -> None:
    notes, sent = Notes(), Sent(lost)
    with pytest.raises(OutcomeUnknownError, match=r"Look at Sender's transactional mails.* clear the task") as first:
        do_once(DEED, sent, notes)
    assert first.value.__cause__ is lost
    with pytest.raises(OutcomeUnknownError, match=r"earlier try .* It was not repeated.* clear the task"):
        do_once(DEED, sent, notes)
    assert sent.times == 0
    assert do_once(CLEARED, sent, notes) == "mail1"


def test_an_interrupt_from_the_keyboard_stays_one() -> None:
    with pytest.raises(KeyboardInterrupt):
        do_once(DEED, Sent(KeyboardInterrupt()), Notes())


def killed_at(point: int, sent: Sent) -> tuple[Notes, bool]:
    """Kill a try at a point: before or after a note is read or written, or the call made; return whether it was."""
    points = count()

    def die_at_the_point(what: str) -> None:
        if next(points) == point:
            raise Killed

    def call() -> str:
        die_at_the_point("call")
        result = sent()
        die_at_the_point("answer")
        return result

    notes = Notes(before=die_at_the_point)
    with suppress(Killed, OutcomeUnknownError):
        do_once(DEED, call, notes)
    notes.before = lambda what: None
    return notes, next(points) > point


def test_wherever_a_try_is_killed_the_next_ones_do_nothing_twice() -> None:
    outcomes = []
    for point in count():
        sent = Sent()
        notes, was_killed = killed_at(point, sent)
        for _ in range(2):
            try:
                do_once(DEED, sent, notes)
                outcomes.append("done")
            except OutcomeUnknownError:
                outcomes.append("unknown")
        assert sent.times <= 1, point
        # Whoever says it was done, did it.
        assert sent.times == 1 or outcomes[-1] == "unknown", point
        if not was_killed:
            break
    assert point == 7
    # Only who died before anything was noted is followed by one that does it; from the last note on it is known.
    assert outcomes == ["done"] * 4 + ["unknown"] * 8 + ["done"] * 4


def test_that_it_was_done_is_no_failure_when_it_cannot_be_noted(caplog: pytest.LogCaptureFixture) -> None:
    writes = count()

    def fail_at_the_last(what: str) -> None:
        if what == "write" and next(writes) == 1:
            raise ConnectionError("The API server is away.")

    assert do_once(DEED, Sent(), Notes(before=fail_at_the_last)) == "mail1"
    assert "it was done, but that could not be noted" in caplog.text


def test_nothing_is_done_when_it_cannot_be_noted_before() -> None:
    def fail(what: str) -> None:
        if what == "write":
            raise ConnectionError("The API server is away.")

    sent = Sent()
    with pytest.raises(ConnectionError):
        do_once(DEED, sent, Notes(before=fail))
    assert sent.times == 0

"""A process of its own for every try of a task, which says what it is about to do and is killed when it is told so.

It is forked from one that has Airflow and this package loaded already, so that it costs milliseconds. Every request
and every write of state is a step, told before it is taken and after; on the answer the process goes on, or kills
itself with SIGKILL there and then. Time passes in the sandbox instead of at the wall: who sleeps, says so.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

_real_sleep = time.sleep
_real_monotonic = time.monotonic


@dataclass(frozen=True)
class Step:
    """A request or a write of state.

    :param what: ``POST /campaigns``, or what is written.
    :param is_request: which of the two it is.
    :param is_done: whether it has been taken.
    """

    what: str
    is_request: bool
    is_done: bool

    def __str__(self) -> str:
        return f"{'after' if self.is_done else 'before'} {self.what}"


@dataclass(frozen=True)
class Pause:
    """Seconds somebody sleeps."""

    seconds: float


@dataclass(frozen=True)
class Sent:
    """The task is successful."""

    campaign_id: str


@dataclass(frozen=True)
class Deferred:
    """The task waits in the triggerer, for what a trigger's ``serialize`` says."""

    path: str
    arguments: dict[str, object]


@dataclass(frozen=True)
class Fired:
    """The trigger is done."""

    event: dict[str, object]


@dataclass(frozen=True)
class Failed:
    """The task has failed.

    :param is_final: whether Airflow does not try it again by itself.
    """

    why: str
    is_final: bool


Ending = Sent | Deferred | Fired | Failed
Message = Step | Pause | Ending


class Line:
    """What a process says and is answered, whichever of its threads speaks."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._one_at_a_time = threading.Lock()

    def say(self, message: Message) -> None:
        """Say something; return when the process may go on."""
        with self._one_at_a_time:
            self._connection.send(message)
            if not self._connection.recv():
                os.kill(os.getpid(), signal.SIGKILL)
                _real_sleep(60)  # a signal may take a moment, in which nothing must happen


# The line of this process, in those that are forked.
_line: Line | None = None


# How much of the sandbox's time it has slept.
_slept = 0.0


def _sleep(seconds: float) -> None:
    global _slept
    if _line is None:
        _real_sleep(seconds)
    elif seconds > 0:
        _slept += seconds
        _line.say(Pause(seconds))


def _monotonic() -> float:
    return _real_monotonic() + _slept


def take_over_time() -> None:
    """Have all that sleeps from now on sleep in the sandbox's time, and see it pass.

    To be called before anything that uses them is imported and keeps ``time.sleep`` or ``time.monotonic`` for itself.
    """
    time.sleep = _sleep  # type: ignore[assignment]
    time.monotonic = _monotonic


def in_two(step: str, act: Callable[[], object]) -> None:
    """Take a step that is a write of state."""
    assert _line is not None
    _line.say(Step(step, is_request=False, is_done=False))
    act()
    _line.say(Step(step, is_request=False, is_done=True))


def _announce_requests(line: Line) -> None:
    from airflow_provider_sender.client.http import HttpSession

    send = HttpSession.send

    def announced(self: HttpSession, request: object) -> object:
        base = self._base_url
        what = f"{request.method} {request.url.removeprefix(base).partition('?')[0]}"  # type: ignore[attr-defined]
        line.say(Step(what, is_request=True, is_done=False))
        answer = send(self, request)  # type: ignore[arg-type]
        line.say(Step(what, is_request=True, is_done=True))
        return answer

    HttpSession.send = announced  # type: ignore[method-assign,assignment]


class Process:
    """A process, from outside.

    :param act: what it does.
    :param log: the file it logs to.
    """

    def __init__(self, act: Callable[[], Ending], log: Path) -> None:
        self._connection, theirs = Pipe()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self._connection.close()
            _live(act, Line(theirs), log)
        theirs.close()

    def hear(self) -> Message:
        """Return what it says next.

        :raises EOFError: when it has ended without a word.
        """
        message: Message = self._connection.recv()
        return message

    def go_on(self) -> None:
        """Let it go on with what it has announced."""
        self._connection.send(True)

    def die(self) -> None:
        """Have it kill itself where it is; return when it is dead."""
        self._connection.send(False)
        how = self._reaped()
        assert os.WIFSIGNALED(how), how
        assert os.WTERMSIG(how) == signal.SIGKILL, how

    def end(self) -> None:
        """Wait for the end of one that has said what became of it."""
        self._connection.send(True)
        how = self._reaped()
        assert os.waitstatus_to_exitcode(how) == 0, how

    def _reaped(self) -> int:
        how = os.waitpid(self.pid, 0)[1]
        self._connection.close()
        return how


def _live(act: Callable[[], Ending], line: Line, log: Path) -> None:
    global _line
    status = 1
    try:
        with log.open("a") as out:
            os.dup2(out.fileno(), 1)
            os.dup2(out.fileno(), 2)
        _announce_requests(line)
        _line = line
        line.say(act())
        status = 0
    except BaseException:
        traceback.print_exc()  # into the log; nothing else comes after this
        sys.stderr.flush()
    finally:
        os._exit(status)

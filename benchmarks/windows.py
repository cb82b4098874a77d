"""Reading under a limit of requests: how long beyond the time it must take, and how often refused.

In real time, all ways side by side, each with an account of its own: they do nothing but wait.
"""

from __future__ import annotations

import math
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from airflow_provider_sender.sandbox.remote import Sandbox
from benchmarks.exports import DLT_JSONL, JSONL, LOOP
from benchmarks.once import take
from benchmarks.table import Line

_PAGES = 130
_A_WINDOW = 60
_SECONDS = 60.0
_FLOOR = (math.ceil(_PAGES / _A_WINDOW) - 1) * _SECONDS
_OVER = 1.02

# Seconds from one to the next, so that they do not all work at the beginning of the same window.
_BETWEEN_STARTS = 3.0


@dataclass(frozen=True)
class _Reading:
    """How a way fared.

    :param seconds: how long it took, or until it gave up.
    :param refusals: answers of 429.
    :param is_whole: whether it came to its end.
    """

    seconds: float
    refusals: int
    is_whole: bool

    def __str__(self) -> str:
        refusals = f"{self.refusals} x 429"
        if not self.is_whole:
            return f"gave up after {self.seconds:.0f} s, {refusals}"
        return f"{self.seconds:.1f} s ({100 * (self.seconds / _FLOOR - 1):+.1f} %), {refusals}"


def windows() -> Iterator[Line]:
    """Read 130 pages at 60 requests a minute, which takes two minutes at the least."""
    cases = [(name, is_told) for is_told in (True, False) for name in (JSONL, DLT_JSONL, LOOP)]
    starts = [number * _BETWEEN_STARTS for number in range(len(cases))]
    with ThreadPoolExecutor(len(cases)) as threads:
        found = dict(zip(cases, threads.map(_read, cases, starts), strict=True))
    for is_told in (True, False):
        ours = found[JSONL, is_told]
        work = f"{_A_WINDOW} a minute, {'with' if is_told else 'no'} Retry-After, {_PAGES} pages"
        is_reached = ours.is_whole and not ours.refusals and ours.seconds <= _OVER * _FLOOR
        for peer in (DLT_JSONL, LOOP):
            goal = f"<= {_OVER * _FLOOR:.1f} s, 0 x 429"
            yield Line(work, str(ours), peer, str(found[peer, is_told]), goal=goal, is_reached=is_reached)


def _read(case: tuple[str, bool], start: float) -> _Reading:
    name, is_told = case
    time.sleep(start)
    with ExitStack() as stack:
        small = stack.enter_context(Sandbox.start(subscribers=250))
        box = stack.enter_context(
            Sandbox.start(
                subscribers=100 * _PAGES,
                requests_per_window=_A_WINDOW,
                window_seconds=_SECONDS,
                retry_after=is_told,
            )
        )
        began = time.perf_counter()
        try:
            seconds, is_whole = take(name, box, small, 100 * _PAGES, is_quiet=True).seconds, True
        except subprocess.CalledProcessError:
            seconds, is_whole = time.perf_counter() - began, False
        return _Reading(seconds, box.counters()["rate_limited"], is_whole)

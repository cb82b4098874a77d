"""Time that passes only while every thread waits, so that an hour of pacing takes no time and runs alike each time."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable


class VirtualTime:
    """A clock for any number of threads, of which one runs at a time.

    :param start: epoch seconds to begin with.
    """

    def __init__(self, start: float = 1_800_000_000.37) -> None:
        self.start = start
        self._now = start
        self._lock = threading.Lock()
        self._sleepers: list[tuple[float, int, threading.Event]] = []
        self._order = itertools.count()
        self._running = 0

    def now(self) -> float:
        return self._now

    @property
    def passed(self) -> float:
        return self._now - self.start

    def sleep(self, seconds: float) -> None:
        woken = threading.Event()
        with self._lock:
            heapq.heappush(self._sleepers, (self._now + max(0.0, seconds), next(self._order), woken))
            self._running -= 1
            self._wake_next()
        assert woken.wait(30), "no thread is left to move time on"

    def run(self, *jobs: Callable[[], None]) -> None:
        """Run the jobs side by side to their end; the first error of any is raised."""
        errors: list[BaseException] = []

        def run(job: Callable[[], None]) -> None:
            try:
                self.sleep(0.0)
                job()
            except BaseException as error:
                errors.append(error)
            finally:
                with self._lock:
                    self._running -= 1
                    self._wake_next()

        self._running = len(jobs)
        threads = [threading.Thread(target=run, args=(job,), daemon=True) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        if errors:
            raise errors[0]

    def _wake_next(self) -> None:
        if self._running == 0 and self._sleepers:
            self._now, _, woken = heapq.heappop(self._sleepers)
            self._running += 1
            woken.set()

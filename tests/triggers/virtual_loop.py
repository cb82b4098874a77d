"""An event loop whose time passes only while nobody has anything to do, so that hours of waiting take no time."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

import pytest

ResultT = TypeVar("ResultT")


class _Selector(selectors.DefaultSelector):
    """Instead of waiting for the next timer, moves the time there; but waits for threads that are at work."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0  # small, or the fractions of a second that the loop goes by are lost
        self.at_work = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self.at_work:
            return super().select(None)
        self.now += timeout or 0.0
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop."""

    def __init__(self) -> None:
        self.clock = _Selector()
        super().__init__(self.clock)

    def time(self) -> float:
        return self.clock.now

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., ResultT], *args: Any
    ) -> asyncio.Future[ResultT]:
        self.clock.at_work += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(lambda _: self._one_less())
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Close threads without waiting in a time that flies."""

    def _one_less(self) -> None:
        self.clock.at_work -= 1


def run_virtually(main: Callable[[], Coroutine[Any, Any, ResultT]], monkeypatch: pytest.MonkeyPatch) -> ResultT:
    """Run a coroutine to its end, in no time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        with monkeypatch.context() as patched:
            patched.setattr(time, "time", lambda: 1_800_000_000.0 + loop.time())
            return runner.run(main())

"""What triggers need and must not import on the event loop, which belongs to everybody's triggers.

Asking a service takes an HTTP client, and importing that takes several times as long as the loop may be held up. The
modules with triggers themselves are imported by DAG files, too, and by the triggerer on its loop: so they import
nothing heavy, and whatever runs in them awaits :func:`client_loaded` first.
"""

from __future__ import annotations

import asyncio
import importlib

_HEAVY = (
    "airflow_provider_sender.triggers.shared_poll",
    "airflow_provider_sender.triggers.campaign_stream",
    "airflow_provider_sender.triggers.campaign_news",
    "airflow_provider_sender.jobs.taking_back",
)


class _Loading:
    """Imports them once.

    :param modules: their names.
    """

    def __init__(self, *modules: str) -> None:
        self._modules = modules
        self._is_done = False
        self._first_come: dict[asyncio.AbstractEventLoop, asyncio.Lock] = {}

    async def done(self) -> None:
        if self._is_done:
            return
        loop = asyncio.get_running_loop()
        # One after the other: a thousand triggers that all go on at the same moment hold the loop up, too.
        async with self._first_come.setdefault(loop, asyncio.Lock()):
            if not self._is_done:
                await asyncio.to_thread(self._import)
                self._is_done = True
        self._first_come.pop(loop, None)

    def _import(self) -> None:
        for module in self._modules:
            importlib.import_module(module)


_loading = _Loading(*_HEAVY)


async def client_loaded() -> None:
    """Return when what talks to services is imported, which happens in a thread."""
    await _loading.done()

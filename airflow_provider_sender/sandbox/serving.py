"""The sandbox as a process that listens."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp

try:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as HttpProtocol
except ImportError:
    from uvicorn.protocols.http.h11_impl import H11Protocol as HttpProtocol  # type: ignore[assignment]  # either will do


class _OpenProtocol(HttpProtocol):
    """Hands the application its connection, so that it can close it in a client's face."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's has it
        # Of all a protocol has, this dictionary is what reaches the application, in scope["state"].
        self.app_state: dict[str, Any] = {**self.app_state, "transport": transport}
        super().connection_made(transport)


class SandboxServer(uvicorn.Server):
    """A server that says when it begins and ends.

    :param app: what it serves.
    :param announce: called once, when calls are answered.
    :param wind_up: called once, when no more are taken; ends those that still wait.
    """

    def __init__(self, app: ASGIApp, announce: Callable[[], None], wind_up: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=_OpenProtocol,
                ws="none",
                lifespan="off",
                access_log=False,
                log_level="warning",
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=60,
                timeout_graceful_shutdown=1,
            )
        )
        self._announce = announce
        self._wind_up = wind_up

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start answering."""
        await super().startup(sockets)
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop answering."""
        self._wind_up()
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """Open a port.

    :param port: 0 for any free one.
    :raises OSError: when the port is taken, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
        opened.listen(2048)
    except OSError:
        opened.close()
        raise
    opened.set_inheritable(False)
    return opened

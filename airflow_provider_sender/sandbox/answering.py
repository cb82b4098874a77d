"""Putting an answer on the wire, or deliberately not."""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope, Send

from airflow_provider_sender.sandbox.wire import Reply


async def send_reply(reply: Reply, send: Send) -> None:
    """Send an answer whole."""
    await _start(reply, send)
    await send({"type": "http.response.body", "body": reply.body})


async def send_truncated(reply: Reply, scope: Scope, receive: Receive, send: Send) -> None:
    """Announce an answer's whole length, send half of it, and close the connection."""
    await _start(reply, send)
    await send({"type": "http.response.body", "body": reply.body[: len(reply.body) // 2], "more_body": True})
    await close(scope, receive)


async def close(scope: Scope, receive: Receive) -> None:
    """Close the client's connection, whatever it still waits for."""
    transport: asyncio.Transport = scope["state"]["transport"]
    transport.close()
    # Returning before the server has noticed would make it answer 500 on the client's behalf.
    while (await receive())["type"] != "http.disconnect":
        pass


async def _start(reply: Reply, send: Send) -> None:
    headers = {
        "content-type": reply.media_type,
        "content-length": str(len(reply.body)),
        **{name.lower(): value for name, value in reply.headers.items()},
    }
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": encoded})

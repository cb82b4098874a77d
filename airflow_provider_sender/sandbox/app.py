"""The sandbox as one ASGI application: services, control and page."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from airflow_provider_sender.sandbox.control import Control
from airflow_provider_sender.sandbox.gate import Gate
from airflow_provider_sender.sandbox.sendara.api import Sendara
from airflow_provider_sender.sandbox.sender.api import Sender
from airflow_provider_sender.sandbox.sendpulse.api import SendPulse
from airflow_provider_sender.sandbox.service import Service
from airflow_provider_sender.sandbox.state import State

SENDER = Sender()
SENDPULSE = SendPulse()
SENDARA = Sendara()
SERVICES: Sequence[Service] = (SENDER, SENDPULSE, SENDARA)


class SandboxApp:
    """Hands each call to the service it is for.

    Services are told apart here and not by a router: their answers are the measure of everything a client
    does, and should cost as little as they can.

    :param state: the sandbox.
    """

    def __init__(self, state: State) -> None:
        self._gates = [(service.mount, Gate(service, state)) for service in SERVICES]
        self._rest: ASGIApp = Starlette(
            routes=[
                Route("/", _page),
                Mount("/_sandbox", routes=Control(state, SENDER, SERVICES[1:]).routes),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one call."""
        path: str = scope["path"]
        for mount, gate in self._gates:
            if path.startswith(mount) and path[len(mount) : len(mount) + 1] in ("", "/"):
                await gate(scope, receive, send)
                return
        await self._rest(scope, receive, send)


async def _page(request: Request) -> Response:
    return HTMLResponse((files(__package__) / "page.html").read_text(encoding="utf-8"))

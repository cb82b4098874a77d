"""What the control API can do to SendPulse alone: its people's decisions about campaigns, and its tokens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from airflow_provider_sender.sandbox.sendpulse import tokens
from airflow_provider_sender.sandbox.sendpulse.ids import campaign_number
from airflow_provider_sender.sandbox.sendpulse.states import STATES, put_into
from airflow_provider_sender.sandbox.state import State


class _Status(msgspec.Struct, forbid_unknown_fields=True):
    status: int


def routes(state: State) -> list[tuple[str, str, Callable[[Request], Awaitable[Response]]]]:
    """Method, path below ``/_sandbox`` and what answers there."""

    async def set_status(request: Request) -> Response:
        asked = msgspec.json.decode(await request.body(), type=_Status)
        if asked.status not in STATES:
            raise ValueError(f"status {asked.status}: there is no such status of a campaign")
        account = state.account
        with account.database.transaction():
            account.settle()
            number = campaign_number(request.path_params["id"])
            campaign = None if number is None else account.campaigns.numbered(number, "sendpulse")
            if campaign is None:
                raise ValueError("there is no such campaign at SendPulse")
            put_into(account, campaign, asked.status)
        return _json({"status": asked.status})

    async def revoke(request: Request) -> Response:
        with state.database.transaction():
            return _json({"revoked": tokens.revoke(state.account)})

    return [
        ("PUT", "/sendpulse/campaigns/{id}/status", set_status),
        ("DELETE", "/sendpulse/tokens", revoke),
    ]


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")

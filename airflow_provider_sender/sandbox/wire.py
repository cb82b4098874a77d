"""One call to a service and its answer, without any web framework around them."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, unquote

import msgspec

from airflow_provider_sender.sandbox.account.documents import Json


class Call(msgspec.Struct):
    """What a client asked.

    :param path: the path below the service's own, decoded, without a slash at its end.
    :param segments: the path's parts, each decoded by itself, so that ``%2F`` in an address splits nothing.
    :param headers: by lower-case name.
    :param parameters: what the route's template found in the path.
    """

    method: str
    path: str
    segments: tuple[str, ...]
    query_string: str
    headers: dict[str, str]
    body: bytes
    parameters: dict[str, str] = {}

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; of one given twice the last counts."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    @property
    def json(self) -> dict[str, Json]:
        """The body's attributes; a body that is no JSON object has none, as for the services."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class Reply(msgspec.Struct):
    """What a service answers."""

    status: int
    body: bytes
    headers: dict[str, str] = {}
    media_type: str = "application/json"


class Refused(Exception):
    """Ends a call with an answer other than the one hoped for."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def path_segments(raw_path: bytes) -> tuple[str, ...]:
    """The decoded parts of a path as it came over the wire."""
    return tuple(unquote(part) for part in raw_path.decode("latin-1").strip("/").split("/"))

"""What the sandbox asks of a service it imitates: its address, its routes and its manners."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeAlias

import msgspec

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.ratelimit import Window
from airflow_provider_sender.sandbox.settings import Settings
from airflow_provider_sender.sandbox.wire import Call, Reply

Handler: TypeAlias = Callable[[Account, Call], Reply]


class Route(msgspec.Struct, frozen=True):
    """One endpoint.

    :param template: its path below the service's own, e.g. ``/groups/{id}/subscribers``.
    """

    method: str
    template: str
    handler: Handler


class Routes:
    """Finds the endpoint a call is for.

    :param routes: the endpoints; where two fit, the one with fewer placeholders is meant.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_length: dict[int, list[tuple[tuple[str, ...], Route]]] = {}
        for route in sorted(routes, key=lambda route: route.template.count("{")):
            parts = tuple(route.template.strip("/").split("/"))
            self._by_length.setdefault(len(parts), []).append((parts, route))

    def of(self, segments: tuple[str, ...]) -> list[tuple[Route, dict[str, str]]]:
        """The endpoints on a path, whatever their method, with what their templates found in it."""
        found = []
        for parts, route in self._by_length.get(len(segments), ()):
            parameters = {}
            for part, segment in zip(parts, segments, strict=True):
                if part.startswith("{"):
                    parameters[part[1:-1]] = segment
                elif part != segment:
                    break
            else:
                found.append((route, parameters))
        return found


class Quota(msgspec.Struct, frozen=True):
    """A limit on an account's requests.

    :param name: what tells it from the service's other quotas.
    :param requests: how many are let through in a window.
    :param seconds: the window's length.
    :param is_sliding: whether it holds for any stretch of that length, instead of for one window after another.
    """

    name: str
    requests: int
    seconds: float
    is_sliding: bool = False


class Service(Protocol):
    """A service the sandbox imitates.

    ``mount`` is where it is served, e.g. ``/sender/v2``. ``login`` is what its connection has beside the token;
    empty where the token is all.
    """

    name: str
    mount: str
    login: str
    routes: Routes

    def turned_away(self, call: Call, account: Account) -> Reply | None:
        """The answer to a caller who does not belong here, before anything else is looked at."""

    def campaign_id(self, number: int) -> str:
        """How the service writes the id of one of its campaigns."""

    def quotas(self, settings: Settings) -> Sequence[Quota]:
        """The limits on the account's requests; the first is the one the rate headers are about."""

    def rate_headers(self, window: Window, settings: Settings) -> dict[str, str]:
        """What the service says in every answer about the requests that are left."""

    def too_many_requests(self, window: Window, settings: Settings) -> Reply:
        """The refusal of a call beyond a limit."""

    def failure(self, status: int, message: str) -> Reply:
        """An error in the service's own form."""

    def finished(self, reply: Reply, settings: Settings) -> Reply:
        """An answer as it leaves, whoever gave it."""

    def invalid(self, errors: dict[str, list[str]]) -> Reply:
        """The refusal of input, field by field."""

    def rendered(self, account: Account, numbers: Sequence[int]) -> list[bytes]:
        """Subscribers as the elements of this service's list."""

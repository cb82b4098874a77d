"""The hook for Sendara: an Airflow connection becomes a client."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from airflow.sdk import BaseHook

from airflow_provider_sender.client.budget import Pace, shared_budget
from airflow_provider_sender.client.errors import ConfigurationError, SenderError
from airflow_provider_sender.client.records import Json
from airflow_provider_sender.client.sendara import BASE_URL, RATE_WINDOW, SendaraClient, SendaraEndpoints
from airflow_provider_sender.client.sendara_service import SendaraService
from airflow_provider_sender.client.sendara_writing import ImportForm
from airflow_provider_sender.client.sliding import SlidingBudget
from airflow_provider_sender.client.transport import Request, Settings
from airflow_provider_sender.hooks.connection_form import connection_form
from airflow_provider_sender.hooks.settings import settings_of

if TYPE_CHECKING:
    from airflow.sdk import Connection

AnswerT = TypeVar("AnswerT")

# Methods that leave the account the same however often they are called.
_REPEATABLE = frozenset({"GET", "PUT", "PATCH", "DELETE"})


@connection_form
class SendaraHook(BaseHook, SendaraEndpoints):
    """Talks to a Sendara account: every endpoint of its API as a typed method, retries and request budget included.

    .. seealso::
        - :ref:`howto/connection:sendara`
        - `Sendara API reference <https://sendara.dev/docs/api-reference/>`__

    :param sender_conn_id: connection of type ``sendara``; its password is the API key.
    """

    conn_name_attr: ClassVar[str] = "sender_conn_id"
    default_conn_name: ClassVar[str] = "sendara_default"
    conn_type: ClassVar[str] = "sendara"
    hook_name: ClassVar[str] = "Sendara"

    def __init__(self, sender_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sender_conn_id = sender_conn_id

    def get_conn(self) -> SendaraClient:
        """Return the account's client, the same one at every call.

        :raises AirflowNotFoundException: when there is no such connection.
        :raises ConfigurationError: when the connection cannot work; says which part of it and what to do.
        """
        return self.service.client

    @cached_property
    def service(self) -> SendaraService:
        """The account in the words all services share."""
        connection = self.get_connection(self.sender_conn_id)
        return service_of(connection, connection.extra_dejson)

    def call(self, request: Request, answer_type: type[AnswerT]) -> AnswerT:
        """Make one call and return its answer decoded; what the typed methods use."""
        return self.get_conn().call(request, answer_type)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str | int | float | bool | None] | None = None,
        body: Json = None,
        repeatable: bool | None = None,
    ) -> Json:
        """Make a call no method is there for, and return its answer as plain JSON.

        :param path: path below the connection's host, beginning with a slash.
        :param repeatable: whether the call may be made again when its answer was lost; by default all but POST.
        :raises ServiceError: what the service said, or that it could not be reached.
        :raises OutcomeUnknownError: when a call that must not be repeated may have been carried out.
        """
        if not path.startswith("/"):
            raise ConfigurationError("path: must begin with a slash; it is appended to the connection's host.")
        may_repeat = method.upper() in _REPEATABLE if repeatable is None else repeatable
        # Identifiers go in as they are: braces of the caller's are no places for identifiers here.
        template = path.replace("{", "{{").replace("}", "}}")
        return self.call(Request(method.upper(), template, (), may_repeat, query or {}, body), Any)

    def test_connection(self) -> tuple[bool, str]:
        """Make one cheap authenticated call; return whether it worked, and what the key opens or what is wrong."""
        try:
            connection = self.get_connection(self.sender_conn_id)
            service = service_of(connection, connection.extra_dejson, in_a_hurry=True)
            return True, f"Connected: {service.account().description}."
        except SenderError as error:
            return False, str(error)


def client_of(connection: Connection, extra: dict[str, Any], *, in_a_hurry: bool = False) -> SendaraClient:
    """Return the client a connection describes.

    :param extra: the connection's extra, decoded; in an event loop that must be awaited, so it is not done here.
    :param in_a_hurry: for callers that would rather ask again themselves: no retries, no long waits.
    :raises ConfigurationError: when the connection cannot work.
    """
    settings = settings_of(connection, extra, BASE_URL)
    key = (connection.password or "").strip()
    budget = shared_budget((settings.base_url, key, settings), lambda: budget_of(settings))
    if in_a_hurry:
        settings = replace(
            settings, max_retries=0, timeout=min(settings.timeout, 15.0), max_wait=min(settings.max_wait, 5.0)
        )
    return SendaraClient(key, settings, budget)


def service_of(connection: Connection, extra: dict[str, Any], *, in_a_hurry: bool = False) -> SendaraService:
    """Return the account a connection opens, in the words all services share; as ``client_of``."""
    form = extra.get("import_form") or ImportForm.CONTACTS
    if form not in list(ImportForm):
        raise ConfigurationError(
            f"Connection {connection.conn_id!r}, extra import_form: must be one of {', '.join(ImportForm)}."
        )
    return SendaraService(client_of(connection, extra, in_a_hurry=in_a_hurry), ImportForm(form))


def budget_of(settings: Settings) -> SlidingBudget:
    """Return a request budget for an account: its requests are counted over the last second."""
    cap = settings.requests_per_minute
    return SlidingBudget(
        window=RATE_WINDOW,
        paces=(Pace(cap, 60.0),) if cap else (),
        reserve=settings.reserve,
        max_wait=settings.max_wait,
    )

"""What the hooks of all services have in common: an Airflow connection becomes an account that can be talked to."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar, cast

from airflow.sdk import BaseHook
from airflow.sdk.log import mask_secret

from airflow_provider_sender.client.account import Account
from airflow_provider_sender.client.budget import Budget, Pace, shared_budget
from airflow_provider_sender.client.budget_store import store_for
from airflow_provider_sender.client.client import Client
from airflow_provider_sender.client.errors import ConfigurationError, SenderError
from airflow_provider_sender.client.request import Request
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.client.values import Json
from airflow_provider_sender.hooks.connection_type import check_type
from airflow_provider_sender.hooks.extras import extras_in
from airflow_provider_sender.hooks.settings import settings_of

if TYPE_CHECKING:
    from airflow.sdk import Connection

AnswerT = TypeVar("AnswerT")

# Methods that leave the account the same however often they are called.
_REPEATABLE = frozenset({"GET", "PUT", "PATCH", "DELETE"})

# For callers that would rather ask again themselves, seconds: a person at a form, a trigger with other tasks to see to.
_HURRIED_TIMEOUT, _HURRIED_WAIT = 15.0, 5.0


class Opened(Protocol):
    """An account in the words all services share, and the client it is opened with."""

    @property
    def client(self) -> Client:
        """The client."""

    def account(self) -> Account:
        """Make one cheap authenticated call and say whose account it is."""


ClientT = TypeVar("ClientT", bound=Client)
ServiceT = TypeVar("ServiceT", bound=Opened)


class AccountHook(BaseHook, Generic[ClientT, ServiceT]):
    """Talks to one account of a service, with retries and its request budget.

    :param sender_conn_id: connection of the hook's type; by default the one Airflow would name so.
    """

    conn_name_attr: ClassVar[str] = "sender_conn_id"
    default_conn_name: ClassVar[str]
    conn_type: ClassVar[str]
    hook_name: ClassVar[str]
    base_url: ClassVar[str]
    extras: ClassVar[frozenset[str]]

    def __init__(self, sender_conn_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sender_conn_id = self.default_conn_name if sender_conn_id is None else sender_conn_id

    @cached_property
    def service(self) -> ServiceT:
        """The account in the words all services share."""
        connection = self.get_connection(self.sender_conn_id)
        return self.service_of(connection, connection.extra_dejson)

    def get_conn(self) -> ClientT:
        """Return the account's client, the same one at every call.

        :raises AirflowNotFoundException: when there is no such connection.
        :raises ConfigurationError: when the connection cannot work; says which part of it and what to do.
        """
        return cast("ClientT", self.service.client)  # a service works with the client of its own kind

    def call(self, request: Request, answer_type: type[AnswerT]) -> AnswerT:
        """Make one call and return its answer decoded; what the typed methods use."""
        return self.get_conn().call(request, answer_type)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | float | bool | None] | None = None,
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
        """Make one cheap authenticated call; return whether it worked, and whose account it is or what is wrong."""
        try:
            connection = self.get_connection(self.sender_conn_id)
            service = self.service_of(connection, connection.extra_dejson, in_a_hurry=True)
            return True, f"Connected: {service.account().description}."
        except SenderError as error:
            return False, str(error)

    @classmethod
    def service_of(cls, connection: Connection, extra: object, *, in_a_hurry: bool = False) -> ServiceT:
        """Return the account a connection opens, in the words all services share.

        :param extra: the connection's extra, decoded; in an event loop that must be awaited, so it is not done here.
        :param in_a_hurry: for callers that would rather ask again themselves: no retries, no long waits.
        :raises ConfigurationError: when the connection is of another type, or cannot work.
        """
        check_type(connection, cls.__name__, cls.conn_type)
        extras = extras_in(connection, extra, cls.extras)
        settings = settings_of(connection, extras, cls.base_url)
        account = (settings.base_url, *cls.credentials_in(connection), settings)
        opens = (settings.base_url, *cls.credentials_in(connection))
        budget = shared_budget(account, lambda: cls.budget_of(settings).shared(store_for(*opens)))
        if in_a_hurry:
            timeout, max_wait = min(settings.timeout, _HURRIED_TIMEOUT), min(settings.max_wait, _HURRIED_WAIT)
            settings = replace(settings, max_retries=0, timeout=timeout, max_wait=max_wait)
        service = cls.opened(connection, extras, settings, budget)
        if not in_a_hurry:
            # Not in a triggerer, where Airflow 3.1 cannot be told from a thread. No token is logged there either way.
            service.client.announce_tokens(mask_secret)
        return service

    @classmethod
    def credentials_in(cls, connection: Connection) -> tuple[str, ...]:
        """Return what of a connection opens the account: its password."""
        return ((connection.password or "").strip(),)

    @classmethod
    def budget_of(cls, settings: Settings) -> Budget:
        """Return a request budget for an account, which goes by what the service's answers say."""
        return Budget(paces=cap_of(settings), reserve=settings.reserve)

    @classmethod
    @abstractmethod
    def opened(cls, connection: Connection, extras: Mapping[str, Json], settings: Settings, budget: Budget) -> ServiceT:
        """Return the account, opened with what a connection holds.

        :param extras: the connection's extras, checked.
        """


def cap_of(settings: Settings) -> tuple[Pace, ...]:
    """Return the user's own cap as a pace; none where there is no cap."""
    return (Pace(settings.requests_per_minute, 60.0),) if settings.requests_per_minute else ()

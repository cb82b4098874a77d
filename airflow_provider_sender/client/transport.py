"""One request: authorisation, time-outs, retries by what may have happened, and decoding.

What a call may do when its answer is lost is declared where the call is defined: :func:`read` and :func:`repeatable`
may be made again, :func:`once` must not. Everything else here follows from that.
"""

from __future__ import annotations

import contextlib
import logging
import random
import ssl
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from http import HTTPStatus
from typing import Any, Protocol, TypeVar, cast, runtime_checkable
from urllib.parse import quote, urlsplit

import msgspec
import requests
import tenacity
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from airflow_provider_sender.client.budget import Budget, RateHeaders
from airflow_provider_sender.client.errors import (
    AuthenticationError,
    ConfigurationError,
    OutcomeUnknownError,
    RateLimitError,
    SenderError,
    ServiceFailureError,
    without_addresses,
)
from airflow_provider_sender.client.http import JSON, HttpSession

log = logging.getLogger(__name__)


def _mask(record: logging.LogRecord) -> bool:
    record.msg, record.args = without_addresses(record.getMessage()), ()
    return True


# Below us, at level DEBUG, every path is logged as it is called, and some of them hold an address.
logging.getLogger("urllib3.connectionpool").addFilter(_mask)

AnswerT = TypeVar("AnswerT")

LONGEST_BACKOFF = 60.0
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Request:
    """One call of a service's API.

    :param method: HTTP method.
    :param path: path below the base address, ``{}`` where an identifier goes. It is what errors and logs show.
    :param identifiers: the values for the ``{}``, quoted here.
    :param repeatable: whether making the call twice leaves the account as making it once does.
    :param query: query parameters; those that are None are left out.
    :param body: what becomes the JSON body, an :class:`Encoded` one that is sent as it is, or None for none.
    """

    method: str
    path: str
    identifiers: tuple[str, ...] = ()
    repeatable: bool = True
    query: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    body: object = None

    def full_path(self) -> str:
        """Return the path below the base address, identifiers quoted.

        :raises ConfigurationError: when an identifier would make it the address of something else.
        """
        if any(part in ("", ".", "..") for part in self.identifiers):
            # Quoted or not, dots are resolved on the way, and DELETE /groups/.. would be DELETE /.
            raise ConfigurationError(f"An identifier for {self.method} {self.path} is empty or only dots.")
        return self.path.format(*(quote(part, safe="") for part in self.identifiers))


def read(path: str, *identifiers: str, **query: str | int | float | bool | None) -> Request:
    """Return a GET."""
    return Request("GET", path, identifiers, query=query)


def repeatable(method: str, path: str, *identifiers: str, body: object = None, **query: str | None) -> Request:
    """Return a call that changes the account and does no harm when it is made again."""
    return Request(method, path, identifiers, query=query, body=body)


def once(method: str, path: str, *identifiers: str, body: object = None) -> Request:
    """Return a call that must not be made again when it is unknown whether it was carried out."""
    return Request(method, path, identifiers, repeatable=False, body=body)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A body in another form than JSON: a form, or a file that is uploaded."""

    content: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Dialect(Protocol):
    """What differs from service to service in a single request."""

    name: str

    def authorization(self) -> str:
        """Return the value of the ``Authorization`` header."""

    def error_in(self, answer: Answer, request: Request) -> SenderError | None:
        """Return the error an answer carries, whatever its HTTP status, or None."""


@runtime_checkable
class RenewingDialect(Dialect, Protocol):
    """A dialect whose token lasts for a while only."""

    def renewed(self, authorization: str) -> bool:
        """Get another token in place of a refused one; return whether there is another one now."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to reach a service; the extras of the connection.

    :param base_url: ``https`` address the paths are appended to; plain ``http`` only for a loopback host.
    :param timeout: seconds to wait for an answer (and at most 10 of them for the connection).
    :param max_retries: how often a call that may succeed later is made again.
    :param requests_per_minute: a cap below the account's own, or None.
    :param reserve: requests of every window that are left to others.
    :param max_wait: the longest single wait in seconds; beyond it :class:`RateLimitError` is raised.
    :param settle_time: seconds a service may need until what was done shows in what is read.
    :param connections: how many requests may be under way at once while a listing is read.
    :param time_zone: IANA name of the account's time zone, or None when nobody said; then nothing can be scheduled.
    """

    base_url: str
    timeout: float = 30.0
    max_retries: int = 8
    requests_per_minute: int | None = None
    reserve: int = 0
    max_wait: float = 120.0
    settle_time: float = 30.0
    time_zone: str | None = None
    connections: int = 8

    def checked(self) -> Settings:
        """Return these settings with a clean ``base_url``.

        :raises ConfigurationError: when a token would travel in clear, or the address is none.
        """
        url = self.base_url.strip().rstrip("/")
        try:
            parts = urlsplit(url)
            _ = parts.port  # looked at only when it is asked for
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigurationError(
                "The connection's host is not an address. Write it as https://host/path, or leave it empty for the "
                "service's own."
            )
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ConfigurationError(
                f"The connection's host ({parts.hostname}) is plain http, so the token would travel in clear. "
                "Use https; http is accepted for a loopback address only."
            )
        if "@" in parts.netloc or "?" in url or "#" in url:
            raise ConfigurationError("The connection's host must be a bare address, without user, query or fragment.")
        return replace(self, base_url=url)


class Transport:
    """Makes requests of one account, from any number of threads.

    :param dialect: the service's ways.
    :param settings: checked settings.
    :param budget: the account's request budget.
    """

    def __init__(
        self,
        dialect: Dialect,
        settings: Settings,
        budget: Budget,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = settings
        self.budget = budget
        self.requests_made = 0
        self._dialect = dialect
        # Most tokens last until they are revoked, and there is no other one in their place.
        self._renewed = dialect.renewed if isinstance(dialect, RenewingDialect) else lambda authorization: False
        self._sleep = sleep
        self._rate_headers = RateHeaders()
        self._threads = threading.local()
        self._counting = threading.Lock()
        self._policy = tenacity.Retrying(
            retry=_may_repeat,
            wait=_wait,
            stop=self._gives_up,
            sleep=self._sleep,
            before_sleep=_log_retry,
            reraise=True,
        )

    def call(self, request: Request, answer_type: type[AnswerT]) -> AnswerT:
        """Make a request and return its answer decoded.

        :raises ServiceError: what the service said, or that it could not be reached (see ``errors.py``).
        :raises OutcomeUnknownError: when a call that must not be repeated may have been carried out.
        """
        decoder: msgspec.json.Decoder[AnswerT] = _decoder(cast("Hashable", answer_type))
        return self.fetch(request, decoder.decode)

    def fetch(self, request: Request, decode: Callable[[bytes], AnswerT]) -> AnswerT:
        """Make a request and return what ``decode`` makes of the body; a body it cannot decode is asked for again."""
        try:
            return cast("AnswerT", self._policy(self._attempt, request, decode))
        except ServiceFailureError as error:
            if request.repeatable or error.nothing_done:
                raise
            raise OutcomeUnknownError(
                f"{self._dialect.name} may or may not have carried out {error.method} {error.path}: "
                f"{error.message} It was not repeated."
            ) from error

    def _gives_up(self, state: tenacity.RetryCallState) -> bool:
        return state.attempt_number > self.settings.max_retries or state.upcoming_sleep > self.settings.max_wait

    def _attempt(self, request: Request, decode: Callable[[bytes], AnswerT]) -> AnswerT:
        answer, authorization = self._exchange(request)
        error = self._dialect.error_in(answer, request)
        if isinstance(error, AuthenticationError) and self._renewed(authorization):
            answer, _ = self._exchange(request)
            error = self._dialect.error_in(answer, request)
        if error is not None:
            if isinstance(error, RateLimitError) and error.retry_after is None:
                error.retry_after = self._rate_headers.retry_after(answer.headers)
            elif isinstance(error, ServiceFailureError) and error.retry_after is None:
                error.retry_after = self._rate_headers.asked(answer.headers)
            if isinstance(error, RateLimitError) and error.retry_after and error.is_for_all:
                self.budget.refused(error.retry_after)
            raise error
        try:
            return decode(b"{}" if answer.status == HTTPStatus.NO_CONTENT else answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ServiceFailureError(
                f"{self._dialect.name}'s answer cannot be read as documented ({error}; "
                f"{len(answer.body)} bytes of {answer.headers.get('Content-Type', 'no content type')}).",
                method=request.method,
                path=request.path,
                status=answer.status,
            ) from None  # what could not be decoded hangs on the error, and may be a person's

    def _exchange(self, request: Request) -> tuple[Answer, str]:
        """Make a request once; return the answer, and the authorization it was made with."""
        body = request.body
        if body is not None and not isinstance(body, Encoded):
            body = Encoded(msgspec.json.encode(body), JSON)
        query = {key: _text(value) for key, value in request.query.items() if value is not None}
        path, authorization = request.full_path(), self._dialect.authorization()
        self.budget.acquire(self.settings.max_wait)
        with self._counting:
            self.requests_made += 1
        try:
            with self._session(request) as session:
                content, kind = (body.content, body.content_type) if body is not None else (None, JSON)
                prepared = session.prepared(request.method, path, query, content, authorization, kind)
                response, received = session.send(prepared)
        except requests.RequestException as error:
            self.budget.unanswered()
            # Its text holds the call's full address, and with it perhaps a person's; a traceback would show it.
            raise self._no_answer(request, error) from None
        except BaseException:
            self.budget.unanswered()
            raise
        self.budget.answered(self._rate_headers.read(response.headers))
        return Answer(response.status_code, response.headers, received), authorization

    @contextlib.contextmanager
    def _session(self, request: Request) -> Iterator[HttpSession]:
        if not request.repeatable:
            # A kept-alive connection may have been closed by the other side meanwhile. For a read that costs a retry;
            # here it would look like an unknown outcome, so such calls get a connection of their own.
            with self._new_session() as session:
                yield session
            return
        if not hasattr(self._threads, "session"):
            self._threads.session = self._new_session()
        yield self._threads.session

    def _new_session(self) -> HttpSession:
        return HttpSession(self.settings.base_url, self.settings.timeout)

    def _no_answer(self, request: Request, error: requests.RequestException) -> SenderError:
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
            return ConfigurationError("The connection's host is not an address requests can be sent to.")
        if isinstance(error, requests.exceptions.SSLError):
            # Only of a refused certificate is it certain that nothing was sent yet; TLS can break later as well.
            is_refused = isinstance(_cause(_cause(error)), ssl.SSLCertVerificationError)
            reason, certain, again = "no safe connection (TLS) could be made", is_refused, not is_refused
        elif _never_connected(error):
            reason, certain, again = "no connection could be made", True, True
        elif isinstance(error, requests.Timeout):
            reason, certain, again = f"no answer within {self.settings.timeout:.0f} s", False, True
        else:
            reason, certain, again = "the connection broke before the whole answer was there", False, True
        host = urlsplit(self.settings.base_url).hostname
        return ServiceFailureError(
            f"{self._dialect.name} at {host} could not be reached: {reason}.",
            method=request.method,
            path=request.path,
            retryable=again,
            nothing_done=certain,
        )


def _never_connected(error: requests.RequestException) -> bool:
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    return isinstance(_cause(error), NewConnectionError | ConnectTimeoutError)


def _cause(error: object) -> object:
    """Return what an error of requests or urllib3 was made of."""
    cause = error.args[0] if isinstance(error, Exception) and error.args else None
    return cause.reason if isinstance(cause, MaxRetryError) else cause


def _may_repeat(state: tenacity.RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, RateLimitError | ServiceFailureError) or not error.retryable:
        return False
    request: Request = state.args[0]
    return request.repeatable or error.nothing_done


def _wait(state: tenacity.RetryCallState) -> float:
    """Return what the service asks for, else 1, 2, 4 ... 60 s with full jitter.

    A service that asks for no time at all (``Retry-After: 0``) would use up every attempt at once, so that counts as
    not asked.
    """
    error = state.outcome.exception() if state.outcome else None
    asked = getattr(error, "retry_after", None)
    if asked:
        return float(asked)
    return random.uniform(0.0, min(LONGEST_BACKOFF, 2.0 ** (state.attempt_number - 1)))


def _log_retry(state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("%s Trying again in %.1f s (attempt %d)", error, state.upcoming_sleep, state.attempt_number)


def _text(value: str | int | float | bool) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


@cache
def _decoder(answer_type: Any) -> msgspec.json.Decoder[Any]:
    # Types drift between an API's answers (0 for false, "12" for 12), so they are read loosely.
    return msgspec.json.Decoder(answer_type, strict=False)

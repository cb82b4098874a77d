"""One request: authorisation, time-outs, retries by what may have happened, and decoding.

What a call may do when its answer is lost is declared where the call is defined (``request.py``), and what can have
happened when none came is found out in ``no_answer.py``. Whether a call is made again follows from the two.
"""

from __future__ import annotations

import contextlib
import logging
import random
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any, Protocol, TypeVar, cast, runtime_checkable

import msgspec
import requests
import tenacity

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.errors import (
    AuthenticationError,
    OutcomeUnknownError,
    RateLimitError,
    SenderError,
    ServiceError,
    ServiceFailureError,
    without_addresses,
)
from airflow_provider_sender.client.http import JSON, HttpSession
from airflow_provider_sender.client.no_answer import error_without_answer
from airflow_provider_sender.client.rate_headers import RateHeaders
from airflow_provider_sender.client.request import Encoded, Request
from airflow_provider_sender.client.settings import Settings

log = logging.getLogger(__name__)


def _mask(record: logging.LogRecord) -> bool:
    record.msg, record.args = without_addresses(record.getMessage()), ()
    return True


# Below us, at level DEBUG, every path is logged as it is called, and some of them hold an address.
logging.getLogger("urllib3.connectionpool").addFilter(_mask)

AnswerT = TypeVar("AnswerT")

_LONGEST_BACKOFF = 60.0


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
            answer, authorization = self._exchange(request)
            error = self._dialect.error_in(answer, request)
        if error is not None:
            if isinstance(error, ServiceError):
                error.withhold(authorization.rpartition(" ")[-1])
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
            raise error_without_answer(request, error, service=self._dialect.name, settings=self.settings) from None
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
    return random.uniform(0.0, min(_LONGEST_BACKOFF, 2.0 ** (state.attempt_number - 1)))


def _log_retry(state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("%s Trying again in %.1f s (attempt %d)", error, state.upcoming_sleep, state.attempt_number)


def _text(value: str | int | float | bool) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


@cache
def _decoder(answer_type: Any) -> msgspec.json.Decoder[Any]:
    # Types drift between an API's answers (0 for false, "12" for 12), so they are read loosely.
    return msgspec.json.Decoder(answer_type, strict=False)

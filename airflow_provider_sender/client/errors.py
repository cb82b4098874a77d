"""What can go wrong when a service is called.

The tree is drawn by what to do about it, not by status code::

    SenderError
    ├── ConfigurationError          mend the connection or a parameter; nothing was sent
    ├── UnsupportedOperationError   this service has no such thing; the text names the way round
    ├── ServiceError                the service, or the way to it, said no
    │   ├── AuthenticationError     the token is missing, wrong, expired or revoked
    │   ├── PermissionDeniedError   the token is good, but not for this
    │   ├── NotFoundError           there is no such thing in the account
    │   ├── InvalidRequestError     the service refuses these values; the same again is refused again
    │   ├── RateLimitError          too many requests; certainly nothing was done
    │   └── ServiceFailureError     5xx, no answer, or an answer that cannot be read
    └── OutcomeUnknownError         a call that must not be repeated may or may not have been carried out
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

# Rather too much than a bit of a name left: a local part may be quoted or hold an apostrophe, and where a service
# repeats the path it was called by, the "@" is "%40". It is looked for from the beginning of a word only, because from
# every letter of a long one it would take for ever.
_LOCAL = r"[^\s@\"<>(),;:\[\]]"
_DOMAIN = r"(?:\[[^\]\s]*\]|[^\s@\"'<>(),;:\[\]{}/?&]+)"
_ADDRESS = re.compile(rf"(?:\"[^\"\n]*\"|(?<!{_LOCAL}){_LOCAL}+?)(?:@|%40){_DOMAIN}")

# A service's own sentence is worth reading, a whole HTML page is not.
_LONGEST_MESSAGE = 400

# What is shorter would be found in ordinary words; and so would be the beginning of one that was cut off.
_SHORTEST_SECRET = 12
_SHORTEST_BEGINNING = 6


def without_addresses(text: str) -> str:
    """Return ``text`` with every e-mail address replaced by ``<address>``."""
    return _ADDRESS.sub("<address>", text)


def _without(secret: str, text: str) -> str:
    """Return a text without a secret, also where the end of the text was cut off in the middle of it."""
    text = text.replace(secret, "<secret>")
    cut = (secret[:length] for length in range(len(secret) - 1, _SHORTEST_BEGINNING - 1, -1))
    return next((text.removesuffix(part) + "<secret>" for part in cut if text.endswith(part)), text)


class SenderError(Exception):
    """Whatever this package raises about a service; catch this to catch them all.

    ``retryable`` is whether the same again may succeed later. Where it is False a task fails at once, whatever its
    ``retries``; it is, unless an error says otherwise of itself.
    """

    retryable = False


class ConfigurationError(SenderError, ValueError):
    """The connection or a parameter cannot work. Raised before anything was sent."""


class UnsupportedOperationError(SenderError):
    """The service the connection belongs to cannot do this at all.

    :param service: the service's name.
    :param operation: what was asked for.
    :param instead: what to do instead.
    """

    def __init__(self, service: str, operation: str, instead: str) -> None:
        super().__init__(f"{service} cannot {operation}. {instead}")
        self.service = service
        self.operation = operation
        self.instead = instead


class ServiceError(SenderError):
    """The service refused a call or could not be reached.

    :param message: the service's own sentence where it gave one; e-mail addresses are taken out.
    :param method: HTTP method of the call.
    :param path: path of the call as a template (``/subscribers/{}``), so that it never holds an address.
    :param status: HTTP status, or None when there was no answer.
    :param code: the service's own error code, if it has such codes.
    :param errors: field -> messages, where the service says which values it refuses.
    :param request_id: the service's name for this request, if it gave one.
    :param retry_after: seconds after which the service says it is worth trying again.
    :param retryable: whether the same call may succeed later.
    :param nothing_done: whether it is certain that the service did not carry the call out.
    """

    nothing_done = True

    def __init__(
        self,
        message: str,
        *,
        method: str = "",
        path: str = "",
        status: int | None = None,
        code: str | int | None = None,
        errors: Mapping[str, Sequence[str]] | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        retryable: bool | None = None,
        nothing_done: bool | None = None,
    ) -> None:
        self.message = without_addresses(message)[:_LONGEST_MESSAGE]
        self.method = method
        self.path = without_addresses(path)
        self.status = status
        self.code = code
        self.errors = {
            without_addresses(field): [without_addresses(text) for text in texts]
            for field, texts in (errors or {}).items()
        }
        self.request_id = request_id
        self.retry_after = retry_after
        if retryable is not None:
            self.retryable = retryable
        if nothing_done is not None:
            self.nothing_done = nothing_done
        super().__init__(self.message)

    def withhold(self, secret: str) -> None:
        """Take a secret out of everything that the service said, which may repeat what it was sent.

        :param secret: a token or key; one that is too short to be one is left alone.
        """
        if len(secret) < _SHORTEST_SECRET:
            return
        self.message = _without(secret, self.message)
        self.errors = {
            _without(secret, field): [_without(secret, text) for text in texts] for field, texts in self.errors.items()
        }
        self.code = _without(secret, self.code) if isinstance(self.code, str) else self.code
        self.args = (self.message,)

    def __str__(self) -> str:
        parts = [self.message]
        if self.errors:
            fields = "; ".join(f"{field}: {', '.join(texts)}" for field, texts in self.errors.items())
            parts.append(f"Fields: {fields}")
        where = " ".join(part for part in (self.method, self.path) if part)
        facts = [f"HTTP {self.status}"] if self.status else []
        if self.code is not None:
            facts.append(f"code {self.code}")
        if self.request_id:
            facts.append(f"request id {self.request_id}")
        if self.retry_after is not None:
            facts.append(f"worth trying again in {self.retry_after:.0f} s")
        if where or facts:
            parts.append(f"({', '.join([where, *facts] if where else facts)})")
        return " ".join(parts)


class AuthenticationError(ServiceError):
    """The token is missing, wrong, expired or revoked. Trying again changes nothing."""


class PermissionDeniedError(ServiceError):
    """The token is valid, but the account, its plan or the token's scope does not allow this."""


class NotFoundError(ServiceError):
    """There is no such subscriber, group, campaign or path in the account."""


class InvalidRequestError(ServiceError):
    """The service understood the call and refuses it; ``errors`` may say which field is wrong."""


class RateLimitError(ServiceError):
    """The account's request window is used up; ``retry_after`` says for how many seconds.

    ``is_for_all`` is whether every other call would be refused as well: a quota of campaigns keeps nobody from reading.
    """

    retryable = True
    is_for_all = True


class ServiceFailureError(ServiceError):
    """The service failed, did not answer, or answered with something unreadable."""

    retryable = True
    nothing_done = False


class OutcomeUnknownError(SenderError):
    """A call that must not be repeated may or may not have been carried out.

    Only the state of the service can tell. Read it before doing anything else.

    :param message: what happened, and exactly what to look at.
    """

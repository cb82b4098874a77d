"""A call of a service's API as it is described before it is made.

What a call may do when its answer is lost is declared where the call is defined: :func:`read` and :func:`repeatable`
may be made again, :func:`once` must not. ``transport.py`` heeds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from airflow_provider_sender.client.errors import ConfigurationError


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

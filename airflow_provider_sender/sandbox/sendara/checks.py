"""Validation of what clients send. Sendara names one wrong field and stops there."""

from __future__ import annotations

import json
import re
from collections.abc import Collection

from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.sendara.replies import invalid
from airflow_provider_sender.sandbox.wire import Call

_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s.<>]+(\.[^@\s.<>]+)+")
_NAMED_ADDRESS = re.compile(r'\s*(?:"[^"]*"|[^"<>@]*)\s*<([^<>]+)>\s*')
_PHONE = re.compile(r"\+[1-9]\d{6,14}")


def is_address(value: object) -> bool:
    """Whether a value looks like an e-mail address."""
    return isinstance(value, str) and _ADDRESS.fullmatch(value) is not None


class Body:
    """Reads the attributes of a body, or of an object inside it.

    :raises Refused: with 400 at the first that is wrong.
    """

    def __init__(self, attributes: dict[str, Json], prefix: str = "") -> None:
        self.attributes = attributes
        self._prefix = prefix

    def __contains__(self, name: str) -> bool:
        return name in self.attributes

    def text(self, name: str) -> str | None:
        """A string; empty ones count as missing."""
        value = self.attributes.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise invalid(f"{self._prefix}{name} must be a string")
        return value

    def needed(self, name: str) -> str:
        """A string that must be there."""
        value = self.text(name)
        if value is None:
            raise invalid(f"{self._prefix}{name} is required")
        return value

    def address(self, name: str) -> str | None:
        """An e-mail address."""
        value = self.text(name)
        if value is not None and not is_address(value):
            raise invalid(f"{self._prefix}{name} is not a valid email address")
        return value

    def needed_address(self, name: str) -> str:
        """An e-mail address that must be there."""
        self.needed(name)
        found = self.address(name)
        assert found is not None
        return found

    def sender(self, name: str) -> str | None:
        """An address, or one with a name before it: ``"Name" <a@b.example>``; the whole of it."""
        value = self.text(name)
        if value is not None and not is_address(bare_address(value)):
            raise invalid(f"{self._prefix}{name} is not a valid email address")
        return value

    def phone(self, name: str) -> str | None:
        """A phone number in E.164."""
        value = self.text(name)
        if value is not None and _PHONE.fullmatch(value) is None:
            raise invalid(f"{self._prefix}{name} must be in E.164 format")
        return value

    def choice(self, name: str, choices: Collection[str]) -> str | None:
        """One of some strings."""
        value = self.text(name)
        if value is not None and value not in choices:
            raise invalid(f"{self._prefix}{name} must be one of {', '.join(choices)}")
        return value

    def flag(self, name: str) -> bool | None:
        """True or false."""
        value = self.attributes.get(name)
        if value is not None and not isinstance(value, bool):
            raise invalid(f"{self._prefix}{name} must be a boolean")
        return value

    def number(self, name: str) -> int | None:
        """A whole number that is not negative."""
        value = self.attributes.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise invalid(f"{self._prefix}{name} must be a non-negative integer")
        return value

    def mapping(self, name: str) -> dict[str, Json] | None:
        """An object."""
        value = self.attributes.get(name)
        if value is not None and not isinstance(value, dict):
            raise invalid(f"{self._prefix}{name} must be an object")
        return value

    def inner(self, name: str) -> Body:
        """An object that must be there, to be read in its turn."""
        found = self.mapping(name)
        if found is None:
            raise invalid(f"{self._prefix}{name} is required")
        return Body(found, f"{self._prefix}{name}.")

    def array(self, name: str) -> list[Json] | None:
        """A list of anything."""
        value = self.attributes.get(name)
        if value is not None and not isinstance(value, list):
            raise invalid(f"{self._prefix}{name} must be an array")
        return value

    def strings(self, name: str) -> list[str] | None:
        """A list of strings."""
        found = self.array(name)
        if found is None:
            return None
        if not all(isinstance(item, str) for item in found):
            raise invalid(f"{self._prefix}{name} must be an array of strings")
        return [item for item in found if isinstance(item, str)]


def decoded(call: Call) -> Json:
    """The body, whatever it is.

    :raises Refused: when it is no JSON.
    """
    try:
        found: Json = json.loads(call.body)
    except ValueError:
        raise invalid("The request body is not valid JSON") from None
    return found


def body_of(call: Call, *, optional: bool = False) -> Body:
    """A body that is an object.

    :param optional: whether there may be none.
    """
    if optional and not call.body.strip():
        return Body({})
    found = decoded(call)
    if not isinstance(found, dict):
        raise invalid("The request body must be a JSON object")
    return Body(found)


def bare_address(text: str) -> str:
    """The address in ``"Name" <a@b.example>``."""
    found = _NAMED_ADDRESS.fullmatch(text)
    return text if found is None else found.group(1)

"""Validation of what clients send: all that is wrong is said at once, as Sender does."""

from __future__ import annotations

import re
from collections.abc import Collection

from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.sender.replies import invalid
from airflow_provider_sender.sandbox.wire import Refused

_ADDRESS = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_PHONE = re.compile(r"(\+|00)\d{6,15}")


def is_address(value: object) -> bool:
    """Whether a value looks like an e-mail address."""
    return isinstance(value, str) and _ADDRESS.fullmatch(value) is not None


class Checks:
    """Reads the attributes of a body and notes what is wrong with them.

    :param body: the body, or an object inside it.
    :param prefix: put before attribute names in errors, for an object inside the body.
    """

    def __init__(self, body: dict[str, Json], prefix: str = "") -> None:
        self.body = body
        self.errors: dict[str, list[str]] = {}
        self._prefix = prefix

    def wrong(self, name: str, message: str) -> None:
        """Note an error."""
        self.errors.setdefault(self._prefix + name, []).append(message)

    def text(self, name: str, *, required: bool = False) -> str | None:
        """A string; empty ones count as missing."""
        value = self.body.get(name)
        if value is None or value == "":
            if required:
                self.wrong(name, f"The {name} field is required.")
            return None
        if not isinstance(value, str):
            self.wrong(name, f"The {name} must be a string.")
            return None
        return value

    def address(self, name: str, *, required: bool = False, message: str | None = None) -> str | None:
        """An e-mail address.

        :param message: what to say of a missing or a malformed one.
        """
        value = self.body.get(name)
        if value in (None, "") and not required:
            return None
        if not isinstance(value, str) or not is_address(value):
            missing = value in (None, "")
            self.wrong(
                name,
                message or f"The {name} field is required."
                if missing
                else message or f"The {name} must be a valid email.",
            )
            return None
        return value

    def phone(self, name: str) -> str | None:
        """A phone number with its country's code."""
        value = self.body.get(name)
        if value in (None, ""):
            return None
        if not isinstance(value, str) or _PHONE.fullmatch(value.replace(" ", "")) is None:
            self.wrong(name, "The phone number is invalid.")
            return None
        return value.replace(" ", "")

    def choice(self, name: str, choices: Collection[str], *, required: bool = False) -> str | None:
        """One of some strings."""
        value = self.text(name, required=required)
        if value is not None and value not in choices:
            self.wrong(name, f"The selected {name} is invalid.")
            return None
        return value

    def flag(self, name: str) -> bool | None:
        """True or false, 1 or 0."""
        value = self.body.get(name)
        if value is None:
            return None
        if value not in (True, False, 1, 0, "1", "0"):
            self.wrong(name, f"The {name} field must be true or false.")
            return None
        return value in (True, 1, "1")

    def strings(self, name: str, *, required: bool = False) -> list[str] | None:
        """A list of strings."""
        value = self.body.get(name)
        if value is None or (required and value == []):
            if required:
                self.wrong(name, f"The {name} field is required.")
            return None
        if not isinstance(value, list):
            self.wrong(name, f"The {name} must be an array.")
            return None
        for index, item in enumerate(value):
            if not isinstance(item, str):
                self.wrong(f"{name}.{index}", f"The {name}.{index} must be a string.")
        return [item for item in value if isinstance(item, str)]

    def mapping(self, name: str, *, required: bool = False) -> dict[str, Json] | None:
        """An object. An empty list passes for an empty one, as PHP cannot tell them apart."""
        value = self.body.get(name)
        if value is None:
            if required:
                self.wrong(name, f"The {name} field is required.")
            return None
        if value == []:
            return {}
        if not isinstance(value, dict):
            self.wrong(name, f"The {name} must be an array.")
            return None
        return value

    def passed(self) -> None:
        """Go on only when nothing was wrong.

        :raises Refused: with everything that was.
        """
        if self.errors:
            raise Refused(invalid(self.errors))

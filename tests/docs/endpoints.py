"""Every endpoint method of a hook, and the request it would make: what the guides' tables are held against."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar

import pytest

from airflow_provider_sender.client.client import Calls
from airflow_provider_sender.client.request import Request

AnswerT = TypeVar("AnswerT")

# Annotation of a parameter -> a value for it.
_VALUES: Mapping[str, Any] = {
    "str": "x",
    "bytes": b"x",
    "date": date(2026, 1, 1),
    "Sequence[str]": ["x"],
    "Mapping[str, Json]": {},
    "Sequence[Mapping[str, Json]]": [{"idempotency_key": "x"}],
}


class Called(Exception):
    """Carries the request that would have been made."""

    def __init__(self, request: Request) -> None:
        self.request = request


class _NoCalls:
    def call(self, request: Request, answer_type: type[AnswerT]) -> AnswerT:
        raise Called(request)


def requests_of(endpoints: type[Calls], **values: Any) -> dict[str, Request]:
    """Return the request of each endpoint method.

    :param values: by a parameter's name, where not any value of its type will do.
    """
    recorder = type("Recorder", (_NoCalls, endpoints), {})()
    found = {}
    for name, method in inspect.getmembers(recorder, inspect.ismethod):
        if name.startswith("_") or name == "call":
            continue
        required = {
            key: values[key] if key in values else _VALUES[parameter.annotation]
            for key, parameter in inspect.signature(method).parameters.items()
            if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
        }
        with pytest.raises(Called) as called:
            method(**required)
        found[name] = called.value.request
    return found

"""Sendara's guides say what its code does: compared with it, name by name."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

import pytest

from airflow_provider_sender.client.sendara import SendaraEndpoints
from airflow_provider_sender.client.sendara_dialect import ScopedRequest
from airflow_provider_sender.client.sendara_webhooks import TOLERANCE
from airflow_provider_sender.client.sendara_writing import ImportForm
from airflow_provider_sender.client.transport import Request
from airflow_provider_sender.get_provider_info import CONNECTION_TYPES
from tests.docs.rst import literals, page

AnswerT = TypeVar("AnswerT")

GIVEN: dict[str, Any] = {
    "str": "x",
    "bytes": b"x",
    "Sequence[str]": ["x"],
    "Mapping[str, Json]": {},
    "Sequence[Mapping[str, Json]]": [{"idempotency_key": "x"}],
}


class Called(Exception):
    """Carries the request that would have been made."""

    def __init__(self, request: Request) -> None:
        self.request = request


class Recorder(SendaraEndpoints):
    """Makes no calls."""

    def call(self, request: Request, answer_type: type[AnswerT]) -> AnswerT:
        raise Called(request)


def endpoints() -> dict[str, ScopedRequest]:
    """Return every endpoint method and the request it makes."""
    found: dict[str, ScopedRequest] = {}
    for name, method in inspect.getmembers(Recorder(), inspect.ismethod):
        if name.startswith("_") or name == "call":
            continue
        required = {
            key: "image/png" if key == "content_type" else GIVEN[parameter.annotation]
            for key, parameter in inspect.signature(method).parameters.items()
            if parameter.default is parameter.empty
        }
        with pytest.raises(Called) as called:
            method(**required)
        assert isinstance(called.value.request, ScopedRequest)
        found[name] = called.value.request
    return found


def test_every_endpoint_is_documented() -> None:
    documented = {
        name: (literals(row["Call"])[0], row["Scope"], row["Repeated"])
        for name, row in page("hooks/sendara").column("Endpoints").items()
    }

    assert documented == {
        name: (
            f"{request.method} {request.path}",
            "not documented" if request.scope is None else request.scope.value,
            "yes" if request.repeatable else "no",
        )
        for name, request in endpoints().items()
    }


def test_no_endpoint_forgets_to_say_its_scope() -> None:
    assert {name for name, request in endpoints().items() if request.scope is None} == {
        "get_verification",
        "set_spend_caps",
    }


def test_every_field_of_the_form_is_documented() -> None:
    (form,) = (each for each in CONNECTION_TYPES if each["connection-type"] == "sendara")
    relabelled = {label: part for part, label in form["ui-field-behaviour"]["relabeling"].items()}
    extras = {field["label"]: f"extra ``{name}``" for name, field in form["conn-fields"].items()}

    rows = page("connections/sendara").table("Form fields")
    assert {row["Field"]: row["Part of the connection"] for row in rows} == relabelled | extras


def test_every_form_of_an_import_is_documented() -> None:
    assert set(page("connections/sendara").column("Forms of imports")) == set(ImportForm)


def test_the_tolerance_of_webhooks_is_documented() -> None:
    assert f"``tolerance`` ({TOLERANCE:.0f} seconds)" in page("hooks/sendara").text

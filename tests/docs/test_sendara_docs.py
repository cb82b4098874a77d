"""Sendara's guides say what its code does: compared with it, name by name."""

from __future__ import annotations

from airflow_provider_sender.client.sendara.client import SendaraEndpoints
from airflow_provider_sender.client.sendara.dialect import ScopedRequest
from airflow_provider_sender.client.sendara.webhooks import TOLERANCE
from airflow_provider_sender.client.sendara.writing import ImportForm
from airflow_provider_sender.get_provider_info import CONNECTION_TYPES
from tests.docs.endpoints import requests_of
from tests.docs.rst import literals, page


def endpoints() -> dict[str, ScopedRequest]:
    """Return every endpoint method and the request it makes."""
    requests = requests_of(SendaraEndpoints, content_type="image/png")
    return {name: request for name, request in requests.items() if isinstance(request, ScopedRequest)}


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
    assert endpoints().keys() == requests_of(SendaraEndpoints, content_type="image/png").keys()
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

"""What the guides say about SendPulse's connection and hook, held against the code."""

from __future__ import annotations

from airflow_provider_sender.client.sendpulse import SendPulseEndpoints
from airflow_provider_sender.get_provider_info import CONNECTION_TYPES
from airflow_provider_sender.hooks.sendpulse import SendPulseHook
from tests.docs.endpoints import requests_of
from tests.docs.rst import literals, page


def test_every_endpoint_is_documented() -> None:
    documented = {
        name: (literals(row["Call"])[0], row["Repeated"])
        for name, row in page("hooks/sendpulse").column("Endpoints").items()
    }
    assert documented == {
        name: (f"{request.method} {request.path}", "yes" if request.repeatable else "no")
        for name, request in requests_of(SendPulseEndpoints).items()
    }


def test_members_of_the_hook_are_there() -> None:
    for name in page("hooks/sendpulse").column("The hook itself"):
        member = name.partition("(")[0]
        assert member == "SendPulseHook" or hasattr(SendPulseHook, member)


def test_every_field_of_the_form_is_documented() -> None:
    (form,) = (each for each in CONNECTION_TYPES if each["connection-type"] == "sendpulse")
    relabelled = {label: part for part, label in form["ui-field-behaviour"]["relabeling"].items()}
    extras = {field["label"]: f"extra ``{name}``" for name, field in form["conn-fields"].items()}
    rows = page("connections/sendpulse").table("Form fields")
    assert {row["Field"]: row["Part of the connection"] for row in rows} == relabelled | extras

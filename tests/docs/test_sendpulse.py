"""What the guides say about SendPulse's connection and hook, held against the code."""

from __future__ import annotations

from airflow_provider_sender.client.sendpulse.campaigns import STATES
from airflow_provider_sender.client.sendpulse.client import SendPulseEndpoints
from airflow_provider_sender.get_provider_info import CONNECTION_TYPES
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


def test_every_field_of_the_form_is_documented() -> None:
    (form,) = (each for each in CONNECTION_TYPES if each["connection-type"] == "sendpulse")
    relabelled = {label: part for part, label in form["ui-field-behaviour"]["relabeling"].items()}
    extras = {field["label"]: f"extra ``{name}``" for name, field in form["conn-fields"].items()}
    rows = page("connections/sendpulse").table("Form fields")
    assert {row["Field"]: row["Part of the connection"] for row in rows} == relabelled | extras


def test_every_state_of_a_campaign_is_documented() -> None:
    documented = {
        int(code): row["State"].strip("`")
        for row in page("sensors/campaigns").table("States of SendPulse")
        for code in literals(row["In SendPulse"])
    }
    assert documented == {code: state.value for code, state in STATES.items()}

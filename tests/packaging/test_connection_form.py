from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest
import wtforms

from airflow_provider_sender.get_provider_info import CONNECTION_TYPES
from airflow_provider_sender.hooks.connection_form import field_behaviour, form_widgets

AIRFLOW = tuple(int(part) for part in version("apache-airflow-core").split(".")[:2])

# What the connections page asks the API server for.
ASK_FOR_THE_FORM = """
import json, sys, warnings
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
    forms = {form.connection_type: form.model_dump(mode="json") for form in HookMetaService.hook_meta_data()}
print(json.dumps({
    "form": forms["sender"],
    "hook_imported": "airflow_provider_sender.hooks.sender" in sys.modules,
    "warnings": [str(warning.message) for warning in warned if "Sender" in str(warning.message)],
}))
"""

LABELS = {
    "timeout": "Time-out (seconds)",
    "max_retries": "Retries",
    "requests_per_minute": "Requests per minute",
    "reserve": "Requests kept free",
    "max_wait": "Longest wait (seconds)",
    "connections": "Requests at once",
    "settle_time": "Settling time (seconds)",
    "time_zone": "Time zone of the account",
}
DEFAULTS = {"timeout": 30, "max_retries": 8, "max_wait": 120, "connections": 8, "settle_time": 30}


@pytest.mark.airflow
def test_the_running_airflow_shows_the_whole_form(run_python: Callable[[str], Any]) -> None:
    answer = run_python(ASK_FOR_THE_FORM)

    form = answer["form"]
    assert form["hook_name"] == "Sender"
    assert form["hook_class_name"] == "airflow_provider_sender.hooks.sender.SenderHook"

    standard = form["standard_fields"]
    assert standard["host"] == {
        "hidden": False,
        "title": "API address",
        "placeholder": "https://api.sender.net/v2",
    }
    assert standard["password"] == {
        "hidden": False,
        "title": "API access token",
        "placeholder": "Account settings -> API access tokens -> Create API token",
    }
    assert {name for name, field in standard.items() if field and field["hidden"]} == {"url_schema", "port", "login"}

    extra = form["extra_fields"]
    assert {name: field["schema"]["title"] for name, field in extra.items()} == LABELS
    assert {name: field["value"] for name, field in extra.items() if field["value"] is not None} == DEFAULTS
    assert all(len(field["description"]) > 30 for field in extra.values())
    assert all("null" in field["schema"]["type"] for field in extra.values()), "every extra may be left empty"

    assert answer["warnings"] == []


@pytest.mark.airflow
@pytest.mark.skipif(AIRFLOW < (3, 3), reason="older Airflow imports every hook for the form")
def test_the_hook_is_not_imported_for_the_form(run_python: Callable[[str], Any]) -> None:
    assert run_python(ASK_FOR_THE_FORM)["hook_imported"] is False


def test_only_an_airflow_that_asks_the_hook_finds_form_methods_on_it() -> None:
    from airflow_provider_sender.hooks.sender import SenderHook

    methods = {"get_ui_field_behaviour", "get_connection_form_widgets"} & set(vars(SenderHook))

    assert len(methods) == (2 if AIRFLOW < (3, 2) else 0)


@pytest.mark.parametrize("connection_type", CONNECTION_TYPES, ids=lambda known: known["connection-type"])
def test_the_form_of_older_airflow_says_the_same(connection_type: Any) -> None:
    Form = type("Form", (wtforms.Form,), form_widgets(connection_type))

    assert {field.name: (field.label.text, field.description, field.data) for field in Form()} == {
        name: (field["label"], field["description"], field["schema"].get("default"))
        for name, field in connection_type["conn-fields"].items()
    }
    declared = connection_type["ui-field-behaviour"]
    assert field_behaviour(connection_type) == {key.replace("-", "_"): value for key, value in declared.items()}

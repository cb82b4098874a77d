"""A Sendara connection becomes a client, and says what is wrong with it where it cannot."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from unittest.mock import AsyncMock

import pytest
import requests_mock
from airflow.sdk import BaseHook

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.rows import Write
from airflow_provider_sender.client.sendara.service import SendaraService
from airflow_provider_sender.client.sliding import SlidingBudget
from airflow_provider_sender.client.subscribers import SubscriberChange
from airflow_provider_sender.hooks.sendara import SendaraHook
from airflow_provider_sender.hooks.services import service_for, service_for_trigger
from airflow_provider_sender.sandbox.remote import Sandbox

URL = "https://api.sendara.dev"


def connect(monkeypatch: pytest.MonkeyPatch, conn_id: str = "sendara_default", **connection: Any) -> SendaraHook:
    described = {"conn_type": "sendara", "password": "sk_live_1", **connection}
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(described))
    return SendaraHook(conn_id)


def test_the_connections_password_is_the_key_and_the_host_may_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with requests_mock.Mocker() as service:
        service.get(f"{URL}/v1/contacts/ct_1", json={"id": "ct_1"})
        assert connect(monkeypatch).get_contact("ct_1").id == "ct_1"
        assert service.last_request.headers["Authorization"] == "Bearer sk_live_1"


def test_the_type_of_the_connection_says_which_service_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, "somewhere")

    # Before 3.3 Airflow finds no connection asynchronously outside a triggerer; in one it does (see tests/airflow).
    monkeypatch.setattr(BaseHook, "aget_connection", AsyncMock(side_effect=BaseHook.get_connection))
    assert isinstance(service_for("somewhere"), SendaraService)
    assert isinstance(asyncio.run(service_for_trigger("somewhere")), SendaraService)


def test_the_budget_looks_back_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(connect(monkeypatch).get_conn().transport.budget, SlidingBudget)


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        ({"password": ""}, "no API key"),
        ({"password": "Bearer sk_live_1"}, "without the word Bearer"),
        ({"extra": '{"import_form": "csv"}'}, "extra import_form: must be one of contacts, rows, s3_key"),
    ],
)
def test_a_connection_that_cannot_work_says_why_and_sends_nothing(
    connection: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with requests_mock.Mocker() as service:
        works, said = connect(monkeypatch, **connection).test_connection()
    assert not works
    assert words in said
    assert service.call_count == 0


@pytest.mark.parametrize(
    ("form", "path"), [("contacts", "/v1/contacts/import"), ("rows", "/v1/contacts/import/inline")]
)
def test_the_extra_says_how_contacts_are_imported(form: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = connect(monkeypatch, extra=json.dumps({"import_form": form}))
    emails = [f"p{number}@example.com" for number in range(5)]
    with requests_mock.Mocker() as service:
        service.post(f"{URL}{path}", json={"imported": 5, "updated": 0, "skipped": 0})
        writes = [Write(SubscriberChange(email, email=email), is_new=True, may_reactivate=True) for email in emails]
        hook.service.write_subscribers(writes, trigger_automation=False)
        assert service.call_count == 1


def test_the_test_button_works(monkeypatch: pytest.MonkeyPatch, sender_sandbox: Sandbox) -> None:
    works, said = connect(monkeypatch, **sender_sandbox.sendara_connection).test_connection()

    assert works
    assert "the key opens an account" in said
    assert sender_sandbox.counters()["requests"] == 1


def test_the_test_button_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch, sender_sandbox: Sandbox) -> None:
    wrong = {**sender_sandbox.sendara_connection, "password": "sk_live_revoked"}

    works, said = connect(monkeypatch, **wrong).test_connection()

    assert not works
    assert "missing, wrong or revoked" in said
    assert "sk_live_revoked" not in said


def test_anything_else_can_be_called(monkeypatch: pytest.MonkeyPatch, sender_sandbox: Sandbox) -> None:
    hook = connect(monkeypatch, **sender_sandbox.sendara_connection)

    assert hook.request("GET", "/v1/templates", query={"limit": 3}) == {"templates": []}
    with pytest.raises(ConfigurationError, match="slash"):
        hook.request("GET", "v1/templates")

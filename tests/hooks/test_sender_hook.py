from __future__ import annotations

import json
import socket
from typing import Any

import pytest
import requests_mock
from airflow.sdk import BaseHook, Connection

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.sender.client import SenderClient, SenderEndpoints
from airflow_provider_sender.hooks.sender import SenderHook
from airflow_provider_sender.hooks.services import service_for, service_for_trigger
from airflow_provider_sender.sandbox.remote import Sandbox

URL = "https://api.sender.net/v2"


def connect(monkeypatch: pytest.MonkeyPatch, conn_id: str = "sender_default", **connection: Any) -> SenderHook:
    described = {"conn_type": "sender", "password": "a-token", **connection}
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(described))
    return SenderHook(conn_id)


def test_the_connections_password_is_the_token_and_the_host_may_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with requests_mock.Mocker() as service:
        service.get(f"{URL}/subscribers/ann%40example.com", json={"data": {"id": "a1"}})
        assert connect(monkeypatch).get_subscriber("ann@example.com").id == "a1"
        assert service.last_request.headers["Authorization"] == "Bearer a-token"


@pytest.mark.parametrize(
    ("uri", "base_url"),
    [
        ("sender://:a-token@", URL),
        ("sender://:a-token@api.example.com/v3", "https://api.example.com/v3"),
        ("sender://:a-token@api.example.com:8443/v3", "https://api.example.com:8443/v3"),
        ("sender://:a-token@http%3A%2F%2F127.0.0.1%3A8025%2Fsender%2Fv2", "http://127.0.0.1:8025/sender/v2"),
    ],
)
def test_the_uri_form_of_a_connection_works_too(uri: str, base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SENDER_DEFAULT", uri)
    assert SenderHook().get_conn().transport.settings.base_url == base_url


def test_extras_come_as_numbers_or_texts_and_unknown_ones_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"timeout": "7.5", "max_retries": 2, "reserve": None, "time_zone": "", "colour": "blue"}
    settings = connect(monkeypatch, extra=json.dumps(extra)).get_conn().transport.settings
    assert (settings.timeout, settings.max_retries, settings.reserve, settings.time_zone) == (7.5, 2, 0, None)


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        ({"password": ""}, "no API access token"),
        ({"extra": '{"time_zone": "Vilnius"}'}, "is no IANA time zone"),
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


def test_the_test_button_says_what_a_good_token_opens(monkeypatch: pytest.MonkeyPatch, sender_sandbox: Sandbox) -> None:
    sender_sandbox.seed(rows=[{"email": "ann@example.com", "groups": ["Readers"]}])
    works, said = connect(monkeypatch, **sender_sandbox.connection).test_connection()
    assert works
    assert "1 groups, one of them 'Readers'" in said
    assert sender_sandbox.counters()["requests"] == 1


def test_the_test_button_says_that_a_token_is_wrong(monkeypatch: pytest.MonkeyPatch, sender_sandbox: Sandbox) -> None:
    works, said = connect(monkeypatch, **{**sender_sandbox.connection, "password": "expired"}).test_connection()
    assert not works
    assert "missing, wrong, expired or revoked" in said
    assert "expired-token" not in said


def test_the_test_button_says_that_nobody_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{taken.getsockname()[1]}/v2"
        works, said = connect(monkeypatch, host=host).test_connection()
    assert not works
    assert "could not be reached: no connection could be made" in said


def test_the_hook_has_every_endpoint_the_client_has() -> None:
    endpoints = {name for name in vars(SenderEndpoints) if not name.startswith("_")}
    assert len(endpoints) > 40
    assert all(callable(getattr(SenderHook, name)) for name in endpoints)
    assert issubclass(SenderClient, SenderEndpoints)


def test_a_connection_of_another_type_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", "postgres://user@host/db")
    with pytest.raises(ConfigurationError, match="'warehouse' is of type 'postgres'"):
        service_for("warehouse")


async def test_a_trigger_gets_a_service_that_does_not_keep_it_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, extra='{"timeout": 600}')

    # Before 3.3 Airflow finds no connection asynchronously outside a triggerer; in one it does (see tests/airflow).
    async def find(conn_id: str) -> Connection:
        return BaseHook.get_connection(conn_id)

    monkeypatch.setattr(BaseHook, "aget_connection", find)
    service = await service_for_trigger("sender_default")
    assert service.transport.settings.max_retries == 0
    assert service.transport.settings.timeout <= 15

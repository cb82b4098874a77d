from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import requests_mock

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.sendpulse.client import SendPulseClient, SendPulseEndpoints
from airflow_provider_sender.client.sendpulse.service import SendPulseService
from airflow_provider_sender.hooks.sendpulse import SendPulseHook
from airflow_provider_sender.hooks.services import service_for
from airflow_provider_sender.sandbox.remote import Sandbox

URL = "https://api.sendpulse.com"


def connect(monkeypatch: pytest.MonkeyPatch, conn_id: str = "sendpulse_default", **connection: Any) -> SendPulseHook:
    described = {"conn_type": "sendpulse", "password": "a-key", **connection}
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(described))
    return SendPulseHook(conn_id)


def test_a_password_alone_is_a_static_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with requests_mock.Mocker() as service:
        service.get(f"{URL}/senders", json=[{"email": "a@example.com"}])
        assert connect(monkeypatch).list_senders()[0].email == "a@example.com"
        assert service.last_request.headers["Authorization"] == "Bearer a-key"
        assert service.call_count == 1


def test_login_and_password_are_client_id_and_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    with requests_mock.Mocker() as service:
        token = service.post(f"{URL}/oauth/access_token", json={"access_token": "t", "expires_in": 3600})
        service.get(f"{URL}/senders", json=[])
        hook = connect(monkeypatch, login="hook-id", password="hook-secret")
        hook.list_senders()
        hook.list_senders()
        assert service.last_request.headers["Authorization"] == "Bearer t"
        assert token.call_count == 1
        assert token.last_request.json() == {
            "grant_type": "client_credentials",
            "client_id": "hook-id",
            "client_secret": "hook-secret",
        }


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        ({"password": ""}, "has no password"),
        ({"login": "id", "password": ""}, "has no password"),
        ({"password": "Bearer x"}, "connection's password has blanks"),
        ({"login": "a b"}, "connection's login has blanks"),
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


def test_the_test_button_says_whose_account_it_is(monkeypatch: pytest.MonkeyPatch, sender_sandbox: Sandbox) -> None:
    hook = connect(monkeypatch, **sender_sandbox.sendpulse_connection)
    hook.get_user_info()  # an earlier test's sandbox may have issued the token that is kept
    works, said = hook.test_connection()
    assert works
    assert "this is account 7043663" in said


@pytest.mark.parametrize("login", ["sandbox-client", ""])
def test_the_test_button_says_that_the_credentials_are_wrong(
    login: str, monkeypatch: pytest.MonkeyPatch, sender_sandbox: Sandbox
) -> None:
    described = {**sender_sandbox.sendpulse_connection, "login": login, "password": "wrong-one"}
    works, said = connect(monkeypatch, **described).test_connection()
    assert not works
    assert ("no client id and secret" if login else "missing, wrong, expired or revoked") in said
    assert "wrong-one" not in said


def test_the_hook_has_every_endpoint_the_client_has() -> None:
    endpoints = {name for name in dir(SendPulseEndpoints) if not name.startswith("_")}
    assert len(endpoints) > 60
    assert all(callable(getattr(SendPulseHook, name)) for name in endpoints)
    assert issubclass(SendPulseClient, SendPulseEndpoints)


def test_contents_are_encoded_by_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    def encoded(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    hook = connect(monkeypatch)
    with requests_mock.Mocker() as service:
        service.register_uri(requests_mock.ANY, requests_mock.ANY, json={"result": True, "id": 1})
        hook.create_campaign({"body": "<p>", "body_amp": "<a>", "subject": "S"})
        assert service.last_request.json() == {"body": encoded("<p>"), "body_amp": encoded("<a>"), "subject": "S"}
        hook.create_template("<b>", name="n")
        assert service.last_request.json() == {"body": encoded("<b>"), "name": "n"}
        hook.send_message({"html": "<i>", "text": "t"})
        assert service.last_request.json() == {"email": {"html": encoded("<i>"), "text": "t"}}
        hook.add_to_blacklist(["a@example.com", "b@example.com"], comment="c")
        assert service.last_request.json() == {"emails": encoded("a@example.com,b@example.com"), "comment": "c"}
        hook.remove_from_blacklist(["a@example.com"])
        assert service.last_request.json() == {"emails": encoded("a@example.com")}
        hook.remove_subscribers("7", ["a@example.com"])
        assert (service.last_request.method, service.last_request.json()) == ("DELETE", {"emails": ["a@example.com"]})
        with pytest.raises(ConfigurationError, match="Name what is to be changed"):
            hook.remove_subscribers("7", [])


def test_a_task_finds_the_service_by_the_connections_type(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, "shop")
    assert isinstance(service_for("shop"), SendPulseService)


@pytest.mark.parametrize(
    ("extra", "a_minute", "a_day"),
    [
        ({}, 1_000, 500_000),
        ({"requests_per_minute": 60}, 60, 500_000),
        ({"requests_per_minute": 2_000}, 2_000, 1_000_000),
        ({"requests_per_minute": 9_000}, 3_000, 3_000_000),
    ],
)
def test_the_published_limits_are_kept_to(
    extra: dict[str, int], a_minute: int, a_day: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = connect(monkeypatch, extra=json.dumps(extra)).get_conn().transport.budget
    paces = [pace for pace, _ in budget._paces]
    assert [pace.requests for pace in paces] == [1, a_minute, a_day]
    assert [pace.seconds for pace in paces[1:]] == [60.0, 86_400.0]
    assert 0.1 < paces[0].seconds <= 0.125

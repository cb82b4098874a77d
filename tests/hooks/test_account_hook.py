"""What the hooks of all services do alike."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests_mock

from airflow_provider_sender.client.errors import AuthenticationError, ConfigurationError, OutcomeUnknownError
from airflow_provider_sender.hooks.account import AccountHook
from airflow_provider_sender.hooks.sendara import SendaraHook
from airflow_provider_sender.hooks.sender import SenderHook
from airflow_provider_sender.hooks.sendpulse import SendPulseHook

HOOKS = (SenderHook, SendPulseHook, SendaraHook)

AnyHook = AccountHook[Any, Any]


def connect(monkeypatch: pytest.MonkeyPatch, hook: type[AnyHook], conn_id: str, **connection: Any) -> AnyHook:
    described = {"conn_type": hook.conn_type, "password": "a-key", **connection}
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(described))
    return hook(conn_id)


@pytest.mark.parametrize("hook", HOOKS)
def test_without_an_id_it_is_the_service_s_default_connection(
    hook: type[AnyHook], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, hook, f"{hook.conn_type}_default", password="the-default-key")
    with requests_mock.Mocker() as service:
        service.get(f"{hook.base_url}/anything", json={})
        hook().request("GET", "/anything")
        assert service.last_request.headers["Authorization"] == "Bearer the-default-key"


@pytest.mark.parametrize("hook", HOOKS)
def test_all_clients_of_an_account_share_one_budget(hook: type[AnyHook], monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (connect(monkeypatch, hook, name).get_conn() for name in ("one", "two"))
    assert one.transport.budget is other.transport.budget
    elsewhere = connect(monkeypatch, hook, "three", password="another-key").get_conn()
    assert elsewhere.transport.budget is not one.transport.budget


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize(
    ("connection", "words"),
    [
        ({"password": ""}, "The connection has no "),
        ({"password": "Bearer x"}, "without the word Bearer"),
        ({"host": "http://api.example.com"}, "would travel in clear"),
        ({"host": "ftp://api.example.com"}, "is not an address"),
        ({"host": "https://user:secret@api.example.com"}, "must be a bare address"),
        ({"extra": '{"timeout": "soon"}'}, "timeout"),
        ({"extra": '{"max_retries": -1}'}, "extra max_retries: must be at least 0"),
    ],
)
def test_a_connection_that_cannot_work_says_why_and_sends_nothing(
    hook: type[AnyHook], connection: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with requests_mock.Mocker() as service:
        works, said = connect(monkeypatch, hook, "broken", **connection).test_connection()
    assert not works
    assert words in said
    assert service.call_count == 0


@pytest.mark.parametrize("hook", HOOKS)
def test_any_other_path_can_be_called_with_the_same_care(hook: type[AnyHook], monkeypatch: pytest.MonkeyPatch) -> None:
    connected = connect(monkeypatch, hook, "somewhere", extra='{"max_retries": 0}')
    with requests_mock.Mocker() as service:
        service.get(f"{hook.base_url}/brand-new", json={"anything": [1, None]})
        assert connected.request("GET", "/brand-new", query={"page": 2}) == {"anything": [1, None]}
        assert service.last_request.qs == {"page": ["2"]}
        service.post(f"{hook.base_url}/brand-new", status_code=500)
        with pytest.raises(OutcomeUnknownError):
            connected.request("POST", "/brand-new", body={"a": 1})
        service.get(f"{hook.base_url}/closed", status_code=401)
        with pytest.raises(AuthenticationError):
            connected.request("GET", "/closed")
        with pytest.raises(ConfigurationError, match="must begin with a slash"):
            connected.request("GET", "https://elsewhere.example.com/")

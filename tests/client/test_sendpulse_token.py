from __future__ import annotations

import logging
import threading
from typing import Any

import pytest
import requests_mock

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.errors import (
    AuthenticationError,
    InvalidRequestError,
    OutcomeUnknownError,
    ServiceFailureError,
)
from airflow_provider_sender.client.sendpulse.client import SendPulseClient
from airflow_provider_sender.client.sendpulse.token import ClientCredentials, Token, shared_credentials
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.client.accounts import Clock

BASE = "https://api.sendpulse.test"
SECRET = "secret-nobody-may-see"
TOKEN = "eyJ0eXAi.token-nobody-may-see"
REFUSED = {"status_code": 401, "json": {"message": "Unauthorized!", "error_code": 401}}


class Desk:
    """Hands out tokens and counts them."""

    def __init__(self, expires_in: float = 3600.0) -> None:
        self.issued = 0
        self.expires_in = expires_in
        self.refuses = False

    def __call__(self) -> Token:
        self.issued += 1
        if self.refuses:
            raise AuthenticationError("no such client")
        return Token(f"{TOKEN}-{self.issued}", self.expires_in)


def client_of(**settings: Any) -> SendPulseClient:
    clock = Clock()
    checked = Settings(BASE, **{"max_retries": 0, **settings}).checked()
    # Each test an account of its own: a token is kept as long as the process.
    return SendPulseClient(f"id-{id(clock)}", SECRET, checked, Budget(clock=clock.now, sleep=clock.sleep))


def test_a_token_is_kept_for_55_minutes_of_its_hour() -> None:
    clock, desk = Clock(), Desk()
    credentials = ClientCredentials(desk, clock=clock.now)
    assert credentials.token() == credentials.token() == f"{TOKEN}-1"
    clock.time += 3299
    assert credentials.token() == f"{TOKEN}-1"
    clock.time += 2
    assert credentials.token() == f"{TOKEN}-2"
    assert desk.issued == 2


def test_eight_threads_that_are_refused_at_once_get_one_new_token() -> None:
    desk = Desk()
    credentials = ClientCredentials(desk)
    old = credentials.token()
    barrier = threading.Barrier(8)
    got: list[str] = []

    def work() -> None:
        barrier.wait(10)
        assert credentials.renewed(old)
        got.append(credentials.token())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert desk.issued == 2
    assert set(got) == {f"{TOKEN}-2"}


def test_credentials_that_are_refused_are_not_tried_over_and_over() -> None:
    clock, desk = Clock(), Desk()
    desk.refuses = True
    credentials = ClientCredentials(desk, clock=clock.now)
    for _ in range(5):
        with pytest.raises(AuthenticationError):
            credentials.token()
    assert desk.issued == 1
    clock.time += 61  # somebody may have mended them
    desk.refuses = False
    assert credentials.token() == f"{TOKEN}-2"


def test_a_refused_call_is_made_again_with_another_token_even_if_it_must_not_be_repeated() -> None:
    client = client_of()
    with requests_mock.Mocker() as service:
        tokens = service.post(
            f"{BASE}/oauth/access_token", [{"json": {"access_token": f"t{number}"}} for number in (1, 2)]
        )
        campaigns = service.post(f"{BASE}/campaigns", [REFUSED, {"json": {"id": 7}}])
        assert client.create_campaign({"body": "x"}).id == 7
    assert (tokens.call_count, campaigns.call_count) == (2, 2)
    assert campaigns.last_request.headers["Authorization"] == "Bearer t2"
    assert "Authorization" not in tokens.last_request.headers


def test_a_token_that_is_refused_though_it_is_new_ends_the_matter() -> None:
    client = client_of(max_retries=8)
    with requests_mock.Mocker() as service:
        tokens = service.post(f"{BASE}/oauth/access_token", json={"access_token": TOKEN})
        calls = service.get(f"{BASE}/senders", **REFUSED)
        with pytest.raises(AuthenticationError):
            client.list_senders()
    assert (tokens.call_count, calls.call_count) == (2, 2)


def test_unknown_credentials_end_the_matter() -> None:
    client = client_of(max_retries=8)
    with requests_mock.Mocker() as service:
        tokens = service.post(
            f"{BASE}/oauth/access_token", status_code=401, json={"error": "invalid_client", "message": "no"}
        )
        for _ in range(3):
            with pytest.raises(AuthenticationError, match="client id and secret"):
                client.list_senders()
    assert tokens.call_count == 1


def test_the_token_call_is_made_again_when_its_answer_is_lost() -> None:
    client = client_of(max_retries=1)
    with requests_mock.Mocker() as service:
        tokens = service.post(f"{BASE}/oauth/access_token", [{"status_code": 502}, {"json": {"access_token": TOKEN}}])
        campaigns = service.post(f"{BASE}/campaigns", json={"id": 1})
        client.create_campaign({})
    assert (tokens.call_count, campaigns.call_count) == (2, 1)


def test_a_lost_token_leaves_no_doubt_about_the_call_it_was_for() -> None:
    client = client_of()
    with requests_mock.Mocker() as service:
        service.post(f"{BASE}/oauth/access_token", status_code=502)
        with pytest.raises(ServiceFailureError) as caught:
            client.create_campaign({})
    assert not isinstance(caught.value, OutcomeUnknownError)
    assert caught.value.path == "/oauth/access_token"


def test_a_static_key_that_is_refused_is_final() -> None:
    client = SendPulseClient(None, SECRET, Settings(BASE), Budget())
    with requests_mock.Mocker() as service:
        calls = service.get(f"{BASE}/senders", **REFUSED)
        with pytest.raises(AuthenticationError):
            client.list_senders()
    assert calls.call_count == 1
    assert calls.last_request.headers["Authorization"] == f"Bearer {SECRET}"


def test_two_clients_of_an_account_share_its_token_and_others_do_not() -> None:
    settings, budget = Settings(BASE), Budget()
    mine = shared_credentials("one", SECRET, settings, budget)
    assert shared_credentials("one", SECRET, settings, budget) is mine
    assert shared_credentials("one", "another", settings, budget) is not mine
    assert shared_credentials("one", SECRET, Settings("https://elsewhere.test"), budget) is not mine


def test_neither_token_nor_secret_is_logged_or_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = client_of()
    with requests_mock.Mocker() as service:
        service.post(f"{BASE}/oauth/access_token", json={"access_token": TOKEN, "expires_in": 3600})
        service.get(f"{BASE}/senders", status_code=500, text=TOKEN)
        with pytest.raises(ServiceFailureError) as caught:
            client.list_senders()
    shown = caplog.text + str(caught.value) + repr(Token(TOKEN))
    assert TOKEN not in shown
    assert SECRET not in shown


def test_eight_threads_whose_token_is_revoked_renew_it_once_and_lose_nothing(sender_sandbox: Sandbox) -> None:
    sender_sandbox.seed(rows=[{"email": "jane@example.com", "groups": ["Readers"]}])
    settings = Settings(sender_sandbox.sendpulse_url).checked()
    client = SendPulseClient("sandbox-client", sender_sandbox.token, settings, Budget())
    client.list_senders()
    sender_sandbox.revoke_tokens()
    before = sender_sandbox.counters()["by_path"]["POST /oauth/access_token"]
    barrier = threading.Barrier(8)
    found: list[int] = []

    def work() -> None:
        barrier.wait(10)
        found.append(len(client.list_mailing_lists()))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == [1] * 8
    assert sender_sandbox.counters()["by_path"]["POST /oauth/access_token"] == before + 1


def test_tokens_and_secrets_that_the_service_repeats_are_in_no_error() -> None:
    client = client_of()
    told: list[str] = []
    client.announce_tokens(told.append)
    with requests_mock.Mocker() as service:
        service.post(f"{BASE}/oauth/access_token", json={"access_token": TOKEN})
        service.get(f"{BASE}/senders", status_code=422, json={"message": f"{TOKEN} is not for this", "error_code": 9})
        with pytest.raises(InvalidRequestError) as refused:
            client.list_senders()
    assert TOKEN not in f"{refused.value!r} {refused.value}"
    assert told == [TOKEN]  # for Airflow's masker
    client = client_of()
    with requests_mock.Mocker() as service:
        service.post(f"{BASE}/oauth/access_token", status_code=401, json={"message": f"No such client: {SECRET}"})
        with pytest.raises(AuthenticationError) as unknown:
            client.list_senders()
    assert SECRET not in f"{unknown.value!r} {unknown.value}"


def test_a_task_registers_the_token_with_airflows_masker(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk import Connection

    from airflow_provider_sender.hooks import account
    from airflow_provider_sender.hooks.sendpulse import SendPulseHook

    masked: list[object] = []
    monkeypatch.setattr(account, "mask_secret", masked.append)
    connection = Connection(conn_id="c", conn_type="sendpulse", host=BASE, login="id-masked", password=SECRET)
    with requests_mock.Mocker() as service:
        service.post(f"{BASE}/oauth/access_token", json={"access_token": TOKEN})
        service.get(f"{BASE}/senders", json=[])
        SendPulseHook.service_of(connection, {}).client.list_senders()
    assert masked == [TOKEN]

from __future__ import annotations

import json

import pytest
from airflow.sdk import BaseHook, Connection

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.hooks import sendpulse
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.contract.accounts import KINDS, Account, Kind
from tests.databases import Database, sqlite_database


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def account(
    request: pytest.FixtureRequest,
    sender_sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    unpaced: None,
    connections_found_in_the_event_loop: None,
) -> Account:
    """An account of each service in turn, with people in it, as the connection ``account``."""
    kind: Kind = request.param
    opened = Account(kind, sender_sandbox)
    opened.furnish()
    monkeypatch.setenv("AIRFLOW_CONN_ACCOUNT", opened.connection())
    return opened


@pytest.fixture
def unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask SendPulse as fast as it answers: at ten requests a second these tests would take minutes.

    That the published limits are kept to is held by ``tests/client/test_sendpulse_limits.py``.
    """

    def budget_for(settings: Settings) -> Budget:
        return Budget(max_wait=settings.max_wait)

    monkeypatch.setattr(sendpulse, "budget_for", budget_for)


@pytest.fixture
def connections_found_in_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 3.3 Airflow finds no connection asynchronously outside a triggerer."""

    async def find(conn_id: str) -> Connection:
        return BaseHook.get_connection(conn_id)

    monkeypatch.setattr(BaseHook, "aget_connection", find)


@pytest.fixture
def warehouse(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Database:
    """An empty database, as the connection ``warehouse``."""
    database = sqlite_database(tmp_path_factory.mktemp("warehouse"))
    monkeypatch.setenv(database.variable, json.dumps(database.connection))
    return database

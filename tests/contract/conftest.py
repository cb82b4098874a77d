from __future__ import annotations

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.contract.accounts import KINDS, Account, Kind


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def account(request: pytest.FixtureRequest, sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Account:
    """An account of each service in turn, with people in it, as the connection ``account``."""
    kind: Kind = request.param
    opened = Account(kind, sender_sandbox)
    opened.furnish()
    monkeypatch.setenv("AIRFLOW_CONN_ACCOUNT", opened.connection())
    return opened

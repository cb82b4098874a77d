from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_sender._compat import AirflowFailException
from airflow_provider_sender.operators.subscribers import SenderDeleteSubscribersOperator
from airflow_provider_sender.sandbox.remote import Sandbox


@pytest.fixture(autouse=True)
def connection(sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SENDER_DEFAULT", json.dumps(sender_sandbox.connection))


def erase(timeout: Any) -> dict[str, int]:
    operator = SenderDeleteSubscribersOperator(task_id="erase", emails=["ann@example.com"], timeout=timeout)
    context: Any = {"outlet_events": {}}
    return operator.execute(context)


@pytest.mark.parametrize("timeout", [5, 5.0, timedelta(seconds=5)])
def test_the_timeout_is_seconds_or_a_timedelta(sender_sandbox: Sandbox, timeout: object) -> None:
    sender_sandbox.seed(rows=[{"email": "ann@example.com"}])
    assert erase(timeout)["deleted"] == 1


@pytest.mark.parametrize("timeout", ["5", -1, float("nan"), True])
def test_a_timeout_that_is_no_time_is_refused_and_nobody_deleted(sender_sandbox: Sandbox, timeout: object) -> None:
    sender_sandbox.seed(rows=[{"email": "ann@example.com"}])
    with pytest.raises(AirflowFailException, match="timeout: must be a number of seconds, 0 or more"):
        erase(timeout)
    assert sender_sandbox.counters()["requests"] == 0

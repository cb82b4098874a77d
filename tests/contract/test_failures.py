"""Limits, lost replies and refused keys: what holds for every service."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_sender._compat import AirflowFailException
from airflow_provider_sender.client.errors import RateLimitError
from airflow_provider_sender.operators.campaigns import SenderSendCampaignOperator
from airflow_provider_sender.operators.subscribers import (
    SenderDeleteSubscribersOperator,
    SenderExportSubscribersOperator,
    SenderSyncGroupOperator,
    SenderUpsertSubscribersOperator,
)
from tests.contract.accounts import ACTIVE, OUT, VIPS, Account

EVERYBODY = {*ACTIVE, *OUT}
ROWS = [{"email": f"new{number}@x.lt", "firstname": "Ann"} for number in range(20)]


def export(account: Account, path: Path) -> set[str]:
    account.run(SenderExportSubscribersOperator, output_path=str(path))
    return {json.loads(line)["email"] for line in path.read_text().splitlines()}


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "1"}], ids=["without Retry-After", "with Retry-After"])
def test_a_429_is_waited_for_and_loses_nothing(account: Account, tmp_path: Path, headers: dict[str, str]) -> None:
    account.sandbox.fault("rate_limit", method="GET", path=account.kind.listing, headers=headers)
    account.sandbox.fault("rate_limit", method="POST", path=account.kind.write, headers=headers)
    began = time.monotonic()
    assert export(account, tmp_path / "all.jsonl") == EVERYBODY
    counts = account.run(SenderUpsertSubscribersOperator, subscribers=ROWS, group_ids=[account.group("All")])
    assert (counts["sent"], counts["rejected"], counts["unconfirmed"]) == (20, 0, 0)
    assert time.monotonic() - began >= 2 * len(headers)  # as long as the service said
    assert all(fault["fired"] for fault in account.sandbox.faults())


def test_a_wait_longer_than_a_worker_should_wait_is_left_to_the_next_try(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ACCOUNT", account.connection({"timeout": 7}))  # with a budget of its own
    account.sandbox.fault("rate_limit", method="GET", times=None, headers={"Retry-After": "1800"})
    began = time.monotonic()
    with pytest.raises(RateLimitError) as told:
        export(account, tmp_path / "all.jsonl")
    assert told.value.retry_after is not None
    assert told.value.retryable
    assert time.monotonic() - began < 900  # the service asks for twice as much
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_of_a_limit_makes_no_second_campaign(account: Account) -> None:
    account.sandbox.fault("rate_limit", method="POST", path=account.kind.start)
    account.run(SenderSendCampaignOperator, campaign=account.campaign("VIP"), send_key="k")
    assert account.mails() == dict.fromkeys(VIPS, 1)


@pytest.mark.parametrize("fault", ["drop_after", "drop_before", "truncate"])
def test_rows_whose_answer_is_lost_are_written_again_and_are_there_once(account: Account, fault: str) -> None:
    group = account.group("All")
    account.sandbox.fault(fault, method="POST", path=account.kind.write, times=2)
    counts = account.run(SenderUpsertSubscribersOperator, subscribers=ROWS, group_ids=[group])
    assert (counts["sent"], counts["rejected"]) == (20, 0)
    assert account.members("All") == {*EVERYBODY, *(row["email"] for row in ROWS)}


def test_a_mirror_and_an_erasure_outlast_lost_answers(account: Account) -> None:
    for method in ("POST", "DELETE"):
        account.sandbox.fault("drop_after", method=method, path=f"{account.kind.write}*")
    wanted = [{"email": email} for email in [*VIPS[5:], *ACTIVE[100:105]]]
    counts = account.run(SenderSyncGroupOperator, group_id=account.group("VIP"), subscribers=wanted)
    assert counts["missing"] == 0
    assert account.members("VIP") == {row["email"] for row in wanted}
    done = account.run(SenderDeleteSubscribersOperator, emails=[ACTIVE[0], ACTIVE[1]])
    assert done["deleted"] + done["missing"] == 2
    assert not account.service.find_subscribers(ACTIVE[:2])


def test_a_revoked_key_ends_every_task_at_once_with_nothing_written(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # That a client's id and secret are refused is remembered for a while; a static key is another matter.
    monkeypatch.setenv("AIRFLOW_CONN_ACCOUNT", account.connection(login=""))
    group, campaign = account.group("All"), account.campaign()
    account.sandbox.fault("status", status=401, times=None)
    tasks: dict[type[Any], dict[str, Any]] = {
        SenderExportSubscribersOperator: {"output_path": f"{tmp_path}/all.jsonl"},
        SenderUpsertSubscribersOperator: {"subscribers": ROWS},
        SenderSyncGroupOperator: {"group_id": group, "subscribers": ROWS},
        SenderDeleteSubscribersOperator: {"emails": ACTIVE[:2]},
        SenderSendCampaignOperator: {"campaign": campaign},
    }
    before = account.sandbox.counters()["requests"]
    for operator, parameters in tasks.items():
        with pytest.raises(AirflowFailException) as told:
            account.run(operator, **parameters)
        assert account.sandbox.token not in str(told.value)
    assert account.sandbox.counters()["requests"] - before == len(tasks)
    assert list(tmp_path.iterdir()) == []
    assert account.mails() == {}

"""SendPulse, where to join a list is to be mailed: wherever an upsert dies, after the next one nobody who is out is."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from airflow_provider_sender.client.sendpulse.service import SendPulseService
from airflow_provider_sender.client.subscribers import Consent
from airflow_provider_sender.jobs.membership import GroupSync, SyncMode, sync_group
from airflow_provider_sender.jobs.upsert import Upsert, upsert
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.client.sendpulse_accounts import everybody, service_of

BEN = "ben@example.com"


class Killed(BaseException):
    """The end of the process, which no code of it outlives."""


def killed_after(service: SendPulseService, calls: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let so many calls through, and none after them."""
    call, number = service.transport.call, itertools.count(1)

    def call_or_die(*args: Any) -> Any:
        if next(number) > calls:
            raise Killed
        return call(*args)

    monkeypatch.setattr(service.transport, "call", call_or_die)


@pytest.mark.parametrize("was", [None, "active", "unsubscribed"])
def test_whoever_is_to_be_out_is_mailed_in_no_list(
    sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, was: str | None
) -> None:
    known = [{"email": BEN, "groups": ["A"], "status": was}] if was is not None else []
    for calls in itertools.count():
        sender_sandbox.reset()
        sender_sandbox.seed(rows=[{"email": "ann@example.com", "groups": ["A", "B"]}, *known])
        first, second = service_of(sender_sandbox), service_of(sender_sandbox)
        lists = [group.id for group in second.groups()]
        rows = [{"email": BEN, "firstname": "Ben", "status": "unsubscribed", "groups": lists}]
        killed_after(first, calls, monkeypatch)
        try:
            upsert(first, rows, Upsert())
        except Killed:
            upsert(second, rows, Upsert())
            is_over = False
        else:
            is_over = True
        for each in lists:
            members = everybody(second, second.subscribers(each))
            assert BEN not in members or members[BEN].consent is Consent.UNSUBSCRIBED
        assert second.find_subscribers([BEN])[BEN].consent is Consent.UNSUBSCRIBED
        if is_over:
            break
    assert calls >= 3


def test_a_group_s_mirror_holds_whoever_is_out(sender_sandbox: Sandbox) -> None:
    sender_sandbox.seed(
        rows=[{"email": BEN, "groups": ["A"], "status": "unsubscribed"}, {"email": "ann@example.com", "groups": ["B"]}]
    )
    service = service_of(sender_sandbox)
    b = next(group.id for group in service.groups() if group.title == "B")
    rows = [{"email": BEN}, {"email": "ann@example.com"}]
    for mode in (SyncMode.MIRROR, SyncMode.ADD):
        done = sync_group(service, rows, GroupSync(b, mode))
        assert (done.held, done.unchanged, done.added, done.rejected) == (1, 1, 0, 0)
        assert set(everybody(service, service.subscribers(b))) == {"ann@example.com"}

"""A connection is used by the hook of its own type, and by no other: its password belongs to somebody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
import requests_mock
from airflow.sdk import BaseHook, Connection

from airflow_provider_sender._compat import AirflowFailException
from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.hooks.account import AccountHook
from airflow_provider_sender.hooks.sendara import SendaraHook
from airflow_provider_sender.hooks.sender import SenderHook
from airflow_provider_sender.hooks.sendpulse import SendPulseHook
from airflow_provider_sender.hooks.services import aservice_for, service_for, service_for_trigger
from airflow_provider_sender.notifications.sender import SenderNotifier
from airflow_provider_sender.operators.campaigns import SenderSendCampaignOperator
from airflow_provider_sender.sensors.campaigns import SenderCampaignSensor

AnyHook = AccountHook[Any, Any]

HOOKS: tuple[type[AnyHook], ...] = (SenderHook, SendPulseHook, SendaraHook)

# Types a connection may have by mistake: another service's, another provider's, nearly the right one, none.
OTHERS = ("postgres", "http", "smtp", "Sender", "sender_net", "")

SECRET = "the-secret-of-somebody-else"


@pytest.fixture
def nothing_leaves() -> Any:
    with requests_mock.Mocker() as service:
        yield
        assert service.call_count == 0


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let there be a connection of a type; an environment variable cannot hold every one."""

    def described(conn_type: str) -> None:
        def find(conn_id: str) -> Connection:
            return Connection(conn_id=conn_id, conn_type=conn_type, host="db.example.com", login="u", password=SECRET)

        async def afind(conn_id: str) -> Connection:
            return find(conn_id)

        monkeypatch.setattr(BaseHook, "get_connection", staticmethod(find))
        monkeypatch.setattr(BaseHook, "aget_connection", staticmethod(afind))

    return described


@pytest.mark.usefixtures("nothing_leaves")
@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("conn_type", [*OTHERS, "sender", "sendpulse", "sendara"])
def test_a_hook_opens_no_connection_of_another_type(
    hook: type[AnyHook], conn_type: str, connect: Callable[[str], None]
) -> None:
    connect(conn_type)
    if conn_type == hook.conn_type:
        assert hook("warehouse").get_conn()
        return
    with pytest.raises(ConfigurationError) as refused:
        hook("warehouse").get_conn()
    works, said = hook("warehouse").test_connection()
    assert not works
    assert said == str(refused.value)
    assert "'warehouse'" in said
    assert (f"is of type '{conn_type}'" if conn_type else "has no type") in said
    assert hook.__name__ in said
    assert f"'{hook.conn_type}'" in said
    assert SECRET not in said


@pytest.mark.usefixtures("nothing_leaves")
@pytest.mark.parametrize(
    ("hook", "conn_type", "right"),
    [(SenderHook, "sendpulse", "SendPulseHook"), (SendaraHook, "sender", "SenderHook")],
)
def test_a_connection_of_another_service_names_the_hook_it_is_for(
    hook: type[AnyHook], conn_type: str, right: str, connect: Callable[[str], None]
) -> None:
    connect(conn_type)
    with pytest.raises(ConfigurationError, match=f"Use {right}"):
        hook("shop").get_conn()


@pytest.mark.usefixtures("nothing_leaves")
@pytest.mark.parametrize("call", ["request", "typed"])
def test_no_call_of_a_hook_gets_past_the_check(call: str, connect: Callable[[str], None]) -> None:
    connect("postgres")
    hook = SenderHook("warehouse")
    with pytest.raises(ConfigurationError, match="'warehouse' is of type 'postgres'"):
        hook.request("GET", "/groups") if call == "request" else hook.list_groups()


@pytest.mark.usefixtures("nothing_leaves")
def test_a_uri_without_a_type_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SENDER_DEFAULT", f"//:{SECRET}@api.sender.net/v2")
    for refused in (SenderHook().get_conn, lambda: service_for("sender_default")):
        with pytest.raises(ConfigurationError, match=r"'sender_default' has no type.*sender://") as error:
            refused()
        assert SECRET not in str(error.value)


@pytest.mark.usefixtures("nothing_leaves")
@pytest.mark.parametrize("conn_type", OTHERS)
async def test_whatever_finds_the_service_by_the_type_refuses_all_others(
    conn_type: str, connect: Callable[[str], None]
) -> None:
    connect(conn_type)
    words = f"is of type {conn_type!r}" if conn_type else "has no type"
    with pytest.raises(ConfigurationError, match=f"sender_conn_id: connection 'warehouse' {words}"):
        service_for("warehouse")
    for resolve in (aservice_for, service_for_trigger):
        with pytest.raises(ConfigurationError, match=f"sender_conn_id: connection 'warehouse' {words}"):
            await resolve("warehouse")


@pytest.mark.usefixtures("nothing_leaves")
def test_operators_sensors_and_notifiers_refuse_it_too(connect: Callable[[str], None]) -> None:
    connect("postgres")
    operator = SenderSendCampaignOperator(task_id="send", campaign_id="1", sender_conn_id="warehouse")
    sensor = SenderCampaignSensor(task_id="wait", campaign_id="1", sender_conn_id="warehouse")
    with pytest.raises(ConfigurationError, match="'warehouse' is of type 'postgres'"):
        operator.service()
    with pytest.raises(AirflowFailException, match="'warehouse' is of type 'postgres'"):
        sensor.poke({})
    notifier = SenderNotifier(
        to="ann@example.com", from_email="a@example.com", subject="S", text="T", sender_conn_id="warehouse",
        raise_on_error=True,
    )  # fmt: skip
    with pytest.raises(ConfigurationError, match="'warehouse' is of type 'postgres'"):
        notifier.notify({})
    with pytest.raises(ConfigurationError, match="'warehouse' is of type 'postgres'"):
        asyncio.run(notifier.async_notify({}))


def test_a_hook_of_ones_own_says_its_own_type(monkeypatch: pytest.MonkeyPatch) -> None:
    class ShopHook(SenderHook):
        conn_type = "shop"

    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "shop", "password": "a-token"}))
    assert ShopHook("shop").get_conn().transport.settings.base_url == SenderHook.base_url
    with pytest.raises(ConfigurationError, match="'shop' is of type 'shop'"):
        SenderHook("shop").get_conn()

"""From a connection to an address and settings: used rightly, or refused in a sentence that names the part."""

from __future__ import annotations

import json
import logging
import math
from typing import Any

import pytest
import requests_mock
from airflow.sdk import Connection
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.get_provider_info import CONNECTION_TYPES
from airflow_provider_sender.hooks.account import AccountHook
from airflow_provider_sender.hooks.sendara import SendaraHook
from airflow_provider_sender.hooks.sender import SenderHook
from airflow_provider_sender.hooks.sendpulse import SendPulseHook

AnyHook = AccountHook[Any, Any]

HOOKS: dict[str, type[AnyHook]] = {"sender": SenderHook, "sendpulse": SendPulseHook, "sendara": SendaraHook}

OWN = "https://api.sender.net/v2"
LOCAL = "http://127.0.0.1:8025/sender/v2"


def settings(hook: type[AnyHook] = SenderHook, **parts: Any) -> Settings:
    extra = parts.pop("extra", None)
    described = extra if extra is None or isinstance(extra, str) else json.dumps(extra)
    connection = Connection(
        **{"conn_id": "shop", "conn_type": hook.conn_type, "password": "a-token", "extra": described, **parts}
    )
    found: Settings = hook.service_of(connection, connection.extra_dejson).client.transport.settings
    return found


@pytest.mark.parametrize(
    ("parts", "address"),
    [
        ({}, OWN),
        ({"host": ""}, OWN),
        ({"host": "", "port": 0, "schema": ""}, OWN),
        ({"port": 0}, OWN),
        ({"schema": "https"}, OWN),
        ({"host": "api.sender.net", "schema": "v2"}, OWN),
        ({"host": "api.sender.net/v2"}, OWN),
        ({"host": "api.sender.net/v2/"}, OWN),
        ({"host": "api.sender.net"}, OWN),
        ({"host": "https://api.sender.net"}, OWN),
        ({"host": "https://API.Sender.Net/"}, OWN),
        ({"host": "HTTPS://api.sender.net:443/v2"}, OWN),
        ({"host": "https://api.sender.net/v2", "schema": "https"}, OWN),
        ({"host": "https://api.sender.net/v2", "schema": "https", "port": 443}, OWN),
        ({"host": " https://api.sender.net/v2// "}, OWN),
        ({"host": "gw.example.com"}, "https://gw.example.com"),
        ({"host": "gw.example.com", "schema": "https"}, "https://gw.example.com"),
        ({"host": "gw.example.com", "schema": "HTTPS", "port": 8443}, "https://gw.example.com:8443"),
        ({"host": "gw.example.com", "port": 8443, "schema": "sender/v2/"}, "https://gw.example.com:8443/sender/v2"),
        ({"host": "gw.example.com:8443", "port": 8443, "schema": "/v2"}, "https://gw.example.com:8443/v2"),
        ({"host": "https://gw.example.com", "port": 8392, "schema": "https"}, "https://gw.example.com:8392"),
        ({"host": "https://gw.example.com/sender/v2", "port": 8392}, "https://gw.example.com:8392/sender/v2"),
        ({"host": "https://gw.example.com/sender/v2/", "port": 8392}, "https://gw.example.com:8392/sender/v2"),
        ({"host": "127.0.0.1", "port": 8025, "schema": "http"}, "http://127.0.0.1:8025"),
        ({"host": "127.0.0.1:8025/sender/v2", "schema": "http"}, LOCAL),
        ({"host": "http://127.0.0.1/sender/v2", "port": 8025}, LOCAL),
        ({"host": "::1", "port": 8025, "schema": "v2"}, "https://[::1]:8025/v2"),
        ({"host": "http://::1", "port": 8025, "schema": "v2"}, "http://[::1]:8025/v2"),
        ({"host": "[::1]:8025/v2"}, "https://[::1]:8025/v2"),
        ({"host": "http://[::1]", "port": 8025}, "http://[::1]:8025"),
        ({"host": "http://localhost:80/v2"}, "http://localhost/v2"),
    ],
)
def test_host_port_and_schema_make_one_address(parts: dict[str, Any], address: str) -> None:
    assert settings(**parts).base_url == address


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("sender://:a-token@", OWN),
        ("sender://:a-token@api.sender.net/v2", OWN),
        ("sender://:a-token@api.sender.net", OWN),
        ("sender://:a-token@api.sender.net/https", OWN),
        ("sender://:a-token@gw.example.com/sender/v2/", "https://gw.example.com/sender/v2"),
        ("sender://:a-token@gw.example.com:8443/sender/v2", "https://gw.example.com:8443/sender/v2"),
        ("sender://https://:a-token@gw.example.com:8443/v2", "https://gw.example.com:8443/v2"),
        ("sender://https://:a-token@gw.example.com%2Fsender%2Fv2:8443/", "https://gw.example.com:8443/sender/v2"),
        ("sender://http://:a-token@127.0.0.1:8025/sender/v2", LOCAL),
        ("sender://:a-token@http%3A%2F%2F127.0.0.1%3A8025%2Fsender%2Fv2", LOCAL),
        ("sender://http://:a-token@[::1]:8025/v2", "http://[::1]:8025/v2"),
        ("sender://:a-token@[::1]:8025/v2", "https://[::1]:8025/v2"),
    ],
)
def test_every_form_of_a_uri_makes_the_address_it_says(uri: str, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SENDER_DEFAULT", uri)
    assert SenderHook().get_conn().transport.settings.base_url == address


@pytest.mark.parametrize("address", [LOCAL, "https://gw.example.com:8443/sender/v2", "https://gw.example.com"])
def test_a_connection_that_airflow_writes_as_a_uri_keeps_its_address(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = Connection(conn_id="shop", conn_type="sender", host=address, password="a-token")
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", connection.get_uri())
    assert SenderHook("shop").get_conn().transport.settings.base_url == address


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"port": 8443}, "'shop', port: there is no host it could belong to"),
        ({"schema": "v2"}, "'shop', schema: there is no host it could belong to"),
        ({"schema": "http"}, "'shop', schema: there is no host it could belong to"),
        ({"host": "https://gw.example.com/v2", "schema": "v3"}, "'shop', schema: the host has a path already"),
        ({"host": "gw.example.com/v2", "schema": "v2"}, "'shop', schema: the host has a path already"),
        ({"host": "https://gw.example.com", "schema": "http"}, "'shop', schema: says http, and the host https"),
        ({"host": "https://gw.example.com:8443", "port": 9443}, "'shop', port: the host has another port already"),
        ({"host": "gw.example.com", "port": 70_000}, "'shop', port: must be from 1 to 65535"),
        ({"host": "gw.example.com", "port": -1}, "'shop', port: must be from 1 to 65535"),
        ({"host": "gw.example.com", "schema": "http"}, "would travel in clear"),
        ({"host": "http://gw.example.com"}, "would travel in clear"),
        ({"host": "https://user:s3cret@gw.example.com"}, "must be a bare address"),
        ({"host": "s3cret@gw.example.com", "port": 8443, "schema": "v2"}, "must be a bare address"),
        ({"host": "https://gw.example.com?key=s3cret", "port": 8443}, "must be a bare address"),
        ({"host": "https://gw.example.com#s3cret"}, "must be a bare address"),
        ({"host": "ftp://gw.example.com"}, "is not an address"),
        ({"host": "https://"}, "is not an address"),
        ({"host": "https:///v2"}, "is not an address"),
        ({"host": "https://gw.example.com:0/v2"}, "is not an address"),
        ({"host": "https://gw.example.com:port/v2"}, "is not an address"),
        ({"host": "https://gw example.com"}, "is not an address"),
        ({"host": "https://gw.example.com\\@evil.example.com/v2"}, "must be a bare address"),
        ({"host": "https://gw.example.com\\evil.example.com/v2"}, "is not an address"),
        ({"host": "https://gw.example.com/\nv2"}, "is not an address"),
        ({"host": "https://[::1/v2"}, "is not an address"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused_before_anything_is_sent(parts: dict[str, Any], words: str) -> None:
    with requests_mock.Mocker() as service:
        with pytest.raises(ConfigurationError) as refused:
            settings(**parts)
        assert words in str(refused.value)
        assert "s3cret" not in str(refused.value)
        assert service.call_count == 0


@pytest.mark.parametrize("hook", [SendPulseHook, SendaraHook])
def test_the_other_services_read_the_same_parts_the_same_way(hook: type[AnyHook]) -> None:
    host = hook.base_url.removeprefix("https://")
    assert settings(hook, host=host, schema="https", port=443).base_url == hook.base_url
    assert settings(hook, host="127.0.0.1", port=8025, schema="http").base_url == "http://127.0.0.1:8025"
    with pytest.raises(ConfigurationError, match="'shop', port: there is no host"):
        settings(hook, port=8025)


# Extras

NUMBERS = ("timeout", "max_retries", "requests_per_minute", "reserve", "max_wait", "settle_time", "connections")
WHOLE = ("max_retries", "requests_per_minute", "reserve", "connections")


def extras_of(conn_type: str) -> set[str]:
    (known,) = (each for each in CONNECTION_TYPES if each["connection-type"] == conn_type)
    return set(known["conn-fields"])


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize(
    "value",
    [
        "NaN", "nan", "Infinity", "-inf", "-1", "1_0", "٣", "soon", "0x10", "5 s", "null", True, False, [5], {"a": 5},
        math.nan, math.inf, -math.inf, -1, -0.5, 10**30, 1e300, "9" * 40,
    ],
)  # fmt: skip
def test_what_is_not_a_sensible_number_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"Connection 'shop', extra {name}: must be "):
        settings(extra={name: value})


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("value", [1.5, "1.5", "1e-1"])
def test_what_is_counted_is_a_whole_number(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"extra {name}: must be a whole number"):
        settings(extra={name: value})


@pytest.mark.parametrize("value", [7, "7", " 7 ", 7.0, "7.0", "+7"])
def test_numbers_may_be_given_as_text(value: Any) -> None:
    found = settings(extra=dict.fromkeys(NUMBERS, value))
    assert [getattr(found, name) for name in NUMBERS] == [7] * len(NUMBERS)
    assert all(type(getattr(found, name)) is int for name in WHOLE)


@pytest.mark.parametrize("value", [None, "", "  "])
def test_what_is_left_empty_is_the_default(value: Any) -> None:
    names = [*NUMBERS, "time_zone"]
    assert settings(extra=dict.fromkeys(names, value)) == Settings(OWN)


@given(st.dictionaries(st.sampled_from(NUMBERS), st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)))  # fmt: skip
def test_whatever_the_extras_hold_the_settings_can_be_used_or_are_refused(extra: dict[str, Any]) -> None:
    try:
        found = settings(extra=extra)
    except ConfigurationError:
        return
    for name in NUMBERS:
        value = getattr(found, name)
        assert value is None or (0 <= value < 10**9 and math.isfinite(value) and not isinstance(value, bool))


@pytest.mark.parametrize("extra", ["[1]", '"text"', "5", "{oops", "timeout=5", "null", "true"])
def test_extras_that_are_not_an_object_are_refused_rather_than_left_out(extra: str) -> None:
    if extra == "null":
        assert settings(extra=extra) == Settings(OWN)
        return
    with pytest.raises(ConfigurationError, match="Connection 'shop', extra: must be a JSON object"):
        settings(extra=extra)


@pytest.mark.parametrize("conn_type", HOOKS)
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("timezone", "time_zone"), ("Time_Zone", "time_zone"), ("time-zone", "time_zone"), ("time zone", "time_zone"),
        ("timeouts", "timeout"), ("max_retry", "max_retries"), ("retries", "max_retries"), ("maxwait", "max_wait"),
        ("request_per_minute", "requests_per_minute"), ("requestsPerMinute", "requests_per_minute"),
        ("settletime", "settle_time"), ("reserved", "reserve"), ("connection", "connections"),
        ("importform", "import_form"), ("extra__sender__timeout", "timeout"),
    ],
)  # fmt: skip
def test_an_extra_with_a_slip_in_its_name_is_refused_and_the_right_name_said(
    conn_type: str, written: str, meant: str, caplog: pytest.LogCaptureFixture
) -> None:
    if meant not in extras_of(conn_type):
        meant = ""
    with caplog.at_level(logging.WARNING):
        if meant:
            with pytest.raises(ConfigurationError, match=f"extra {written}: is not known. Did you mean {meant}\\?"):
                settings(HOOKS[conn_type], extra={written: "s3cret"})
        else:
            settings(HOOKS[conn_type], extra={written: "s3cret"})
            assert f"extra {written}: is not used" in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize("conn_type", HOOKS)
def test_extras_of_others_are_named_in_the_log_and_left_alone(conn_type: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        settings(HOOKS[conn_type], extra={"team": "s3cret", "headers": {"X": "s3cret"}})
    assert caplog.text.count("is not used") == 2
    assert "Connection 'shop', extra team: is not used" in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    ("conn_type", "name"),
    [
        (conn_type, name)
        for conn_type in HOOKS
        for name in sorted(set.union(*map(extras_of, HOOKS)) - extras_of(conn_type))
    ],
)
def test_an_extra_of_another_service_has_no_effect_and_the_log_says_so(
    conn_type: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    hook = HOOKS[conn_type]
    with caplog.at_level(logging.WARNING):
        found = settings(hook, extra={name: "rows" if name == "import_form" else "UTC" if name == "time_zone" else 3})
    assert found == Settings(hook.base_url)
    assert f"extra {name}: is not used" in caplog.text


@pytest.mark.parametrize("conn_type", HOOKS)
def test_the_extras_of_the_form_are_used_without_a_word(conn_type: str, caplog: pytest.LogCaptureFixture) -> None:
    values = {"time_zone": "Europe/Vilnius", "import_form": "contacts"}
    with caplog.at_level(logging.WARNING):
        settings(HOOKS[conn_type], extra={name: values.get(name, 5) for name in extras_of(conn_type)})
    assert caplog.text == ""


@pytest.mark.parametrize("zone", [5, True, ["UTC"], {"zone": "UTC"}])
def test_a_time_zone_is_a_text(zone: Any) -> None:
    with pytest.raises(ConfigurationError, match="extra time_zone: must be a text"):
        settings(extra={"time_zone": zone})


def test_the_test_button_says_which_extra_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"timezone": "UTC"}
    monkeypatch.setenv(
        "AIRFLOW_CONN_SENDER_DEFAULT", json.dumps({"conn_type": "sender", "password": "a-token", "extra": extra})
    )
    with requests_mock.Mocker() as service:
        works, said = SenderHook().test_connection()
        assert not works
        assert "Did you mean time_zone?" in said
        assert service.call_count == 0

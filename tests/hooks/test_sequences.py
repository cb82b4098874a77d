"""A text is a sequence of letters: whatever takes several of something refuses one text in their place."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests_mock

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.hooks.account import AccountHook
from airflow_provider_sender.hooks.sendara import SendaraHook
from airflow_provider_sender.hooks.sender import SenderHook
from airflow_provider_sender.hooks.sendpulse import SendPulseHook

AnyHook = AccountHook[Any, Any]

HOOKS: tuple[type[AnyHook], ...] = (SenderHook, SendPulseHook, SendaraHook)

_SEVERAL = re.compile(r"\b(Sequence|Iterable|Collection|Iterator|list|tuple|set|frozenset|Set)\[")


def several_of_hooks() -> Iterator[tuple[type[AnyHook], str, str]]:
    """Find every parameter of a hook's method, its client's included, that takes several of something."""
    for hook in HOOKS:
        for name, method in inspect.getmembers(hook, inspect.isfunction):
            if name.startswith("_") or not method.__module__.startswith("airflow_provider_sender"):
                continue
            for parameter in inspect.signature(method).parameters.values():
                if _SEVERAL.search(str(parameter.annotation)):
                    yield hook, name, parameter.name


SEVERAL = list(several_of_hooks())


def call_with(hook: type[AnyHook], name: str, parameter: str, value: Any) -> Callable[[], Any]:
    """Return a call of a hook's method with a value for one parameter, and something for those that must be given."""
    method = getattr(hook("shop"), name)
    needed = [each for each in inspect.signature(method).parameters.values() if each.default is each.empty]
    given = {each.name: "1" for each in needed if each.kind is not each.VAR_KEYWORD}
    if "options" in given:
        given["options"] = {}  # type: ignore[assignment]
    return lambda: method(**{**given, parameter: value})


@pytest.fixture(autouse=True)
def connection(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = request.node.callspec.params["hook"]
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": hook.conn_type, "password": "a-token"}))


@pytest.mark.parametrize(
    ("hook", "found"), [(SenderHook, {"add_to_group", "delete_campaigns"}), (SendPulseHook, {"unsubscribe"})]
)
def test_they_are_found(hook: type[AnyHook], found: set[str]) -> None:
    assert found <= {name for of, name, _ in SEVERAL if of is hook}


@pytest.mark.parametrize(("hook", "name", "parameter"), SEVERAL, ids=lambda part: getattr(part, "__name__", part))
@pytest.mark.parametrize(
    "value",
    ["ann@example.org", "", b"ann@example.org", {"email": "ann@example.org"}, 5, None, [None], [["a"]]],
    ids=repr,
)
def test_one_text_is_not_several_of_them(hook: type[AnyHook], name: str, parameter: str, value: Any) -> None:
    with requests_mock.Mocker() as service:
        with pytest.raises(ConfigurationError, match=rf"^{parameter}: ") as refused:
            call_with(hook, name, parameter, value)()
        assert service.call_count == 0
    assert "example.org" not in str(refused.value)


@pytest.mark.parametrize("hook", [SenderHook])
@pytest.mark.parametrize("several", [["a@example.org"], ("a@example.org",), {"a@example.org": 1}.keys()], ids=repr)
def test_several_may_come_in_whatever_holds_them(hook: type[SenderHook], several: Any) -> None:
    with requests_mock.Mocker() as service:
        service.post(f"{hook.base_url}/subscribers/groups/7", json={"success": True})
        hook("shop").add_to_group("7", several)
        assert service.last_request.json()["subscribers"] == ["a@example.org"]

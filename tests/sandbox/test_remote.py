from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox, SandboxError
from tests.sandbox.api import Api

pytest_plugins = ["pytester"]


def test_it_runs_outside_pytest_too() -> None:
    with Sandbox.start(subscribers=12, send_seconds=1, token="other") as sandbox:
        assert sandbox.settings()["send_seconds"] == 1
        sandbox.reset()
        assert sandbox.settings()["send_seconds"] == 1
        assert sandbox.connection == {
            "conn_type": "sender",
            "host": f"{sandbox.url}/sender/v2",
            "password": "other",
        }
        assert Api(sandbox).get("/subscribers")["meta"]["total"] == 0
        other = Sandbox(sandbox.url)
        assert other.seed(count=1) == 1
        other.stop()
        assert len(sandbox.subscribers()) == 1
    with pytest.raises(OSError, match="refused"):
        sandbox.counters()


def test_two_of_them_know_nothing_of_each_other(sender_sandbox: Sandbox) -> None:
    with Sandbox.start(subscribers=3) as other:
        assert other.url != sender_sandbox.url
        sender_sandbox.seed(count=7)
        assert len(other.subscribers()) == 3


def test_tests_begin_with_the_settings_that_disturb_least(sender_sandbox: Sandbox) -> None:
    settings = sender_sandbox.settings()
    assert settings["requests_per_window"] is None
    assert settings["group_visibility_seconds"] == 0
    assert settings["delete_seconds"] == 0
    assert settings["send_seconds"] == 5


def test_a_wrong_start_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SandboxError):
        Sandbox.start(shoe_size=43)
    assert "shoe_size" in capfd.readouterr().err


def test_it_does_not_outlive_a_killed_parent() -> None:
    code = (
        "import os, signal; from airflow_provider_sender.sandbox.remote import Sandbox;"
        "box = Sandbox.start(); print(box.url, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    orphan = Sandbox(killed.stdout.strip())
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            orphan.counters()
        except OSError:
            return
        time.sleep(0.05)
    pytest.fail("The sandbox is still there")


def test_the_fixture_gives_every_test_a_clean_state(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("turn", [1, 2])
        def test_clean(sender_sandbox, turn):
            assert sender_sandbox.subscribers() == []
            assert sender_sandbox.counters()["requests"] == 0
            assert sender_sandbox.faults() == []
            sender_sandbox.seed(count=3)
            sender_sandbox.fault("refuse")
            sender_sandbox.settings(max_limit=1)
        """
    )
    result = pytester.runpytest_subprocess("-q", *_plugin_unless_installed())
    result.assert_outcomes(passed=2)


def _plugin_unless_installed() -> list[str]:
    from importlib.metadata import entry_points

    installed = [point.value for point in entry_points(group="pytest11")]
    plugin = "airflow_provider_sender.sandbox.pytest_plugin"
    return [] if plugin in installed else ["-p", plugin]


@pytest.mark.parametrize("module", ["pytest_plugin", "remote"])
def test_what_every_pytest_run_imports_is_light(module: str) -> None:
    code = (
        f"import pytest, sys; import airflow_provider_sender.sandbox.{module};"
        "print([name for name in ('starlette', 'uvicorn', 'requests', 'airflow', 'msgspec') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_sandbox_shares_nothing_with_the_provider() -> None:
    code = """
import importlib, json, pkgutil, sys
import airflow_provider_sender.sandbox as sandbox
for module in pkgutil.walk_packages(sandbox.__path__, sandbox.__name__ + "."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(json.dumps(sorted(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded: list[str] = json.loads(done.stdout)
    own = [name for name in loaded if name.startswith("airflow_provider_sender.")]
    assert [name for name in own if not name.startswith("airflow_provider_sender.sandbox")] == []
    assert [name for name in loaded if name == "airflow" or name.startswith("airflow.")] == []


def test_it_starts_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    with Sandbox.start() as sandbox:
        assert sandbox.counters()["requests"] == 0
    assert os.listdir(tmp_path) == []

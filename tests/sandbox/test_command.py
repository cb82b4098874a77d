from __future__ import annotations

import json
import shlex
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.sandbox.api import Api, draft

COMMAND = [sys.executable, "-m", "airflow_provider_sender.sandbox"]


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The command as somebody types it, and the five lines it says first."""
    process = subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, [process.stdout.readline() for _ in range(5)]
    finally:
        process.kill()
        process.communicate()


def refused(*options: str) -> str:
    """What the command says when it does not start."""
    done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr


def test_it_says_how_to_connect_as_soon_as_it_can_be_reached() -> None:
    with running("--port", "0", "--subscribers", "30", "--token", "t") as (_, lines):
        assert lines[0].startswith("Sandbox at http://127.0.0.1:")
        variable, value = shlex.split(lines[1])[1].split("=", 1)
        assert variable == "AIRFLOW_CONN_SENDER_DEFAULT"
        connection = json.loads(value)
        assert connection["conn_type"] == "sender"
        headers = {"Authorization": f"Bearer {connection['password']}", "Accept": "application/json"}
        found = requests.get(f"{connection['host']}/subscribers", headers=headers, timeout=5)
        assert found.json()["meta"]["total"] == 30
        assert found.headers["X-RateLimit-Limit"] == "300"
        page = lines[4].split()[-1]
        assert requests.get(page, timeout=5).text.startswith("<!doctype html>")
        others = [shlex.split(line)[1].partition("=")[0] for line in lines[2:4]]
        assert others == ["AIRFLOW_CONN_SENDPULSE_DEFAULT", "AIRFLOW_CONN_SENDARA_DEFAULT"]
        drafts = requests.get(f"{connection['host']}/campaigns", headers=headers, timeout=5).json()["data"]
        assert [row["status"] for row in drafts] == ["DRAFT"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_quietly(how: signal.Signals) -> None:
    with running("--port", "0", "--subscribers", "0") as (process, lines):
        page = lines[4].split()[-1]
        with requests.Session() as kept_open:
            kept_open.get(page, timeout=5)
            process.send_signal(how)
            process.wait(timeout=5)
        assert process.stderr is not None
        assert process.stderr.read() == ""
        if how == signal.SIGINT:
            assert process.returncode == 0


def test_it_ends_quietly_with_a_call_still_waiting() -> None:
    with running("--port", "0", "--subscribers", "0") as (process, lines):
        sandbox = Sandbox(lines[4].split()[-1])
        sandbox.fault("delay", seconds=60)
        with pytest.raises(requests.ReadTimeout):
            Api(sandbox).call("GET", "/groups", timeout=0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=5) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_taken_port_is_said_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = refused("--port", str(taken.getsockname()[1]))
    assert "is taken" in said
    assert said.count("\n") == 1


def test_a_port_that_is_none_is_said() -> None:
    assert "is no port" in refused("--port", "70000")


def test_only_loopback_unless_told_otherwise() -> None:
    assert "--allow-remote" in refused("--host", "0.0.0.0", "--port", "0")
    with running("--host", "0.0.0.0", "--port", "0", "--allow-remote", "--subscribers", "0") as (_, lines):
        assert lines[0].startswith("Sandbox at http://0.0.0.0:")


@pytest.mark.parametrize(
    "options",
    [["--set", "shoe_size=43"], ["--set", "max_limit"], ["--set", "time_zone=Mars"], ["--window-seconds", "-1"]],
)
def test_a_wrong_knob_is_said(options: list[str]) -> None:
    assert "error: " in refused("--port", "0", *options)


def test_a_file_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "older")) as database:
        database.execute("CREATE TABLE subscribers (number INTEGER)")
    (tmp_path / "text").write_text("This is not a database, and long enough to be sure of it." * 20)
    for path in (tmp_path / "text", tmp_path / "older", tmp_path / "missing" / "file"):
        assert "cannot be used" in refused("--port", "0", "--data", str(path))


def test_a_file_outlives_the_process(tmp_path: Path) -> None:
    data = str(tmp_path / "sandbox.sqlite")
    with Sandbox.start(subscribers=25, data=data) as sandbox:
        api = Api(sandbox)
        campaign = api.post("/campaigns", draft())["data"]["id"]
        api.post(f"/campaigns/{campaign}/send")
        sandbox.advance(1000)
        before = sandbox.subscribers()
        mails = sandbox.counters()["mails"]
    with Sandbox.start(subscribers=25, data=data) as sandbox:
        assert sandbox.subscribers() == before
        assert sandbox.counters()["mails"] == mails > 0
        assert Api(sandbox).get(f"/campaigns/{campaign}")["data"]["status"] == "SENT"

"""A sandbox in a process of its own, as tests hold it in their hands.

Standard library only: importing this costs nothing, and what a test does to ``requests`` does not reach it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias, TypedDict
from urllib.parse import urlencode, urlsplit

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

# What the command line has otherwise, because a person watching wants to see things take their time.
_TEST_SETTINGS: dict[str, Json] = {
    "requests_per_window": None,
    "group_visibility_seconds": 0,
    "delete_seconds": 0,
    "sendara_requests_per_second": None,
    "sendpulse_requests_per_second": None,
    "sendpulse_requests_per_minute": None,
    "sendpulse_requests_per_day": None,
    "sendpulse_campaigns_per_hour": None,
}


class CampaignCounters(TypedDict):
    """What happened to one campaign."""

    title: str | None
    status: str | None
    mails: int
    recipients: int
    max_mails_per_recipient: int


class Counters(TypedDict):
    """What happened since the last reset.

    ``by_path`` counts by method and route, e.g. ``GET /groups/{id}``; ``campaigns`` is by campaign id.
    """

    requests: int
    by_path: dict[str, int]
    rate_limited: int
    mails: int
    max_mails_per_recipient: int
    campaigns: dict[str, CampaignCounters]
    messages: int


class LoggedRequest(TypedDict):
    """One request; ``status`` is ``None`` where the connection was closed without an answer."""

    id: int
    time: float
    service: str
    method: str
    path: str
    query: str
    status: int | None
    fault: str | None
    milliseconds: float


class WebhookDelivery(TypedDict):
    """What a webhook's endpoint would be sent; ``body`` is the raw text the signature is over."""

    headers: dict[str, str]
    body: str


class SandboxError(RuntimeError):
    """The sandbox did not start, or refused what it was told."""


class Sandbox:
    """A running sandbox.

    :param url: where it is, e.g. ``http://127.0.0.1:8025``.
    :param token: the API token it accepts.
    """

    def __init__(self, url: str, token: str = "sandbox-token") -> None:
        self.url = url.rstrip("/")
        self.token = token
        self._process: subprocess.Popen[str] | None = None

    @classmethod
    def start(
        cls, *, subscribers: int = 0, token: str = "sandbox-token", data: str | None = None, **settings: Json
    ) -> Sandbox:
        """Start one on a free port. It ends with :meth:`stop`, a ``with`` block, or this process.

        :param subscribers: made-up subscribers to begin with.
        :param token: the API token it accepts.
        :param data: the SQLite file to keep everything in; ``None`` for memory.
        :param settings: knobs a reset goes back to. Without any there is no rate limit, deletes are
            immediate, and new subscribers can be added to groups at once.
        :raises SandboxError: when it does not start; why is on the standard error.
        """
        command = [
            sys.executable,
            "-m",
            "airflow_provider_sender.sandbox",
            "--port",
            "0",
            "--until-stdin-closes",
        ]
        command += ["--empty", "--token", token, "--subscribers", str(subscribers)]
        command += ["--data", data] if data is not None else []
        for name, value in {**_TEST_SETTINGS, **settings}.items():
            command += ["--set", f"{name}={json.dumps(value)}"]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment(), text=True
        )
        assert process.stdout is not None
        first_line = process.stdout.readline()
        if not first_line:
            raise SandboxError(f"The sandbox ended with exit code {process.wait()} instead of starting")
        address = urlsplit(first_line.split()[2].rstrip(";"))
        sandbox = cls(f"{address.scheme}://{address.netloc}", token)
        sandbox._process = process
        return sandbox

    def stop(self) -> None:
        """End it, if this object started it."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def sender_url(self) -> str:
        """The address of its Sender, as an Airflow connection's host."""
        return f"{self.url}/sender/v2"

    @property
    def connection(self) -> dict[str, str]:
        """The Airflow connection to its Sender; ``json.dumps`` of it is what ``AIRFLOW_CONN_...`` takes."""
        return {"conn_type": "sender", "host": self.sender_url, "password": self.token}

    @property
    def sendpulse_url(self) -> str:
        """The address of its SendPulse, as an Airflow connection's host."""
        return f"{self.url}/sendpulse"

    @property
    def sendpulse_connection(self) -> dict[str, str]:
        """The Airflow connection to its SendPulse, by client id and secret.

        Without its ``login`` the ``password`` is a static API key.
        """
        host = self.sendpulse_url
        return {"conn_type": "sendpulse", "host": host, "login": "sandbox-client", "password": self.token}

    @property
    def sendara_url(self) -> str:
        """The address of its Sendara, as an Airflow connection's host."""
        return f"{self.url}/sendara"

    @property
    def sendara_connection(self) -> dict[str, str]:
        """The Airflow connection to its Sendara."""
        return {"conn_type": "sendara", "host": self.sendara_url, "password": self.token}

    def reset(self, *, subscribers: int = 0, **settings: Json) -> dict[str, Json]:
        """Begin anew: an account of made-up subscribers, no campaigns, no faults, counters at zero.

        :param subscribers: how many.
        :param settings: knobs to turn from where :meth:`start` put them.
        :return: all knobs.
        """
        found: dict[str, Json] = self._ask("POST", "/reset", {"subscribers": subscribers, **settings})
        return found

    def seed(self, *, count: int = 0, rows: Sequence[Mapping[str, Json]] = ()) -> int:
        """Add subscribers.

        :param count: made-up ones.
        :param rows: given ones: ``email`` and any of ``firstname``, ``lastname``, ``phone``, ``status``,
            ``transactional_status``, ``groups`` (titles or ids), ``fields`` (values by title), ``created``.
        :return: how many subscribers there are now.
        """
        return int(self._ask("POST", "/seed", {"subscribers": count, "rows": list(rows)})["subscribers"])

    def settings(self, **knobs: Json) -> dict[str, Json]:
        """Turn knobs.

        :return: all of them.
        """
        found: dict[str, Json] = self._ask("PATCH", "/settings", knobs) if knobs else self._ask("GET", "/settings")
        return found

    def counters(self) -> Counters:
        """What happened since the last reset."""
        found: Counters = self._ask("GET", "/counters")
        return found

    def mails(self, campaign_id: str) -> dict[str, int]:
        """How many mails of a campaign each address got."""
        found: dict[str, int] = self._ask("GET", "/mails", campaign_id=campaign_id)
        return found

    def set_campaign_status(self, campaign_id: str | int, status: int) -> None:
        """Have a SendPulse campaign show any status of the vendor's table, e.g. 5 for blocked by the service.

        In a status that does not go on by itself nothing more is mailed.
        """
        self._ask("PUT", f"/sendpulse/campaigns/{campaign_id}/status", {"status": status})

    def revoke_tokens(self) -> int:
        """Have no token hold any more that SendPulse issued, before their time is over.

        :return: how many did until now.
        """
        return int(self._ask("DELETE", "/sendpulse/tokens")["revoked"])

    def messages(self) -> list[dict[str, Any]]:
        """The transactional e-mails that were sent, oldest first, as they were posted."""
        found: list[dict[str, Any]] = self._ask("GET", "/messages")
        return found

    def requests(self, limit: int = 1_000) -> list[LoggedRequest]:
        """The last requests to the services, oldest first."""
        found: list[LoggedRequest] = self._ask("GET", "/requests", limit=str(limit))
        return found

    def subscribers(self) -> list[bytes]:
        """Everybody on the account by creation, each byte for byte as in the service's list."""
        return self._fetch("GET", "/subscribers").splitlines()

    def subscriber(self, email: str) -> dict[str, Any] | None:
        """One subscriber, if there."""
        line = self._fetch("GET", "/subscribers", email=email)
        return json.loads(line) if line else None

    def fault(self, kind: str, path: str = "*", method: str = "*", **options: Json) -> dict[str, Json]:
        """Have something go wrong.

        :param kind: what, e.g. ``drop_after``.
        :param path: a glob over paths below the service's own, e.g. ``/campaigns/*/send``.
        :param method: the method of the calls meant; ``*`` for any.
        :param options: ``times`` (1; ``None`` for ever), ``skip``, ``every``, and what the kind takes.
        :return: the fault as it was understood.
        """
        body: dict[str, Json] = {"kind": kind, "path": path, "method": method, **options}
        found: dict[str, Json] = self._ask("POST", "/faults", body)
        return found

    def faults(self) -> list[dict[str, Any]]:
        """The faults that were ordered; ``fired`` says how often each happened."""
        found: list[dict[str, Any]] = self._ask("GET", "/faults")
        return found

    def clear_faults(self) -> None:
        """Let nothing go wrong any more."""
        self._ask("DELETE", "/faults")

    def advance(self, seconds: float) -> float:
        """Move the sandbox's clock: campaigns, deletions and the rate window do not wait for the wall's.

        :return: its time now, in seconds since the epoch.
        """
        return float(self._ask("POST", "/clock", {"advance": seconds})["now"])

    def fail_broadcast(self, broadcast_id: str) -> None:
        """Have a broadcast of its Sendara fail: with nothing mailed when it has not begun, else in the end.

        :param broadcast_id: a draft, or one that is scheduled or sending.
        """
        self._ask("POST", "/sendara/failures", {"broadcast_id": broadcast_id})

    def webhook_delivery(
        self, webhook_id: str, event_type: str = "delivered", message_id: str = "msg_000000", seconds_ago: int = 0
    ) -> WebhookDelivery:
        """A delivery of its Sendara, signed with the webhook's secret; nothing is sent.

        :param webhook_id: whose secret.
        :param event_type: the event's bare name.
        :param message_id: the message it is about.
        :param seconds_ago: how old the signature is.
        """
        asked: dict[str, Json] = {
            "webhook_id": webhook_id, "event_type": event_type, "message_id": message_id, "seconds_ago": seconds_ago,
        }  # fmt: skip
        found: WebhookDelivery = self._ask("POST", "/sendara/deliveries", asked)
        return found

    # What comes back is as different as the endpoints; each method above says what its own gives.
    def _ask(self, method: str, path: str, body: dict[str, Json] | None = None, **query: str) -> Any:
        return json.loads(self._fetch(method, path, body, **query))

    def _fetch(self, method: str, path: str, body: dict[str, Json] | None = None, **query: str) -> bytes:
        address = urlsplit(self.url)
        connection = HTTPConnection(address.hostname or "", address.port, timeout=60)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, f"/_sandbox{path}?{urlencode(query)}", content)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status >= 400:
            raise SandboxError(f"{method} {path}: {response.status} {answer.decode(errors='replace')}")
        return answer


def _environment() -> dict[str, str]:
    """This process's environment, with the package importable also where it is not installed."""
    home = str(Path(__file__).resolve().parents[2])
    paths = [path for path in (os.environ.get("PYTHONPATH"), home) if path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}

from __future__ import annotations

import contextlib
import gzip
import logging
import random
import socket
import ssl
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from airflow_provider_sender.client.errors import (
    AuthenticationError,
    ConfigurationError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitError,
    SenderError,
    ServiceFailureError,
)
from airflow_provider_sender.client.http import HttpSession
from airflow_provider_sender.client.request import Request, once, read, repeatable
from airflow_provider_sender.client.sender.envelopes import Done
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.client.accounts import ADDRESS, BASE, TOKEN, Account, client_of, make_client

OK = {"json": {"success": True}}
REFUSED = requests.ConnectionError(
    MaxRetryError(None, f"/subscribers/{ADDRESS}", NewConnectionError(None, "Connection refused"))  # type: ignore[arg-type]
)
DROPPED = requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError(104)), ADDRESS)
NEVER_CONNECTED: dict[str, dict[str, Any]] = {
    "connection refused": {"exc": REFUSED},
    "connect time-out": {"exc": requests.ConnectTimeout(ADDRESS)},
    "no proxy": {"exc": requests.exceptions.ProxyError(ADDRESS)},
}
NO_WINDOW: dict[str, dict[str, Any]] = {
    "429 with seconds": {"status_code": 429, "headers": {"Retry-After": "7"}},
    "429 with a date": {
        "status_code": 429,
        "headers": {
            "Retry-After": formatdate(1_800_000_007, usegmt=True),
            "Date": formatdate(1_800_000_000, usegmt=True),
        },
    },
    "429 without a word": {"status_code": 429, "json": {"message": "Too Many Attempts"}},
    "429 with zero": {"status_code": 429, "headers": {"Retry-After": "0"}},
    "429 in HTML": {"status_code": 429, "text": "<html>"},
}
UNCERTAIN: dict[str, dict[str, Any]] = {
    "read time-out": {"exc": requests.ReadTimeout(ADDRESS)},
    "dropped": {"exc": DROPPED},
    "truncated": {"exc": requests.exceptions.ChunkedEncodingError(ADDRESS)},
    "not gzip": {"exc": requests.exceptions.ContentDecodingError(ADDRESS)},
    "TLS breaks off": {"exc": requests.exceptions.SSLError(ssl.SSLError("record layer failure"))},
    "garbled": {"text": '{"success": tr'},
    "not UTF-8": {"content": b'{"message": "\xff"}'},
    "nothing at all": {"text": ""},
    "HTML": {"text": "<html>Maintenance</html>", "headers": {"Content-Type": "text/html"}},
    "another shape": {"json": [1, 2]},
    "408": {"status_code": 408},
    "500": {"status_code": 500, "json": {"message": "Server Error"}},
    "502 in HTML": {"status_code": 502, "text": "<html>Bad Gateway</html>"},
    "503 with seconds": {"status_code": 503, "headers": {"Retry-After": "7"}},
    "504": {"status_code": 504},
}
FINAL: dict[str, tuple[dict[str, Any], type[SenderError]]] = {
    "400": ({"status_code": 400, "json": {"success": False, "message": "No."}}, InvalidRequestError),
    "401": ({"status_code": 401}, AuthenticationError),
    "403": ({"status_code": 403}, PermissionDeniedError),
    "404": ({"status_code": 404}, NotFoundError),
    "409": ({"status_code": 409}, InvalidRequestError),
    "422": ({"status_code": 422, "json": {"errors": {"email": ["No."]}}}, InvalidRequestError),
    "301": ({"status_code": 301, "headers": {"Location": "https://elsewhere.test/"}}, InvalidRequestError),
    "302": ({"status_code": 302, "headers": {"Location": f"{BASE}/login"}}, InvalidRequestError),
    "307": ({"status_code": 307, "headers": {"Location": "https://elsewhere.test/"}}, InvalidRequestError),
    "200 that says no": ({"json": {"success": False, "message": "No."}}, InvalidRequestError),
}
REPEATABLE = [
    read("/groups/{}", "g1"),
    repeatable("PATCH", "/groups/{}", "g1", body={"title": "x"}),
    repeatable("DELETE", "/groups/{}", "g1"),
    repeatable("POST", "/subscribers", body={"email": ADDRESS}),
]
ONCE = once("POST", "/campaigns/{}/send", "c1")

every_repeatable = pytest.mark.parametrize(
    "request_", REPEATABLE, ids=lambda request: f"{request.method}-{request.path}"
)


def some(cases: dict[str, Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("failure", list(cases.values()), ids=list(cases))


@every_repeatable
@some(NEVER_CONNECTED | NO_WINDOW | UNCERTAIN)
def test_a_repeatable_call_survives_what_may_pass(account: Account, request_: Request, failure: dict[str, Any]) -> None:
    account.answers(failure, failure, OK)

    assert account.client().call(request_, Done).success is True
    assert len(account.requests) == 3
    assert len({*account.requests}) == 1


@some(NEVER_CONNECTED | NO_WINDOW)
def test_a_call_for_once_is_made_again_where_certainly_nothing_was_done(
    account: Account, failure: dict[str, Any]
) -> None:
    account.answers(failure, OK)

    assert account.client().call(ONCE, Done).success is True
    assert len(account.requests) == 2


@some(UNCERTAIN)
def test_a_call_for_once_is_never_made_again_where_it_may_have_been_carried_out(
    account: Account, failure: dict[str, Any]
) -> None:
    account.answers(failure)

    with pytest.raises(OutcomeUnknownError, match=r"may or may not have carried out POST /campaigns/\{\}/send"):
        account.client().call(ONCE, Done)
    assert len(account.requests) == 1
    assert account.waits == []


@some(UNCERTAIN)
def test_what_may_pass_and_does_not_is_a_failure_of_the_service(account: Account, failure: dict[str, Any]) -> None:
    account.answers(failure)

    with pytest.raises(ServiceFailureError) as caught:
        account.client(max_retries=3).call(REPEATABLE[0], Done)
    assert caught.value.retryable
    assert len(account.requests) == 4


@some(NEVER_CONNECTED)
def test_never_having_been_connected_is_not_an_unknown_outcome(account: Account, failure: dict[str, Any]) -> None:
    account.answers(failure)

    with pytest.raises(ServiceFailureError) as caught:
        account.client(max_retries=2).call(ONCE, Done)
    assert caught.value.nothing_done
    assert len(account.requests) == 3


@pytest.mark.parametrize("request_", [*REPEATABLE, ONCE], ids=lambda request: f"{request.method}-{request.path}")
@some(FINAL)
def test_a_refusal_is_final(
    account: Account, request_: Request, failure: tuple[dict[str, Any], type[SenderError]]
) -> None:
    answer, kind = failure
    account.answers(answer)

    with pytest.raises(SenderError) as caught:
        account.client().call(request_, Done)
    assert type(caught.value) is kind
    assert len(account.requests) == 1
    assert account.waits == []


@pytest.mark.parametrize("status", [500, 429])
@pytest.mark.parametrize("retries", [0, 1, 5])
def test_max_retries_counts_the_calls_after_the_first(account: Account, status: int, retries: int) -> None:
    account.answers({"status_code": status})

    with pytest.raises((ServiceFailureError, RateLimitError)):
        account.client(max_retries=retries).call(REPEATABLE[0], Done)
    assert len(account.requests) == retries + 1


def test_waits_double_up_to_a_minute_and_are_random_within_that(account: Account) -> None:
    account.answers({"status_code": 500})
    draws: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        draws.append((low, high))
        return high

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("random.uniform", draw)
        with pytest.raises(ServiceFailureError):
            account.client(max_retries=8).call(REPEATABLE[0], Done)

    assert account.waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert {low for low, _ in draws} == {0.0}


@pytest.mark.parametrize("name", ["429 with seconds", "429 with a date", "503 with seconds"])
def test_the_service_is_left_alone_for_as_long_as_it_says(account: Account, name: str) -> None:
    account.answers((NO_WINDOW | UNCERTAIN)[name], OK)

    account.client().call(REPEATABLE[0], Done)

    assert account.waits[0] == pytest.approx(7, abs=0.5)


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "0"}, {"Retry-After": "soon"}, {"Retry-After": "-5"}])
def test_without_retry_after_the_end_of_the_window_is_waited_for(account: Account, headers: dict[str, str]) -> None:
    account.answers({"status_code": 429, "headers": {"X-RateLimit-Reset": "12", **headers}}, OK)

    account.client().call(REPEATABLE[0], Done)

    assert account.waits[0] == pytest.approx(13, abs=0.1)  # told in whole seconds, it may be one more


def test_the_end_of_the_window_says_nothing_about_a_service_that_fails(account: Account) -> None:
    account.answers({"status_code": 500, "headers": {"X-RateLimit-Reset": "55", "X-RateLimit-Remaining": "9"}}, OK)

    account.client().call(REPEATABLE[0], Done)

    assert account.waits[0] <= 1


@pytest.mark.parametrize("request_", [REPEATABLE[0], ONCE], ids=["repeatable", "once"])
def test_a_wait_beyond_max_wait_is_an_error_at_once(account: Account, request_: Request) -> None:
    account.answers({"status_code": 429, "headers": {"Retry-After": "3600"}})

    with pytest.raises(RateLimitError) as caught:
        account.client(max_wait=120).call(request_, Done)
    assert caught.value.retry_after == 3600
    assert "worth trying again in 3600 s" in str(caught.value)
    assert len(account.requests) == 1
    assert account.waits == []


def test_after_such_a_refusal_the_next_call_is_not_even_made(account: Account) -> None:
    account.answers({"status_code": 429, "headers": {"Retry-After": "3600"}})
    client = account.client()

    for _ in range(2):
        with pytest.raises(RateLimitError) as caught:
            client.call(REPEATABLE[0], Done)
        assert caught.value.retry_after == pytest.approx(3600, abs=5)
    assert len(account.requests) == 1


def test_a_service_that_is_down_for_long_is_not_asked_again_and_again(account: Account) -> None:
    account.answers({"status_code": 503, "headers": {"Retry-After": "7200"}})

    with pytest.raises(ServiceFailureError) as caught:
        account.client().call(REPEATABLE[0], Done)
    assert caught.value.retry_after == 7200
    assert len(account.requests) == 1


def test_no_content_is_an_answer(account: Account) -> None:
    account.answers({"status_code": 204})

    assert account.client().call(ONCE, Done) == Done()


def test_rows_come_as_the_decoder_gives_them_and_every_call_is_counted(account: Account) -> None:
    account.answers({"status_code": 500}, {"json": {"data": 1}})
    client = account.client()

    assert client.transport.fetch(read("/x"), lambda body: msgspec.json.decode(body)) == {"data": 1}
    assert client.transport.requests_made == 2


def test_a_failed_call_leaves_nothing_under_way_in_the_budget(account: Account) -> None:
    account.answers({"exc": DROPPED}, {"status_code": 500}, {"text": "<"}, {"exc": RuntimeError("a bug")})
    client = account.client()

    with pytest.raises(RuntimeError):
        client.call(REPEATABLE[0], Done)
    with pytest.raises(ConfigurationError):
        client.call(read("/groups/{}", ""), Done)
    assert client.transport.budget.under_way == 0


# What goes over the wire


def test_every_call_says_who_it_is_and_what_it_speaks(account: Account) -> None:
    account.answers(OK)

    account.client().call(read("/groups", page=2, limit=None, all=True), Done)

    sent = account.mocker.request_history[0]
    assert sent.headers["Authorization"] == f"Bearer {TOKEN}"
    assert sent.headers["Accept"] == sent.headers["Content-Type"] == "application/json"
    assert sent.headers["User-Agent"].startswith("airflow-provider-sender/")
    assert sent.url == f"{BASE}/groups?page=2&all=1"
    assert str(sent.timeout) == "(10.0, 30.0)"
    assert sent.body is None


def test_connecting_is_given_no_longer_than_the_whole(account: Account) -> None:
    account.answers(OK)

    account.client(timeout=3).call(read("/groups"), Done)

    assert str(account.mocker.request_history[0].timeout) == "(3, 3)"


AWKWARD = [
    "a+b@c.d",
    "a/b",
    "a?b=c",
    "a#b",
    "100%",
    "%2e%2e",
    "ž@ünï.de",
    "{}",
    "{0}",
    "{x}",
    "...",
    "..a",
    "a b",
    "\\..\\",
    "a/../b",
]


@pytest.mark.parametrize("identifier", AWKWARD)
def test_an_identifier_is_one_step_of_the_path_whatever_it_holds(sender_sandbox: Sandbox, identifier: str) -> None:
    client = client_of(sender_sandbox)

    with pytest.raises(NotFoundError):
        client.get_subscriber(identifier)

    assert sender_sandbox.counters()["by_path"] == {"GET /subscribers/{key}": 1}
    assert sender_sandbox.requests()[-1]["path"] == f"/subscribers/{identifier}"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: text not in (".", "..")))
def test_quoting_loses_nothing(identifier: str) -> None:
    path = read("/a/{}/b", identifier).full_path()
    url = HttpSession(BASE, 30).prepared("GET", path, {}, None, "Bearer x").url or ""

    before, after = url.split("/a/")[0], url.split("/a/")[1]
    assert before == BASE
    assert after.count("/") == 1
    assert unquote(after.removesuffix("/b")) == identifier


@pytest.mark.parametrize("identifier", ["", ".", ".."])
@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
def test_an_identifier_that_would_name_something_else_is_refused_before_anything_is_sent(
    account: Account, identifier: str, method: str
) -> None:
    account.answers(OK)

    with pytest.raises(ConfigurationError, match="empty or only dots"):
        account.client().call(Request(method, "/groups/{}", (identifier,)), Done)
    assert account.requests == []


# The token stays where it belongs


@pytest.mark.parametrize(
    "url",
    [
        "http://api.sender.net/v2",
        "HTTP://api.sender.net",
        "http://127.0.0.1.evil.test",
        "http://localhost.evil.test",
        "http://127.0.0.1@evil.test",
        "http://evil.test#@127.0.0.1",
        "http://evil.test\\@127.0.0.1",
        "http://0.0.0.0:8025",
        "http://[::ffff:1.2.3.4]/",
    ],
)
def test_plain_http_is_refused_unless_it_is_this_machine(url: str) -> None:
    with pytest.raises(ConfigurationError):
        Settings(url).checked()


@pytest.mark.parametrize(
    "url", ["http://localhost:8025/", "http://127.0.0.1/x", "http://[::1]:8025", "https://a.test/v2/"]
)
def test_https_and_this_machine_are_accepted(url: str) -> None:
    assert Settings(f" {url} ").checked().base_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["https://secret@a.test", "https://:secret@a.test", "https://a:secret@a.test", "https://a.test?t=secret"]
)
def test_a_token_in_the_address_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings(url).checked()
    assert "secret" not in repr(caught.value)


@pytest.mark.parametrize(
    "url", ["", "a.test", "ftp://a.test", "https://", "https://[::1", "https://a:port", "https://a?", "https://a#"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        Settings(url).checked()


def test_a_netrc_file_does_not_replace_the_token(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.sender.test login somebody password else")
    monkeypatch.setenv("NETRC", str(netrc))
    account.answers(OK)

    for request in (*REPEATABLE, ONCE):
        account.client().call(request, Done)

    assert {sent.headers["Authorization"] for sent in account.mocker.request_history} == {f"Bearer {TOKEN}"}


@dataclass
class Peer:
    """A server of a few lines. ``reply`` makes the raw answer to a raw request, or None to hang up."""

    port: int
    heard: list[bytes]
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def peer(reply: Callable[[bytes], bytes | None], *, context: ssl.SSLContext | None = None) -> Iterator[Peer]:
    listener = socket.create_server(("127.0.0.1", 0))
    it = Peer(listener.getsockname()[1], [])

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                talk = context.wrap_socket(connection, server_side=True) if context else connection
                while heard := talk.recv(65536):
                    it.heard.append(heard)
                    answer = reply(heard)
                    if answer is None:
                        return
                    talk.sendall(answer)
            except OSError:
                return

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            it.connections += 1
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield it
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def http(status: str, body: str = "", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize("request_", [REPEATABLE[0], ONCE], ids=["repeatable", "once"])
def test_a_redirect_is_never_followed_and_nobody_else_hears_the_token(status: str, request_: Request) -> None:
    with peer(lambda heard: http("200 OK", "{}")) as other:
        with (
            peer(lambda heard: http(status, "", f"Location: {other.url}/groups")) as service,
            pytest.raises(InvalidRequestError, match="redirects elsewhere"),
        ):
            make_client(service.url).call(request_, Done)
        assert other.connections == 0
    assert len(service.heard) == 1


def test_a_proxy_in_the_environment_does_not_hear_the_token_of_a_plain_http_call(
    sender_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with peer(lambda heard: http("200 OK", "{}")) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        client = client_of(sender_sandbox, max_retries=0)
        client.list_groups()
        client.create_group("x")
    assert proxy.connections == 0


def test_a_call_for_once_through_a_proxy_that_is_not_there_was_certainly_not_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)

    with pytest.raises(ServiceFailureError) as caught:
        make_client("https://api.sender.test/v2", max_retries=1).call(ONCE, Done)
    assert caught.value.nothing_done


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    made += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(made, check=True, capture_output=True)
    return cert, key


def test_a_certificate_nobody_vouches_for_is_refused_before_anything_is_sent(certificate: tuple[Path, Path]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    waits: list[float] = []

    with peer(lambda heard: http("200 OK", "{}"), context=context) as service, pytest.raises(SenderError) as caught:
        make_client(f"https://localhost:{service.port}", waits).call(ONCE, Done)

    assert isinstance(caught.value, ServiceFailureError)
    assert caught.value.nothing_done
    assert not caught.value.retryable
    assert service.heard == []
    assert waits == []


def test_tls_that_ends_before_the_answer_leaves_the_outcome_unknown(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))

    with peer(lambda heard: None, context=context) as service, pytest.raises(OutcomeUnknownError):
        make_client(f"https://localhost:{service.port}").call(ONCE, Done)

    assert len(service.heard) == 1


# Over a real socket


def test_a_port_nobody_listens_on_is_tried_again_even_for_a_call_for_once() -> None:
    waits: list[float] = []

    with pytest.raises(ServiceFailureError) as caught:
        make_client(f"http://127.0.0.1:{closed_port()}", waits, max_retries=3).call(ONCE, Done)

    assert caught.value.nothing_done
    assert len(waits) == 3


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "truncate", "garble"])
def test_a_read_survives_a_broken_answer(sender_sandbox: Sandbox, kind: str) -> None:
    sender_sandbox.seed(count=3)
    sender_sandbox.fault(kind, times=2)

    page = client_of(sender_sandbox).list_subscribers()

    assert len(page.data) == 3
    assert sender_sandbox.counters()["requests"] == 3


@pytest.mark.parametrize(("kind", "groups"), [("drop_before", 0), ("drop_after", 1), ("truncate", 1), ("garble", 1)])
def test_a_create_with_a_broken_answer_is_made_once_and_its_outcome_unknown(
    sender_sandbox: Sandbox, kind: str, groups: int
) -> None:
    sender_sandbox.fault(kind, method="POST")
    client = client_of(sender_sandbox)

    with pytest.raises(OutcomeUnknownError):
        client.create_group("Readers")

    assert sender_sandbox.counters()["by_path"]["POST /groups"] == 1
    assert client.list_groups().meta.total == groups


def test_a_create_the_service_is_too_slow_for_is_made_once_and_its_outcome_unknown(sender_sandbox: Sandbox) -> None:
    sender_sandbox.fault("delay_after", method="POST", seconds=1.0)

    with pytest.raises(OutcomeUnknownError, match="no answer within"):
        client_of(sender_sandbox, timeout=0.3).create_group("Readers")
    assert sender_sandbox.counters()["by_path"]["POST /groups"] == 1


def test_a_create_refused_for_want_of_requests_is_made_again(sender_sandbox: Sandbox) -> None:
    sender_sandbox.fault("rate_limit", times=2)

    assert client_of(sender_sandbox).create_group("Readers").title == "Readers"
    assert sender_sandbox.counters()["by_path"]["POST /groups"] == 3


def test_a_call_for_once_does_not_ride_on_a_connection_that_may_be_dead_by_now() -> None:
    """The other side closes each connection after its first answer, as servers do with idle ones."""
    seen = threading.local()

    def reply(heard: bytes) -> bytes | None:
        if getattr(seen, "is_used", False):
            return None
        seen.is_used = True
        return http("200 OK", '{"success": true}')

    with peer(reply) as service:
        client = make_client(service.url)
        client.call(REPEATABLE[0], Done)

        assert client.call(ONCE, Done).success is True
        assert client.call(REPEATABLE[0], Done).success is True


@pytest.mark.parametrize("answer", [http("200 OK", "{}"), http("204 No Content")], ids=["body", "no body"])
def test_reads_of_one_thread_share_a_connection(answer: bytes) -> None:
    with peer(lambda heard: answer) as service:
        client = make_client(service.url)
        for _ in range(3):
            client.call(REPEATABLE[0], Done)
    assert service.connections == 1


def test_requests_of_many_threads_are_all_counted_and_none_stays_under_way() -> None:
    def reply(heard: bytes) -> bytes | None:
        return None if b"/broken" in heard else http("200 OK", '{"success": true}')

    with peer(reply) as service:
        client = make_client(service.url, max_retries=0)

        def read_many(number: int) -> None:
            for turn in range(50):
                with contextlib.suppress(ServiceFailureError):
                    client.call(read("/broken" if (number + turn) % 10 == 0 else "/groups"), Done)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(read_many, range(8)))

    assert client.transport.requests_made == 400
    assert client.transport.budget.under_way == 0


@pytest.mark.parametrize("sent", ["", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"], ids=["answer", "body"])
def test_a_service_that_stops_in_the_middle_is_not_waited_for_longer_than_the_timeout(sent: str) -> None:
    with peer(lambda heard: sent.encode() or b"H") as service:
        began = time.monotonic()
        with pytest.raises(ServiceFailureError):
            make_client(service.url, timeout=0.3, max_retries=0).call(REPEATABLE[0], Done)
        assert time.monotonic() - began < 30  # the other side says nothing more for as long as the test runs


@pytest.mark.parametrize("length", [4, 200_000, 3_000_000])
@pytest.mark.parametrize("kind", ["plain", "gzip", "chunked"])
def test_a_body_arrives_whole_however_it_is_sent(kind: str, length: int) -> None:
    text = f'{{"message": "{random.Random(length).randbytes(length // 2).hex()}"}}'.encode()
    body = gzip.compress(text) if kind == "gzip" else text
    lines = ["HTTP/1.1 200 OK", "Content-Encoding: gzip" if kind == "gzip" else "X-Kind: plain"]
    if kind == "chunked":
        pieces = [body[at : at + 70_000] for at in range(0, len(body), 70_000)]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])
        lines.append("Transfer-Encoding: chunked")
    else:
        lines.append(f"Content-Length: {len(body)}")

    with peer(lambda heard: "\r\n".join([*lines, "", ""]).encode() + body) as service:
        client = make_client(service.url)
        for _ in range(2):
            assert client.transport.fetch(read("/groups"), bytes) == text

    assert service.connections == 1


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/groups", "/groups?page=2&order=a+b%26"),
        ("/x?y=1", "/x?y=1&page=2&order=a+b%26"),
        ("/a b/ž", "/a%20b/%C5%BE?page=2&order=a+b%26"),
        ("/100%/{x}", "/100%25/%7Bx%7D?page=2&order=a+b%26"),
    ],
)
def test_a_path_and_a_query_go_over_the_wire_quoted_once(path: str, expected: str) -> None:
    request = Request("GET", path.replace("{", "{{").replace("}", "}}"), query={"page": 2, "no": None, "order": "a b&"})

    with peer(lambda heard: http("200 OK", "{}")) as service:
        make_client(service.url).call(request, Done)

    assert service.heard[0].split(b"\r\n")[0].decode() == f"GET {expected} HTTP/1.1"


def test_a_proxy_for_https_is_asked_unless_the_host_is_excepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with peer(lambda heard: http("502 Bad Gateway")) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        for _ in range(2):
            with pytest.raises(ServiceFailureError):
                make_client("https://localhost:1/v2", max_retries=0).call(REPEATABLE[0], Done)
        monkeypatch.setenv("no_proxy", "localhost")
        with pytest.raises(ServiceFailureError):
            make_client("https://localhost:1/v2", max_retries=0).call(REPEATABLE[0], Done)

    assert [heard.split(b" HTTP")[0] for heard in proxy.heard] == [b"CONNECT localhost:1"] * 2


# Nobody's data in what is shown


def everything_shown(error: BaseException) -> str:
    chain, shown = [error], ""
    for each in chain:
        shown += f"{each} {each!r} {each.args} {vars(each)}"
        chain += [it for it in (each.__cause__,) if it is not None]
    return shown + "".join(traceback.format_exception(error))


ECHOES: dict[str, dict[str, Any]] = {
    "path": {"status_code": 404, "json": {"message": f"The route v2/subscribers/{ADDRESS.replace('@', '%40')} is not"}},
    "fields": {"status_code": 422, "json": {"errors": {"subscribers.0": [f"{ADDRESS} is taken"], ADDRESS: "no"}}},
    "object": {"status_code": 400, "json": {"message": {"error": f"No {ADDRESS}", "non_existing": [ADDRESS]}}},
    "list": {"json": {"success": False, "message": [{"email": ADDRESS}]}},
    "token": {"status_code": 500, "text": f"Authorization: {TOKEN}"},
    "row": {"content": b'{"success": "\xff' + ADDRESS.encode() + b'"}'},
}


@pytest.mark.parametrize("request_", [read("/subscribers/{}", ADDRESS), once("POST", "/x/{}", ADDRESS, body=[ADDRESS])])
@some(NEVER_CONNECTED | UNCERTAIN | ECHOES)
def test_neither_the_token_nor_an_address_is_in_an_error_or_a_log_record(
    account: Account, caplog: pytest.LogCaptureFixture, request_: Request, failure: dict[str, Any]
) -> None:
    caplog.set_level(logging.DEBUG)
    account.answers(failure)

    with pytest.raises(SenderError) as caught:
        account.client(max_retries=1).call(request_, Done)

    ours = [record.getMessage() for record in caplog.records if record.name.startswith("airflow_provider_sender")]
    shown = everything_shown(caught.value) + "".join(ours)
    for private in (TOKEN, "doe+news", "doe%2Bnews", "example.com"):
        assert private not in shown


def test_a_path_with_an_address_in_it_is_not_shown_either(account: Account) -> None:
    account.answers({"status_code": 500})

    for request in (Request("GET", f"/subscribers/{ADDRESS}"), once("POST", f"/subscribers/{ADDRESS}")):
        with pytest.raises(SenderError) as caught:
            account.client(max_retries=0).call(request, Done)
        assert "example.com" not in everything_shown(caught.value)


def test_what_the_libraries_below_log_holds_no_address_either(
    sender_sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sender_sandbox.seed(rows=[{"email": "ann+news@example.com"}])
    client = client_of(sender_sandbox)
    with caplog.at_level(logging.DEBUG):
        client.get_subscriber("ann+news@example.com")
    assert "GET <address>" in caplog.text
    assert "example.com" not in caplog.text

"""The command line of the sandbox."""

from __future__ import annotations

import argparse
import errno
import ipaddress
import json
import socket
import sqlite3
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from airflow_provider_sender.sandbox.app import SERVICES, SandboxApp
from airflow_provider_sender.sandbox.overview import connection_line
from airflow_provider_sender.sandbox.serving import SandboxServer, listen
from airflow_provider_sender.sandbox.settings import Settings
from airflow_provider_sender.sandbox.state import State
from airflow_provider_sender.sandbox.tour import first_draft


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_sender.sandbox",
        description="A stateful local stand-in for Sender, SendPulse and Sendara, to try DAGs on without an account.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--allow-remote", action="store_true", help="accept a --host that other machines can reach")
    add("--port", type=int, default=8025, help="port to listen on, 0 for any free one (default: %(default)s)")
    add("--data", metavar="FILE", help="SQLite file to keep everything in (default: memory)")
    add("--token", default="sandbox-token", help="API token that is accepted (default: %(default)s)")
    add(
        "--subscribers",
        type=int,
        default=1_000,
        help="made-up subscribers to begin with (default: %(default)s)",
    )
    add("--seed", type=int, default=0, help="what the made-up data follows from (default: %(default)s)")
    add(
        "--requests-per-minute",
        type=int,
        default=Settings().requests_per_window,
        help="requests the account may make in a window, 0 for no limit (default: %(default)s)",
    )
    add("--window-seconds", type=float, default=60.0, help="length of that window (default: %(default)s)")
    add(
        "--send-seconds",
        type=float,
        default=5.0,
        help="how long a campaign stays SENDING (default: %(default)s)",
    )
    add(
        "--set",
        action="append",
        default=[],
        metavar="KNOB=VALUE",
        dest="knobs",
        help="turn any other knob of /_sandbox/settings; may be repeated",
    )
    add("--empty", action="store_true", help="begin without the draft campaign to try things on")
    # A parent that is killed closes the pipe, and then its sandbox must not outlive it.
    add("--until-stdin-closes", action="store_true", help=argparse.SUPPRESS)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sandbox until it is interrupted.

    :return: the exit code.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if not options.allow_remote and not _is_loopback(options.host):
        parser.error(f"--host {options.host} is no loopback address; add --allow-remote if others shall reach it")
    if not 0 <= options.port <= 65_535:
        parser.error(f"--port {options.port} is no port")
    try:
        settings = _settings(options)
    except (msgspec.MsgspecError, ValueError) as error:
        parser.error(str(error))
    try:
        opened = listen(options.host, options.port)
        state = State(options.token, settings, options.data, options.seed)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        reason = "is taken; --port 0 picks a free one" if taken else f"cannot be opened: {error.strerror}"
        sys.stderr.write(f"Port {options.port} on {options.host} {reason}\n")
        return 1
    except sqlite3.Error as error:
        sys.stderr.write(f"--data {options.data} cannot be used: {error}\n")
        return 1
    _furnish(state, options.subscribers, with_draft=not options.empty)
    _serve(state, opened, options)
    return 0


def _furnish(state: State, subscribers: int, *, with_draft: bool) -> None:
    """Fill an account that is new; one that comes from a file is as it was left."""
    if state.account.subscribers.count():
        return
    with state.database.transaction():
        state.account.seeding.people(subscribers, state.account.now)
        if with_draft:
            first_draft(state.account)


def _serve(state: State, opened: socket.socket, options: argparse.Namespace) -> None:
    shown_host = f"[{options.host}]" if ":" in options.host else options.host
    base_url = f"http://{shown_host}:{opened.getsockname()[1]}"

    def announce() -> None:
        print(f"Sandbox at {base_url}; connect Airflow with:")
        for service in SERVICES:
            print(f"export {connection_line(base_url, service, options.token)}")
        print(f"Watch it at {base_url}/", flush=True)

    server = SandboxServer(SandboxApp(state), announce, wind_up=state.end_life)
    if options.until_stdin_closes:
        threading.Thread(target=_stop_with_stdin, args=(server,), daemon=True).start()
    try:
        # The server passes the signal on when it has ended; by then it has done what was asked.
        with suppress(KeyboardInterrupt):
            server.run(sockets=[opened])
    finally:
        state.database.close()


def _settings(options: argparse.Namespace) -> Settings:
    """The knobs the command line turns.

    :raises ValueError: when one has no value.
    :raises msgspec.ValidationError: naming the one that is unknown or has a wrong value.
    """
    turned: dict[str, object] = {
        "requests_per_window": options.requests_per_minute or None,
        "window_seconds": options.window_seconds,
        "send_seconds": options.send_seconds,
    }
    for knob in options.knobs:
        name, separator, text = knob.partition("=")
        if not separator:
            raise ValueError(f"--set {knob}: write it as KNOB=VALUE")
        try:
            turned[name] = json.loads(text)
        except ValueError:
            turned[name] = text
    return Settings().changed(turned)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _stop_with_stdin(server: SandboxServer) -> None:
    sys.stdin.buffer.read()
    server.should_exit = True

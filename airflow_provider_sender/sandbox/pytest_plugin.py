"""The fixture ``sender_sandbox``: a clean sandbox for every test, one process for a whole run.

Every pytest run of an environment that has this package imports this module, so it imports next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow_provider_sender.sandbox.remote import Sandbox


@pytest.fixture(scope="session")
def sender_sandbox_process() -> Iterator[Sandbox]:
    """A sandbox on a free port, for as long as the session; with pytest-xdist, one a worker."""
    from airflow_provider_sender.sandbox.remote import Sandbox

    with Sandbox.start() as sandbox:
        yield sandbox


@pytest.fixture
def sender_sandbox(
    sender_sandbox_process: Sandbox, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Sandbox:
    """The sandbox, empty and with all knobs where they belong."""
    sender_sandbox_process.reset()
    # The requests of the test before count no more, so nobody may remember them either.
    monkeypatch.setenv("SENDER_BUDGET_DIRECTORY", str(tmp_path_factory.mktemp("budget")))
    return sender_sandbox_process

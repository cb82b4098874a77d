from __future__ import annotations

from collections.abc import Iterator

import pytest
from airflow.sdk.io import attach
from upath import UPath

from airflow_provider_sender.client.sender.service import SenderService
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.jobs.accounts import service_of


@pytest.fixture
def service(sender_sandbox: Sandbox) -> SenderService:
    return service_of(sender_sandbox)


@pytest.fixture
def memory() -> Iterator[str]:
    """An address in storage that is no file system: in memory, and empty again afterwards."""
    store = UPath("memory://bucket").fs
    attach("memory", fs=store)  # or Airflow knows no such storage
    yield "memory://bucket"
    store.store.clear()
    store.pseudo_dirs[:] = [""]

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests_mock
from hypothesis import settings

from tests.client.accounts import Account

# How long an example takes is the machine's business.
settings.register_profile("client", deadline=None)
settings.load_profile("client")


@pytest.fixture
def account() -> Iterator[Account]:
    """A Sender account whose answers a test puts in, and whose waiting takes no time."""
    with requests_mock.Mocker() as mocker:
        yield Account(mocker)

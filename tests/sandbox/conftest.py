from __future__ import annotations

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.sandbox.api import Api


@pytest.fixture
def api(sender_sandbox: Sandbox) -> Api:
    return Api(sender_sandbox)

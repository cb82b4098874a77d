from __future__ import annotations

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.sandbox.api import Api
from tests.sandbox.sendara_api import SendaraApi
from tests.sandbox.sendpulse_api import SendPulseApi


@pytest.fixture
def api(sender_sandbox: Sandbox) -> Api:
    return Api(sender_sandbox)


@pytest.fixture
def sendpulse(sender_sandbox: Sandbox) -> SendPulseApi:
    return SendPulseApi(sender_sandbox)


@pytest.fixture
def sendara(sender_sandbox: Sandbox) -> SendaraApi:
    return SendaraApi(sender_sandbox)

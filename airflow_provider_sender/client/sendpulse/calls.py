"""What SendPulse's endpoints are made of: contents in the form the API wants them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.values import Json

# Rows a page of any listing has at the most.
PAGE_SIZE = 100


def base64_of(text: str) -> str:
    """Return a text as the API wants contents."""
    return b64encode(text.encode()).decode()


def encoded(body: Mapping[str, Json], *names: str) -> dict[str, Json]:
    """Return a body with some of its texts as the API wants contents."""
    return {**body, **{name: base64_of(body[name]) for name in names if isinstance(body.get(name), str)}}


def given(body: Mapping[str, Json]) -> dict[str, Json]:
    """Return a body without what is None."""
    return {name: value for name, value in body.items() if value is not None}


def refuse_nothing(which: Sequence[str], parameter: str) -> None:
    """Let no call out that changes "these" without saying which; nobody documents what that does."""
    if not which:
        raise ConfigurationError(f"{parameter}: is empty. Name what is to be changed.")

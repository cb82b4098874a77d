"""The tables of what each service can do are what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_sender.client.service import Capability
from scripts import capabilities


@pytest.mark.parametrize("path", capabilities.PLACES, ids=lambda path: path.name)
def test_the_table_is_what_the_code_says(path: Path) -> None:
    _, table, _ = capabilities.parts(path.read_text(encoding="utf-8"))
    assert table == capabilities.PLACES[path](), "run python scripts/capabilities.py"


def test_every_service_is_in_it_and_they_differ() -> None:
    head, *body = capabilities.rows()
    assert head == ["", "Sender", "SendPulse", "Sendara"]
    assert {row[0] for row in body} >= {capability.value for capability in Capability}
    columns = list(zip(*(row[1:] for row in body), strict=True))
    assert len(set(columns)) == 3

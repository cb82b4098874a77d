"""Subscribers out of an account into a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_sender.operators.base import SenderOperator, no_retry_when_final, run_of
from airflow_provider_sender.operators.lineage import Traffic, place_in_account, place_of_table
from airflow_provider_sender.operators.parameters import given, one_of, picked_columns, text

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airflow_provider_sender.sql.loading import Load
    from airflow_provider_sender.sql.table import TableName


# Seconds to wait for locks in the database.
_LOCK_TIMEOUT = 600.0


class SenderToSqlOperator(SenderOperator):
    """Makes a table hold all subscribers of an account, or of a group, each exactly once.

    All of them are read before anything happens to the database. They are loaded into a staging table (with ``COPY`` on
    PostgreSQL), and from there into the table in one transaction: whoever reads the table meanwhile sees the old rows
    or the new ones, never a mixture. When the task fails, the old rows stay.

    The table is created when it is not there. It gets the columns of a flat export under their names, so those of
    custom fields are called ``fields.<name>`` and must be quoted in SQL; ``columns`` gives them others. A table that is
    there gets the columns it lacks, a custom field created since, say; columns that are none of the account's are left
    alone.

    Returns ``{"table", "rows", "inserted", "updated", "deleted", "requests"}``.

    .. seealso:: :ref:`howto/operator:SenderToSqlOperator`

    :param table: the table, exactly as it is called in the database; with a dot, schema and table. (templated)
    :param sql_conn_id: connection to a database whose hook is a ``DbApiHook`` and that SQLAlchemy knows. (templated)
    :param schema: where the table is; by default where the database looks by itself. (templated)
    :param mode: ``replace`` deletes all rows and inserts the new ones. ``merge`` goes by ``id``: it inserts who is new,
        updates who changed, deletes who is gone, and leaves all other rows alone. (templated)
    :param on_missing: what a merge does with rows of people who are gone: ``delete``, or ``keep``. (templated)
    :param group_id: only the subscribers of this group; the table then holds nobody else. (templated)
    :param columns: names of columns to pick, in order, or a dictionary of name -> name in the table. (templated)
    :param on_drift: what to do when the listing moved in a way that may have lost rows: ``repair`` reads it again until
        the figures agree and fails if they never do, ``warn`` says so in the log, ``fail`` fails. (templated)
    """

    template_fields: Sequence[str] = (
        *SenderOperator.template_fields,
        "table",
        "sql_conn_id",
        "schema",
        "mode",
        "on_missing",
        "group_id",
        "columns",
        "on_drift",
    )

    def __init__(
        self,
        *,
        table: str | XComArg,
        sql_conn_id: str,
        schema: str | XComArg | None = None,
        mode: str = "replace",
        on_missing: str = "delete",
        group_id: str | XComArg | None = None,
        columns: Sequence[str] | Mapping[str, str] | XComArg | None = None,
        on_drift: str = "repair",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.table = table
        self.sql_conn_id = sql_conn_id
        self.schema = schema
        self.mode = mode
        self.on_missing = on_missing
        self.group_id = group_id
        self.columns = columns
        self.on_drift = on_drift

    def execute(self, context: Context) -> dict[str, Any]:
        """Load, and return what happened to the table."""
        from airflow_provider_sender.sql.connections import engine_of, hook_of
        from airflow_provider_sender.sql.loading import load_subscribers

        with no_retry_when_final():
            self._check_rendered()
            sql_conn_id = str(given(self.sql_conn_id, "sql_conn_id"))
            load = self._load(context)
            engine = engine_of(hook_of(sql_conn_id), sql_conn_id)
            service = self.service()
            done = load_subscribers(service, engine, load, database=f"connection {sql_conn_id!r}")
        counts = {
            "table": str(load.name),
            "rows": done.rows,
            "inserted": done.changes.inserted,
            "updated": done.changes.updated,
            "deleted": done.changes.deleted,
            "requests": done.requests,
        }
        source = place_in_account(service, f"groups/{load.group_id}" if load.group_id else "subscribers")
        self.tell(context, service, Traffic([source], [place_of_table(sql_conn_id, str(load.name))], done.rows), counts)
        return counts

    def _load(self, context: Context) -> Load:
        from airflow_provider_sender.client.paging import OnDrift
        from airflow_provider_sender.sql.loading import Load, Mode, OnMissing

        return Load(
            name=_table_name(self.table, self.schema),
            mode=one_of(Mode, self.mode, "mode"),
            on_missing=one_of(OnMissing, self.on_missing, "on_missing"),
            group_id=text(self.group_id, "group_id"),
            columns=picked_columns(self.columns),
            on_drift=one_of(OnDrift, self.on_drift, "on_drift"),
            run=run_of(context),
            try_number=context["ti"].try_number,
            lock_timeout=self._lock_timeout(),
        )

    def _lock_timeout(self) -> float:
        """Return how long to wait for locks: ten minutes, and never longer than the task may take."""
        longest = self.execution_timeout
        return _LOCK_TIMEOUT if longest is None else min(_LOCK_TIMEOUT, longest.total_seconds())


def _table_name(table: Any, schema: Any) -> TableName:
    """Return where the table is; ``people`` in a schema, ``crm.people``, or ``people`` wherever the database looks."""
    from airflow_provider_sender.client.errors import ConfigurationError
    from airflow_provider_sender.sql.table import TableName

    name = str(given(table, "table"))
    if schema is not None:
        return TableName(name, str(schema))
    parts = name.split(".")
    if len(parts) > 2 or not all(part.strip() for part in parts):
        raise ConfigurationError(
            f"table: {name!r} is neither a table nor a schema and a table. Give the schema as schema; then table is "
            "taken as it is."
        )
    return TableName(parts[-1], parts[0] if len(parts) == 2 else None)

"""Rows of a query into an account."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_sender.operators.parameters import given
from airflow_provider_sender.operators.subscribers import SenderUpsertSubscribersOperator
from airflow_provider_sender.operators.undisclosed import UndisclosedParameter, revealed

if TYPE_CHECKING:
    from airflow.sdk import XComArg

    from airflow_provider_sender.jobs.formats import SourceRow

# Where the upsert operator's rows come from otherwise.
_OTHER_SOURCES = ("subscribers", "input_path", "file_format")


class SqlToSenderOperator(SenderUpsertSubscribersOperator):
    """Creates or updates a subscriber for every row of a query.

    This is the upsert operator with a query for its source: every promise and every parameter of
    :ref:`SenderUpsertSubscribersOperator <howto/operator:SenderUpsertSubscribersOperator>` holds, except for
    ``subscribers``, ``input_path`` and ``file_format``, which it does not take.

    Rows are fetched a thousand at a time from a cursor that leaves the others in the database, where the driver has
    one. They wait in a temporary file on the worker, and the connection is closed before the first of them is sent: no
    transaction is open while the account is written to, however long that takes. Nothing is ever committed.

    .. seealso:: :ref:`howto/operator:SqlToSenderOperator`

    :param sql: the query, in the database's own words, or the path of a ``.sql`` file with it. What its columns are
        called says what they are, as in a file; two must not have one name. (templated)
    :param sql_conn_id: connection to a database, whose hook is a ``DbApiHook``. (templated)
    :param parameters: values for the query's placeholders, in the form its driver wants them: a dictionary or a list.
        Airflow shows only how many there are. (templated)
    """

    template_fields: Sequence[str] = (
        "sql",
        "sql_conn_id",
        "parameters",
        *(name for name in SenderUpsertSubscribersOperator.template_fields if name not in _OTHER_SOURCES),
    )
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql": "sql"}
    parameters = UndisclosedParameter()

    def __init__(
        self,
        *,
        sql: str | XComArg,
        sql_conn_id: str,
        parameters: Sequence[Any] | Mapping[str, Any] | XComArg | Callable[..., Any] | str | None = None,
        **kwargs: Any,
    ) -> None:
        for name in _OTHER_SOURCES:
            if name in kwargs:
                raise TypeError(f"{type(self).__name__}.__init__() got an unexpected keyword argument {name!r}")
        super().__init__(**kwargs)
        self.sql = sql
        self.sql_conn_id = sql_conn_id
        self.parameters = parameters

    def rows(self) -> Iterable[SourceRow]:
        """Return the rows of the query, which is run whenever they are gone through.

        :raises ConfigurationError: when a parameter, or the connection, cannot work.
        """
        from airflow_provider_sender.client.errors import ConfigurationError
        from airflow_provider_sender.sql.connections import hook_of
        from airflow_provider_sender.sql.query import QueryRows

        sql = given(self.sql, "sql")
        if not isinstance(sql, str):
            raise ConfigurationError(f"sql: is a {type(sql).__name__}, not a text with one query.")
        values = None if self.parameters is None else given(revealed(self.parameters), "parameters")
        if values is not None and not isinstance(values, Mapping | list | tuple):
            raise ConfigurationError(
                f"parameters: must be a dictionary or a list; got a {type(values).__name__}. A template gives "
                "a text: put templates into the dictionary, or pass the task's output itself or a function of the "
                "context."
            )
        sql_conn_id = str(given(self.sql_conn_id, "sql_conn_id"))
        return QueryRows(hook_of(sql_conn_id), sql_conn_id, sql, values)

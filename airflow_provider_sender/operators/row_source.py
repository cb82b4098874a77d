"""Operators that are given rows: as a list, an XCom, or a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_sender.operators.base import SenderOperator
from airflow_provider_sender.operators.lineage import Place, place_of_path
from airflow_provider_sender.operators.parameters import storage_path, text
from airflow_provider_sender.operators.undisclosed import RowsParameter, revealed

if TYPE_CHECKING:
    from airflow.sdk import Context, ObjectStoragePath, XComArg
    from upath import UPath

    from airflow_provider_sender.jobs.formats import SourceRow, UnreadableRow


class RowsOperator(SenderOperator):
    """Works with rows of a list, an XCom or a file.

    :param subscribers: rows, as a list of dictionaries, an XCom of one, or a function of the context. (templated)
    :param input_path: or a file, plain or ``.gz``, on any storage. (templated)
    :param file_format: format of the file; by default the path's ending decides. (templated)
    """

    template_fields: Sequence[str] = (*SenderOperator.template_fields, "subscribers", "input_path", "file_format")
    subscribers = RowsParameter()

    def __init__(
        self,
        *,
        subscribers: Sequence[Mapping[str, Any]] | XComArg | Callable[..., Any] | str | None = None,
        input_path: str | ObjectStoragePath | XComArg | None = None,
        file_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.subscribers = subscribers
        self.input_path = input_path
        self.file_format = file_format

    def rows(self) -> Iterable[SourceRow | UnreadableRow]:
        """Return the rows; they can be gone through more than once.

        :raises ConfigurationError: when they are not given, given twice, or not rows.
        """
        from airflow_provider_sender.client.errors import ConfigurationError

        rows: Iterable[SourceRow | UnreadableRow] = rows_given(
            "subscribers", self.subscribers, self.input_path, self.file_format
        )
        for row in rows if self.input_path is None else ():
            if not isinstance(row, Mapping):
                raise ConfigurationError(f"subscribers: holds a {type(row).__name__} where a dictionary is expected.")
        return rows

    def sources(self) -> list[Place]:
        """Return where the rows are, as far as that is a place others know."""
        return [] if self.input_path is None else [place_of_path(storage_path(self.input_path, "input_path"))]

    @staticmethod
    def return_all_the_same(context: Context, counts: Mapping[str, Any]) -> None:
        """Return the counts of a task that is about to fail: they are what its owner asks for first."""
        context["ti"].xcom_push(key="return_value", value=counts)


def rows_given(parameter: str, rows: Any, input_path: Any, file_format: Any) -> Iterable[Any]:
    """Return the rows of a parameter, or of the file that may be given instead; they can be gone through repeatedly.

    :param parameter: the parameter the rows are in.
    :raises ConfigurationError: when they are not given, given twice, or no list.
    """
    from airflow_provider_sender.client.errors import ConfigurationError

    if (rows is None) == (input_path is None):
        raise ConfigurationError(f"Give the rows either as {parameter} or as input_path, and not as both.")
    if input_path is not None:
        return _RowsOfFile(storage_path(input_path, "input_path"), text(file_format, "file_format"))
    found = revealed(rows)
    if isinstance(found, str | bytes | Mapping) or not isinstance(found, Iterable):
        kind = "text" if isinstance(found, str) else type(found).__name__
        raise ConfigurationError(
            f"{parameter}: is a {kind}, not a list of dictionaries. A template gives a text: pass the task's output "
            "itself, a function of the context, or a file as input_path."
        )
    return rows if isinstance(rows, Iterable) else found


def renames(columns: Any) -> dict[str, str | None]:
    """Return the columns parameter of an operator that is given rows.

    :raises ConfigurationError: when it is not source column -> place in the account, or None.
    """
    from airflow_provider_sender.client.errors import ConfigurationError

    if columns is None:
        return {}
    if not isinstance(columns, Mapping) or not all(isinstance(place, str | None) for place in columns.values()):
        raise ConfigurationError(
            "columns: must be a dictionary of source column -> what it is here (a text), or None to leave it out."
        )
    return {str(name): place for name, place in columns.items()}


class _RowsOfFile:
    """The rows of a file, read again whenever they are gone through."""

    def __init__(self, path: UPath, file_format: str | None) -> None:
        self._path = path
        self._file_format = file_format

    def __iter__(self) -> Iterator[SourceRow | UnreadableRow]:
        from airflow_provider_sender.jobs.formats import read_rows

        return read_rows(self._path, self._file_format, parameter="input_path")

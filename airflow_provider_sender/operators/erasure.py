"""People erased from an account."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_sender.operators.base import SenderOperator, no_retry_when_final
from airflow_provider_sender.operators.lineage import Traffic, place_in_account, place_of_path
from airflow_provider_sender.operators.parameters import seconds, storage_path
from airflow_provider_sender.operators.row_source import renames, rows_given
from airflow_provider_sender.operators.undisclosed import RowsParameter

if TYPE_CHECKING:
    from airflow.sdk import Context, ObjectStoragePath, XComArg

    from airflow_provider_sender.jobs.formats import SourceRow, UnreadableRow


class SenderDeleteSubscribersOperator(SenderOperator):
    """Deletes people from the account, as they may ask for, and waits until they are gone.

    The service deletes some time after it was asked to; the task succeeds when nobody of those who were there is found
    any more. Deleting people who are not there succeeds. So does an empty list: nobody asked to be erased today.
    Running it again is safe.

    Returns ``{"deleted", "missing", "requests"}``.

    .. seealso:: :ref:`howto/operator:SenderDeleteSubscribersOperator`

    :param emails: addresses, or rows with them, as a list or an XCom of one. Airflow shows only how many they are.
        (templated)
    :param input_path: or a file of rows, plain or ``.gz``, on any storage. (templated)
    :param file_format: format of the file; by default the path's ending decides. (templated)
    :param columns: of rows: source column -> what it is here: ``{"mail": "email"}``. Only ``email`` matters.
        (templated)
    :param timeout: seconds to wait for the service to delete them; then the task fails.
    """

    template_fields: Sequence[str] = (
        *SenderOperator.template_fields,
        "emails",
        "input_path",
        "file_format",
        "columns",
    )
    emails = RowsParameter()

    def __init__(
        self,
        *,
        emails: Sequence[str | Mapping[str, Any]] | XComArg | Callable[..., Any] | str | None = None,
        input_path: str | ObjectStoragePath | XComArg | None = None,
        file_format: str | None = None,
        columns: Mapping[str, str | None] | XComArg | None = None,
        timeout: float | timedelta = 600,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.emails = emails
        self.input_path = input_path
        self.file_format = file_format
        self.columns = columns
        self.timeout = timeout

    def execute(self, context: Context) -> dict[str, int]:
        """Have people deleted, wait until they are gone, and return how many."""
        from airflow_provider_sender.jobs.erasure import erase

        with no_retry_when_final():
            self._check_rendered()
            source = [] if self.input_path is None else [place_of_path(storage_path(self.input_path, "input_path"))]
            service = self.service()
            done = erase(
                service,
                self.rows(),
                parameter="emails" if self.input_path is None else "input_path",
                columns=renames(self.columns),
                timeout=seconds(self.timeout, "timeout"),
            )
        counts = {"deleted": done.deleted, "missing": done.missing, "requests": done.requests}
        self.tell(context, service, Traffic(source, [place_in_account(service, "subscribers")], done.deleted), counts)
        return counts

    def rows(self) -> Iterable[SourceRow | UnreadableRow]:
        """Return whom to delete, as rows.

        :raises ConfigurationError: when that is not given, given twice, or is neither addresses nor rows.
        """
        from airflow_provider_sender.client.errors import ConfigurationError

        rows: Iterable[Any] = rows_given("emails", self.emails, self.input_path, self.file_format)
        if self.input_path is not None:
            return rows
        for row in rows:
            if not isinstance(row, str | Mapping):
                raise ConfigurationError(
                    f"emails: holds a {type(row).__name__} where an address or a dictionary is expected."
                )
        return _RowsOfAddresses(rows)


class _RowsOfAddresses:
    """Rows; an address by itself is one, too."""

    def __init__(self, rows: Iterable[str | Mapping[str, Any]]) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[SourceRow]:
        return ({"email": row} if isinstance(row, str) else row for row in self._rows)

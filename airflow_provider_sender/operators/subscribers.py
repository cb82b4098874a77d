"""Subscribers out of an account into files, and rows into an account.

The operators for groups and for erasure stand in files of their own and are imported from here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_sender.operators.base import SenderOperator, no_retry_when_final, run_of
from airflow_provider_sender.operators.erasure import SenderDeleteSubscribersOperator
from airflow_provider_sender.operators.lineage import Traffic, place_in_account, place_of_path
from airflow_provider_sender.operators.membership import SenderSyncGroupOperator
from airflow_provider_sender.operators.parameters import (
    is_directory,
    moment,
    one_of,
    picked_columns,
    storage_file,
    storage_path,
    text,
    texts,
)
from airflow_provider_sender.operators.row_source import RowsOperator, renames

if TYPE_CHECKING:
    from datetime import datetime

    from airflow.sdk import Context, ObjectStoragePath, XComArg

    from airflow_provider_sender.jobs.upsert import Upserted

__all__ = [
    "SenderDeleteSubscribersOperator",
    "SenderExportSubscribersOperator",
    "SenderSyncGroupOperator",
    "SenderUpsertSubscribersOperator",
]


class SenderExportSubscribersOperator(SenderOperator):
    """Exports all subscribers of an account, or of a group, each exactly once.

    Whoever is there from the first request to the last is in the output, whatever is added, removed or changed
    meanwhile. The output appears when it is complete; a reader never sees half of it.

    JSONL carries each subscriber exactly as the service returned it. CSV and Parquet are flat: the standard columns
    (``id``, ``email``, ``firstname``, ``lastname``, ``phone``, ``status``, ``transactional_status``, ``created``,
    ``unsubscribed_at``, ``bounced_at``, ``location``, ``ip_address``, ``source``, ``groups``, ``other_fields``) and a
    column ``fields.<name>`` for every custom field, of its type. Times are in UTC. ``other_fields`` keeps what no other
    column can hold.

    Returns ``{"path", "rows", "files", "requests"}``.

    .. seealso:: :ref:`howto/operator:SenderExportSubscribersOperator`

    :param output_path: file, or with ``/`` at its end directory of part files and a ``_manifest.json``, on any storage
        Airflow has a connection to (``s3://conn_id@bucket/key``). An ``ObjectStoragePath`` loses the ``/``; without an
        ending it is a directory. (templated)
    :param file_format: ``jsonl`` or ``csv``, either with ``.gz``, or ``parquet``; by default the path's ending decides,
        and a directory is JSONL. (templated)
    :param group_id: only the subscribers of this group. (templated)
    :param columns: for CSV and Parquet: names of columns to pick, in order, or a dictionary of name -> name in the
        file. (templated)
    :param created_since: only those who joined the account at this moment or later (an aware datetime or ISO string),
        at the cost of the few pages they fill. Who changed since is not among them: the service does not tell.
        (templated)
    :param on_drift: what to do when the listing moved in a way that may have lost rows: ``repair`` reads it again until
        the figures agree and fails if they never do, ``warn`` says so in the log, ``fail`` fails. (templated)
    """

    template_fields: Sequence[str] = (
        *SenderOperator.template_fields,
        "output_path",
        "file_format",
        "group_id",
        "columns",
        "on_drift",
        "created_since",
    )

    def __init__(
        self,
        *,
        output_path: str | ObjectStoragePath | XComArg,
        file_format: str | None = None,
        group_id: str | XComArg | None = None,
        columns: Sequence[str] | Mapping[str, str] | XComArg | None = None,
        on_drift: str = "repair",
        created_since: datetime | str | XComArg | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.output_path = output_path
        self.file_format = file_format
        self.group_id = group_id
        self.columns = columns
        self.on_drift = on_drift
        self.created_since = created_since

    def execute(self, context: Context) -> dict[str, Any]:
        """Export, and return where the subscribers are and how many."""
        from airflow_provider_sender.client.paging import OnDrift
        from airflow_provider_sender.jobs.export import Export, export_to_file
        from airflow_provider_sender.jobs.parts import export_to_directory

        with no_retry_when_final():
            self._check_rendered()
            path = storage_path(self.output_path, "output_path")
            export = Export(
                group_id=text(self.group_id, "group_id"),
                file_format=text(self.file_format, "file_format"),
                columns=picked_columns(self.columns),
                on_drift=one_of(OnDrift, self.on_drift, "on_drift"),
                created_since=None if self.created_since is None else moment(self.created_since, "created_since"),
            )
            service = self.service()
            to_directory = is_directory(self.output_path, path, export.file_format)
            if to_directory:
                done = export_to_directory(service, export, path, run=run_of(context))
            else:
                done = export_to_file(service, export, path)
        name = f"{str(self.output_path).rstrip('/')}/" if to_directory else str(self.output_path)
        counts = {"path": name, "rows": done.rows, "files": done.files, "requests": done.requests}
        source = place_in_account(service, f"groups/{export.group_id}" if export.group_id else "subscribers")
        self.tell(context, service, Traffic([source], [place_of_path(path)], done.rows, done.files), counts)
        return counts


class SenderUpsertSubscribersOperator(RowsOperator):
    """Creates or updates a subscriber for every row of a list, an XCom or a file.

    All rows are read and checked before the first is sent: malformed addresses, wrong types, unknown columns. Of rows
    for the same address the last one wins. Rows the account already has as they are cost no write. A row the service
    refuses does not stop the others; refused and malformed rows go to ``rejects_path`` with their reasons, and the task
    fails at the end unless ``on_reject="warn"``. What was accepted stays accepted.

    A row names a subscriber by ``email`` (or, for one that exists, ``phone`` or ``id``). ``firstname``, ``lastname``,
    ``phone``, ``status`` and ``groups`` (ids) are known by name, every other column is a custom field of the account,
    as ``plan`` or ``fields.plan``. An empty cell or None leaves a value as it is. The read-only columns of an export
    are passed over.

    Nobody who is unsubscribed, bounced or complained is made active again: such rows are held and counted.
    Unsubscribing (``status`` ``unsubscribed``) is always allowed.

    With ``ledger_path`` it remembers what was accepted, and the next run sends only what has changed since. Where
    nothing has, it makes no request at all.

    Returns ``{"sent", "unchanged", "rejected", "held", "duplicates", "unconfirmed", "requests", "rejects_path"}``, and
    in a dry run ``"plan"``, too.

    .. seealso:: :ref:`howto/operator:SenderUpsertSubscribersOperator`

    :param subscribers: rows, as a list of dictionaries or an XCom of one. (templated)
    :param input_path: or a JSONL or CSV file, plain or ``.gz``, or a Parquet file, on any storage. (templated)
    :param file_format: ``jsonl`` or ``csv``, either with ``.gz``, or ``parquet``; by default the path's ending decides.
        (templated)
    :param columns: source column -> what it is here, or None to leave it out: ``{"first_name": "firstname",
        "plan": "fields.plan", "internal": None}``. (templated)
    :param group_ids: groups every row is put into. (templated)
    :param ledger_path: file that remembers what was accepted, made by the first run, on any storage. One task at a time
        may work with it. (templated)
    :param rejects_path: JSONL file for rejected rows: ``line``, ``field``, ``reason``, ``row``. (templated)
    :param on_reject: ``fail`` or ``warn``. (templated)
    :param consent: ``keep``, or ``overwrite`` to make people active again whom the rows do not call otherwise.
        (templated)
    :param trigger_automation: whether automations of the service (a welcome series, say) may start for these rows. Off
        by default, unlike the service's own default: loading a table is not signing up.
    :param dry_run: find out everything and write nothing; returns and logs what would be done.
    """

    template_fields: Sequence[str] = (
        *RowsOperator.template_fields,
        "columns",
        "group_ids",
        "ledger_path",
        "rejects_path",
        "on_reject",
        "consent",
    )

    def __init__(
        self,
        *,
        columns: Mapping[str, str | None] | XComArg | None = None,
        group_ids: Sequence[str | XComArg] | XComArg | None = None,
        ledger_path: str | ObjectStoragePath | XComArg | None = None,
        rejects_path: str | ObjectStoragePath | XComArg | None = None,
        on_reject: str = "fail",
        consent: str = "keep",
        trigger_automation: bool = False,
        dry_run: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.columns = columns
        self.group_ids = group_ids
        self.ledger_path = ledger_path
        self.rejects_path = rejects_path
        self.on_reject = on_reject
        self.consent = consent
        self.trigger_automation = trigger_automation
        # Under a name of its own: ``dry_run`` is a method of every operator.
        self.is_dry_run = dry_run

    def execute(self, context: Context) -> dict[str, Any]:
        """Upsert, and return what became of the rows."""
        from airflow_provider_sender.jobs.consent import ConsentMode
        from airflow_provider_sender.jobs.upsert import OnReject, RowsRejectedError, Upsert, upsert

        with no_retry_when_final():
            self._check_rendered()
            on_reject = one_of(OnReject, self.on_reject, "on_reject")
            how = Upsert(
                columns=renames(self.columns),
                group_ids=tuple(texts(self.group_ids, "group_ids")),
                consent=one_of(ConsentMode, self.consent, "consent"),
                trigger_automation=self.trigger_automation,
                dry_run=self.is_dry_run,
            )
            service = self.service()
            outcome = upsert(
                service,
                self.rows(),
                how,
                rejects_path=None if self.rejects_path is None else storage_path(self.rejects_path, "rejects_path"),
                ledger_path=None if self.ledger_path is None else storage_file(self.ledger_path, "ledger_path"),
                owner=run_of(context),
            )
            counts = self._counts(outcome)
            written = [] if self.is_dry_run else [place_in_account(service, "subscribers")]
            self.tell(context, service, Traffic(self.sources(), written, outcome.sent), counts)
            if outcome.rejected and on_reject is OnReject.FAIL:
                self.return_all_the_same(context, counts)
                raise RowsRejectedError(outcome)
        return counts

    def _counts(self, outcome: Upserted) -> dict[str, Any]:
        counts = {
            "sent": outcome.sent,
            "unchanged": outcome.unchanged,
            "rejected": outcome.rejected,
            "held": outcome.held,
            "duplicates": outcome.duplicates,
            "unconfirmed": outcome.unconfirmed,
            "requests": outcome.requests,
            "rejects_path": None if self.rejects_path is None else str(self.rejects_path),
        }
        return {**counts, "plan": outcome.plan.figures()} if self.is_dry_run else counts

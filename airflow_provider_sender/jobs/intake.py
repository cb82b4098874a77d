"""Rows taken in: read, checked, and compared with what the ledger says was accepted last time.

What the account has for custom fields decides what a column means. With a ledger that is known from last time, and when
no row has changed since, nothing is asked at all. When there is work to be done, it is asked before anything is sent,
and where the fields are others now, the rows are gone through once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.service import Capability, Service
from airflow_provider_sender.client.subscribers import Field
from airflow_provider_sender.jobs.formats import SourceRow, UnreadableRow, row_json
from airflow_provider_sender.jobs.ledger import AnyLedger
from airflow_provider_sender.jobs.mapping import Rejected, RowMapping
from airflow_provider_sender.jobs.outcome import Upsert
from airflow_provider_sender.jobs.staging import WORK, Staging

Rows = Iterable[SourceRow | UnreadableRow]


def take_in(service: Service, rows: Rows, how: Upsert, staging: Staging, ledger: AnyLedger) -> None:
    """Read all rows, check them, and find out about which of them something is to be done.

    :param rows: gone through twice where that is needed and possible.
    :raises ConfigurationError: when a column or a group has no place in the account.
    """
    known = ledger.fields
    if known is None or isinstance(rows, Iterator):
        fields = service.fields()
        _check_groups(service, how.group_ids)
        _stage(service, rows, how, fields, staging, ledger)
        ledger.note_account(fields)
        return
    is_staged = _stage_with_known(service, rows, how, known, staging, ledger)
    if is_staged and not staging.to_do(*WORK) and not staging.rejects_fields():
        return
    fields = service.fields()
    if not is_staged or fields != known:
        staging.clear()
        _stage(service, rows, how, fields, staging, ledger)
    if staging.to_do(*WORK) or fields != known:
        _check_groups(service, how.group_ids)
        ledger.note_account(fields)


def _stage_with_known(
    service: Service, rows: Rows, how: Upsert, known: Sequence[Field], staging: Staging, ledger: AnyLedger
) -> bool:
    """Take the rows in with the fields as they were last time; return whether every column has a place among them."""
    try:
        _stage(service, rows, how, known, staging, ledger)
    except ConfigurationError:
        return False
    return True


def _stage(
    service: Service, rows: Rows, how: Upsert, fields: Sequence[Field], staging: Staging, ledger: AnyLedger
) -> None:
    makes_fields = Capability.FREE_FIELDS in service.capabilities
    mapping = RowMapping(how.columns, fields, how.group_ids, makes_fields=makes_fields)
    for line, row in enumerate(rows, start=1):
        if isinstance(row, UnreadableRow):
            staging.reject(line, row_json(row.text), Rejected(None, row.why))
            continue
        change = mapping.change(row)
        if isinstance(change, Rejected):
            staging.reject(line, row_json(row), change)
        else:
            staging.add(line, row, change)
        ledger.keep_up()
    staging.compare(ledger.file)


def _check_groups(service: Service, group_ids: Sequence[str]) -> None:
    if not group_ids:
        return
    known = {group.id: group.title for group in service.groups()}
    unknown = [group for group in group_ids if group not in known]
    if unknown:
        there = ", ".join(f"{group} ({title})" for group, title in list(known.items())[:20])
        raise ConfigurationError(
            f"group_ids: the account has no group {', '.join(unknown)}. It has: {there or 'none'}."
        )

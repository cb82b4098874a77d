"""Subscribers into a table, which holds the old rows or the new ones and never a mixture.

All subscribers are read first. Then they go into a staging table, and from there into the table in one transaction.
"""

from __future__ import annotations

import enum
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection, Engine

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.paging import ListingDriftError, ListingReport, OnDrift
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.client.subscribers import Subscriber
from airflow_provider_sender.jobs.columns import Column, export_columns, flat_columns, warn_of_left_out
from airflow_provider_sender.jobs.reading import subscriber_batches
from airflow_provider_sender.sql.changing import Changes, begin_alone, count, merge, replace
from airflow_provider_sender.sql.connections import connected
from airflow_provider_sender.sql.failures import without_row_data
from airflow_provider_sender.sql.spool import Spool, spool_for
from airflow_provider_sender.sql.staging import staging_for
from airflow_provider_sender.sql.table import KEY, TableName, Target, find_target
from airflow_provider_sender.sql.types import formed

log = logging.getLogger(__name__)

# Enough rows for what a batch costs by itself to be nothing.
_BATCH = 1_000


class Mode(enum.StrEnum):
    """How the new rows take the place of the old ones."""

    REPLACE = "replace"
    MERGE = "merge"


class OnMissing(enum.StrEnum):
    """What a merge does with rows of people who are not there any more."""

    DELETE = "delete"
    KEEP = "keep"


@dataclass(frozen=True)
class Load:
    """What is to be loaded, and where to.

    :param group_id: a group's subscribers only.
    :param columns: names to pick, in order, or name -> name in the table.
    :param on_drift: what to do when rows may be missing.
    :param run: what tells this run from every other, the same for all of its tries.
    :param try_number: which of its tries this is.
    :param lock_timeout: seconds to wait for locks that others hold.
    """

    name: TableName
    mode: Mode = Mode.REPLACE
    on_missing: OnMissing = OnMissing.DELETE
    group_id: str | None = None
    columns: Sequence[str] | Mapping[str, str] | None = None
    on_drift: OnDrift = OnDrift.REPAIR
    run: str = ""
    try_number: int = 1
    lock_timeout: float = 600.0


@dataclass
class Loaded:
    """What was loaded.

    :param rows: subscribers read.
    :param listing: what happened to the listing meanwhile.
    """

    rows: int = 0
    changes: Changes = field(default_factory=Changes)
    requests: int = 0
    listing: ListingReport = field(default_factory=ListingReport)


def load_subscribers(service: Service, engine: Engine, load: Load, *, database: str) -> Loaded:
    """Make a table hold the subscribers of an account or a group.

    :param database: what it is called, for errors.
    :raises ConfigurationError: when a parameter cannot work, or the database refuses something for good.
    :raises DatabaseFailedError: when the database fails.
    :raises ListingDriftError: when rows may be missing and ``on_drift`` does not let that pass.
    """
    requests_before = service.transport.requests_made
    columns = export_columns(service.fields(), load.columns)
    _check(load, columns)
    done = Loaded()
    with without_row_data(f"table: {load.name} could not be looked at in {database}"), connected(engine) as connection:
        target = find_target(connection, load.name, columns)
    with spool_for(engine.dialect.name) as spool:
        _read(service, load, target, spool, done.listing)
        done.rows = spool.rows
        with _explained(load, target, database), connected(engine) as connection:
            done.changes = _write(connection, load, target, spool, deletes=_deletes(load, done.listing))
    done.requests = service.transport.requests_made - requests_before
    changes = done.changes
    log.info("%s (%d requests)", done.listing.sentence(), done.requests)
    log.info("%s: %d inserted, %d updated, %d deleted", load.name, changes.inserted, changes.updated, changes.deleted)
    return done


def _check(load: Load, columns: Sequence[Column]) -> None:
    if load.mode is Mode.MERGE and all(column.source != KEY for column in columns):
        raise ConfigurationError("columns: mode='merge' tells rows apart by 'id'. Have it among the columns.")
    if load.mode is Mode.REPLACE and load.on_missing is OnMissing.KEEP:
        raise ConfigurationError("on_missing: 'keep' is for mode='merge'; mode='replace' keeps no row.")


def _read(service: Service, load: Load, target: Target, spool: Spool, listing: ListingReport) -> None:
    """Read all subscribers.

    :raises ListingDriftError: when none were read and the account has some.
    """
    left_out: Counter[str] = Counter()
    for subscribers in _subscribers(service, load, listing):
        values = flat_columns(target.columns, subscribers, left_out)
        spool.add([formed(each, form) for each, form in zip(values, target.forms, strict=True)])
    warn_of_left_out(left_out)
    if spool.without_nul:
        log.warning("%d texts hold the character NUL, and go in without: this database cannot", spool.without_nul)
    if not listing.rows and listing.total_at_end:
        raise ListingDriftError(listing, "The table stays as it is.")


def _subscribers(service: Service, load: Load, listing: ListingReport) -> Iterator[list[Subscriber]]:
    read = service.read_subscriber
    batch: list[Subscriber] = []
    for rows in subscriber_batches(service, load.group_id, listing, load.on_drift):
        batch += [read(row.raw) for row in rows]
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    yield batch


def _deletes(load: Load, listing: ListingReport) -> bool:
    """Tell whether rows of people who were not read go."""
    if load.mode is Mode.REPLACE or load.on_missing is OnMissing.KEEP:
        return load.mode is Mode.REPLACE
    if load.on_drift is OnDrift.WARN and not listing.is_sound:
        log.warning("People may be missing from what was read, so no row is deleted from %s", load.name)
        return False
    return True


def _explained(load: Load, target: Target, database: str) -> AbstractContextManager[None]:
    what = f"table: the rows could not be loaded, and {load.name} in {database} stays as it was"
    return without_row_data(what, columns={f"c{place}": each.name for place, each in enumerate(target.columns)})


def _write(connection: Connection, load: Load, target: Target, spool: Spool, *, deletes: bool) -> Changes:
    with staging_for(connection, target, load.run, load.try_number) as staging:
        spool.load(connection, staging)
        _check_count(load, count(connection, staging), spool.rows)
        begin_alone(connection, load.name, lock_timeout=load.lock_timeout)
        # Another task may have made or changed the table meanwhile.
        target = find_target(connection, load.name, target.columns)
        target.prepare(connection)
        if load.mode is Mode.REPLACE:
            changes = replace(connection, target, staging)
        else:
            changes = merge(connection, target, staging, deletes=deletes)
        if deletes:
            _check_count(load, changes.rows, spool.rows)
        with without_row_data(f"table: {load.name} holds the old rows or all the new ones; the commit failed"):
            connection.commit()
    return changes


def _check_count(load: Load, there: int, rows: int) -> None:
    """See to it that there are as many rows as were read, before anything is committed.

    :raises ConfigurationError: when there are not.
    """
    if there != rows:
        raise ConfigurationError(
            f"table: {load.name} would have {there} rows for {rows} subscribers, so it stays as it was. Look for ids "
            "that it has more than once, and for triggers, rules or policies of it."
        )

"""Subscribers out of an account, each exactly once, in batches."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime

from airflow_provider_sender.client.errors import ConfigurationError, NotFoundError
from airflow_provider_sender.client.paging import ListingReport, OnDrift, Row
from airflow_provider_sender.client.seen import SeenKeys
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.jobs.progress import Progress

log = logging.getLogger(__name__)


def subscriber_batches(
    service: Service,
    group_id: str | None,
    report: ListingReport,
    on_drift: OnDrift,
    seen: SeenKeys | None = None,
    since: datetime | None = None,
) -> Iterator[list[Row]]:
    """Yield all subscribers of an account, or of a group, and say in the log how it gets on.

    :param report: what happens to the listing meanwhile, or that of a reading to go on with.
    :param seen: keys of those the earlier reading brought.
    :param since: only those created at this moment or later.
    :raises ConfigurationError: when the account has no such group.
    :raises ListingDriftError: when rows may be missing and ``on_drift`` does not let that pass.
    """
    progress = Progress(log, "subscribers", service.transport.budget, done=report.rows)
    try:
        for rows in service.subscribers(group_id).walk(SeenKeys() if seen is None else seen, report, on_drift, since):
            progress.total = report.total_at_start if since is None else None
            progress.advance(len(rows))
            # Pages of repeats would make empty part files. Where there is nobody at all, one is made all the same.
            if rows or not report.rows:
                yield rows
    except NotFoundError as error:
        if group_id is None or report.rows:
            raise
        raise no_such_group(service, group_id) from error


def no_such_group(service: Service, group_id: str) -> ConfigurationError:
    """Return the error for a group the account does not have, with those it has."""
    known = ", ".join(f"{group.id} ({group.title})" for group in service.groups()[:20])
    return ConfigurationError(f"group_id: the account has no group {group_id!r}. It has: {known or 'none'}.")

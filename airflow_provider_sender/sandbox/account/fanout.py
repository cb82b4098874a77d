"""Whom a campaign reaches beyond its groups and segments, for services that have more to say about it."""

from __future__ import annotations

import json

import msgspec

from airflow_provider_sender.sandbox.account.database import Database
from airflow_provider_sender.sandbox.account.records import Audience, Campaign

_WITH_ADDRESS = "email LIKE '%@%'"


class FanOut(msgspec.Struct, kw_only=True):
    """What a campaign's ``detail`` may say about its mails, under ``fan_out``.

    :param excluded_group_ids: groups whose members get none.
    :param excluded_segment_ids: segments whose people get none.
    :param addresses: addresses it goes to instead of groups and segments, subscribers or not.
    :param suppression_kind: the kind of the documents that name suppressed recipients.
    :param is_test: whether everything happens but the mails.
    :param fails: whether it ends as a failure; when that was known before it began, nothing is mailed.
    """

    excluded_group_ids: list[str] = []
    excluded_segment_ids: list[str] = []
    addresses: list[str] | None = None
    suppression_kind: str
    is_test: bool = False
    fails: bool = False


def fan_out_of(campaign: Campaign) -> FanOut | None:
    """What a campaign's ``detail`` says, if it says anything."""
    found = json.loads(campaign.detail).get("fan_out")
    return None if found is None else msgspec.convert(found, FanOut)


def unsuppressed(fan_out: FanOut, column: str = "email") -> str:
    """The condition for a column to hold an address that nobody suppressed."""
    kind = fan_out.suppression_kind.replace("'", "''")
    return (
        f"lower({column}) NOT IN (SELECT lower(json_extract(body, '$.recipient')) FROM documents"
        f" WHERE kind = '{kind}' AND json_extract(body, '$.channel') = 'email')"
    )


def narrowed(fan_out: FanOut, audience: Audience, excluded: list[Audience]) -> Audience:
    """An audience without those the fan-out leaves out."""
    conditions = [audience.condition, _WITH_ADDRESS, unsuppressed(fan_out)]
    conditions += [f"NOT ({part.condition})" for part in excluded]
    parameters = [*audience.parameters, *(value for part in excluded for value in part.parameters)]
    return Audience(" AND ".join(f"({condition})" for condition in conditions), tuple(parameters))


def reachable_addresses(database: Database, fan_out: FanOut) -> list[tuple[int, str]]:
    """The addresses of a fan-out that may be mailed, each once, with the subscriber's number or 0."""
    rows = database.rows(
        "SELECT COALESCE(subscribers.number, 0), MIN(named.value) FROM json_each(?) AS named"
        " LEFT JOIN subscribers ON subscribers.email = named.value"
        f" WHERE COALESCE(subscribers.status, 'active') = 'active' AND {unsuppressed(fan_out, 'named.value')}"
        " GROUP BY lower(named.value)",
        (json.dumps(fan_out.addresses or []),),
    )
    return [(number, email) for number, email in rows]

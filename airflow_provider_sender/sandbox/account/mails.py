"""Mails that campaigns sent, counted per recipient, and what became of each.

A mail's fate is a number below 1,000 that follows from campaign and address alone, so statistics are the same
in every run. It is looked at only once the campaign is SENT.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import msgspec

from airflow_provider_sender.sandbox.account.database import Database
from airflow_provider_sender.sandbox.account.records import Audience, SubscriberStatus
from airflow_provider_sender.sandbox.account.subscribers import subscriber_id


class Outcome(Enum):
    """What can become of a mail, as the fates that mean it: who clicks has opened, who bounces has not."""

    HARD_BOUNCE = (0, 20)
    SOFT_BOUNCE = (20, 40)
    OPEN = (40, 440)
    CLICK = (40, 140)
    UNSUBSCRIBE = (40, 50)
    COMPLAINT = (50, 55)

    @property
    def condition(self) -> str:
        """The condition of a query for mails with this outcome."""
        first, end = self.value
        return f"fate >= {first} AND fate < {end}"


class MailCount(msgspec.Struct):
    """How often one campaign was mailed."""

    mails: int = 0
    recipients: int = 0
    max_mails_per_recipient: int = 0


class Mail(msgspec.Struct):
    """One recipient of a campaign."""

    campaign_number: int
    email: str
    subscriber_number: int
    fate: int
    mailed_at: float

    @property
    def recipient_id(self) -> str:
        """The recipient's public id."""
        return subscriber_id(self.subscriber_number)

    def came_to(self, outcome: Outcome) -> bool:
        """Whether this became of it."""
        first, end = outcome.value
        return bool(first <= self.fate < end)


class Mails:
    """Counts mails.

    :param database: the account's database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._totals: tuple[int, dict[int, MailCount]] = (-1, {})

    def deliver(self, campaign_number: int, audience: Audience, now: float) -> int:
        """Mail a campaign to everyone of an audience who is active, however often they had it before.

        :return: the number of mails.
        """
        self._database.versions["mails"] += 1
        return self._database.run(
            "INSERT INTO mails SELECT ?, email, number, fate(?, email), 1, ? FROM subscribers"
            f" WHERE status = '{SubscriberStatus.ACTIVE}' AND ({audience.condition})"
            " ON CONFLICT (campaign_number, email) DO UPDATE SET count = count + 1",
            (campaign_number, campaign_number, now, *audience.parameters),
        )

    def deliver_to(self, campaign_number: int, email: str, now: float) -> int:
        """Mail a campaign to one address that need not be a subscriber's, as a test of it.

        :return: the number of mails.
        """
        self._database.versions["mails"] += 1
        return self._database.run(
            "INSERT INTO mails VALUES (?, ?, 0, 999, 1, ?) ON CONFLICT DO UPDATE SET count = count + 1",
            (campaign_number, email, now),
        )

    def outcome_of(self, campaign_number: int, email: str) -> Mail | None:
        """A campaign's mail to an address, if there was one."""
        row = self._database.row(
            "SELECT campaign_number, email, subscriber_number, fate, mailed_at FROM mails"
            " WHERE campaign_number = ? AND email = ? COLLATE NOCASE",
            (campaign_number, email),
        )
        return None if row is None else Mail(*row)

    def deliver_once(self, campaign_number: int, recipients: Sequence[tuple[int, str]], now: float) -> int:
        """Mail a campaign to addresses that have not had it.

        :param recipients: a subscriber's number, 0 for none, and the address of each.
        :return: the number of mails.
        """
        self._database.versions["mails"] += 1
        return sum(
            self._database.run(
                "INSERT INTO mails VALUES (?, ?, ?, fate(?, ?), 1, ?) ON CONFLICT DO NOTHING",
                (campaign_number, email, number, campaign_number, email, now),
            )
            for number, email in recipients
        )

    def counts(self) -> dict[int, MailCount]:
        """How often each campaign was mailed, by campaign number."""
        version = self._database.versions["mails"]
        if self._totals[0] != version:
            rows = self._database.rows(
                "SELECT campaign_number, SUM(count), COUNT(*), MAX(count) FROM mails GROUP BY campaign_number"
            )
            self._totals = version, {row[0]: MailCount(*row[1:]) for row in rows}
        return self._totals[1]

    def per_recipient(self, campaign_number: int) -> dict[str, int]:
        """How many mails of a campaign each address got."""
        rows = self._database.rows("SELECT email, count FROM mails WHERE campaign_number = ?", (campaign_number,))
        return {email: count for email, count in rows}

    def outcomes(self, campaign_number: int, outcome: Outcome) -> int:
        """How many recipients of a campaign an outcome had."""
        return self._database.number(
            f"SELECT COUNT(*) FROM mails WHERE campaign_number = ? AND {outcome.condition}",
            (campaign_number,),
        )

    def with_outcome(
        self, campaign_number: int, outcome: Outcome, offset: int, limit: int, *, descending: bool
    ) -> list[Mail]:
        """A stretch of the recipients of a campaign with an outcome, by address."""
        rows = self._database.rows(
            "SELECT campaign_number, email, subscriber_number, fate, mailed_at FROM mails"
            f" WHERE campaign_number = ? AND {outcome.condition}"
            f" ORDER BY email {'DESC' if descending else 'ASC'} LIMIT ? OFFSET ?",
            (campaign_number, limit, offset),
        )
        return [Mail(*row) for row in rows]

    def to(self, subscriber_number: int) -> list[Mail]:
        """Every campaign's mail to one subscriber, oldest first."""
        rows = self._database.rows(
            "SELECT campaign_number, email, subscriber_number, fate, mailed_at FROM mails"
            " WHERE subscriber_number = ? ORDER BY mailed_at, campaign_number",
            (subscriber_number,),
        )
        return [Mail(*row) for row in rows]

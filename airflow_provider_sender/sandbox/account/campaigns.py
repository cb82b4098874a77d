"""Campaigns, from draft to sent."""

from __future__ import annotations

import json
from collections.abc import Iterable

from airflow_provider_sender.sandbox.account.database import Database, Value
from airflow_provider_sender.sandbox.account.groups import Groups
from airflow_provider_sender.sandbox.account.ids import public_id, row_number
from airflow_provider_sender.sandbox.account.mails import Mails, Outcome
from airflow_provider_sender.sandbox.account.records import (
    EVERYBODY,
    Audience,
    Campaign,
    CampaignStatus,
    SubscriberStatus,
)
from airflow_provider_sender.sandbox.account.segments import Segments
from airflow_provider_sender.sandbox.account.subscribers import Subscribers

_KIND = "campaign"

_BLANK: dict[str, Value] = {
    "title": "", "subject": "", "sender_name": "", "reply_to": "", "preheader": None,
    "content_type": "html", "content": None, "group_ids": "[]", "segment_ids": "[]", "google_analytics": 0,
    "followup_active": 0, "followup_subject": None, "followup_delay": None,
}  # fmt: skip
_UNSENT: dict[str, Value] = {
    "status": CampaignStatus.DRAFT, "schedule_time": None, "due_at": None, "starts_at": None, "ends_at": None,
    "sent_at": None, "recipients": 0, "opens": 0, "clicks": 0, "bounces": 0,
}  # fmt: skip


class Campaigns:
    """Reads, changes and sends campaigns.

    :param database: the account's database.
    :param subscribers: who can be mailed.
    :param groups: the groups campaigns go to.
    :param segments: the segments they go to.
    :param mails: where mails are counted.
    """

    def __init__(
        self, database: Database, subscribers: Subscribers, groups: Groups, segments: Segments, mails: Mails
    ) -> None:
        self._database = database
        self._subscribers = subscribers
        self._groups = groups
        self._segments = segments
        self._mails = mails

    def all(self) -> list[Campaign]:
        """Every campaign, oldest first."""
        return [Campaign(*row) for row in self._database.rows("SELECT * FROM campaigns ORDER BY number")]

    def find(self, public: str) -> Campaign | None:
        """The campaign with an id."""
        number = row_number(_KIND, public)
        row = None if number is None else self._database.row("SELECT * FROM campaigns WHERE number = ?", (number,))
        return None if row is None else Campaign(*row)

    def add(self, columns: dict[str, Value], now: float, listed_at: float = 0) -> Campaign:
        """A new draft."""
        times: dict[str, Value] = {"created": now, "modified": now, "listed_at": listed_at}
        number = self._database.insert("campaigns", {**_BLANK, **_UNSENT, **columns, **times})
        return self.reread(number)

    def reread(self, number: int) -> Campaign:
        """A campaign as it is now."""
        return Campaign(*self._database.rows("SELECT * FROM campaigns WHERE number = ?", (number,))[0])

    def change(self, campaign: Campaign, columns: dict[str, Value]) -> Campaign:
        """Change columns of a campaign."""
        if columns:
            self._database.update("campaigns", campaign.number, columns)
        return self.reread(campaign.number)

    def copy(self, campaign: Campaign, now: float, listed_at: float = 0) -> Campaign:
        """A new draft with another campaign's text and audience."""
        copied: dict[str, Value] = {name: getattr(campaign, name) for name in _BLANK}
        return self.add({**copied, "title": f"Copy of {campaign.title or campaign.subject}"}, now, listed_at)

    def delete(self, campaign: Campaign) -> None:
        """Remove a campaign; its mails stay counted."""
        self._database.run("DELETE FROM campaigns WHERE number = ?", (campaign.number,))

    def audience(self, campaign: Campaign) -> Audience:
        """Who a campaign is for: its groups and segments together, or everybody when it names neither."""
        groups = [group for id in json.loads(campaign.group_ids) if (group := self._groups.find(id)) is not None]
        segments = [found for id in json.loads(campaign.segment_ids) if (found := self._segments.find(id)) is not None]
        if campaign.group_ids == campaign.segment_ids == "[]":
            return EVERYBODY
        parts = [self._groups.members(groups), *(self._segments.audience(segment) for segment in segments)]
        return Audience(
            " OR ".join(f"({part.condition})" for part in parts),
            tuple(value for part in parts for value in part.parameters),
        )

    def recipients(self, campaign: Campaign) -> int:
        """How many active subscribers a campaign would go to now."""
        audience = self.audience(campaign)
        return self._subscribers.count(
            Audience(f"status = '{SubscriberStatus.ACTIVE}' AND ({audience.condition})", audience.parameters)
        )

    def send(self, campaign: Campaign, now: float, state_delay: float, send_seconds: float) -> int:
        """Mail a campaign, whatever its status: the mails are out at once, the status follows later.

        :return: the number of mails.
        """
        mailed = self._mails.deliver(campaign.number, self.audience(campaign), now)
        starts = now + state_delay
        self.change(
            campaign,
            {"recipients": mailed, "due_at": None, "starts_at": starts, "ends_at": starts + send_seconds},
        )
        self.settle(now, send_seconds)
        return mailed

    def schedule(self, campaign: Campaign, schedule_time: str, due_at: float) -> None:
        """Have a campaign mailed at a time to come."""
        changes: dict[str, Value] = {
            "status": CampaignStatus.SCHEDULED,
            "schedule_time": schedule_time,
            "due_at": due_at,
        }
        self.change(campaign, changes)

    def unschedule(self, campaign: Campaign) -> None:
        """Make a scheduled campaign a draft again."""
        self.change(campaign, {"status": CampaignStatus.DRAFT, "schedule_time": None, "due_at": None})

    def next_change(self) -> float | None:
        """When the next campaign changes its status by itself."""
        row = self._database.row(
            "SELECT MIN(MIN(COALESCE(due_at, 9e99), COALESCE(starts_at, 9e99), COALESCE(ends_at, 9e99))) FROM campaigns"
        )
        return None if row is None else row[0]

    def settle(self, now: float, send_seconds: float) -> None:
        """Carry out what is due: scheduled mails, and the changes of status that follow a send."""
        for campaign in self._where("due_at <= ?", now):
            due = campaign.due_at or now
            self.send(campaign, due, 0, send_seconds)
        for campaign in self._where("starts_at <= ?", now):
            self.change(campaign, {"status": CampaignStatus.SENDING, "starts_at": None, "sent_at": None})
        for campaign in self._where("starts_at IS NULL AND ends_at <= ?", now):
            self.change(
                campaign,
                {
                    "status": CampaignStatus.SENT,
                    "sent_at": campaign.ends_at,
                    "ends_at": None,
                    "opens": self._mails.outcomes(campaign.number, Outcome.OPEN),
                    "clicks": self._mails.outcomes(campaign.number, Outcome.CLICK),
                    "bounces": self._mails.outcomes(campaign.number, Outcome.HARD_BOUNCE)
                    + self._mails.outcomes(campaign.number, Outcome.SOFT_BOUNCE),
                },
            )

    def _where(self, condition: str, now: float) -> Iterable[Campaign]:
        rows = self._database.rows(f"SELECT * FROM campaigns WHERE {condition} ORDER BY number", (now,))
        return [Campaign(*row) for row in rows]


def campaign_id(number: int) -> str:
    """A campaign's public id."""
    return public_id(_KIND, number)

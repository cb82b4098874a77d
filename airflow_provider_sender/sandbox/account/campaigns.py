"""Campaigns, from draft to sent."""

from __future__ import annotations

import json
from collections.abc import Iterable

from airflow_provider_sender.sandbox.account.database import Database, Value
from airflow_provider_sender.sandbox.account.fanout import FanOut, fan_out_of, narrowed, reachable_addresses
from airflow_provider_sender.sandbox.account.groups import Groups
from airflow_provider_sender.sandbox.account.ids import public_id, row_number
from airflow_provider_sender.sandbox.account.lists import Lists
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
# Where people leave single lists, their other lists still may write to them.
_WITH_CONSENT_PER_LIST = frozenset({"sendpulse"})

_BLANK: dict[str, Value] = {
    "title": "", "subject": "", "sender_name": "", "reply_to": "", "preheader": None,
    "content_type": "html", "content": None, "group_ids": "[]", "segment_ids": "[]", "google_analytics": 0,
    "followup_active": 0, "followup_subject": None, "followup_delay": None, "service": "sender", "detail": "{}",
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
    :param lists: who of them a group may not write to.
    :param segments: the segments they go to.
    :param mails: where mails are counted.
    """

    def __init__(
        self,
        database: Database,
        subscribers: Subscribers,
        groups: Groups,
        lists: Lists,
        segments: Segments,
        mails: Mails,
    ) -> None:
        self._database = database
        self._subscribers = subscribers
        self._groups = groups
        self._lists = lists
        self._segments = segments
        self._mails = mails

    def all(self) -> list[Campaign]:
        """Every campaign, oldest first."""
        return [Campaign(*row) for row in self._database.rows("SELECT * FROM campaigns ORDER BY number")]

    def of(self, service: str) -> list[Campaign]:
        """Every campaign made through a service, oldest first."""
        return [campaign for campaign in self.all() if campaign.service == service]

    def numbered(self, number: int, service: str) -> Campaign | None:
        """The campaign of a service with a number."""
        row = self._database.row("SELECT * FROM campaigns WHERE number = ? AND service = ?", (number, service))
        return None if row is None else Campaign(*row)

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
        fan_out = fan_out_of(campaign)
        if fan_out is None and campaign.group_ids == campaign.segment_ids == "[]":
            return EVERYBODY
        consenting = campaign.service in _WITH_CONSENT_PER_LIST
        members = self._lists.reachable(groups) if consenting else self._groups.members(groups)
        parts = [members, *(self._segments.audience(segment) for segment in segments)]
        # There a segment is a part of its list; elsewhere it is one audience more.
        joint = " AND " if consenting and groups else " OR "
        audience = Audience(
            joint.join(f"({part.condition})" for part in parts),
            tuple(value for part in parts for value in part.parameters),
        )
        return audience if fan_out is None else narrowed(fan_out, audience, self._excluded(fan_out))

    def _excluded(self, fan_out: FanOut) -> list[Audience]:
        groups = [found for id in fan_out.excluded_group_ids if (found := self._groups.find(id)) is not None]
        segments = [part for id in fan_out.excluded_segment_ids if (part := self._segments.find(id)) is not None]
        return [self._groups.members(groups), *(self._segments.audience(segment) for segment in segments)]

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
        mailed = self._mailed(campaign, now)
        starts = now + state_delay
        self.change(
            campaign,
            {"recipients": mailed, "due_at": None, "starts_at": starts, "ends_at": starts + send_seconds},
        )
        self.settle(now, send_seconds)
        return mailed

    def _mailed(self, campaign: Campaign, now: float) -> int:
        fan_out = fan_out_of(campaign)
        if fan_out is not None and fan_out.fails:
            return 0
        if fan_out is not None and fan_out.addresses is not None:
            reachable = reachable_addresses(self._database, fan_out)
            return len(reachable) if fan_out.is_test else self._mails.deliver_once(campaign.number, reachable, now)
        if fan_out is not None and fan_out.is_test:
            return self.recipients(campaign)
        return self._mails.deliver(campaign.number, self.audience(campaign), now)

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
            fan_out = fan_out_of(campaign)
            failed = fan_out is not None and fan_out.fails
            self.change(
                campaign,
                {
                    "status": CampaignStatus.FAILED if failed else CampaignStatus.SENT,
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

"""One account: what the services show of it, and what happens on it by itself as time goes by."""

from __future__ import annotations

from airflow_provider_sender.sandbox.account.campaigns import Campaigns
from airflow_provider_sender.sandbox.account.database import Database
from airflow_provider_sender.sandbox.account.documents import Documents
from airflow_provider_sender.sandbox.account.fields import Fields
from airflow_provider_sender.sandbox.account.groups import Groups
from airflow_provider_sender.sandbox.account.lists import Lists
from airflow_provider_sender.sandbox.account.mails import Mails
from airflow_provider_sender.sandbox.account.outbox import Outbox
from airflow_provider_sender.sandbox.account.seeding import Seeding
from airflow_provider_sender.sandbox.account.segments import Segments
from airflow_provider_sender.sandbox.account.subscribers import Subscribers
from airflow_provider_sender.sandbox.clock import Clock
from airflow_provider_sender.sandbox.settings import Settings


class Account:
    """The account behind the services.

    :param database: where it is kept.
    :param clock: its time.
    :param settings: its knobs; replaced when a test turns one.
    :param seed: what made-up data follows from.
    :param token: the token its owner was given.
    """

    def __init__(self, database: Database, clock: Clock, settings: Settings, seed: int, token: str = "") -> None:
        self.database = database
        self.clock = clock
        self.token = token
        self._settings = settings
        # What a knob that makes a share of the errors different counts from.
        self.errors_answered = 0
        self.subscribers = Subscribers(database)
        self.groups = Groups(database, self.subscribers)
        self.fields = Fields(database, self.subscribers)
        self.segments = Segments(database)
        self.mails = Mails(database)
        self.lists = Lists(database, self.subscribers, self.groups)
        self.campaigns = Campaigns(database, self.subscribers, self.groups, self.lists, self.segments, self.mails)
        self.documents = Documents(database)
        self.outbox = Outbox(database, self.documents)
        self.seeding = Seeding(database, self.subscribers, self.groups, self.fields, seed)

    @property
    def settings(self) -> Settings:
        """The knobs as they are turned now."""
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._settings = settings
        # A subscriber's dates are written by the knobs.
        self.subscribers.forget_rendered()

    @property
    def now(self) -> float:
        """The account's time, in seconds since the epoch."""
        return self.clock.now()

    def settle(self) -> None:
        """Let everything happen that has become due: deletions, scheduled mails, changes of status."""
        now = self.now
        deletion, change = self.subscribers.next_deletion(), self.campaigns.next_change()
        if deletion is not None and deletion <= now:
            self.subscribers.delete_due(now)
        if change is not None and change <= now:
            self.campaigns.settle(now, self.settings.send_seconds)
        waiting = self.outbox.next_due()
        if waiting is not None and waiting <= now:
            self.outbox.settle(now)

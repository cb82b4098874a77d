"""What the contract has to know of a service: where its sandbox is, and the few words in which it differs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from unittest.mock import MagicMock

from airflow_provider_sender.client.service import Capability, Service
from airflow_provider_sender.hooks.services import service_for
from airflow_provider_sender.sandbox.remote import Json, Sandbox

CONN_ID = "account"

ACTIVE = [f"p{number}@x.lt" for number in range(230)]
OUT = [f"out{number}@x.lt" for number in range(10)]
VIPS = ACTIVE[:30]


@dataclass(frozen=True)
class Kind:
    """One of the services.

    :param connection: the sandbox's property with the Airflow connection.
    :param listing: path of the calls that read subscribers.
    :param start: path of the call that has mails sent, from a definition.
    :param look: path of the call that reads a campaign.
    :param write: path of the calls that write subscribers.
    :param message: path of the call that sends a single mail.
    """

    name: str
    connection: str
    listing: str
    start: str
    look: str
    write: str
    message: str


KINDS = (
    Kind(
        name="Sender",
        connection="connection",
        listing="/subscribers",
        start="/campaigns/*/send",
        look="/campaigns/*",
        write="/subscribers",
        message="/message/send",
    ),
    Kind(
        name="SendPulse",
        connection="sendpulse_connection",
        listing="/addressbooks/*/emails",
        start="/campaigns",
        look="/campaigns/*",
        write="/addressbooks/*/emails",
        message="/smtp/emails",
    ),
    Kind(
        name="Sendara",
        connection="sendara_connection",
        listing="/v1/contacts",
        start="/v1/broadcasts/*/send",
        look="/v1/broadcasts/*",
        write="/v1/contacts",
        message="/v1/send",
    ),
)


class Account:
    """An account to hold against the contract."""

    def __init__(self, kind: Kind, sandbox: Sandbox) -> None:
        self.kind = kind
        self.sandbox = sandbox
        self._tasks = 0

    def furnish(self) -> None:
        """Begin anew, with people in the group "All", some of them in "VIP" as well."""
        self.sandbox.reset(send_seconds=1)
        people: list[dict[str, Json]] = [
            {"email": email, "groups": ["All", "VIP"] if email in VIPS else ["All"]} for email in ACTIVE
        ]
        people[-1]["fields"] = {"City": "Riga", "Visits": 1}
        out: list[dict[str, Json]] = [{"email": email, "groups": ["All"], "status": "unsubscribed"} for email in OUT]
        self.sandbox.seed(rows=people + out)

    def connection(self, extra: Mapping[str, Json] | None = None, **changes: str) -> str:
        """Return the Airflow connection, as JSON.

        :param extra: extras to set otherwise. A connection with others has a request budget of its own.
        """
        extras = {"settle_time": 0.1, "time_zone": "UTC", "max_wait": 2, "timeout": 5, **(extra or {})}
        return json.dumps({**getattr(self.sandbox, self.kind.connection), **changes, "extra": json.dumps(extras)})

    @property
    def service(self) -> Service:
        """The account behind the port."""
        return service_for(CONN_ID)

    def can(self, capability: Capability) -> bool:
        """Tell whether the service can do something."""
        return capability in self.service.capabilities

    def group(self, title: str) -> str:
        """Return the id of a group."""
        return next(group.id for group in self.service.groups() if group.title == title)

    def members(self, title: str) -> set[str]:
        """Return the addresses in a group."""
        return addresses(self.service, self.group(title))

    def campaign(self, title: str = "All", **more: Any) -> dict[str, Any]:
        """Return a campaign to a group, as the operators take it."""
        return {
            "subject": "News of the week",
            "from_name": "The Shop",
            "from_email": "shop@example.com",
            "html": "<p>Hello</p><a href='{$unsubscribe_link}'>Unsubscribe</a>",
            "group_ids": [self.group(title)],
            **more,
        }

    def mails(self) -> Counter[str]:
        """Return how many mails everybody got, whatever the campaign."""
        mails: Counter[str] = Counter()
        for campaign_id in self.sandbox.counters()["campaigns"]:
            mails.update(self.sandbox.mails(campaign_id))
        return mails

    def context(self, run_id: str = "monday") -> Any:
        """Return what a task is given."""
        return {"ti": MagicMock(dag_id="dag", task_id="task", run_id=run_id, map_index=-1, try_number=1, max_tries=0)}

    def run(self, operator: type[Any], *, run_id: str = "monday", **parameters: Any) -> Any:
        """Run an operator against the account, and return what it returns."""
        self._tasks += 1
        task = operator(task_id=f"task{self._tasks}", sender_conn_id=CONN_ID, **parameters)
        return task.execute(self.context(run_id))


def addresses(service: Service, group_id: str | None = None) -> set[str]:
    """Return the addresses a listing has."""
    from airflow_provider_sender.client.paging import ListingReport, OnDrift
    from airflow_provider_sender.client.seen import SeenKeys

    found: Sequence[str | None] = [
        service.read_subscriber(bytes(row.raw)).email
        for rows in service.subscribers(group_id).walk(SeenKeys(), ListingReport(), OnDrift.REPAIR)
        for row in rows
    ]
    assert len(found) == len(set(found))
    return {email for email in found if email}

"""A subscriber as Sender writes it, in lists and by itself."""

from __future__ import annotations

import json
from collections.abc import Sequence

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.account.fields import field_id
from airflow_provider_sender.sandbox.account.groups import group_id
from airflow_provider_sender.sandbox.account.records import Subscriber
from airflow_provider_sender.sandbox.account.subscribers import subscriber_id
from airflow_provider_sender.sandbox.sender.dates import iso, plain
from airflow_provider_sender.sandbox.sender.replies import encoded

_SERVICE = "sender"
_COUNTRIES = {
    "+370": "LT",
    "+371": "LV",
    "+372": "EE",
    "+48": "PL",
    "+49": "DE",
    "+44": "GB",
    "+33": "FR",
    "+1": "US",
}


def rendered(account: Account, numbers: Sequence[int]) -> list[bytes]:
    """Subscribers as the elements of a list; what did not change since the last time is not written anew."""
    kept = account.subscribers.rendered(_SERVICE)
    missing = [number for number in numbers if number not in kept]
    if missing:
        writer = _Writer(account)
        groups = account.groups.of(missing)
        for subscriber in account.subscribers.read(missing):
            written = writer.written(subscriber, groups.get(subscriber.number, ()))
            kept[subscriber.number] = encoded(written)
    return [kept[number] for number in numbers if number in kept]


class _Writer:
    """Writes subscribers of one account; what they have in common is worked out once.

    :param account: the account as it is now.
    """

    def __init__(self, account: Account) -> None:
        self._created_format = account.settings.created_format
        self._tags = {group.number: {"id": group_id(group), "title": group.title} for group in account.groups.all()}
        self._columns = [
            (
                field_id(field),
                {"id": field_id(field), "title": field.title, "type": field.type, "default": False},
            )
            for field in account.fields.all()
        ]

    def written(self, subscriber: Subscriber, groups: Sequence[int]) -> dict[str, object]:
        """The attributes of a subscriber in Sender's order.

        :param groups: the numbers of its groups.
        """
        values: dict[str, Json] = json.loads(subscriber.field_values)
        return {
            "id": subscriber_id(subscriber.number),
            "email": subscriber.email,
            "firstname": subscriber.firstname,
            "lastname": subscriber.lastname,
            "phone": subscriber.phone,
            "phone_country": _country(subscriber.phone),
            "created": self._created(subscriber),
            "status": {"email": subscriber.status, "temail": subscriber.transactional_status},
            "ip_address": subscriber.ip_address,
            "bounced_at": plain(subscriber.bounced_at),
            "unsubscribed_at": plain(subscriber.unsubscribed_at),
            "location": subscriber.location,
            "subscriber_tags": [self._tags[group] for group in groups],
            "columns": [{**column, "value": values.get(id)} for id, column in self._columns],
        }

    def _created(self, subscriber: Subscriber) -> str | None:
        is_plain = self._created_format == "plain"
        if is_plain or (self._created_format == "mixed" and subscriber.number % 2):
            return plain(subscriber.created)
        return iso(subscriber.created)


def _country(phone: str | None) -> dict[str, object] | None:
    if phone is None:
        return None
    for prefix, country in _COUNTRIES.items():
        if phone.startswith(prefix):
            return {"phone_code": int(prefix), "country_code": country}
    return None

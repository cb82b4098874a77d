"""A contact as Sendara writes it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.account.fields import field_id
from airflow_provider_sender.sandbox.account.records import Subscriber, SubscriberStatus
from airflow_provider_sender.sandbox.account.subscribers import subscriber_id
from airflow_provider_sender.sandbox.sendara.dates import written
from airflow_provider_sender.sandbox.sendara.replies import encoded

SERVICE = "sendara"
ACCOUNT_ID = "acct_5f3a39ab"
SUPPRESSION = "sendara suppression"

_SUPPRESSED = (SubscriberStatus.BOUNCED, SubscriberStatus.SPAM_REPORTED)


def rendered(account: Account, numbers: Sequence[int]) -> list[bytes]:
    """Contacts as the elements of a list; what did not change since the last time is not written anew."""
    kept = account.subscribers.rendered(SERVICE)
    missing = [number for number in numbers if number not in kept]
    if missing:
        writer = _Writer(account)
        for subscriber in account.subscribers.read(missing):
            kept[subscriber.number] = encoded(writer.written(subscriber))
    return [kept[number] for number in numbers if number in kept]


def suppressed_addresses(account: Account, channel: str = "email") -> set[str]:
    """The recipients that were suppressed by name, in lower case."""
    return {
        str(document.body["recipient"]).lower()
        for document in account.documents.all(SUPPRESSION)
        if document.body["channel"] == channel
    }


def contact_id(number: int) -> str:
    """A contact's id."""
    return "ct_" + subscriber_id(number)


def address(subscriber: Subscriber) -> str | None:
    """A contact's address; the account keeps something else in its place for those who have none."""
    return subscriber.email if "@" in subscriber.email else None


class _Writer:
    """Writes contacts of one account; what they have in common is worked out once."""

    def __init__(self, account: Account) -> None:
        self._titles = {field_id(field): field.title for field in account.fields.all()}
        self._suppressed_as = account.settings.sendara_suppressed_consent
        self._suppressed = suppressed_addresses(account) if self._suppressed_as == "suppressed" else set()

    def written(self, subscriber: Subscriber) -> dict[str, object]:
        """The attributes of a contact."""
        values: dict[str, Json] = json.loads(subscriber.field_values)
        return {
            "id": contact_id(subscriber.number),
            "account_id": ACCOUNT_ID,
            "email": address(subscriber),
            "phone_number": subscriber.phone,
            "device_token": None,
            "first_name": subscriber.firstname or "",
            "last_name": subscriber.lastname or "",
            "attributes": {self._titles[id]: value for id, value in values.items() if id in self._titles},
            "tags": json.loads(subscriber.tags),
            "email_consent": self._consent(subscriber),
            "sms_consent": "unknown",
            "push_consent": "unknown",
            "voice_consent": "unknown",
            "created_at": written(subscriber.created),
            "updated_at": written(subscriber.modified or subscriber.created),
        }

    def _consent(self, subscriber: Subscriber) -> str:
        is_bounced = subscriber.status in _SUPPRESSED
        if is_bounced and self._suppressed_as == "unsubscribed":
            return "unsubscribed"
        if self._suppressed_as == "suppressed" and (is_bounced or subscriber.email.lower() in self._suppressed):
            return "suppressed"
        if subscriber.status == SubscriberStatus.UNSUBSCRIBED:
            return "unsubscribed"
        return subscriber.consent or "subscribed"

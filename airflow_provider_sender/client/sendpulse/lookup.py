"""Finding SendPulse subscribers by address, many in one call, with what every mailing list says about each."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_sender.client.errors import InvalidRequestError, NotFoundError
from airflow_provider_sender.client.sendpulse.client import SendPulseClient
from airflow_provider_sender.client.sendpulse.records import subscriber_from
from airflow_provider_sender.client.subscribers import Subscriber


def look_up(client: SendPulseClient, emails: Sequence[str]) -> dict[str, Subscriber]:
    """Return those of some addresses that any mailing list has, by address in lower case."""
    if not emails:
        return {}
    try:
        answer = client.get_addresses(emails)
    except (InvalidRequestError, NotFoundError):
        # One that is nobody's, or no address for the service, may be the end of the call for all.
        if len(emails) == 1:
            return {}
        middle = len(emails) // 2
        return look_up(client, emails[:middle]) | look_up(client, emails[middle:])
    return {
        address.lower(): subscriber_from(
            address, ((str(each.book_id), each) for each in members if each.book_id is not None)
        )
        for address, members in answer.items()
        if members
    }

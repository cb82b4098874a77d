"""Finding SendPulse subscribers by address, many in one call, with what every mailing list says about each."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_sender.client.errors import InvalidRequestError, NotFoundError, ServiceFailureError
from airflow_provider_sender.client.sendpulse.client import SendPulseClient
from airflow_provider_sender.client.sendpulse.errors import UNKNOWN_ADDRESS
from airflow_provider_sender.client.sendpulse.records import subscriber_from
from airflow_provider_sender.client.subscribers import Subscriber


def look_up(client: SendPulseClient, emails: Sequence[str]) -> dict[str, Subscriber]:
    """Return those of some addresses that any mailing list has, by address in lower case.

    :raises ServiceFailureError: when the service does not tell. Whoever is taken for new then may have opted out.
    """
    if not emails:
        return {}
    try:
        answer = client.get_addresses(emails)
    except (InvalidRequestError, NotFoundError) as error:
        # One that is nobody's, or no address for the service, may be the end of the call for all.
        if len(emails) == 1:
            if error.code in UNKNOWN_ADDRESS:
                return {}
            raise _cannot_tell(error) from error
        middle = len(emails) // 2
        return look_up(client, emails[:middle]) | look_up(client, emails[middle:])
    return {
        address.lower(): subscriber_from(
            address, ((str(each.book_id), each) for each in members if each.book_id is not None)
        )
        for address, members in answer.items()
        if members
    }


def _cannot_tell(error: InvalidRequestError | NotFoundError) -> ServiceFailureError:
    return ServiceFailureError(
        "SendPulse does not say whether the account knows an address, so nobody can be written without the risk of "
        f"making somebody active who opted out. {error.message}",
        method=error.method,
        path=error.path,
        status=error.status,
        code=error.code,
        request_id=error.request_id,
        retryable=False,
        nothing_done=True,
    )

"""Who joins and who leaves SendPulse's mailing lists.

Its calls take a hundred addresses and say nothing about any of them, so people are looked up first: that tells who is
unknown, who is in the list already, and what a further list has to be told about the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from airflow_provider_sender.client.errors import NotFoundError
from airflow_provider_sender.client.rows import Write, WriteResult
from airflow_provider_sender.client.sendpulse.client import SendPulseClient
from airflow_provider_sender.client.sendpulse.writes import Variables, write_all
from airflow_provider_sender.client.subscribers import OPTED_OUT, Membership, Subscriber, SubscriberChange


def join(client: SendPulseClient, list_id: str, emails: Sequence[str], known: Mapping[str, Subscriber]) -> Membership:
    """Put people into a list, with the variables their other lists have; nobody who is out.

    :param known: those the account knows, by address in lower case.
    :raises NotFoundError: when there is no such list.
    """
    addresses = list(dict.fromkeys(email.lower() for email in emails))
    outside = [email for email in addresses if email in known and list_id not in known[email].groups]
    held = [email for email in outside if known[email].consent in OPTED_OUT]
    joining = [email for email in outside if known[email].consent not in OPTED_OUT]
    if not joining:
        client.get_mailing_list(list_id)
    writes = [
        Write(SubscriberChange(email, email=known[email].email, groups=(list_id,)), known[email]) for email in joining
    ]
    # That they are in it is what matters, and that the call was taken says so.
    results = dict(zip(joining, write_all(client, writes, Variables(client), reads_back=False), strict=True))
    _raise_missing_list(results.values())
    return Membership(
        changed=tuple(email for email, result in results.items() if result.refusal is None),
        unchanged=tuple(email for email in addresses if email in known and email not in outside),
        missing=tuple(email for email in addresses if email not in known),
        held=tuple(held),
        invalid=tuple(email for email, result in results.items() if result.refusal is not None),
    )


def leave(client: SendPulseClient, list_id: str, emails: Sequence[str], known: Mapping[str, Subscriber]) -> Membership:
    """Take people out of a list. Whoever was in no other one is not in the account any more.

    :param known: those the account knows, by address in lower case.
    :raises NotFoundError: when there is no such list.
    """
    addresses = list(dict.fromkeys(email.lower() for email in emails))
    leaving = [email for email in addresses if email in known and list_id in known[email].groups]
    if leaving:
        try:
            client.remove_subscribers(list_id, [known[email].email or email for email in leaving])
        except NotFoundError:
            client.get_mailing_list(list_id)  # none of them is in it any more, or there is no such list
    else:
        client.get_mailing_list(list_id)
    gone = set(leaving)
    return Membership(
        changed=tuple(leaving),
        unchanged=tuple(email for email in addresses if email in known and email not in gone),
        missing=tuple(email for email in addresses if email not in known),
    )


def _raise_missing_list(results: Iterable[WriteResult]) -> None:
    for result in results:
        if isinstance(result.refusal, NotFoundError):
            raise result.refusal

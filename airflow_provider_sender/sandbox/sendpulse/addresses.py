"""``/emails``: one address in all its lists."""

from __future__ import annotations

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.mails import Outcome
from airflow_provider_sender.sandbox.account.records import Subscriber
from airflow_provider_sender.sandbox.sendpulse import reading
from airflow_provider_sender.sandbox.sendpulse.blacklist import is_blacklisted
from airflow_provider_sender.sandbox.sendpulse.dates import local
from airflow_provider_sender.sandbox.sendpulse.ids import list_id
from airflow_provider_sender.sandbox.sendpulse.members import listed_variables, status_of
from airflow_provider_sender.sandbox.sendpulse.replies import answer, done, mapping, number, refused
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Reply


def _the_one(account: Account, call: Call, status: int = 404) -> Subscriber:
    email = call.parameters["email"]
    found = account.subscribers.find(email) if "@" in email else None
    if found is None:
        raise refused(502, status)
    return found


def everywhere(account: Account, person: Subscriber) -> list[dict[str, object]]:
    """One person's entries in all lists."""
    return [
        {
            "book_id": number(account, list_id(group.number)),
            "email": person.email,
            **status_of(account, entry),
            "variables": listed_variables(account, group, entry),
        }
        for group, entry in account.lists.entries_of(person)
    ]


def _get(account: Account, call: Call) -> Reply:
    return answer(everywhere(account, _the_one(account, call)))


def _details(account: Account, call: Call) -> Reply:
    return answer(
        [
            {
                "list_name": group.title,
                "list_id": number(account, list_id(group.number)),
                "add_date": local(account, entry.added),
                "source": entry.source,
            }
            for group, entry in account.lists.entries_of(_the_one(account, call))
        ]
    )


def _asked(account: Account, call: Call) -> list[str]:
    return reading.addresses(call.json, most=account.settings.sendpulse_lookup_limit)


def _look_up(account: Account, call: Call) -> Reply:
    """Many addresses; what becomes of those on no list is a knob."""
    found: dict[str, object] = {}
    unknown = account.settings.sendpulse_lookup_unknown
    for address, person in account.subscribers.by_address(_asked(account, call)):
        if person is not None:
            found[address] = [
                {"book_id": entry["book_id"], "status": entry["status"], "variables": entry["variables"]}
                for entry in everywhere(account, person)
            ]
        elif unknown == "refused":
            raise refused(502)
        elif unknown == "empty":
            found[address] = []
    return answer(mapping(found))


def _delete(account: Account, call: Call) -> Reply:
    person = _the_one(account, call, 422)
    for group, _ in account.lists.entries_of(person):
        account.lists.remove(group, [person.number])
    return done()


def _record(account: Account, email: str, person: Subscriber | None) -> dict[str, object]:
    mails = [] if person is None else account.mails.to(person.number)
    entries = [] if person is None else account.lists.entries_of(person)
    return {
        "statistic": {
            "sent": number(account, len(mails)),
            "open": number(account, sum(mail.came_to(Outcome.OPEN) for mail in mails)),
            "link": number(account, sum(mail.came_to(Outcome.CLICK) for mail in mails)),
        },
        "blacklist": is_blacklisted(account, email),
        "addressbooks": [
            {"id": number(account, list_id(group.number)), "address_book_name": group.title} for group, _ in entries
        ],
    }


def _campaigns(account: Account, call: Call) -> Reply:
    person = _the_one(account, call)
    return answer(_record(account, person.email, person))


def _campaigns_of_many(account: Account, call: Call) -> Reply:
    asked = account.subscribers.by_address(_asked(account, call))
    return answer({email: _record(account, email, person) for email, person in asked})


ROUTES = (
    Route("POST", "/emails", _look_up),
    Route("POST", "/emails/campaigns", _campaigns_of_many),
    Route("GET", "/emails/{email}", _get),
    Route("DELETE", "/emails/{email}", _delete),
    Route("GET", "/emails/{email}/details", _details),
    Route("GET", "/emails/{email}/campaigns", _campaigns),
)

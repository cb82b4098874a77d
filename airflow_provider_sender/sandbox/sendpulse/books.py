"""``/addressbooks``: mailing lists."""

from __future__ import annotations

from typing import cast

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.documents import Json
from airflow_provider_sender.sandbox.account.groups import group_id
from airflow_provider_sender.sandbox.account.records import Campaign, Group
from airflow_provider_sender.sandbox.sendpulse.dates import local
from airflow_provider_sender.sandbox.sendpulse.ids import campaign_id, list_id, list_number
from airflow_provider_sender.sandbox.sendpulse.reading import page_of, required
from airflow_provider_sender.sandbox.sendpulse.replies import answer, done, number, refused
from airflow_provider_sender.sandbox.sendpulse.states import is_under_way, status_of
from airflow_provider_sender.sandbox.sendpulse.variables import types_of
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Reply

# Mailing lists that were, as the listing goes on to show them.
_DELETED = "sendpulse deleted list"


def the_list(account: Account, call: Call, code: int = 213) -> Group:
    """The mailing list a path names."""
    return list_of(account, call.parameters["id"], code)


def list_of(account: Account, id: str, code: int = 213) -> Group:
    """The mailing list with an id.

    :param code: the error's code when there is none.
    """
    wanted = list_number(id)
    for group in account.groups.all():
        if group.number == wanted:
            return group
    raise refused(code)


def _as_json(account: Account, group: Group) -> dict[str, object]:
    counts = account.lists.counts(group)
    everybody = sum(counts.values())
    active = sum(people for status, people in counts.items() if status.is_reachable)
    phones = account.groups.counts(group).with_phone
    return {
        "id": number(account, list_id(group.number)),
        "name": group.title,
        "all_email_qty": number(account, everybody),
        "active_email_qty": number(account, active),
        "inactive_email_qty": number(account, everybody - active),
        "new_phones_quantity": number(account, 0),
        "active_phones_quantity": number(account, phones),
        "exc_phones_quantity": number(account, 0),
        "creationdate": local(account, group.created),
        "status": number(account, 0),
        "status_explain": "Active",
    }


def _list(account: Account, call: Call) -> Reply:
    shown: list[object] = [_as_json(account, group) for group in account.groups.all()]
    return answer(page_of(call, shown + [document.body["list"] for document in account.documents.all(_DELETED)]))


def _get(account: Account, call: Call) -> Reply:
    """One list, as the only element of an array."""
    return answer([_as_json(account, the_list(account, call))])


def _free_name(account: Account, call: Call, name: str, own: Group | None = None) -> str:
    found = required(call.json, name, 201)
    if any(group.title == found and group != own for group in account.groups.all()):
        raise refused(203)
    return found


def _post(account: Account, call: Call) -> Reply:
    added = account.groups.add(_free_name(account, call, "bookName"), account.now)
    return answer({"id": number(account, list_id(added.number))})


def _put(account: Account, call: Call) -> Reply:
    """Rename; the name has another key than when a list is made."""
    group = the_list(account, call)
    account.groups.rename(group, _free_name(account, call, "name", group), account.now)
    return done()


def _delete(account: Account, call: Call) -> Reply:
    group = the_list(account, call)
    if any(is_under_way(account, campaign) for campaign in _campaigns_to(account, group)):
        raise refused(422, message="Mailing list has active campaign")
    if account.settings.sendpulse_deleted_lists == "shown":
        gone = _as_json(account, group) | {"status": number(account, 1), "status_explain": "Deleted"}
        account.documents.add(_DELETED, {"list": cast("Json", gone)}, account.now)
    account.lists.delete(group)
    return done()


def _variables(account: Account, call: Call) -> Reply:
    types = types_of(account, the_list(account, call))
    return answer([{"name": name, "type": type} for name, type in types.items()])


def _cost(account: Account, call: Call) -> Reply:
    counts = account.lists.counts(the_list(account, call))
    active = sum(people for status, people in counts.items() if status.is_reachable)
    if not counts:
        raise refused(211)
    return answer(
        {
            "cur": "USD",
            "sent_emails_qty": number(account, active),
            "overdraftAllEmailsPrice": 0,
            "addressesDeltaFromBalance": 0,
            "addressesDeltaFromTariff": number(account, active),
            "max_emails_per_task": number(account, 1_000_000),
            "result": True,
        }
    )


def _campaigns_to(account: Account, group: Group) -> list[Campaign]:
    own = group_id(group)
    return [campaign for campaign in account.campaigns.of("sendpulse") if f'"{own}"' in campaign.group_ids]


def _campaigns(account: Account, call: Call) -> Reply:
    """A list's campaigns, which are called tasks here."""
    found = _campaigns_to(account, the_list(account, call))
    return answer(
        [
            {
                "task_id": number(account, campaign_id(campaign.number)),
                "task_name": campaign.title,
                "task_status": number(account, status_of(account, campaign)),
            }
            for campaign in page_of(call, found)
        ]
    )


ROUTES = (
    Route("GET", "/addressbooks", _list),
    Route("POST", "/addressbooks", _post),
    Route("GET", "/addressbooks/{id}", _get),
    Route("PUT", "/addressbooks/{id}", _put),
    Route("DELETE", "/addressbooks/{id}", _delete),
    Route("GET", "/addressbooks/{id}/variables", _variables),
    Route("GET", "/addressbooks/{id}/cost", _cost),
    Route("GET", "/addressbooks/{id}/campaigns", _campaigns),
)

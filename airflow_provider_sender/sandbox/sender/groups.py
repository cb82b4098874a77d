"""``/groups``, and joining and leaving them."""

from __future__ import annotations

from airflow_provider_sender.sandbox.account.account import Account
from airflow_provider_sender.sandbox.account.groups import group_id
from airflow_provider_sender.sandbox.account.listing import page_of
from airflow_provider_sender.sandbox.account.records import EVERYBODY, Group, SubscriberStatus
from airflow_provider_sender.sandbox.sender.checks import Checks, is_address
from airflow_provider_sender.sandbox.sender.dates import plain
from airflow_provider_sender.sandbox.sender.identity import ACCOUNT_ID, USER_ID
from airflow_provider_sender.sandbox.sender.pages import SortKey, page_of_all
from airflow_provider_sender.sandbox.sender.replies import answer, done, not_found, single
from airflow_provider_sender.sandbox.sender.subscribers import subscriber_page
from airflow_provider_sender.sandbox.service import Route
from airflow_provider_sender.sandbox.wire import Call, Refused, Reply


def _the_one(account: Account, call: Call) -> Group:
    found = account.groups.find(call.parameters["id"])
    if found is None:
        raise not_found()
    return found


def _as_json(account: Account, group: Group) -> dict[str, object]:
    counts = account.groups.counts(group)
    return {
        "id": group_id(group),
        "title": group.title,
        "recipient_count": counts.total,
        "active_subscribers": counts.by_status.get(SubscriberStatus.ACTIVE, 0),
        "unsubscribed_count": counts.by_status.get(SubscriberStatus.UNSUBSCRIBED, 0),
        "bounced_count": counts.by_status.get(SubscriberStatus.BOUNCED, 0),
        "phone_count": counts.with_phone,
        "active_phone_count": counts.active_with_phone,
        "account_id": ACCOUNT_ID,
        "user_id": USER_ID,
        "created": plain(group.created),
        "modified": plain(group.modified),
        "is_recalculating_subscribers": False,
        "is_favourite": False,
        "used_in_integration": False,
    }


def _list(account: Account, call: Call) -> Reply:
    def total(group: Group) -> int:
        return account.groups.counts(group).total

    def active(group: Group) -> int:
        return account.groups.counts(group).by_status.get(SubscriberStatus.ACTIVE, 0)

    keys: dict[str, SortKey[Group]] = {
        "id": lambda group: group.number,
        "title": lambda group: group.title,
        "created": lambda group: int(group.created),
        "modified": lambda group: int(group.modified),
        "recipient_count": total,
        "active_subscribers": active,
    }
    return page_of_all(call, account.settings, account.groups.all(), lambda group: _as_json(account, group), keys)


def _get(account: Account, call: Call) -> Reply:
    return single(_as_json(account, _the_one(account, call)))


def _title(call: Call) -> str:
    checks = Checks(call.json)
    title = checks.text("title", required=True)
    checks.passed()
    assert title is not None
    return title


def _post(account: Account, call: Call) -> Reply:
    group = account.groups.add(_title(call), account.now)
    return done("Group created successfully", _as_json(account, group))


def _patch(account: Account, call: Call) -> Reply:
    group = _the_one(account, call)
    account.groups.rename(group, _title(call), account.now)
    return done("Group updated successfully", _as_json(account, _the_one(account, call)))


def _delete(account: Account, call: Call) -> Reply:
    account.groups.delete(_the_one(account, call))
    return done("Group deleted successfully")


def _members(account: Account, call: Call) -> Reply:
    return subscriber_page(account, call, account.groups.members([_the_one(account, call)]))


class _Named:
    """The subscribers a membership call names, sorted by what can be done with them."""

    def __init__(self, account: Account, call: Call, group: Group, *, fresh_are_unknown: bool) -> None:
        checks = Checks(call.json)
        addresses, conditions = checks.strings("subscribers"), checks.text("conditions")
        if (addresses is None) == (conditions is None):
            checks.wrong("subscribers", "Either subscribers or conditions is required.")
        checks.passed()
        self.members: dict[int, str] = {}
        self.others: dict[int, str] = {}
        self.unknown: list[str] = []
        self.malformed: list[str] = []
        if addresses is None:
            numbers = account.subscribers.listing.ascending("number", EVERYBODY, account.now)
            everybody = account.subscribers.read(page_of(numbers, 0, len(numbers), descending=False))
            addresses = [subscriber.email for subscriber in everybody]
        for address, subscriber in account.subscribers.by_address(addresses):
            if not is_address(address):
                self.malformed.append(address)
            elif subscriber is None or (fresh_are_unknown and subscriber.groupable_at > account.now):
                self.unknown.append(address)
            elif account.groups.is_member(group, subscriber.number):
                self.members[subscriber.number] = address
            else:
                self.others[subscriber.number] = address
        if not self.members and not self.others:
            message = {
                "error": "No existing subscriber emails provided",
                "invalid_emails": self.malformed,
                "non_existing_subscribers": self.unknown,
            }
            raise Refused(answer({"success": False, "message": message}, 400))


def _join(account: Account, call: Call) -> Reply:
    group = _the_one(account, call)
    Checks(call.json).flag("trigger_automation")
    named = _Named(account, call, group, fresh_are_unknown=True)
    account.groups.join(group, named.others)
    if account.settings.membership_keys == "pipedream":
        return _told(
            {
                "subscribers_add_tag_group": list(named.others.values()),
                "non_existing_subscribers": named.unknown,
                "invalid_emails": named.malformed,
                "subscribers_with_group_already": list(named.members.values()),
            }
        )
    return _told(
        {
            "subscribers_added_to_group": [*named.others.values(), *named.members.values()],
            "non_existing_subscribers": named.unknown + named.malformed,
        }
    )


def _leave(account: Account, call: Call) -> Reply:
    group = _the_one(account, call)
    named = _Named(account, call, group, fresh_are_unknown=False)
    account.groups.leave(group, named.members)
    if account.settings.membership_keys == "pipedream":
        return _told(
            {
                "subscribers_remove_tag_group": list(named.members.values()),
                "non_existing_subscribers": named.unknown,
                "invalid_emails": named.malformed,
                "subscribers_without_group_already": list(named.others.values()),
            }
        )
    return _told(
        {
            "subscribers_removed_from_group": [*named.members.values(), *named.others.values()],
            "non_existing_subscribers": named.unknown + named.malformed,
        }
    )


def _told(message: dict[str, list[str]]) -> Reply:
    return answer({"success": True, "message": message, "data": []})


ROUTES = (
    Route("GET", "/groups", _list),
    Route("GET", "/groups/{id}", _get),
    Route("POST", "/groups", _post),
    Route("PATCH", "/groups/{id}", _patch),
    Route("DELETE", "/groups/{id}", _delete),
    Route("GET", "/groups/{id}/subscribers", _members),
    Route("POST", "/subscribers/groups/{id}", _join),
    Route("DELETE", "/subscribers/groups/{id}", _leave),
)

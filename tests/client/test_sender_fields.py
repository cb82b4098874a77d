from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from airflow_provider_sender.client.errors import ConfigurationError, InvalidRequestError, NotFoundError
from airflow_provider_sender.client.sender.client import SenderClient
from airflow_provider_sender.client.sender.envelopes import ListPage, Meta
from airflow_provider_sender.client.sender.fields import FieldBody, FieldKeys
from airflow_provider_sender.client.sender.subscriber_records import SenderField, SenderSubscriber, SubscriberColumn
from airflow_provider_sender.client.subscribers import SubscriberChange
from airflow_provider_sender.client.values import FieldValue

TAG, TITLE = "tag", "title"
TAGS = {"Plan": "{$plan}", "Visits": "{$visits}"}
KEY = "jane@example.com"


class Fields:
    """An account that takes custom fields in its own way, and says it took them in any.

    :param understood: the spelling its update call keeps; None for neither.
    :param create_keeps: whether the create call keeps fields at all.
    :param refuses: whether it answers 422 to a spelling it does not know, naming the fields.
    :param reads_until_visible: reads after a write that still show how it was.
    """

    def __init__(
        self,
        understood: str | None = TAG,
        *,
        create_keeps: bool = True,
        refuses: bool = False,
        reads_until_visible: int = 0,
        settle_time: float = 30.0,
        stored: Mapping[str, FieldValue] | None = None,
    ) -> None:
        self.understood, self.create_keeps, self.refuses = understood, create_keeps, refuses
        self.delay, self.pending = reads_until_visible, 0
        self.is_there = stored is not None
        self.stored: dict[str, FieldValue] = dict(stored or {})
        self.seen = dict(self.stored) if self.is_there else None
        self.calls: list[tuple[str, Any]] = []
        self.waits: list[float] = []
        self.transport = SimpleNamespace(settings=SimpleNamespace(settle_time=settle_time))
        self.keys = FieldKeys(cast(SenderClient, self), sleep=self.waits.append)

    def list_fields(self, page: int) -> ListPage[SenderField]:
        self.calls.append(("list", page))
        fields = [SenderField("Email", default=True), SenderField(None, "x")]
        fields += [SenderField(title, f"id{title}", "text", tag) for title, tag in TAGS.items()]
        return ListPage(fields, Meta(page, 1, len(fields)))

    def get_subscriber(self, key: str) -> SenderSubscriber:
        assert key == KEY
        self.calls.append(("get", key))
        if self.pending:
            self.pending -= 1
        else:
            self.seen = dict(self.stored) if self.is_there else None
        if self.seen is None:
            raise NotFoundError("No such subscriber.")
        columns = [SubscriberColumn(title, self.seen.get(title), False) for title in TAGS]
        return SenderSubscriber("s1", columns=[*columns, SubscriberColumn("Email", KEY, True)])

    def update_subscriber(self, key: str, body: Mapping[str, Any]) -> None:
        assert key == KEY
        self.calls.append(("patch", dict(body.get("fields", {}))))
        self._write(body.get("fields", {}), is_kept=True)

    def post(self, fields: FieldBody) -> None:
        self.calls.append(("post", dict(fields)))
        self._write(fields, is_kept=self.create_keeps)
        self.is_there = True

    def patch(self, fields: FieldBody) -> None:
        self.update_subscriber(KEY, {"fields": fields})

    def _write(self, fields: Mapping[str, FieldValue], *, is_kept: bool) -> None:
        names = {TAG: {tag: title for title, tag in TAGS.items()}, TITLE: {title: title for title in TAGS}, None: {}}
        known = names[self.understood]
        unknown = [key for key in fields if key not in known]
        if unknown and self.refuses:
            raise InvalidRequestError("Invalid.", status=422, errors={f"fields.{key}": ["Unknown."] for key in unknown})
        self.pending = self.delay
        if is_kept:
            self.stored |= {known[key]: value for key, value in fields.items() if key in known}

    def create(self, **fields: FieldValue) -> None:
        self.keys.create(SubscriberChange(KEY, email=KEY, fields=fields), self.post)

    def update(self, **fields: FieldValue) -> None:
        self.keys.update(SubscriberChange(KEY, email=KEY, fields=fields), self.patch)

    def made(self) -> list[str]:
        """The calls since this was last asked, without looking up the fields."""
        made = [name for name, _ in self.calls if name != "list"]
        self.calls.clear()
        return made


def test_the_account_s_own_fields_are_read_once_and_built_in_ones_left_out() -> None:
    account = Fields()

    assert [field.name for field in account.keys.known()] == ["Plan", "Visits"]
    account.keys.known()
    assert account.calls == [("list", 1)]


def test_a_change_without_fields_costs_one_call() -> None:
    account = Fields(stored={})

    account.create()
    account.update()

    assert account.calls == [("post", {}), ("patch", {})]


@pytest.mark.parametrize("understood", [TAG, TITLE])
@pytest.mark.parametrize("create_keeps", [True, False])
@pytest.mark.parametrize("refuses", [True, False])
@pytest.mark.parametrize("delay", [0, 1, 3])
def test_fields_of_a_new_subscriber_are_kept_however_the_account_wants_them(
    understood: str, create_keeps: bool, refuses: bool, delay: int
) -> None:
    account = Fields(understood, create_keeps=create_keeps, refuses=refuses, reads_until_visible=delay)

    for plan in ("gold", "silver", "none"):
        account.stored.clear()
        account.is_there = False
        account.create(Plan=plan, Visits=3)
        assert account.stored == {"Plan": plan, "Visits": 3}


@pytest.mark.parametrize("understood", [TAG, TITLE])
@pytest.mark.parametrize("refuses", [True, False])
@pytest.mark.parametrize("delay", [0, 3])
def test_changed_fields_are_kept_however_the_account_wants_them(understood: str, refuses: bool, delay: int) -> None:
    account = Fields(understood, refuses=refuses, reads_until_visible=delay, stored={"Plan": "old", "Visits": 3})

    for plan in ("gold", "silver", None):
        account.update(Plan=plan, Visits=3)
        assert account.stored["Plan"] == plan


def test_what_worked_is_kept_and_costs_nothing_more() -> None:
    account = Fields(TAG)
    account.create(Plan="gold")
    account.made()

    account.create(Plan="silver")
    account.update(Plan="bronze")

    assert account.made() == ["post", "patch"]


def test_a_create_call_that_drops_fields_is_followed_by_an_update_ever_after() -> None:
    account = Fields(TAG, create_keeps=False)
    account.create(Plan="gold")
    account.made()

    account.create(Plan="silver")

    assert account.made() == ["post", "patch"]
    assert account.stored == {"Plan": "silver"}


def test_waiting_for_a_change_to_show_ends_with_the_settle_time() -> None:
    account = Fields(TAG, create_keeps=False, settle_time=10.0)

    account.create(Plan="gold")

    assert 10 <= sum(account.waits) <= 21
    assert account.waits[:3] == [0.25, 0.5, 1.0]


@pytest.mark.parametrize("call", ["create", "update"])
def test_fields_that_are_accepted_and_never_kept_are_a_clear_error(call: str) -> None:
    account = Fields(None, stored={})

    with pytest.raises(ConfigurationError, match=r"custom fields Plan, Visits and does not keep them.*columns="):
        getattr(account, call)(Plan="gold", Visits=3)
    assert {tuple(body) for name, body in account.calls if name in ("post", "patch")} == {
        ("{$plan}", "{$visits}"),
        ("Plan", "Visits"),
    }


@pytest.mark.parametrize("call", ["create", "update"])
def test_fields_that_are_refused_in_either_spelling_are_refused(call: str) -> None:
    account = Fields(None, refuses=True, stored={})

    with pytest.raises(InvalidRequestError):
        getattr(account, call)(Plan="gold")


def test_a_refusal_that_is_not_about_fields_is_no_reason_to_try_again() -> None:
    account = Fields()

    def refuse(fields: FieldBody) -> None:
        account.calls.append(("post", fields))
        raise InvalidRequestError("Invalid.", status=422, errors={"email": ["Invalid."]})

    with pytest.raises(InvalidRequestError):
        account.keys.create(SubscriberChange(KEY, fields={"Plan": "gold"}), refuse)
    assert account.made() == ["post"]


def test_once_a_spelling_is_proven_a_refused_value_is_the_row_s_own_fault() -> None:
    account = Fields(TAG)
    account.create(Plan="gold")
    account.made()
    account.understood, account.refuses = None, True

    with pytest.raises(InvalidRequestError):
        account.update(Plan="silver")
    assert account.made() == ["patch"]


@pytest.mark.parametrize("empty", [None, ""])
def test_a_field_with_nothing_in_it_proves_nothing(empty: str | None) -> None:
    account = Fields(TITLE)
    account.create(Plan=empty)

    account.create(Plan="gold")

    assert account.stored == {"Plan": "gold"}


def test_a_value_that_was_there_before_proves_nothing() -> None:
    account = Fields(TITLE, stored={"Plan": "gold"})
    account.update(Plan="gold")  # say, only the name is new

    account.update(Plan="silver")

    assert account.stored == {"Plan": "silver"}


def test_a_subscriber_that_does_not_show_at_once_is_waited_for() -> None:
    account = Fields(TAG, reads_until_visible=3)

    account.create(Plan="gold")

    assert account.made() == ["post", "get", "get", "get", "get"]


def test_a_subscriber_that_never_shows_is_not_found() -> None:
    account = Fields(TAG, stored={})
    account.is_there = False

    def vanish(fields: FieldBody) -> None:
        raise NotFoundError("No such subscriber.")

    with pytest.raises(NotFoundError):
        account.keys.update(SubscriberChange(KEY, fields={"Plan": "gold"}), vanish)


def test_a_column_the_account_does_not_know_is_written_under_its_own_name() -> None:
    account = Fields(TAG, create_keeps=True)

    with pytest.raises(ConfigurationError):
        account.create(Colour="red")
    assert ("post", {"Colour": "red"}) in account.calls

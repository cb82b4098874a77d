"""Subscribers written to SendPulse: in calls for many, list by list, and looked at afterwards.

A variable belongs to a mailing list, so a change is made in each list a person is in; and whoever joins a further list
takes along what the others know. The service answers that a call was taken and nothing about anybody in it, so all of
them are looked up once it is done.

Nobody who is out is made active: no call of SendPulse's does that to somebody in a list they are out of. Joining a
further list would make them active in that one, so they do not; and their variables are changed by a call that can do
nothing else. A newcomer whose row says that they are out is put into one list and unsubscribed by the very next call;
should that call not be made any more, the next try still finds the person active and the row saying otherwise.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from airflow_provider_sender.client.errors import InvalidRequestError, NotFoundError, SenderError
from airflow_provider_sender.client.rows import Write, WriteResult, no_such_group
from airflow_provider_sender.client.sendpulse.client import SendPulseClient
from airflow_provider_sender.client.sendpulse.errors import NO_ACTIVE_ADDRESSES
from airflow_provider_sender.client.sendpulse.lookup import look_up
from airflow_provider_sender.client.sendpulse.people import MOST_ADDRESSES
from airflow_provider_sender.client.sendpulse.records import FIRSTNAME, LASTNAME, PHONE
from airflow_provider_sender.client.subscribers import OPTED_OUT, Consent, Subscriber, SubscriberChange
from airflow_provider_sender.client.values import FieldValue, same_value

_NO_LIST = (
    "SendPulse keeps subscribers in mailing lists only. Name one: group_ids of the operator, or a groups column of the "
    "row."
)
_NO_ADDRESS = "SendPulse knows subscribers by their e-mail address only."
_CANNOT_ASK = "SendPulse cannot be told that somebody is unconfirmed. Ask for active or unsubscribed."
_KEPT_OUT = "SendPulse took the address and keeps it as one that is not mailed: rejected, or unsubscribed before."
_STAYS_OUT = "SendPulse leaves whoever is out as they are; they have to subscribe again themselves."

Refusal = InvalidRequestError | NotFoundError

_DATE_AND_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ]\d.*")


class Variables:
    """The variables of mailing lists, each list's asked for once.

    :param client: the account.
    """

    def __init__(self, client: SendPulseClient) -> None:
        self._client = client
        self._dates: dict[str, frozenset[str]] = {}

    def written(self, list_id: str, values: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
        """Return values as a list takes them: of a time, a variable that is a date takes the date alone."""
        times = {name: found for name, value in values.items() if (found := _DATE_AND_TIME.fullmatch(str(value)))}
        if not times:
            return dict(values)
        if list_id not in self._dates:
            variables = self._client.list_variables(list_id)
            self._dates[list_id] = frozenset(each.name.lower() for each in variables if each.type == "date")
        dates = {name: found[1] for name, found in times.items() if name.lower() in self._dates[list_id]}
        return {**values, **dates}


@dataclass
class _Task:
    """One row on its way.

    :param joins: lists the person is to be put into.
    :param stays: lists the person is in.
    :param refusal: why it was not taken.
    """

    write: Write
    joins: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()
    refusal: Refusal | None = None

    @property
    def email(self) -> str:
        return self.write.change.email or self.write.change.key

    @property
    def is_out(self) -> bool:
        """Whether the person is out, or is to be."""
        change, current = self.write.change, self.write.current
        return change.consent in OPTED_OUT or (current is not None and current.consent in OPTED_OUT)

    @property
    def values(self) -> dict[str, FieldValue]:
        """What the row changes."""
        return variables_of_change(self.write.change)

    @property
    def all_values(self) -> dict[str, FieldValue]:
        """What a further list is to know."""
        current = self.write.current
        return {**(variables_of_subscriber(current) if current is not None else {}), **self.values}


def variables_of_change(change: SubscriberChange) -> dict[str, FieldValue]:
    """Return the variables a change sets."""
    standard = {PHONE: change.phone, FIRSTNAME: change.firstname, LASTNAME: change.lastname}
    return {**{name: value for name, value in standard.items() if value is not None}, **change.fields}


def variables_of_subscriber(subscriber: Subscriber) -> dict[str, FieldValue]:
    """Return what is known of somebody, for a further list."""
    standard = {PHONE: subscriber.phone, FIRSTNAME: subscriber.firstname, LASTNAME: subscriber.lastname}
    return {name: value for name, value in {**standard, **subscriber.fields}.items() if value not in (None, "")}


def write_all(
    client: SendPulseClient,
    writes: Sequence[Write],
    variables: Variables,
    *,
    reads_back: bool = True,
) -> list[WriteResult]:
    """Create or change subscribers; return what became of each, in the order given.

    :param variables: of the account's lists.
    :param reads_back: whether all are looked up once it is done; else only refusals are known for certain.
    """
    tasks = [_planned(write) for write in writes]
    _opt_out(client, tasks)
    _put_in(client, tasks, variables)
    _put_in_as_out(client, tasks, variables)
    _change_alone(client, tasks, variables)
    taken = [task for task in tasks if task.refusal is None]
    found = look_up(client, [task.email for task in taken]) if reads_back else {}
    return [_result(task, found.get(task.email.lower())) for task in tasks]


def _planned(write: Write) -> _Task:
    change, current = write.change, write.current
    there = current.groups if current is not None else ()
    task = _Task(write, tuple(group for group in change.groups if group not in there), there)
    if task.is_out:
        # In one list a newcomer is out as well as in several, and every further one could be left half done.
        task.joins = task.joins[:1] if current is None else ()
    refusal = None
    if change.email is None and "@" not in change.key:
        refusal = _NO_ADDRESS
    elif not (task.joins or task.stays or (current is not None and task.is_out)):
        refusal = _NO_LIST
    elif change.consent not in (None, Consent.ACTIVE, *OPTED_OUT):
        refusal = _CANNOT_ASK
    if refusal is not None:
        task.refusal = InvalidRequestError(refusal)
    return task


def _by_list(tasks: Iterable[_Task], lists: Callable[[_Task], Iterable[str]]) -> dict[str, list[_Task]]:
    by_list: dict[str, list[_Task]] = defaultdict(list)
    for task in tasks:
        if task.refusal is None:
            for list_id in lists(task):
                by_list[list_id].append(task)
    return by_list


def _put_in(client: SendPulseClient, tasks: Sequence[_Task], variables: Variables) -> None:
    """Put people who may be mailed into lists, and change those who are there."""

    def lists(task: _Task) -> tuple[str, ...]:
        is_changed = bool(task.values) or task.write.change.consent is Consent.ACTIVE
        return (*task.joins, *(task.stays if is_changed else ()))

    for list_id, members in _by_list((task for task in tasks if not task.is_out), lists).items():
        _add(client, list_id, members, variables)


def _put_in_as_out(client: SendPulseClient, tasks: Sequence[_Task], variables: Variables) -> None:
    """Put newcomers who must not be mailed into lists, and unsubscribe them there at once."""
    for list_id, members in _by_list((task for task in tasks if task.is_out), lambda task: task.joins).items():
        _add(client, list_id, members, variables)
        added = [task.email for task in members if task.refusal is None]
        try:
            unsubscribe(client, list_id, added)
        except BaseException:
            # Better not in the list at all than in it and mailed.
            with suppress(SenderError):
                client.remove_subscribers(list_id, added)
            raise


def _add(client: SendPulseClient, list_id: str, tasks: Sequence[_Task], variables: Variables) -> None:
    """Put people into a list; where a call for many is refused, halves of it, to find out for whom."""
    try:
        rows = [
            {
                "email": task.email,
                "variables": variables.written(list_id, task.all_values if list_id in task.joins else task.values),
            }
            for task in tasks
        ]
        client.add_subscribers(list_id, rows)
    except NotFoundError as error:
        for task in tasks:
            task.refusal = no_such_group() if list_id in task.joins else error
    except InvalidRequestError as error:
        if len(tasks) == 1:
            tasks[0].refusal = error
            return
        middle = len(tasks) // 2
        _add(client, list_id, tasks[:middle], variables)
        _add(client, list_id, tasks[middle:], variables)


def _opt_out(client: SendPulseClient, tasks: Sequence[_Task]) -> None:
    """Unsubscribe those whose row says so from the lists they are in."""
    leaving = (task for task in tasks if task.write.change.consent in OPTED_OUT)
    for list_id, members in _by_list(leaving, lambda task: task.stays).items():
        unsubscribe(client, list_id, [task.email for task in members])


def unsubscribe(client: SendPulseClient, list_id: str, emails: Sequence[str]) -> None:
    """Unsubscribe people from a list; those who are out already stay so."""
    for start in range(0, len(emails), MOST_ADDRESSES):
        try:
            client.unsubscribe(list_id, emails[start : start + MOST_ADDRESSES])
        except InvalidRequestError as error:
            if NO_ACTIVE_ADDRESSES not in str(error).lower():
                raise


def _change_alone(client: SendPulseClient, tasks: Sequence[_Task], variables: Variables) -> None:
    """Change the variables of those who are out, by the call that leaves everything else as it is."""
    for task in tasks:
        if task.refusal is not None or not task.is_out or not task.values:
            continue
        for list_id in task.stays:
            try:
                client.update_variables(list_id, task.email, variables.written(list_id, task.values))
            except (InvalidRequestError, NotFoundError) as error:
                task.refusal = error


def _result(task: _Task, now: Subscriber | None) -> WriteResult:
    """Return what became of a row, going by what is there now."""
    if task.refusal is not None:
        return WriteResult(refusal=task.refusal)
    if now is None or not set(task.joins) <= set(now.groups):
        return WriteResult(is_certain=False)  # not there yet, or left out without a word
    change = task.write.change
    if change.consent is Consent.ACTIVE and now.consent in OPTED_OUT:
        return WriteResult(refusal=InvalidRequestError(_STAYS_OUT))
    if task.write.current is None and not task.is_out and now.consent in OPTED_OUT:
        return WriteResult(refusal=InvalidRequestError(_KEPT_OUT))
    if change.consent in OPTED_OUT and now.consent not in OPTED_OUT:
        return WriteResult(is_certain=False)
    there = {name.lower(): value for name, value in variables_of_subscriber(now).items()}
    return WriteResult(
        is_certain=all(
            name == PHONE or same_value(there.get(name.lower()), value) for name, value in task.values.items()
        )
    )

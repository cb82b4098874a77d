"""A group's members made to be the people of some rows: read once, then joined and left in calls for many at once.

What a call did is what its answer says about each address. Whoever it says nothing about is looked at; whoever it does
not know may only just have been created, for a service takes a while until its group calls know somebody new.

Nothing is remembered from run to run: the group itself says what is left to do, so a run that was killed is made good
by the next one, and a second run changes nothing.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from upath import UPath

from airflow_provider_sender.client.errors import ConfigurationError, SenderError
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.jobs.addresses import AddressColumn, Addresses, State
from airflow_provider_sender.jobs.batches import UnsettledError, calls_for, cost
from airflow_provider_sender.jobs.clock import Clock
from airflow_provider_sender.jobs.formats import SourceRow, UnreadableRow, row_json
from airflow_provider_sender.jobs.group import GroupRun
from airflow_provider_sender.jobs.joining import Joining
from airflow_provider_sender.jobs.leaving import take_out
from airflow_provider_sender.jobs.mapping import Rejected, RowMapping
from airflow_provider_sender.jobs.rejects import Rejects, rejects_file

log = logging.getLogger(__name__)

_UNKNOWN = Rejected("email", "the account knows nobody of this address")


class SyncMode(enum.StrEnum):
    """What the rows are to a group: all of its members, some who are to join, or some who are to leave."""

    MIRROR = "mirror"
    ADD = "add"
    REMOVE = "remove"


class AddressesRejectedError(SenderError):
    """Some rows could not be put into the group, or taken out of it, for what is in them; the others were.

    :param done: the figures.
    """

    def __init__(self, done: Synced) -> None:
        where = f"They are in {done.rejects_path}." if done.rejects_path else "Give rejects_path to keep such rows."
        super().__init__(
            f"{done.rejected} rows were rejected ({done.reasons}); the group has what was asked for of all others. "
            f"{where} Mend them and run it again, or accept it with on_reject='warn'."
        )
        self.done = done


@dataclass(frozen=True)
class GroupSync:
    """What is to become of a group.

    :param columns: source column -> what it is here; which one is the address is all that matters, unless people are
        created.
    :param create_missing: create people the account does not know.
    :param allow_empty: whether a mirror of no rows at all may empty the group.
    :param trigger_automation: whether the service's automations may start for those who join.
    :param dry_run: find out what is to be done and do nothing.
    """

    group_id: str
    mode: SyncMode = SyncMode.MIRROR
    columns: Mapping[str, str | None] | None = None
    create_missing: bool = False
    allow_empty: bool = False
    trigger_automation: bool = False
    dry_run: bool = False


@dataclass
class Synced:
    """What became of the group. In a dry run, what would.

    :param added: people put into it who were in the account.
    :param removed: people taken out of it.
    :param unchanged: people of the rows for whom nothing was to be done.
    :param missing: people of the rows whom the account does not know.
    :param held: people of the rows who are out and would be made active by joining, so they were left as they are.
    :param created: people of the rows created in the group.
    :param rejected: rows without a usable address, or refused by the service.
    :param duplicates: rows that gave way to a later one for the same address.
    :param nameless: members without an address, left where they are.
    :param reasons: why rows were rejected.
    """

    added: int = 0
    removed: int = 0
    unchanged: int = 0
    missing: int = 0
    held: int = 0
    created: int = 0
    rejected: int = 0
    duplicates: int = 0
    nameless: int = 0
    requests: int = 0
    reasons: str = ""
    rejects_path: str | None = None


def sync_group(
    service: Service,
    rows: Iterable[SourceRow | UnreadableRow],
    how: GroupSync,
    *,
    rejects_path: UPath | None = None,
    clock: Clock | None = None,
) -> Synced:
    """Make a group's membership what the rows say.

    :param rejects_path: where rows go that are rejected or about people the account does not know; written even when
        the job fails half-way.
    :raises ConfigurationError: before anything is sent, when a parameter cannot work, there is no such group, or a
        mirror would empty it.
    :raises UnsettledError: when people who were to leave are still shown in the group; everything else is done.
    """
    if how.create_missing and how.mode is SyncMode.REMOVE:
        raise ConfigurationError("create_missing: nobody is created to be taken out of a group. Leave it out.")
    requests_before = service.transport.requests_made
    with rejects_file(rejects_path) as file, Addresses() as people:
        run = GroupRun(service, how.group_id, people, Rejects(file), clock or Clock())
        joining = Joining(_newcomers(service, how) if how.create_missing else None, how.trigger_automation)
        _stage(run, rows, how)
        is_read = _plan(run, how)
        left_behind = 0
        if not how.dry_run:
            left_behind = take_out(run, are_members=is_read)
            if how.mode is not SyncMode.REMOVE:
                joining.put_in(run)
        done = _figures(run, how)
    done.rejects_path = str(rejects_path) if rejects_path is not None else None
    done.requests = service.transport.requests_made - requests_before
    _log_end(how, done)
    if left_behind:
        raise UnsettledError(
            f"{left_behind} people could not be taken out of group {how.group_id}: {service.name} still shows them "
            "there. Everything else is done. Running it again is safe."
        )
    return done


def _newcomers(service: Service, how: GroupSync) -> RowMapping:
    return RowMapping({"groups": None, **(how.columns or {})}, service.fields(), ignore_others=True)


def _stage(run: GroupRun, rows: Iterable[SourceRow | UnreadableRow], how: GroupSync) -> None:
    """Take in whom the rows name.

    :raises ConfigurationError: when that is nobody, and the group would be emptied.
    """
    column = AddressColumn(how.columns)
    for line, row in enumerate(rows, start=1):
        if isinstance(row, UnreadableRow):
            run.rejects.add(line, row_json(row.text), Rejected(None, row.why))
            continue
        address = column.address(row)
        if isinstance(address, Rejected):
            run.rejects.add(line, row_json(row), address)
        else:
            run.people.name(address, line, row)
    if how.mode is not SyncMode.MIRROR or run.people.count(State.NAMED):
        return
    if run.rejects.count:
        raise ConfigurationError(
            f"columns: none of the {run.rejects.count} rows holds a usable address ({run.rejects.sentence()}), and "
            "mirroring nobody would empty the group. Nothing was changed. Name the column with the addresses: "
            "columns={'their column': 'email'}."
        )
    if not how.allow_empty:
        raise ConfigurationError(
            "allow_empty: there are no rows, and mirroring nobody would empty the group. Nothing was changed. Look at "
            "where the rows come from; if the group is to be emptied, set allow_empty=True."
        )


def _plan(run: GroupRun, how: GroupSync) -> bool:
    """Find out who is to join and who to leave, and say so in the log; return whether the group was read for it."""
    people, service = run.people, run.service
    is_read = how.mode is SyncMode.MIRROR or _is_worth_reading(run)
    if is_read:
        _read(run, how.mode)
    if how.mode is SyncMode.REMOVE:
        people.move(State.THERE, State.LEAVE)
        people.move(State.NAMED, State.UNCHANGED if is_read else State.LEAVE)
    else:
        people.move(State.OTHER, State.LEAVE)
        people.move(State.THERE, State.UNCHANGED)
        people.move(State.NAMED, State.JOIN)
    joining, leaving = people.count(State.JOIN), people.count(State.LEAVE)
    requests = sum(calls_for(count, service.largest_batch) for count in (joining, leaving))
    log.info(
        "Plan for group %s: %s%d to be put in, %d to be taken out, %d unchanged, %d rejected, %d duplicates; %s",
        how.group_id,
        "" if is_read else "at most ",  # who is a member already is not known
        joining,
        leaving,
        people.count(State.UNCHANGED),
        run.rejects.count,
        people.duplicates,
        cost(requests, service.transport.budget),
    )
    if run.nameless and how.mode is SyncMode.MIRROR:
        log.warning("%d members of the group have no e-mail address; they stay in it", run.nameless)
    return is_read


def _is_worth_reading(run: GroupRun) -> bool:
    """Tell whether reading the group takes no more requests than the calls it may spare."""
    run.count()
    return run.pages <= calls_for(run.people.count(State.NAMED), run.service.largest_batch)


def _read(run: GroupRun, mode: SyncMode) -> None:
    for members in run.members():
        if mode is SyncMode.MIRROR:
            run.people.find(members)
        else:
            run.people.settle(members, State.THERE, only=State.NAMED)


def _figures(run: GroupRun, how: GroupSync) -> Synced:
    """Return what became of everybody, and put those whom the account does not know on file."""
    people = run.people
    for address in people.each(State.MISSING):
        run.rejects.write(*people.row(address), _UNKNOWN)
    joined, left = (State.JOIN, State.LEAVE) if how.dry_run else (State.ADDED, State.REMOVED)
    return Synced(
        added=people.count(joined),
        removed=people.count(left),
        unchanged=people.count(State.UNCHANGED),
        missing=people.count(State.MISSING),
        held=people.count(State.HELD),
        created=people.count(State.CREATED),
        rejected=run.rejects.count,
        duplicates=people.duplicates,
        nameless=run.nameless,
        reasons=run.rejects.sentence(),
    )


def _log_end(how: GroupSync, done: Synced) -> None:
    log.info(
        "%s: %d added, %d removed, %d unchanged, %d missing, %d held, %d created, %d rejected; %d requests",
        "Plan, nothing was changed" if how.dry_run else "Done",
        done.added,
        done.removed,
        done.unchanged,
        done.missing,
        done.held,
        done.created,
        done.rejected,
        done.requests,
    )
    if done.missing:
        advice = "" if how.mode is SyncMode.REMOVE else "; create_missing=True creates them"
        log.warning("The account knows nobody of %d of the addresses%s", done.missing, advice)
    if done.held:
        log.warning("Held, as they are out and joining would make them active again: %d", done.held)
    if done.rejected:
        log.warning("Rejected: %s", done.reasons)

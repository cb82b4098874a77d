"""What a nightly job costs when little has changed: rows into an account with a ledger, and a group mirrored."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from upath import UPath

from airflow_provider_sender.jobs.membership import GroupSync, sync_group
from airflow_provider_sender.jobs.upsert import Upsert, upsert
from airflow_provider_sender.sandbox.remote import Sandbox
from benchmarks.once import WrongRowsError
from benchmarks.ours import service_of
from benchmarks.table import Line

_CHANGED = 0.01
_PAGE = 100

# "A few": the custom fields, the groups, a look at the account.
_A_FEW = 10

_LONGEST_DECISION = 3.0

# Calls a mirrored group may take beside the reading.
_MIRRORING = 20

# Looks at a listing beside its pages: how long it is, and who has come since.
_LOOKS = 2

_GROUP = "Newsletter"
_READING = "GET /groups/{id}/subscribers"


class _Tag(msgspec.Struct):
    id: str
    title: str


class _Status(msgspec.Struct):
    email: str


class _Subscriber(msgspec.Struct):
    email: str
    firstname: str
    status: _Status
    subscriber_tags: list[_Tag]


def ledger(subscribers: int) -> Iterator[Line]:
    """Put rows of which one in a hundred has changed into an account, with a ledger from the day before."""
    with Sandbox.start(subscribers=subscribers) as box, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = UPath(Path(folder) / "ledger.sqlite")
        people = _people(box)
        rows = {each.email: {"email": each.email, "firstname": each.firstname} for each in people}
        source = list(rows.values())
        upsert(service_of(box), source, Upsert(), ledger_path=path)  # the day before: all of it is in the account
        changed = round(_CHANGED * len(people))
        # Of those who may be mailed: rows about others are held.
        active = [each.email for each in people if each.status.email == "active"]
        for email in active[:: len(active) // changed][:changed]:
            rows[email]["firstname"] += " Changed"

        began = time.perf_counter()
        planned = upsert(service_of(box), source, Upsert(dry_run=True), ledger_path=path)
        seconds = time.perf_counter() - began
        done = upsert(service_of(box), source, Upsert(), ledger_path=path)
        again = upsert(service_of(box), source, Upsert(), ledger_path=path)
        arrived = sum(each.firstname.endswith(" Changed") for each in _people(box))
    if (planned.sent, done.sent, arrived, again.sent) != (changed, changed, changed, 0):
        raise WrongRowsError(f"Of {changed:,} changed rows {arrived:,} arrived, and {again.sent:,} were sent again.")
    work = f"{subscribers:,} rows, 1 % changed, ledger"
    most = changed + _A_FEW
    yield Line(work, f"{done.requests:,} requests", goal=f"<= {most:,}", is_reached=done.requests <= most)
    goal = f"<= {_LONGEST_DECISION:.0f} s"
    yield Line(f"{work}: deciding", f"{seconds:.1f} s", goal=goal, is_reached=seconds <= _LONGEST_DECISION)
    yield Line(f"{work}: again", f"{again.requests:,} requests", goal="0", is_reached=again.requests == 0)


def mirror(members: int) -> Iterator[Line]:
    """Make a group what rows say of which one in a hundred is another than before."""
    # Four out of five of the sandbox's people are in this group.
    with Sandbox.start(subscribers=round(members / 0.8)) as box:
        people = _people(box)
        group_id = next(tag.id for each in people for tag in each.subscriber_tags if tag.title == _GROUP)
        inside = [each.email for each in people if _is_member(each)]
        outside = [each.email for each in people if not _is_member(each)]
        changed = round(_CHANGED * len(inside))
        wanted = inside[changed:] + outside[:changed]
        before = box.counters()["by_path"].get(_READING, 0)
        done = sync_group(service_of(box), [{"email": email} for email in wanted], GroupSync(group_id))
        reading = box.counters()["by_path"][_READING] - before
        is_right = {each.email for each in _people(box) if _is_member(each)} == set(wanted)
    if not is_right:
        raise WrongRowsError("The mirrored group does not have the members it should have.")
    calls = done.requests - reading
    yield Line(
        work=f"{len(inside):,} members mirrored, 1 % changed",
        ours=f"{reading:,} to read + {calls}",
        goal=f"pages + {_MIRRORING}",
        is_reached=calls <= _MIRRORING and reading <= math.ceil(len(inside) / _PAGE) + _LOOKS,
    )


def _is_member(subscriber: _Subscriber) -> bool:
    return any(tag.title == _GROUP for tag in subscriber.subscriber_tags)


def _people(box: Sandbox) -> Sequence[_Subscriber]:
    return [msgspec.json.decode(line, type=_Subscriber) for line in box.subscribers()]

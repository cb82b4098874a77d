"""People taken out of a group, and seen to have left it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from airflow_provider_sender.client.errors import InvalidRequestError
from airflow_provider_sender.client.subscribers import Membership
from airflow_provider_sender.jobs.addresses import State
from airflow_provider_sender.jobs.batches import in_batches, in_chunks
from airflow_provider_sender.jobs.group import FRESH_SECONDS, GroupRun
from airflow_provider_sender.jobs.progress import Progress

log = logging.getLogger(__name__)

# Between attempts to take somebody out who is still shown in the group.
_PAUSES = (1.0, 5.0, 15.0)


def take_out(run: GroupRun, *, are_members: bool) -> int:
    """Take those out of the group who are to leave, and return how many are still shown there all the same.

    :param are_members: whether all of them have been seen in the group.
    """
    asked_at = run.clock.running()
    _ask(run, are_members=are_members)
    _look(run, absent=State.REMOVED if are_members else State.MISSING, elsewhere=State.REMOVED)
    if not are_members and asked_at < FRESH_SECONDS:
        _look_for_newcomers(run)
    for pause in _PAUSES:
        left = run.people.count(State.LEAVE)
        if not left:
            break
        log.info("%d are still shown in the group, trying again in %.0f s", left, pause)
        run.clock.sleep(pause)
        _ask(run, are_members=True)
        _look(run, absent=State.REMOVED, elsewhere=State.REMOVED)
    return run.people.count(State.LEAVE)


def _look_for_newcomers(run: GroupRun) -> None:
    """Find those whom the calls did not know because they were created a moment ago."""
    if run.people.count(State.MISSING) <= run.service.largest_batch:
        run.people.move(State.MISSING, State.UNTOLD)
        _look_at_each(run, absent=State.MISSING, elsewhere=State.UNCHANGED)
        return
    run.outwait_freshness()
    run.people.move(State.MISSING, State.LEAVE)
    _ask(run, are_members=False)
    _look(run, absent=State.MISSING, elsewhere=State.REMOVED)


def _ask(run: GroupRun, *, are_members: bool) -> None:
    service, leaving = run.service, run.people.count(State.LEAVE)
    progress = Progress(log, "people taken out", service.transport.budget, total=leaving)
    for batch, answer in in_batches(
        run.people.each(State.LEAVE),
        service.largest_batch,
        lambda emails: service.remove_from_group(run.group_id, emails),
    ):
        if are_members:
            _note_members(run, batch, answer)
        else:
            run.note(batch, answer, State.REMOVED)
        progress.advance(len(batch))


def _note_members(run: GroupRun, batch: Sequence[str], answer: Membership | InvalidRequestError) -> None:
    """Note what an answer says of members: whoever is none any longer has left, whoever took them out."""
    if isinstance(answer, InvalidRequestError):
        run.people.settle(batch, State.UNTOLD)
        return
    run.people.settle((*answer.changed, *answer.unchanged), State.REMOVED)
    # Somebody deleted meanwhile is unknown, and so is somebody created a moment ago.
    run.people.settle((*answer.missing, *answer.invalid, *answer.untold), State.UNTOLD)


def _look(run: GroupRun, *, absent: State, elsewhere: State) -> None:
    """Find out about those of whom no answer says that they left."""
    run.look_at_untold(if_member=State.LEAVE, if_not=elsewhere)
    _look_at_each(run, absent=absent, elsewhere=elsewhere)


def _look_at_each(run: GroupRun, *, absent: State, elsewhere: State) -> None:
    """Find out about each of them by a look-up.

    :param absent: what those are whom the account does not know.
    :param elsewhere: what those are who are not in the group.
    """
    for addresses in in_chunks(run.people.each(State.UNTOLD), run.service.largest_lookup):
        found = run.service.find_subscribers(addresses)
        for address in addresses:
            person = found.get(address)
            if person is not None and run.group_id in person.groups:
                run.people.settle([address], State.LEAVE)
            else:
                run.people.settle([address], absent if person is None else elsewhere)

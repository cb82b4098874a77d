"""One poll for all tasks that wait in this process on one connection.

A thousand tasks that each looked for themselves would make a thousand requests per interval. Here they are members of
one poll, and every answer is for everybody who waits for it: a page of the listing tells a hundred of them where they
stand, whether or not their time has come. Whoever was told is due again an interval later, so the members of one page
are soon looked for together without anybody arranging it, and nobody goes without a look for longer than its own
interval and the time a request takes.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from airflow_provider_sender.client.campaigns import Campaign
from airflow_provider_sender.client.errors import AuthenticationError, PermissionDeniedError, SenderError
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.hooks.services import service_for_trigger
from airflow_provider_sender.jobs.waiting import LOOK_TWICE_AFTER, Wait
from airflow_provider_sender.triggers.looking import CampaignLooker
from airflow_provider_sender.triggers.members import SHORTEST_INTERVAL, Member

# Who is due within this part of an interval is looked for together with whoever is due now.
_NEARLY_DUE = 0.05

# Those whose wait is over all go on before anything else in the event loop does, so only so many are told at once; and
# to tell the others takes time, too.
_ENDED_AT_ONCE = 25
_TOLD_AT_ONCE = 200

# When so many things are forbidden and nothing was read in between, it is not about one of them but about the account.
_FORBIDDEN_TO_ALL = 3
# The listing counts for more than a campaign.
_LISTING = frozenset({"the listing", "its pages"})


class SharedPoll:
    """The poll of one connection in one event loop. It ends with its last member.

    :param conn_id: the connection.
    :param forget: is called when it takes no more members.
    """

    def __init__(self, conn_id: str, forget: Callable[[SharedPoll], None]) -> None:
        self._conn_id = conn_id
        self._forget = forget
        self._present = 0
        self._members: dict[str, list[Member]] = defaultdict(list)
        self._connecting = asyncio.Lock()
        self._service: Service | None = None
        self._looker: CampaignLooker | None = None
        self._ended_by: SenderError | None = None
        self._forbidden: set[str] = set()
        self._rounds: set[asyncio.Task[None]] = set()
        self._next_round: asyncio.TimerHandle | None = None

    async def sent(self, wait: Wait, began: float) -> Campaign:
        """Return the campaign when it is sent.

        :param began: when the wait began, epoch seconds.
        :raises SenderError: what ended the wait instead.
        """
        self._present += 1
        try:
            await self._connected()
            return await self._outcome(wait, began)
        finally:
            self._present -= 1
            if not self._present:
                self._close()

    @property
    def fingerprint(self) -> str | None:
        """Tells which account with which token is asked, once that is known."""
        return None if self._service is None else self._service.fingerprint

    async def _connected(self) -> Service:
        # In the task of whoever comes first: Airflow prepares the tasks it starts for its own calls, and no others.
        async with self._connecting:
            if self._ended_by is not None:
                raise self._ended_by
            if self._service is None:
                try:
                    self._service = await service_for_trigger(self._conn_id)
                except SenderError as error:
                    self._end(error)
                    raise
                self._looker = CampaignLooker(self._service, self._tell, self._tell_failed)
            return self._service

    async def _outcome(self, wait: Wait, began: float) -> Campaign:
        member = Member(wait, began, asyncio.get_running_loop().create_future())
        # All who come within a quarter of an interval are first looked for together.
        quarter = member.interval / 4
        left = max(0.0, wait.timeout - (time.time() - began))
        member.due = min((_now() // quarter + 1) * quarter, _now() + left)
        self._members[wait.campaign_id].append(member)
        if self._next_round is None or member.due < self._next_round.when():
            self._arrange()
        try:
            return await member.over
        finally:
            if not member.over.cancel() and not member.over.cancelled():
                member.over.exception()  # or asyncio complains that nobody looked at it
            self._leave(member)

    def _leave(self, member: Member) -> None:
        campaign_id = member.wait.campaign_id
        self._members[campaign_id].remove(member)
        if not self._members[campaign_id]:
            del self._members[campaign_id]
            if self._looker is not None:
                self._looker.forget(campaign_id)

    def _end(self, error: SenderError) -> None:
        """Ask nothing more, and take no more members: whoever comes later gets a poll with a connection read anew."""
        self._ended_by = error
        self._forget(self)
        if self._looker is not None:
            self._looker.close()

    def _close(self) -> None:
        self._forget(self)
        if self._next_round is not None:
            self._next_round.cancel()
        for each in self._rounds:
            each.cancel()
        if self._looker is not None:
            self._looker.close()

    # Rounds

    def _waiting(self) -> Iterator[Member]:
        return (each for members in self._members.values() for each in members if each.is_waiting)

    def _arrange(self) -> None:
        """Have the next round begin when somebody is due who is not asked for already."""
        if self._next_round is not None:
            self._next_round.cancel()
            self._next_round = None
        dues = [each.due for each in self._waiting() if not each.is_asked_for]
        if dues:
            # Not in the context of whoever happens to be here: what is logged would go into that task's log.
            self._next_round = asyncio.get_running_loop().call_at(min(dues), self._begin, context=contextvars.Context())

    def _begin(self) -> None:
        self._next_round = None
        now = _now()
        members = [
            each for each in self._waiting() if not each.is_asked_for and each.due <= now + _NEARLY_DUE * each.interval
        ]
        # Those that could be read last time go first: they tell whether the service is there.
        members.sort(key=lambda each: (each.wait.failures, each.due))
        for each in members:
            each.is_asked_for = True
        if members:
            task = asyncio.get_running_loop().create_task(self._look(members))
            self._rounds.add(task)
            task.add_done_callback(self._rounds.discard)
        self._arrange()

    async def _look(self, members: Sequence[Member]) -> None:
        assert self._looker is not None
        campaign_ids = list(dict.fromkeys(each.wait.campaign_id for each in members))
        try:
            await self._looker.look(campaign_ids, min(each.interval for each in members))
        except Exception as error:  # a mistake in here must not let anybody wait for ever
            await self._in_turn((each, error) for each in members)
        finally:
            for each in members:
                each.is_asked_for = False
                each.due = max(each.due, _now() + SHORTEST_INTERVAL)
            self._arrange()

    # Answers

    async def _tell(self, campaigns: Sequence[Campaign]) -> None:
        if campaigns:
            self._forbidden.clear()
        await self._in_turn((each, campaign) for campaign in campaigns for each in self._of(campaign.id))

    async def _tell_failed(self, campaign_ids: Collection[str], error: Exception) -> None:
        if isinstance(error, PermissionDeniedError):
            self._forbidden.update(campaign_ids or _LISTING)
        is_forbidden_to_all = len(self._forbidden) >= _FORBIDDEN_TO_ALL
        if isinstance(error, AuthenticationError) or (isinstance(error, PermissionDeniedError) and is_forbidden_to_all):
            # That is about the account, not about the campaigns that were asked for.
            self._end(error)
            for each in list(self._waiting()):
                each.end(error)
            return
        members = [each for campaign_id in campaign_ids for each in self._of(campaign_id)]
        await self._in_turn((each, error) for each in members if each.is_asked_for)

    def _of(self, campaign_id: str) -> Sequence[Member]:
        return self._members.get(campaign_id, ())

    async def _in_turn(self, answers: Iterable[tuple[Member, Campaign | Exception]]) -> None:
        """Tell members, without letting too many go on at the same moment."""
        told = ended = 0
        for member, answer in list(answers):
            if not member.is_waiting:
                continue
            member.take(answer)
            told, ended = told + 1, ended + (not member.is_waiting)
            if ended == _ENDED_AT_ONCE or told == _TOLD_AT_ONCE:
                told = ended = 0
                await asyncio.sleep(0)


_polls: dict[tuple[asyncio.AbstractEventLoop, str], SharedPoll] = {}


async def campaign_when_sent(conn_id: str, wait: Wait, began: float) -> Campaign:
    """Return a campaign when it is sent, looking for it together with everybody else who waits on the connection.

    When its token is refused the connection is read again, and the token that it holds then is tried: one that was
    replaced during a long wait ends no wait, and neither does one that is refused once.

    :param began: when the wait began, epoch seconds.
    :raises SenderError: what ended the wait instead.
    """
    refused: str | None = None
    while True:
        poll = _poll_of(conn_id)
        try:
            return await poll.sent(wait, began)
        except AuthenticationError:
            if poll.fingerprint is None or poll.fingerprint == refused:
                raise
            refused = poll.fingerprint
            await asyncio.sleep(min(wait.poll_interval, LOOK_TWICE_AFTER))


def _poll_of(conn_id: str) -> SharedPoll:
    loop = asyncio.get_running_loop()
    key = (loop, conn_id)
    if key not in _polls:
        for ended in [each for each in _polls if each[0].is_closed()]:
            del _polls[ended]
        _polls[key] = SharedPoll(conn_id, lambda poll: _forget(key, poll))
    return _polls[key]


def _forget(key: tuple[asyncio.AbstractEventLoop, str], poll: SharedPoll) -> None:
    if _polls.get(key) is poll:
        del _polls[key]


def _now() -> float:
    return asyncio.get_running_loop().time()

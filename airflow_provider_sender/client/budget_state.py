"""What is known of an account's request budget at one moment: plain data, so that processes can share it.

Times are seconds of a clock that all who share it read: the machine's own, which begins when the machine is started.
"""

from __future__ import annotations

import msgspec

# Requests under way for longer than that belong to a process that is frozen, or to nobody.
_LONGEST_UNDER_WAY = 300.0

# A pace of more requests than that is counted in steps of this share of its time, not request by request.
_COUNTED_ONE_BY_ONE = 60
_STEP = 1 / 120


class Sent(msgspec.Struct, array_like=True):
    """Requests made close together.

    :param first: when the first of them was made.
    :param last: when the last of them was made.
    """

    first: float
    last: float
    count: int


class UnderWay(msgspec.Struct, array_like=True):
    """Requests of one process that are not answered yet.

    :param since: when the last of them began.
    """

    count: int
    since: float


class BudgetState(msgspec.Struct):
    """The state of a budget.

    :param boot: tells one run of the machine from the next.
    :param updated: when it was changed last.
    :param limit: requests a window allows.
    :param remaining: requests left in the window.
    :param ends_at: when the window ends.
    :param ended_at: when the window before it ended.
    :param next_window: what is left of a window that began before this one is over for sure, and when it ends.
    :param closed_until: no request is let through before.
    :param under_way: process -> its requests that are not answered yet.
    :param sent: pace -> requests made within its time.
    :param answers: when requests of the last moments were answered, where the service looks back a moment.
    :param others: requests of others in that moment.
    :param others_until: until when they count.
    """

    boot: str = ""
    updated: float = 0.0
    limit: int | None = None
    remaining: int | None = None
    ends_at: float | None = None
    ended_at: float | None = None
    next_window: tuple[int, float] | None = None
    closed_until: float = 0.0
    under_way: dict[str, UnderWay] = {}
    sent: dict[str, list[Sent]] = {}
    answers: list[float] = []
    others: int = 0
    others_until: float = 0.0

    @property
    def all_under_way(self) -> int:
        """How many requests are not answered yet."""
        return sum(each.count for each in self.under_way.values())

    def begin(self, process: str, now: float) -> None:
        """Count a request of a process as under way."""
        there = self.under_way.get(process)
        self.under_way[process] = UnderWay(there.count + 1 if there else 1, now)

    def end(self, process: str) -> None:
        """Count a request of a process as answered, or ended without an answer."""
        there = self.under_way.get(process)
        if there is None or there.count <= 1:
            self.under_way.pop(process, None)
        else:
            there.count -= 1

    def may_have_been_counted(self, requests: int) -> None:
        """Take note of requests that ended without an answer."""
        if self.remaining:
            self.remaining = max(0, self.remaining - requests)
        if self.next_window is not None:
            left, ends_at = self.next_window
            self.next_window = (max(0, left - requests), ends_at)

    def old_under_way(self, now: float) -> list[str]:
        """Return the processes whose requests have been under way for too long."""
        return [process for process, each in self.under_way.items() if each.since < now - _LONGEST_UNDER_WAY]

    def count_sent(self, pace: str, requests: int, seconds: float, now: float) -> None:
        """Count a request towards a pace.

        :param requests: how many it allows in so many ``seconds``.
        """
        sent = self.sent.setdefault(pace, [])
        step = 0.0 if requests <= _COUNTED_ONE_BY_ONE else seconds * _STEP
        if sent and now - sent[-1].first < step:
            sent[-1].last, sent[-1].count = now, sent[-1].count + 1
        else:
            sent.append(Sent(now, now, 1))

    def delay_of(self, pace: str, requests: int, seconds: float, now: float) -> float:
        """Return for how long a pace lets no further request through."""
        sent = self.sent.get(pace, [])
        while sent and sent[0].last + seconds <= now:
            del sent[0]
        if sum(each.count for each in sent) < requests:
            return 0.0
        return sent[0].last + seconds - now

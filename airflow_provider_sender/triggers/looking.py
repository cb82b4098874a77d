"""Looking at many campaigns of one account with few requests, without holding up the event loop.

Requests are made in a few threads of their own. One that is slow or fails concerns only the campaigns it was made for;
whatever comes back is told at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from airflow_provider_sender.client.campaigns import Campaign
from airflow_provider_sender.client.errors import AuthenticationError, ServiceError
from airflow_provider_sender.client.service import Service
from airflow_provider_sender.jobs.campaign_pages import CampaignPages

log = logging.getLogger(__name__)

AnswerT = TypeVar("AnswerT")

_THREADS = 4

# For so many intervals, what did not work is not tried again.
_INTERVALS_WITHOUT = 10


@dataclass(eq=False)
class _Round:
    """One look at some campaigns.

    :param interval: seconds until the next one.
    :param suspects: pages that could not be read last time.
    :param pages: pages that were asked for, each once, and the campaigns on them.
    :param answers: how many requests brought something.
    :param failed: whether one brought nothing and may bring something later.
    """

    interval: float
    suspects: Collection[int]
    pages: dict[int, asyncio.Task[frozenset[str]]] = field(default_factory=dict)
    answers: int = 0
    failed: bool = False


class CampaignLooker:
    """Looks at campaigns of one account.

    :param service: the account.
    :param tell: is told campaigns as they are, those that were looked for and whatever else was seen.
    :param tell_failed: is told which campaigns could not be looked at, and why; none, where it was the listing.
    """

    def __init__(
        self,
        service: Service,
        tell: Callable[[Sequence[Campaign]], Awaitable[None]],
        tell_failed: Callable[[Collection[str], Exception], Awaitable[None]],
    ) -> None:
        self._service = service
        self._tell = tell
        self._tell_failed = tell_failed
        self._pages = CampaignPages()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="sender-poll")
        # The pool would take a thousand requests at once, too, but handing them over would hold up the event loop.
        self._free_threads = asyncio.Semaphore(_THREADS)
        self._page_reads: set[asyncio.Task[frozenset[str]]] = set()
        self._is_in_doubt = False
        self._failed_pages: set[int] = set()
        self._is_closed = False

    def close(self) -> None:
        """Make no more requests; those under way are not waited for."""
        self._is_closed = True
        for read in self._page_reads:
            read.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def forget(self, campaign_id: str) -> None:
        """Forget a campaign nobody waits for any more."""
        self._pages.forget(campaign_id)

    async def look(self, campaign_ids: Sequence[str], interval: float) -> None:
        """Look at campaigns once, and tell of each how it is or why that is not known.

        :param campaign_ids: those that most probably can be read first.
        :param interval: seconds until the next look.
        """
        this = _Round(interval, suspects=self._failed_pages)
        if self._is_in_doubt and not await self._is_service_back(campaign_ids):
            return
        self._failed_pages = set()
        await self._look(campaign_ids[1:] if self._is_in_doubt else campaign_ids, this, attempt=0)
        self._is_in_doubt = bool(self._failed_pages) or (this.failed and not this.answers)

    async def _is_service_back(self, campaign_ids: Sequence[str]) -> bool:
        """After a failure, find out with one request whether it is worth making many; the first campaign is told of."""
        try:
            campaign = await self._in_thread(self._service.campaign, campaign_ids[0])
        except Exception as error:
            if _is_passing(error):
                log.warning("The states of %d campaigns could not be read: %s", len(campaign_ids), error)
                await self._tell_failed(campaign_ids, error)
                return False
            await self._tell_failed(campaign_ids[:1], error)
        else:
            await self._tell([campaign])
        return True

    async def _look(self, campaign_ids: Collection[str], this: _Round, attempt: int) -> None:
        """Look at campaigns after ``attempt`` pages were read for them in vain."""
        on_page, alone = self._pages.plan(campaign_ids, attempt, this.pages, _now())
        if attempt:
            self._pages.read_alone(alone, _now() + _INTERVALS_WITHOUT * this.interval)
        # As many at a time as there are threads: a task for each of thousands would hold up the event loop.
        one_by_one = iter(alone)
        await asyncio.gather(
            *(self._look_on_page(page, members, this, attempt) for page, members in on_page.items()),
            *(self._look_at_each(one_by_one, this) for _ in range(min(_THREADS, len(alone)))),
        )

    async def _look_on_page(self, number: int, campaign_ids: Collection[str], this: _Round, attempt: int) -> None:
        there: Collection[str] = ()
        try:
            there = await self._page(number, this)
        except Exception as error:
            if isinstance(error, AuthenticationError) or (_is_passing(error) and number not in this.suspects):
                if _is_passing(error):
                    this.failed = True
                    self._failed_pages.add(number)
                log.warning("The states of %d campaigns could not be read: %s", len(campaign_ids), error)
                await self._tell_failed(campaign_ids, error)
                return
            if _is_passing(error):
                log.warning("Page %d of the campaigns cannot be read again, so they are read one by one", number)
                self._pages.avoid(number, _now() + _INTERVALS_WITHOUT * this.interval)
            elif self._pages.has_listing:
                # Or not for this token, or nobody understands it. The campaigns themselves may be readable.
                log.warning("There is no listing of campaigns, so they are read one by one: %s", error)
                await self._tell_failed((), error)
                self._pages.has_listing = False
        rest = [campaign_id for campaign_id in campaign_ids if campaign_id not in there]
        if rest:
            await self._look(rest, this, attempt + 1)

    async def _look_at_each(self, campaign_ids: Iterator[str], this: _Round) -> None:
        for campaign_id in campaign_ids:
            await self._look_at(campaign_id, this)

    async def _look_at(self, campaign_id: str, this: _Round) -> None:
        try:
            campaign = await self._in_thread(self._service.campaign, campaign_id)
        except Exception as error:
            if _is_passing(error):
                this.failed = True
            else:
                this.answers += 1
            log.warning("The state of campaign %s could not be read: %s", campaign_id, error)
            await self._tell_failed([campaign_id], error)
        else:
            this.answers += 1
            await self._tell([campaign])

    async def _page(self, number: int, this: _Round) -> frozenset[str]:
        """Return the campaigns on a page, which everybody was told of; in one round it is read once."""
        read = this.pages.get(number)
        if read is None:
            read = this.pages[number] = asyncio.create_task(self._read_page(number))
            self._page_reads.add(read)
            read.add_done_callback(self._page_reads.discard)
        there = await asyncio.shield(read)
        this.answers += 1
        return there

    async def _read_page(self, number: int) -> frozenset[str]:
        page = await self._in_thread(self._service.campaigns_page, number)
        self._pages.learn(page)
        await self._tell(page.campaigns)
        return frozenset(campaign.id for campaign in page.campaigns)

    async def _in_thread(self, read: Callable[[str], AnswerT] | Callable[[int], AnswerT], what: str | int) -> AnswerT:
        async with self._free_threads:
            if self._is_closed:
                raise asyncio.CancelledError
            return await asyncio.get_running_loop().run_in_executor(self._threads, read, what)  # type: ignore[arg-type]


def _is_passing(error: Exception) -> bool:
    return isinstance(error, ServiceError) and error.retryable


def _now() -> float:
    return asyncio.get_running_loop().time()

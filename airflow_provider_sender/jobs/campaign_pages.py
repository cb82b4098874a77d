"""Which requests tell most about the campaigns somebody waits for.

A page of the account's listing tells of a hundred campaigns for the price of one. So whoever waits for many reads
pages, and remembers which campaign was on which: the oldest come first, so there it stays, but for deletions. Whoever
waits for a few, or for campaigns that are far apart in the listing, reads each by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from airflow_provider_sender.client.campaigns import CampaignsPage

# Fewer campaigns than this on a page are read one by one: a page is a hundred times as long.
WORTH_A_PAGE = 3

# So many pages may be looked through for a few campaigns: then it is known for good where all of the account's are.
_FEW_PAGES = 10


class CampaignPages:
    """Where in the listing campaigns were seen last.

    ``has_listing`` is whether there is one at all; else every campaign is read by itself.
    """

    def __init__(self) -> None:
        self._page_of: dict[str, int] = {}
        self._pages_seen: set[int] = set()
        self._last_page: int | None = None
        self._read_alone_until: dict[str, float] = {}
        self._avoided_until: dict[int, float] = {}
        self.has_listing = True

    def learn(self, page: CampaignsPage) -> None:
        """Take note of a page."""
        self._last_page = max(page.last, 1)
        self._pages_seen.add(page.number)
        for campaign in page.campaigns:
            self._page_of[campaign.id] = page.number
            self._read_alone_until.pop(campaign.id, None)

    def read_alone(self, campaign_ids: Iterable[str], until: float) -> None:
        """Look for campaigns on no page for a while: they are not where they should be."""
        for campaign_id in campaign_ids:
            self._page_of.pop(campaign_id, None)
            self._read_alone_until[campaign_id] = until

    def avoid(self, page: int, until: float) -> None:
        """Do without a page for a while: it cannot be read, though campaigns can."""
        self._avoided_until[page] = until

    def forget(self, campaign_id: str) -> None:
        """Forget a campaign nobody waits for any more."""
        self._page_of.pop(campaign_id, None)
        self._read_alone_until.pop(campaign_id, None)

    def plan(
        self, campaign_ids: Collection[str], attempt: int, being_read: Collection[int], now: float
    ) -> tuple[Mapping[int, list[str]], list[str]]:
        """Return which pages to read for which campaigns, and which campaigns to read by themselves.

        :param campaign_ids: those of which nothing is known yet.
        :param attempt: how many pages were looked at for them in vain.
        :param being_read: pages that cost nothing more, because they are being read anyway.
        :param now: the time ``read_alone`` goes by.
        """
        never_seen = sum(campaign_id not in self._page_of for campaign_id in campaign_ids)
        next_page = self._to_search(never_seen, attempt)
        on_page: dict[int, list[str]] = defaultdict(list)
        alone = []
        for campaign_id in campaign_ids:
            page = self._likely(campaign_id, attempt) if campaign_id in self._page_of else next_page
            is_avoided = self._avoided_until.get(page or 0, now) > now
            if page is None or is_avoided or self._read_alone_until.get(campaign_id, now) > now:
                alone.append(campaign_id)
            else:
                on_page[page].append(campaign_id)
        for page, members in list(on_page.items()):
            if not self.has_listing or (page not in being_read and len(members) < WORTH_A_PAGE):
                alone += on_page.pop(page)
        return on_page, alone

    def _likely(self, campaign_id: str, attempt: int) -> int | None:
        """Return the page to look at next for a campaign that was seen; None when it is better read by itself.

        Deleted campaigns let the others move up, and new ones push them down where they come first after all.
        """
        seen_on = self._page_of[campaign_id]
        likely = [page for page in (seen_on, seen_on - 1, seen_on + 1) if 1 <= page <= (self._last_page or 1)]
        return likely[attempt] if attempt < len(likely) else None

    def _to_search(self, campaigns: int, attempt: int) -> int | None:
        """Return the page to look at next for campaigns that were never seen; None when that is not worth it.

        They are new, and so on the last page, or on one that was not read yet. To find that out may cost as much as
        reading each by itself would, once; or a few requests, where the account is small.
        """
        if attempt == 0:
            return self._last_page or 1
        unread = [page for page in range(self._last_page or 1, 0, -1) if page not in self._pages_seen]
        is_worth_it = len(unread) <= max(_FEW_PAGES, campaigns) or attempt <= campaigns // 4
        return unread[0] if unread and is_worth_it else None

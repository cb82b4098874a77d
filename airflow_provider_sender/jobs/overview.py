"""Which campaigns of an account were sent since somebody looked last.

A service says of each campaign whether it is sent, not what has happened lately. So an :class:`Overview` keeps the
newest campaigns of an account in sight, and :class:`SentSince` compares what there is with what there was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from airflow_provider_sender.client.campaigns import Campaign, CampaignsPage, CampaignState
from airflow_provider_sender.client.service import Service

# The overview is of so many pages, which are the newest thousand campaigns.
MOST_PAGES = 10

# Whether a draft far back in the listing was sent is looked up at every so many looks.
LOOKS_BETWEEN_DEEP_ONES = 10

_LATEST = datetime.max.replace(tzinfo=UTC)

_OVER = {CampaignState.SENT, CampaignState.CANCELLED, CampaignState.FAILED}


class Overview:
    """The newest campaigns of an account.

    The first look reads all of them. Later ones begin with the newest and end where everything has been seen that may
    be sent soon, which takes one request as a rule.

    :param service: the account.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._known: dict[str, Campaign] = {}
        self._missed: set[str] = set()
        self._newest_page = 1
        self._looks = 0

    def look(self) -> Mapping[str, Campaign]:
        """Return the newest campaigns as they are now, by id."""
        is_deep = self._looks % LOOKS_BETWEEN_DEEP_ONES == 0
        sought = {each.id for each in self._known.values() if _may_be_sent(each, is_deep=is_deep)}
        seen: dict[str, Campaign] = {}
        page = self._newest()
        step = 1 if _begins_with_newest(page) else -1
        pages = 1
        while True:
            is_familiar = any(each.id in self._known for each in page.campaigns)
            seen.update((each.id, each) for each in page.campaigns)
            following = page.number + step
            is_at_end = pages == MOST_PAGES or not 1 <= following <= page.last
            if is_at_end or (is_familiar and sought <= seen.keys()):
                break
            page = self._service.campaigns_page(following)
            pages += 1
        self._known = self._still_there(seen) | seen if is_at_end else self._known | seen
        self._looks += 1
        return self._known

    def _still_there(self, seen: Mapping[str, Campaign]) -> dict[str, Campaign]:
        """Return what was looked for everywhere and not found, the first time.

        It may have changed pages while they were read. The second time it is there no more.
        """
        missed = {each.id for each in self._known.values() if _may_be_sent(each, is_deep=True)} - seen.keys()
        once = missed - self._missed
        self._missed = missed
        return {each: self._known[each] for each in once}

    def _newest(self) -> CampaignsPage:
        """Return the page with the newest campaigns: the last one, or the first where that begins with the newest."""
        page = self._service.campaigns_page(self._newest_page)
        if page.number != 1 or not _begins_with_newest(page):
            # Where a page tells no more than that there may be another, it takes a request for each, the first time.
            while page.last != page.number:
                following = self._service.campaigns_page(page.last)
                if following.number > page.number and not following.campaigns:
                    break  # so this was the last one
                page = following
        self._newest_page = page.number
        return page


class SentSince:
    """Tells what was sent since the overview it was shown before.

    :param memory: what an earlier one remembered, to go on from; without it, all that is sent by now is no news.
    """

    def __init__(self, memory: Mapping[str, object] | None = None) -> None:
        self._open: set[str] | None = None
        self._newest: datetime | None = None
        self._at_newest: set[str] = set()
        self._highest: int | None = None
        self._familiar: set[str] = set()
        if memory is not None:
            self._open = _texts(memory.get("open"))
            self._at_newest = _texts(memory.get("at_newest"))
            self._familiar = self._open | self._at_newest
            newest = memory.get("newest")
            self._newest = datetime.fromisoformat(newest) if isinstance(newest, str) else None
            highest = memory.get("highest")
            self._highest = highest if isinstance(highest, int) else None

    def newly_sent(self, overview: Mapping[str, Campaign]) -> list[Campaign]:
        """Return what was sent since the last call, the earliest first, and remember what is there now."""
        news = []
        if self._open is not None:
            sent = (each for each in overview.values() if each.state is CampaignState.SENT)
            news = [each for each in sent if each.id in self._open or self._is_new(each)]
        self._open = {each.id for each in overview.values() if each.state is not CampaignState.SENT}
        self._note_newest(overview)
        self._familiar = overview.keys() | self._at_newest
        return sorted(news, key=lambda each: (each.sent_at or _LATEST, each.created or _LATEST, each.id))

    @property
    def memory(self) -> dict[str, object]:
        """Return all it takes to go on in another process, as plain JSON."""
        return {
            "open": sorted(self._open or ()),
            "newest": self._newest.isoformat() if self._newest else None,
            "at_newest": sorted(self._at_newest),
            "highest": self._highest,
        }

    def _note_newest(self, overview: Mapping[str, Campaign]) -> None:
        """Note when the newest campaign was made that was ever seen, and which were made in that second.

        Of those that do not say when they were made, note the highest number.
        """
        before = self._newest
        created = {each.id: each.created for each in overview.values() if each.created}
        self._newest = max((*created.values(), *([before] if before else [])), default=None)
        at_newest = {each for each, moment in created.items() if moment == self._newest}
        self._at_newest = at_newest | self._at_newest if self._newest == before else at_newest
        numbers = [self._highest, *map(_number, overview.values())]
        self._highest = max((number for number in numbers if number is not None), default=None)

    def _is_new(self, campaign: Campaign) -> bool:
        """Tell whether a campaign was made since the last overview, rather than having moved into this one."""
        if campaign.id in self._familiar:
            return False
        if campaign.created is not None:
            return self._newest is None or campaign.created >= self._newest
        number = _number(campaign)
        return number is not None and (self._highest is None or number > self._highest)


def _may_be_sent(campaign: Campaign, *, is_deep: bool) -> bool:
    return campaign.state not in _OVER and (is_deep or campaign.state is not CampaignState.DRAFT)


def _begins_with_newest(page: CampaignsPage) -> bool:
    created = [each.created for each in page.campaigns if each.created is not None]
    numbers = [number for each in page.campaigns if (number := _number(each)) is not None]
    return (bool(created) and created[0] > created[-1]) or (bool(numbers) and numbers[0] > numbers[-1])


def _number(campaign: Campaign) -> int | None:
    """Return the number of a campaign that does not say when it was made; services count upwards."""
    return int(campaign.id) if campaign.created is None and campaign.id.isdecimal() else None


def _texts(values: object) -> set[str]:
    return {str(value) for value in values} if isinstance(values, Iterable) and not isinstance(values, str) else set()

"""A picture of what became of a campaign: one HTML page that needs nothing else, for a browser, a phone or a printer.

It holds totals and nobody's address. What the service does not tell, the page says is not told: a nought there would be
read as good news or bad.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from string import Template

from airflow_provider_sender.client.campaigns import Campaign, CampaignState, CampaignTotals
from airflow_provider_sender.jobs.marks import unmarked

_NOT_TOLD = "not told"
_PERCENT = "\N{NO-BREAK SPACE}%"

_STATES = {
    CampaignState.SENDING: "The campaign is still being sent: these are the figures so far.",
    CampaignState.PARTLY_SENT: "The campaign reached only some of its recipients.",
}

# The longest bar is this wide; one per cent is then as wide as one unit.
_WHOLE = 100.0
_SLIVER = 0.8  # so narrow and no narrower is what is not nothing


@dataclass(frozen=True)
class Picture:
    """What the page shows.

    :param service: the service's name.
    :param url: the campaign's page with the service.
    """

    service: str
    campaign: Campaign
    totals: CampaignTotals
    url: str


@dataclass(frozen=True)
class _Step:
    """A step of the funnel.

    :param of: what its share is of, in words and as a number.
    """

    name: str
    count: int | None
    of: tuple[str, int | None]

    @property
    def share(self) -> str:
        """Its share of what it is a part of, in words; empty where that cannot be told."""
        name, whole = self.of
        return f"{percent(self.count, whole)} of {name}" if self.count is not None and whole else ""


def page_of(picture: Picture, now: datetime | None = None) -> str:
    """Return the page.

    :param now: when the figures are from, an aware datetime; by default now.
    """
    campaign, totals = picture.campaign, picture.totals
    template = files("airflow_provider_sender.jobs").joinpath("report_page.html").read_text(encoding="utf-8")
    return Template(template).substitute(
        title=escape(unmarked(campaign.title) or campaign.subject or campaign.id),
        service=escape(picture.service),
        subject=escape(campaign.subject or "(none)"),
        sent_at=_time(campaign.sent_at),
        recipients=_count(campaign.recipients if totals.recipients is None else totals.recipients),
        campaign_id=escape(campaign.id),
        url=escape(picture.url),
        notice=_notice(campaign),
        steps="\n".join(_steps_as_html(_steps(campaign, totals))),
        losses="\n".join(_losses(totals, _sent(campaign, totals))),
        now=_time((now or datetime.now(UTC)).astimezone(UTC)),
    )


def percent(part: int | None, whole: int | None) -> str:
    """Return a share in per cent, to a tenth; what is not nothing is never called 0."""
    if part is None or not whole:
        return ""
    share = 100 * part / whole
    if 0 < share < 0.1:
        return f"under 0.1{_PERCENT}"
    if 99.9 < share < 100:
        return f"over 99.9{_PERCENT}"
    return f"100{_PERCENT}" if part == whole else f"{share:.1f}{_PERCENT}"


def _sent(campaign: Campaign, totals: CampaignTotals) -> int | None:
    return campaign.sent if totals.sent is None else totals.sent


def _steps(campaign: Campaign, totals: CampaignTotals) -> list[_Step]:
    sent = _sent(campaign, totals)
    reached = ("sent", sent) if totals.delivered is None else ("delivered", totals.delivered)
    return [
        _Step("Sent", sent, ("recipients", campaign.recipients if totals.recipients is None else totals.recipients)),
        _Step("Delivered", totals.delivered, ("sent", sent)),
        _Step("Opened", totals.opened, reached),
        _Step("Clicked", totals.clicked, reached),
    ]


def _steps_as_html(steps: list[_Step]) -> list[str]:
    """Return the funnel's steps as list items."""
    items = []
    for place, (step, bar) in enumerate(zip(steps, _bars([step.count for step in steps]), strict=True), start=1):
        share = f'<span class="share">{step.share}</span>' if step.share else ""
        items.append(
            f'<li class="step{place}"><div class="label"><span class="name">{step.name}</span>'
            f'<span class="count">{_count(step.count)}</span>{share}</div><div class="bar">{bar}</div></li>'
        )
    return items


def _bars(counts: list[int | None]) -> list[str]:
    """Return the pieces of the funnel, each as wide as its count and narrowing to the next one's.

    They say nothing that the labels do not. One whose count is not told leads from the one above to the one below.
    """
    largest = max((count for count in counts if count), default=0)
    widths = [_width(count, largest) for count in counts]
    bars = []
    for place, width in enumerate(widths):
        above = next((each for each in reversed(widths[:place]) if each is not None), _WHOLE)
        top = above if width is None else width
        below = next((each for each in widths[place + 1 :] if each is not None), top)
        is_next_told = place + 1 < len(widths) and widths[place + 1] is not None
        foot = min(top, below) if width is None or is_next_told else top
        left, right = (_WHOLE - top) / 2, (_WHOLE + top) / 2
        low_left, low_right = (_WHOLE - foot) / 2, (_WHOLE + foot) / 2
        points = f"{left:.2f},0 {right:.2f},0 {low_right:.2f},40 {low_left:.2f},40"
        kind = ' class="untold"' if width is None else ""
        bars.append(
            '<svg viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
            f'<polygon{kind} points="{points}"/></svg>'
        )
    return bars


def _width(count: int | None, largest: int) -> float | None:
    if count is None:
        return None
    return max(_SLIVER, _WHOLE * count / largest) if count and largest else 0.0


def _losses(totals: CampaignTotals, sent: int | None) -> list[str]:
    """Return the rows of the table of losses."""
    delivered = sent if totals.delivered is None else totals.delivered
    rows = [("Hard bounces", totals.hard_bounced, sent, "sent"), ("Soft bounces", totals.soft_bounced, sent, "sent")]
    if totals.bounced is not None and (totals.hard_bounced is None or totals.soft_bounced is None):
        rows.insert(0, ("Bounces of either kind", totals.bounced, sent, "sent"))
    if totals.failed is not None:
        rows.append(("Not handed over", totals.failed, None, ""))
    reached = "sent" if totals.delivered is None else "delivered"
    rows.append(("Unsubscribes", totals.unsubscribed, delivered, reached))
    rows.append(("Complaints", totals.complained, delivered, reached))
    return [
        f'<tr><th scope="row">{name}</th><td>{_count(count)}</td><td>{_share_of(count, whole, of)}</td></tr>'
        for name, count, whole, of in rows
    ]


def _share_of(count: int | None, whole: int | None, of: str) -> str:
    share = percent(count, whole)
    return f"{share} of {of}" if share else '<span class="untold">&ndash;</span>'


def _notice(campaign: Campaign) -> str:
    if campaign.state is CampaignState.SENT:
        return ""
    said = _STATES.get(campaign.state, f"The campaign is {campaign.service_state or campaign.state.value}.")
    return f'<p class="notice" role="note">{escape(said)}</p>'


def _count(count: int | None) -> str:
    return f'<span class="untold">{_NOT_TOLD}</span>' if count is None else f"{count:,}"


def _time(moment: datetime | None) -> str:
    if moment is None:
        return f'<span class="untold">{_NOT_TOLD}</span>'
    return f'<time datetime="{moment.isoformat()}">{moment:%d %B %Y, %H:%M} UTC</time>'.replace(">0", ">", 1)

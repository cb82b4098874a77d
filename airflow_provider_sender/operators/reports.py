"""What became of a campaign: its totals, and who did what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_sender.links.campaigns import CAMPAIGN_URL, SenderCampaignLink
from airflow_provider_sender.operators.base import SenderOperator, no_retry_when_final
from airflow_provider_sender.operators.lineage import Traffic, place_in_account, place_of_path
from airflow_provider_sender.operators.parameters import given, one_of, storage_file, text, texts

if TYPE_CHECKING:
    from airflow.sdk import Context, ObjectStoragePath, XComArg
    from upath import UPath

    from airflow_provider_sender.jobs.report import Report


class SenderExportCampaignReportOperator(SenderOperator):
    """Reports what became of a sent campaign: totals, and one row for everything a recipient did.

    The file has the columns ``campaign_id``, ``event`` (``open``, ``click``, ``hard_bounce``, ``soft_bounce``,
    ``unsubscribe``, ``complaint``), ``subscriber_id``, ``email``, ``occurred_at`` (UTC) and ``url``. Whatever is
    listed from the first request to the last is in it exactly once, however many are added meanwhile. It appears when
    it is complete.

    Returns ``{"path", "rows", "events", "totals", "state", "html_path", "requests"}``. A total the service does not
    tell is None.

    .. seealso:: :ref:`howto/operator:SenderExportCampaignReportOperator`

    :param campaign_id: the campaign; it must have been sent, or be being sent. (templated)
    :param output_path: file for the events, on any storage Airflow has a connection to. By default there is none, and
        the totals are all that is read. (templated)
    :param events: kinds of events; by default all that the service lists. (templated)
    :param file_format: ``jsonl`` or ``csv``, either with ``.gz``, or ``parquet``; by default the path's ending decides.
        (templated)
    :param html_path: file for a picture of the totals, one HTML page that needs nothing else and names nobody.
        (templated)
    :param on_drift: what to do when events may be missing because some were taken away while they were read:
        ``repair`` reads again, ``warn`` says so in the log, ``fail`` fails. (templated)
    """

    template_fields: Sequence[str] = (
        *SenderOperator.template_fields,
        "campaign_id",
        "output_path",
        "events",
        "file_format",
        "html_path",
        "on_drift",
    )
    operator_extra_links = (SenderCampaignLink(),)

    def __init__(
        self,
        *,
        campaign_id: str | XComArg,
        output_path: str | ObjectStoragePath | XComArg | None = None,
        events: Sequence[str] | XComArg | None = None,
        file_format: str | None = None,
        html_path: str | ObjectStoragePath | XComArg | None = None,
        on_drift: str = "repair",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.campaign_id = campaign_id
        self.output_path = output_path
        self.events = events
        self.file_format = file_format
        self.html_path = html_path
        self.on_drift = on_drift

    def execute(self, context: Context) -> dict[str, Any]:
        """Write the report, and return the totals and where it is."""
        import msgspec

        from airflow_provider_sender.jobs.report import export_report

        with no_retry_when_final():
            self._check_rendered()
            report = self._report()
            path, html_path = self._paths()
            service = self.service()
            context["ti"].xcom_push(key=CAMPAIGN_URL, value=service.campaign_url(report.campaign_id))
            done = export_report(service, report, path, html_path)
        counts = {
            "path": None if path is None else str(self.output_path),
            "rows": done.rows,
            "events": done.events,
            "totals": msgspec.structs.asdict(done.totals),
            "state": done.campaign.state.value,
            "html_path": None if html_path is None else str(self.html_path),
            "requests": done.requests,
        }
        written = [place_of_path(each) for each in (path, html_path) if each is not None]
        read = place_in_account(service, f"campaigns/{report.campaign_id}")
        self.tell(context, service, Traffic([read], written, done.rows, len(written)), counts)
        return counts

    def _report(self) -> Report:
        from airflow_provider_sender.client.campaigns import EventKind
        from airflow_provider_sender.client.errors import ConfigurationError
        from airflow_provider_sender.client.paging import OnDrift
        from airflow_provider_sender.jobs.report import Report

        # An empty list is an answer, too: no events.
        named = None if self.events is None else texts(self.events, "events")
        if named and self.output_path is None:
            raise ConfigurationError("output_path: is not given, and without a file there is no place for events.")
        return Report(
            campaign_id=str(given(self.campaign_id, "campaign_id")),
            kinds=None if named is None else tuple(dict.fromkeys(one_of(EventKind, each, "events") for each in named)),
            file_format=text(self.file_format, "file_format"),
            on_drift=one_of(OnDrift, self.on_drift, "on_drift"),
        )

    def _paths(self) -> tuple[UPath | None, UPath | None]:
        """Return the file of events and the page, as far as they are asked for."""
        from airflow_provider_sender.client.errors import ConfigurationError

        path = None if self.output_path is None else storage_file(self.output_path, "output_path")
        html_path = None if self.html_path is None else storage_file(self.html_path, "html_path")
        if path is not None and path == html_path:
            raise ConfigurationError("html_path: is the same file as output_path. Give the page a file of its own.")
        return path, html_path

"""The jobs behind this package's operators, as the benchmarks run them."""

from __future__ import annotations

from pathlib import Path

from upath import UPath

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.sender.client import SenderClient
from airflow_provider_sender.client.sender.service import SenderService
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.jobs.export import Export, export_to_file
from airflow_provider_sender.sandbox.remote import Sandbox


def service_of(box: Sandbox, *, connections: int = 8) -> SenderService:
    """Return a sandbox's account as a job gets it, with the connection's default settings."""
    settings = Settings(box.sender_url, connections=connections).checked()
    return SenderService(SenderClient(box.token, settings, Budget()))


def export_to_jsonl(box: Sandbox, folder: Path) -> None:
    """The job behind SenderExportSubscribersOperator, to JSONL."""
    export_to_file(service_of(box), Export(), UPath(folder / "rows.jsonl"))


def export_to_parquet(box: Sandbox, folder: Path) -> None:
    """The same, to Parquet."""
    export_to_file(service_of(box), Export(), UPath(folder / "rows.parquet"))


def export_page_by_page(box: Sandbox, folder: Path) -> None:
    """The same to JSONL, with one request at a time."""
    export_to_file(service_of(box, connections=1), Export(), UPath(folder / "rows.jsonl"))

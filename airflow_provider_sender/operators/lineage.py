"""What a task read and wrote, for whoever asks: whoever waits for an asset, OpenLineage, Airflow's hook lineage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from airflow.sdk import Asset, BaseHook

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import BaseOperator, Context
    from upath import UPath

    from airflow_provider_sender.client.service import Service


class Place(NamedTuple):
    """Where data is, as OpenLineage names it."""

    namespace: str
    name: str


class Traffic(NamedTuple):
    """What a task read and wrote.

    :param rows: rows written.
    :param files: files written, if any.
    """

    read: Sequence[Place] = ()
    written: Sequence[Place] = ()
    rows: int | None = None
    files: int | None = None


def place_in_account(service: Service, name: str) -> Place:
    """Return where an account's data is: ``sender://api.sender.net`` and, say, ``subscribers``."""
    host = urlsplit(service.transport.settings.base_url).hostname or ""
    return Place(f"{service.name.lower()}://{f'[{host}]' if ':' in host else host}", name)


def place_of_path(path: UPath) -> Place:
    """Return where a file or directory is: ``s3://bucket`` and its key, or ``file`` and its path."""
    if path.protocol in ("", "file", "local"):
        return Place("file", path.path)
    bucket, _, key = path.path.lstrip("/").partition("/")
    return Place(f"{path.protocol}://{bucket}", key)


def place_of_table(sql_conn_id: str, table: str) -> Place:
    """Return where a table is: ``postgres://host:5432`` and ``database.schema.table``."""
    connection = BaseHook.get_connection(sql_conn_id)
    port = f":{connection.port}" if connection.port else ""
    name = ".".join(part for part in (connection.schema, table) if part)
    return Place(f"{connection.conn_type}://{connection.host or ''}{port}", name)


def tell(
    operator: BaseOperator, context: Context, service: Service, traffic: Traffic, counts: Mapping[str, Any]
) -> None:
    """Tell the task's outlets how it went, and Airflow's hook lineage what of the account was read and written.

    What goes to and comes from storage, Airflow sees by itself.
    """
    for outlet in operator.outlets:
        if isinstance(outlet, Asset):
            context["outlet_events"][outlet].extra.update(counts)
    # Not of airflow.sdk before Airflow 3.2.
    from airflow.providers.common.compat.lineage.hook import get_hook_lineage_collector

    collector = get_hook_lineage_collector()  # type: ignore[no-untyped-call]  # it comes without types
    scheme = place_in_account(service, "").namespace
    for place in traffic.read:
        if place.namespace == scheme:
            collector.add_input_asset(context=operator, uri=f"{place.namespace}/{place.name}")
    for place in traffic.written:
        if place.namespace == scheme:
            collector.add_output_asset(context=operator, uri=f"{place.namespace}/{place.name}")


def openlineage_of(traffic: Traffic) -> OperatorLineage[Any, Any]:
    """Return a task's traffic in OpenLineage's words."""
    from airflow.providers.common.compat.openlineage.facet import (
        Dataset,
        OutputDataset,
        OutputStatisticsOutputDatasetFacet,
    )
    from airflow.providers.openlineage.extractors import OperatorLineage

    statistics = OutputStatisticsOutputDatasetFacet(rowCount=traffic.rows, fileCount=traffic.files)
    return OperatorLineage(
        inputs=[Dataset(namespace=place.namespace, name=place.name) for place in traffic.read],
        outputs=[
            OutputDataset(place.namespace, place.name, outputFacets={"outputStatistics": statistics})
            for place in traffic.written
        ],
    )

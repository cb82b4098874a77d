"""What an account holds, as assets: what a task exports or changes, and what a DAG is scheduled on.

``sender://api.sender.net/subscribers``, ``.../groups/<id>`` and ``.../campaigns/<id>``. These are the names under which
operators report what they read and wrote (``operators/lineage.py``), so an asset in Airflow and a dataset in
OpenLineage are the same thing. Everybody who sees a DAG sees the URIs of its assets, so one with a user, a token or an
e-mail address in it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from airflow.sdk import Asset

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from airflow.providers.common.compat.openlineage.facet import Dataset
    from pydantic import JsonValue

# Scheme, which is the type of the account's connection -> host of the service's API.
HOSTS = {
    "sender": "api.sender.net",
    "sendpulse": "api.sendpulse.com",
    "sendara": "api.sendara.dev",
}


class AssetEvent(Protocol):
    """An event of an asset, as Airflow gives it to a task."""

    @property
    def extra(self) -> Any:
        """What came with the event."""


_HOST = re.compile(r"([\w.-]+|\[[\da-fA-F:.]+\])(:\d*)?")
_FORMS = "subscribers, groups/<id> or campaigns/<id>"
# An id is whatever a service gives out. It is neither an e-mail address nor a template, which nothing would render.
_PATH = re.compile(r"/(subscribers|(groups|campaigns)/(?!.*%40)[^/@\s{}]+)")


def subscribers_asset(*, service: str = "sender", host: str | None = None, name: str | None = None) -> Asset:
    """Return the asset of all subscribers of an account.

    :param service: the type of the account's connection.
    :param host: host of the API, as ``api.sender.net``; by default the service's own.
    :param name: the asset's name, which tells two accounts on one host apart. By default its URI.
    :raises ValueError: when there is no such asset.
    """
    return create_asset(path="subscribers", service=service, host=host, name=name)


def group_asset(group_id: str, *, service: str = "sender", host: str | None = None, name: str | None = None) -> Asset:
    """Return the asset of a group's members.

    :param group_id: the group. The other parameters are those of :func:`subscribers_asset`.
    :raises ValueError: when there is no such asset.
    """
    return create_asset(path=f"groups/{group_id}", service=service, host=host, name=name)


def campaign_asset(
    campaign_id: str, *, service: str = "sender", host: str | None = None, name: str | None = None
) -> Asset:
    """Return the asset of a campaign.

    :param campaign_id: the campaign. The other parameters are those of :func:`subscribers_asset`.
    :raises ValueError: when there is no such asset.
    """
    return create_asset(path=f"campaigns/{campaign_id}", service=service, host=host, name=name)


def create_asset(
    *,
    path: str,
    service: str = "sender",
    host: str | None = None,
    name: str | None = None,
    extra: dict[str, JsonValue] | None = None,
) -> Asset:
    """Return the asset of anything an account holds; Airflow's hook lineage makes assets with it.

    :param path: what of the account: ``subscribers``, ``groups/<id>`` or ``campaigns/<id>``.
    :param extra: anything to note about the asset. The other parameters are those of :func:`subscribers_asset`.
    :raises ValueError: when there is no such asset.
    """
    if service not in HOSTS:
        raise ValueError(f"service: must be one of {', '.join(HOSTS)}.")
    # Checked and put into its one form before Airflow makes it the asset's name, too.
    uri = sanitize_uri(urlsplit(f"{service}://{HOSTS[service] if host is None else host}/{path}")).geturl()
    return Asset(name=name or uri, uri=uri, extra=extra)


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """Return the one form of an asset's URI; Airflow calls this for every URI of these schemes.

    :raises ValueError: when an account holds nothing of that kind. The text says nothing of what the URI holds.
    """
    if uri.scheme not in HOSTS:
        raise ValueError(f"An account's asset begins with one of {', '.join(HOSTS)} and ://.")
    if "@" in uri.netloc or uri.query or uri.fragment:
        raise ValueError("An account's asset has a host and a path and nothing else: no user, token, ? or #.")
    if uri.hostname is None or not _HOST.fullmatch(uri.netloc):
        raise ValueError(f"An account's asset begins with the host of the API: {uri.scheme}://{HOSTS[uri.scheme]}/...")
    if not _PATH.fullmatch(uri.path):
        raise ValueError(f"An account's asset is one of {_FORMS}, with no e-mail address or template in it.")
    # Without a port, as operators name their datasets.
    return uri._replace(netloc=f"[{uri.hostname}]" if ":" in uri.hostname else uri.hostname)


def campaigns_sent(events: Iterable[AssetEvent]) -> list[dict[str, Any]]:
    """Return the campaigns that a run's asset events tell of, in their order, each once.

    :param events: ``triggering_asset_events[asset]``, of an asset that ``SenderCampaignEventTrigger`` watches.
    :return: their summaries; none where no event tells of any.
    """
    found: dict[str, dict[str, Any]] = {}
    for event in events:
        payload = (event.extra or {}).get("payload") or {}
        found.update((each["id"], each) for each in payload.get("campaigns") or ())
    return list(found.values())


def convert_asset_to_openlineage(asset: Asset, lineage_context: object) -> Dataset:
    """Return the dataset of an asset, as operators name it.

    :param lineage_context: what Airflow gives every such function.
    """
    from airflow.providers.common.compat.openlineage.facet import Dataset

    uri = urlsplit(asset.uri)
    return Dataset(namespace=f"{uri.scheme}://{uri.netloc}", name=uri.path.removeprefix("/"))

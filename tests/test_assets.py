"""Assets of an account, as Airflow itself makes them with what the provider info names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers_manager import ProvidersManager
from airflow.sdk import Asset

from airflow_provider_sender.assets import HOSTS, campaign_asset, group_asset, subscribers_asset
from airflow_provider_sender.get_provider_info import CONNECTION_TYPES
from airflow_provider_sender.operators.lineage import place_in_account
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.jobs.accounts import service_of


@pytest.mark.parametrize(
    ("asset", "uri"),
    [
        (lambda: subscribers_asset(), "sender://api.sender.net/subscribers"),
        (lambda: group_asset("b6gXkQ"), "sender://api.sender.net/groups/b6gXkQ"),
        (lambda: campaign_asset("12"), "sender://api.sender.net/campaigns/12"),
        (lambda: subscribers_asset(service="sendpulse"), "sendpulse://api.sendpulse.com/subscribers"),
        (lambda: group_asset("a-b", service="sendara"), "sendara://api.sendara.dev/groups/a-b"),
        (lambda: group_asset("1", host="LocalHost:8025"), "sender://localhost/groups/1"),
        (lambda: subscribers_asset(host="[::1]:8025"), "sender://[::1]/subscribers"),
    ],
)
def test_an_asset_has_one_uri_and_is_called_so(asset: Callable[[], Asset], uri: str) -> None:
    assert (asset().uri, asset().name) == (uri, uri)
    assert Asset(uri).uri == uri


def test_two_accounts_on_one_host_are_told_apart_by_name() -> None:
    assert subscribers_asset(name="shop") != subscribers_asset(name="blog")
    assert subscribers_asset(name="shop").uri == subscribers_asset().uri


@pytest.mark.parametrize("scheme", HOSTS)
@pytest.mark.parametrize(
    ("written", "path"),
    [("API.Example.Net:443/subscribers/", "subscribers"), ("api.example.net/groups/1#frag", "groups/1")],
)
def test_airflow_brings_every_way_of_writing_a_uri_into_one_form(scheme: str, written: str, path: str) -> None:
    assert Asset("name", f"{scheme.upper()}://{written}").uri == f"{scheme}://api.example.net/{path}"


@pytest.mark.parametrize("scheme", HOSTS)
@pytest.mark.parametrize(
    "rest",
    [
        "host/subscribers?token=s3cret",
        "host/groups/ann@example.com",
        "host/groups/ann%40example.com",
        "host/groups/{{ params.group }}",
        "host/groups/1/2",
        "host/groups",
        "host/groups/",
        "host/people",
        "host/",
        "host",
        "/subscribers",
        "no host/subscribers",
        "host:no-port/subscribers",
    ],
)
def test_a_uri_of_nothing_an_account_holds_is_refused_without_being_repeated(scheme: str, rest: str) -> None:
    with pytest.raises(ValueError, match="An account's asset") as refused:
        Asset("name", f"{scheme}://{rest}")
    assert not {"s3cret", "ann", "params"} & set(str(refused.value).replace("@", " ").split())


def test_a_token_gets_into_no_asset() -> None:
    for host in ("s3cret@host", "user:s3cret@host"):
        with pytest.raises(ValueError, match="no user, token"):
            subscribers_asset(host=host)


def test_a_service_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="service: must be one of sender, sendpulse, sendara"):
        subscribers_asset(service="mailchimp")


def test_every_connection_type_has_its_assets() -> None:
    assert {each["connection-type"] for each in CONNECTION_TYPES} <= set(HOSTS)


@pytest.fixture
def airflow() -> Any:
    """What Airflow has found in the provider info."""
    return ProvidersManager()  # type: ignore[no-untyped-call]  # Airflow left it untyped


def test_openlineage_knows_an_asset_by_the_name_operators_report(airflow: Any, sender_sandbox: Sandbox) -> None:
    place = place_in_account(service_of(sender_sandbox), "groups/1")
    asset = group_asset("1", host=sender_sandbox.url.split("/")[2])
    dataset = airflow.asset_to_openlineage_converters["sender"](asset, None)
    assert (dataset.namespace, dataset.name) == tuple(place)
    assert asset.uri == "/".join(place)


@pytest.mark.parametrize(("scheme", "host"), HOSTS.items())
def test_airflow_s_hook_lineage_makes_the_same_assets(airflow: Any, scheme: str, host: str) -> None:
    made = airflow.asset_factories[scheme](path="subscribers", service=scheme, extra={"a": 1})
    assert made == Asset(f"{scheme}://{host}/subscribers", extra={"a": 1})


def test_the_example_that_is_scheduled_by_an_asset_follows_the_one_that_brings_it_about() -> None:
    from example_dags import vip_group, warehouse_to_account

    assert warehouse_to_account.push_customers.outlets == [subscribers_asset()]
    assert vip_group.dag.schedule == [subscribers_asset()]

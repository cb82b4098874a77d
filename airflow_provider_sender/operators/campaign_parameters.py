"""What the campaign operators are given, checked: a campaign's definition, and its key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_sender.operators.base import run_of, task_of
from airflow_provider_sender.operators.parameters import given

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_sender.client.campaigns import CampaignDefinition


def definition_of(campaign: Any) -> CampaignDefinition:
    """Return a campaign's definition.

    :raises ConfigurationError: when something is missing, unknown or of the wrong type.
    """
    import msgspec

    from airflow_provider_sender.client.campaigns import CampaignDefinition
    from airflow_provider_sender.client.errors import ConfigurationError

    if not isinstance(campaign, Mapping):
        raise ConfigurationError(f"campaign: must be a dictionary; got a {type(campaign).__name__}.")
    try:
        definition = msgspec.convert(dict(campaign), CampaignDefinition)
    except msgspec.ValidationError as error:
        known = ", ".join(CampaignDefinition.__struct_fields__)
        raise ConfigurationError(f"campaign: {error}. It may hold: {known}.") from error
    for name in ("subject", "from_name", "from_email"):
        given(getattr(definition, name), f"campaign[{name!r}]")
    for name in ("group_ids", "segment_ids"):
        for each in getattr(definition, name):
            given(each, f"campaign[{name!r}], one of them")
    if (definition.html is None) == (definition.text is None):
        raise ConfigurationError("campaign: give its content as either html or text.")
    given(definition.text if definition.html is None else definition.html, "campaign, its html or text")
    if bool(definition.group_ids or definition.segment_ids) == definition.to_everyone:
        # A list of groups that came out empty upstream must not turn a letter to a few into one to a million.
        raise ConfigurationError(
            "campaign: name the recipients by group_ids or segment_ids, or set to_everyone=True for the whole account."
        )
    return definition


def differences_of(campaign: Any) -> dict[str, Any]:
    """Return what a copy is to have otherwise than its original; nothing, if nothing is given.

    :raises ConfigurationError: when it is no dictionary.
    """
    from airflow_provider_sender.client.errors import ConfigurationError

    if not isinstance(campaign, Mapping | None):
        raise ConfigurationError(f"campaign: must be a dictionary; got a {type(campaign).__name__}.")
    return dict(campaign or {})


def copy_from(original: CampaignDefinition, different: dict[str, Any]) -> CampaignDefinition:
    """Return what to make a copy from: other content or other recipients take the place of all of the original's."""
    import msgspec

    from airflow_provider_sender.jobs.marks import unmarked

    kept = {**msgspec.structs.asdict(original), "title": unmarked(original.title or "") or None}
    for group in (("html", "text"), ("group_ids", "segment_ids", "to_everyone")):
        if any(name in different for name in group):
            kept = {name: value for name, value in kept.items() if name not in group}
    return definition_of(kept | different)


def send_key_of(send_key: Any, prefix: Any, context: Context) -> tuple[str, str | None]:
    """Return the key of the business intent, and of the series it belongs to."""
    from airflow_provider_sender.client.errors import ConfigurationError

    if send_key is None:
        key, series = run_of(context), task_of(context)
    else:
        key, series = str(given(send_key, "send_key")), None
    if prefix is None:
        return key, series
    if send_key is not None and not key.startswith(str(given(prefix, "send_key_prefix"))):
        raise ConfigurationError("send_key_prefix: send_key does not begin with it.")
    return key, str(given(prefix, "send_key_prefix"))

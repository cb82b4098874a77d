"""A link from a task to the campaign it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

CAMPAIGN_URL = "campaign_url"


class SenderCampaignLink(BaseOperatorLink):
    """Opens the campaign in the service's own interface.

    The address comes from an XCom the task pushes as soon as it knows the campaign: attributes of the operator are gone
    when a deferred task is resumed.
    """

    name = "Open campaign"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the address, or nothing while the campaign is not known."""
        from airflow.sdk.execution_time.xcom import XCom

        return XCom.get_value(key=CAMPAIGN_URL, ti_key=ti_key) or ""

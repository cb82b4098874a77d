from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_sender.operators.subscribers import SenderExportSubscribersOperator


class WithMore(SenderExportSubscribersOperator):
    """What a user's own operator looks like: its attributes are set after those it inherits."""

    template_fields: Sequence[str] = (*SenderExportSubscribersOperator.template_fields, "more")

    def __init__(self, *, more: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.more = more


def test_an_operator_can_be_derived_from_with_template_fields_of_its_own() -> None:
    assert WithMore(task_id="export", output_path="all.jsonl", more="{{ ds }}").more == "{{ ds }}"

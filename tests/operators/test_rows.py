from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from airflow.sdk import DAG, task

from airflow_provider_sender.operators.subscribers import SenderUpsertSubscribersOperator


def test_a_row_that_holds_another_tasks_result_makes_the_upsert_wait_for_that_task() -> None:
    with DAG("rows", schedule=None, start_date=datetime(2026, 1, 1)):

        @task
        def address() -> str:
            return "ann@example.com"

        in_a_row = SenderUpsertSubscribersOperator(task_id="in_a_row", subscribers=[{"email": address()}])
        as_rows = SenderUpsertSubscribersOperator(task_id="as_rows", subscribers=address())
    assert in_a_row.upstream_task_ids == {"address"}
    assert as_rows.upstream_task_ids == {"address__1"}


@pytest.mark.parametrize(
    ("rows", "shown"),
    [
        ([{"email": "ann@example.com"}], "<1 rows>"),
        ("[{'email': 'ann@example.com'}]", "<a text of 30 characters>"),
        ("{{ ti.xcom_pull('rows') }}", "<a text of 26 characters>"),
        (None, "None"),
    ],
)
def test_no_form_of_rows_shows_what_is_in_them(rows: object, shown: str) -> None:
    upsert = SenderUpsertSubscribersOperator(task_id="upsert", input_path="rows.csv")
    upsert.subscribers = rows
    assert str(upsert.subscribers) == shown


def test_rendering_rows_leaves_the_dags_own_task_as_it_was() -> None:
    of = SenderUpsertSubscribersOperator(task_id="upsert", subscribers=[{"email": "{{ whom }}"}])
    found = []
    for whom in ("ann@example.com", "bob@example.com"):
        context: Any = {"whom": whom}
        task = of.prepare_for_execution()
        task.render_template_fields(context)
        found.append([row["email"] for row in task.subscribers])
    assert found == [["ann@example.com"], ["bob@example.com"]]

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, task

from airflow_provider_sender.operators.messages import SenderSendMessageOperator
from airflow_provider_sender.operators.undisclosed import revealed


def operator(**given: Any) -> SenderSendMessageOperator:
    return SenderSendMessageOperator(task_id="mail", **{"to": "ann@example.com", **given})


def render(of: SenderSendMessageOperator, **context: Any) -> SenderSendMessageOperator:
    """Render as Airflow does: a copy of the task, with whatever the DAG has."""
    copied = of.prepare_for_execution()
    copied.render_template_fields(context)  # type: ignore[arg-type]
    return copied


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("ann@example.com", "<a text of 15 characters>"),
        ("{{ params.to }}", "<a text of 15 characters>"),
        ({"email": "ann@example.com"}, "<1 values>"),
        (["ann@example.com"], "<1 values>"),
        (7, "<a int>"),
        (None, "None"),
    ],
)
def test_what_is_given_is_not_shown(value: object, shown: str) -> None:
    assert str(operator(to=value).to) == shown
    assert revealed(operator(to=value).to) == value


def test_templates_are_rendered_and_the_result_is_not_shown() -> None:
    rendered = render(
        operator(
            to="{{ whom }}", variables={"name": ["{{ name }}"]}, html="{% raw %}{{ name }}{% endraw %}, {{ name }}"
        ),
        whom="ann@example.com",
        name="Ann",
    )

    assert revealed(rendered.to) == "ann@example.com"
    assert revealed(rendered.variables) == {"name": ["Ann"]}
    # The service's own placeholders look like Airflow's.
    assert revealed(rendered.html) == "{{ name }}, Ann"
    assert "Ann" not in f"{rendered.to} {rendered.variables} {rendered.html}"


def test_rendering_leaves_the_dags_own_task_as_it_was() -> None:
    of = operator(to="{{ whom }}")

    assert [revealed(render(of, whom=whom).to) for whom in ("ann@example.com", "bob@example.com")] == [
        "ann@example.com",
        "bob@example.com",
    ]


def test_a_template_that_renders_to_nothing_is_nothing() -> None:
    assert revealed(render(operator(text="{{ nothing }}"), nothing="").text) == ""


def test_another_tasks_result_makes_the_mail_wait_for_that_task() -> None:
    with DAG("mails", schedule=None, start_date=datetime(2026, 1, 1)):

        @task
        def address() -> str:
            return "ann@example.com"

        as_it_is = operator(to=address())
        in_a_dictionary = SenderSendMessageOperator(task_id="other", to={"email": address()}, variables={"a": "b"})
    assert as_it_is.upstream_task_ids == {"address"}
    assert in_a_dictionary.upstream_task_ids == {"address__1"}


def test_a_content_may_be_a_file_beside_the_dag(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("<p>Dear {{ name }}</p>")
    with DAG("files", schedule=None, start_date=datetime(2026, 1, 1), template_searchpath=[str(tmp_path)]):
        of = operator(html="{% include 'report.html' %}")

    assert revealed(render(of, name="Ann").html) == "<p>Dear Ann</p>"

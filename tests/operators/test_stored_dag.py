"""Nothing of people stands in what Airflow stores of a DAG, and the DAG works from there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from airflow.sdk import task

from airflow_provider_sender.operators.campaigns import SenderCreateCampaignOperator, SenderSendCampaignOperator
from airflow_provider_sender.operators.messages import SenderSendMessageOperator
from airflow_provider_sender.operators.subscribers import (
    SenderDeleteSubscribersOperator,
    SenderSyncGroupOperator,
    SenderUpsertSubscribersOperator,
)
from airflow_provider_sender.operators.undisclosed import parameter_of, revealed
from airflow_provider_sender.operators.workflows import SenderCreateEventOperator, SenderStartWorkflowOperator
from airflow_provider_sender.transfers.sql_to_sender import SqlToSenderOperator
from tests.operators.mapped import dag, made_in_a_worker, scheduled, stored

ANN = "ann@example.com"

OPERATORS: list[tuple[Any, dict[str, Any]]] = [
    (SenderSendMessageOperator, {"to": "x"}),
    (SenderUpsertSubscribersOperator, {}),
    (SenderSyncGroupOperator, {"group_id": "x"}),
    (SenderDeleteSubscribersOperator, {}),
    (SqlToSenderOperator, {"sql": "x", "sql_conn_id": "x"}),
    (SenderStartWorkflowOperator, {"workflow_id": "x", "subscriber_email": "x"}),
    (SenderCreateEventOperator, {"event": "x", "subscriber_email": "x"}),
    (SenderCreateCampaignOperator, {}),
    (SenderSendCampaignOperator, {}),
]


def undisclosed_of(of: Any) -> Iterator[str]:
    yield from (name for name in of.template_fields if parameter_of(of, name))


FIELDS = [(of, field, others) for of, others in OPERATORS for field in undisclosed_of(of)]
VALUES: list[Any] = [ANN, {"html": ANN}, [{"email": ANN}], (ANN,)]


@pytest.mark.parametrize(("of", "field", "others"), FIELDS)
def test_no_form_of_a_task_shows_people(of: Any, field: str, others: dict[str, Any]) -> None:
    shared = {name: value for name, value in others.items() if name != field}
    values: list[Any] = [{"html": ANN}] if field == "campaign" else VALUES
    with dag() as made:

        @task
        def whom() -> str:
            return "somebody"

        theirs = whom()
        for number, value in enumerate(values):
            by = of.partial(task_id=f"shared{number}", **shared, **{field: value})
            by.expand(run_as_user=["anybody"])
            of(task_id=f"plain{number}", **shared, **{field: value})
        if field != "campaign":
            of(task_id="half", **shared, **{field: [ANN, theirs]})
            of.partial(task_id="half_shared", **shared, **{field: {"a": ANN, "b": theirs}}).expand(run_as_user=["a"])
        of.partial(task_id="expanded", **shared).expand(**{field: values})
        of.partial(task_id="a_tuple", **shared).expand(**{field: tuple(values)})
        of.partial(task_id="kwargs", **shared).expand_kwargs([{field: value} for value in values])
        of.partial(task_id="both", **shared).expand_kwargs([{field: values[0]}, theirs])
        of.partial(task_id="of_a_task", **shared).expand(**{field: theirs})

    assert "ann" not in stored(made).lower()
    tasks = scheduled(made).task_dict
    assert tasks["expanded"].expand_input.get_parse_time_mapped_ti_count() == len(values)
    assert tasks["a_tuple"].expand_input.get_parse_time_mapped_ti_count() == len(values)
    assert tasks["kwargs"].expand_input.get_parse_time_mapped_ti_count() == len(values)
    assert tasks["both"].expand_input.get_parse_time_mapped_ti_count() == 2
    assert tasks["of_a_task"].upstream_task_ids == {"whom"}
    if field != "campaign":
        assert tasks["half"].upstream_task_ids
        assert tasks["half_shared"].upstream_task_ids
    # A worker has the DAG file, and there everything is as it was written.
    found = [revealed(getattr(made_in_a_worker(made.get_task("expanded"), n), field)) for n in range(len(values))]
    assert found == values


def test_a_dictionary_is_mapped_over_by_its_pairs() -> None:
    with dag() as made:
        SenderSendMessageOperator.partial(task_id="job").expand(to={ANN: "Ann"})

    assert "ann" not in stored(made).lower()
    assert revealed(made_in_a_worker(made.get_task("job")).to) == (ANN, "Ann")


@pytest.mark.parametrize("of", [SenderCreateCampaignOperator, SenderSendCampaignOperator])
def test_of_a_campaign_all_is_shown_but_its_content(of: Any) -> None:
    campaign = {"subject": "What is new", "html": "<p>long</p>", "text": "long", "group_ids": ["g1"], "extra": {"a": 1}}
    with dag() as made:
        plain = of(task_id="plain", campaign=campaign)
        of.partial(task_id="mapped").expand(campaign=[campaign])

    assert "long" not in stored(made)
    assert stored(made).count("What is new") == 2
    assert scheduled(made).get_task("plain").campaign == {
        "subject": "What is new",
        "html": "<a text of 11 characters>",
        "text": "<a text of 4 characters>",
        "group_ids": ["g1"],
        "extra": {"a": 1},
    }
    # It still is a dictionary to templates and to the user's own operators.
    assert plain.campaign["html"] == "<p>long</p>"
    assert dict(plain.campaign) == campaign


def test_what_a_mapped_task_is_called_shows_nobody() -> None:
    with dag() as made:
        SenderSendMessageOperator.partial(task_id="job", map_index_template="{{ task.to }}").expand(to=[ANN])

    task = made_in_a_worker(made.get_task("job"))
    env = task.get_template_env()
    assert task.render_template("{{ task.to }} {{ task.to | string }}", {"task": task}, env) == (
        "<a text of 15 characters> <a text of 15 characters>"
    )


def test_an_error_in_a_template_shows_nobody(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with dag():
        made = SenderSendMessageOperator(task_id="job", to="x", variables={"name": "Ann Lee", "x": "{{ 1 / 0 }}"})

    with pytest.raises(ZeroDivisionError):
        made.prepare_for_execution().render_template_fields({})
    said = "".join(capsys.readouterr()) + caplog.text
    assert "variables" in said
    assert "Ann" not in said

"""What another task returned is never a template, however it comes; what the DAG file says is one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import XComArg, task, task_group

from airflow_provider_sender._compat import AirflowFailException
from airflow_provider_sender.operators.campaigns import SenderCreateCampaignOperator, SenderSendCampaignOperator
from airflow_provider_sender.operators.messages import SenderSendMessageOperator
from airflow_provider_sender.operators.subscribers import (
    SenderDeleteSubscribersOperator,
    SenderExportSubscribersOperator,
    SenderUpsertSubscribersOperator,
)
from airflow_provider_sender.operators.templated import TemplatedOperator
from airflow_provider_sender.operators.undisclosed import revealed
from airflow_provider_sender.transfers.sql_to_sender import SqlToSenderOperator
from tests.operators.mapped import dag, made_in_a_worker, returned

SECRET = "the-secret"
TEMPLATE = "{{ secret }}"
# As deep as it may be.
VALUE: Any = {"email": "ann@example.com", "name": TEMPLATE, "more": [{"deep": (TEMPLATE,)}]}

FIELDS: list[tuple[Any, str, dict[str, Any]]] = [
    *((SenderSendMessageOperator, each, {"to": "a"}) for each in ("variables", "attachments", "headers", "reply_to")),
    (SenderSendMessageOperator, "to", {}),
    (SenderUpsertSubscribersOperator, "subscribers", {}),
    (SenderUpsertSubscribersOperator, "columns", {}),
    (SenderDeleteSubscribersOperator, "emails", {}),
    (SqlToSenderOperator, "parameters", {"sql": "x", "sql_conn_id": "x"}),
    (SenderCreateCampaignOperator, "campaign", {}),
    (SenderSendCampaignOperator, "campaign", {}),
]
ROWS = {"subscribers", "emails"}

Way = Callable[[Any, dict[str, Any], str, Any, pytest.MonkeyPatch], Any]


def value_of(field: str) -> Any:
    return [VALUE, VALUE] if field in ROWS else VALUE


def of_output(of: Any, others: dict[str, Any], field: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    return of(task_id="job", **others, **{field: returned(value, monkeypatch)})


def of_expand(of: Any, others: dict[str, Any], field: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    return of.partial(task_id="job", **others).expand(**{field: returned([value], monkeypatch)})


def of_zip(of: Any, others: dict[str, Any], field: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    pairs = returned([value], monkeypatch).zip(returned([value], monkeypatch))
    return of.partial(task_id="job", **others).expand(**{field: pairs.map(lambda pair: pair[0])})


def of_concat(of: Any, others: dict[str, Any], field: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    both = returned([value], monkeypatch).concat(returned([value], monkeypatch))
    return of.partial(task_id="job", **others).expand(**{field: both})


def of_expand_kwargs(of: Any, others: dict[str, Any], field: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    return of.partial(task_id="job", **others).expand_kwargs(returned([{field: value}], monkeypatch))


def of_mapped_kwargs(of: Any, others: dict[str, Any], field: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    made = returned([value], monkeypatch).map(lambda each: {field: each})
    return of.partial(task_id="job", **others).expand_kwargs(made)


def of_a_dictionary(of: Any, others: dict[str, Any], field: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    return of.partial(task_id="job", **others).expand_kwargs([returned({field: value}, monkeypatch)])


def in_a_dictionary(of: Any, others: dict[str, Any], field: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    return of.partial(task_id="job", **others).expand_kwargs([{field: returned(value, monkeypatch)}])


def of_partial(of: Any, others: dict[str, Any], field: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    shared = of.partial(task_id="job", **others, **{field: returned(value, monkeypatch)})
    return shared.expand(run_as_user=["anybody"])


WAYS: list[Way] = [
    of_output,
    of_expand,
    of_zip,
    of_concat,
    of_expand_kwargs,
    of_mapped_kwargs,
    of_a_dictionary,
    in_a_dictionary,
    of_partial,
]


def rendered(made: Any, **context: Any) -> Any:
    """Return a task as it is when its ``execute`` is called, mapped or not."""
    if hasattr(made, "expand_input"):
        return made_in_a_worker(made, secret=SECRET, **context)
    task = made.prepare_for_execution()
    task.render_template_fields({"secret": SECRET, **context})
    return task


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("of", "field", "others"), FIELDS)
def test_what_another_task_returned_is_not_rendered(
    way: Way, of: Any, field: str, others: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with dag():
        made = way(of, others, field, value_of(field), monkeypatch)

    value = revealed(getattr(rendered(made), field))
    assert value == value_of(field)
    assert SECRET not in str(value)


@pytest.mark.parametrize(("of", "field", "others"), FIELDS)
def test_what_the_dag_file_says_is_rendered(of: Any, field: str, others: dict[str, Any]) -> None:
    value = value_of(field)
    with dag():
        ways = [
            of(task_id="a", **others, **{field: value}),
            of.partial(task_id="b", **others).expand(**{field: [value]}),
            of.partial(task_id="c", **others).expand_kwargs([{field: value}]),
            of.partial(task_id="d", **others, **{field: value}).expand(run_as_user=["anybody"]),
        ]

    for made in ways:
        found = revealed(getattr(rendered(made), field))
        for each in found if field in ROWS else [found]:
            assert each == {"email": "ann@example.com", "name": SECRET, "more": [{"deep": (SECRET,)}]}


def test_what_another_task_returned_is_not_rendered_within_what_the_dag_file_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with dag():
        name = returned(TEMPLATE, monkeypatch)
        made = SenderSendMessageOperator(task_id="a", to={"email": "ann@example.com", "name": name}, subject=TEMPLATE)

    assert made.upstream_task_ids == {"source"}
    task = rendered(made)
    assert revealed(task.to) == {"email": "ann@example.com", "name": TEMPLATE}
    assert revealed(task.subject) == SECRET


def test_a_task_of_a_mapped_group_gets_data_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with dag() as made:
        name = returned([TEMPLATE], monkeypatch)

        @task_group
        def mail(name: str) -> None:
            SenderSendMessageOperator(task_id="job", to="ann@example.com", variables={"name": name})

        mail.expand(name=name)

    job = made.get_task("mail.job")
    task = rendered(job, ti=SimpleNamespace(map_index=0, _upstream_map_indexes={}))
    assert revealed(task.variables) == {"name": TEMPLATE}


def test_a_function_of_the_context_gives_values_as_they_are() -> None:
    def rows(context: Any, jinja_env: Any) -> Any:
        return [{"email": "ann@example.com", "voucher": context["voucher"]}]

    with dag():
        plain = SenderUpsertSubscribersOperator(task_id="plain", subscribers=rows)
        mapped = SenderUpsertSubscribersOperator.partial(task_id="mapped", subscribers=rows).expand(consent=["keep"])

    for made in (plain, mapped):
        task = rendered(made, voucher="1e3")
        assert list(task.subscribers) == [{"email": "ann@example.com", "voucher": "1e3"}]
        assert str(task.subscribers) == "<1 rows>"


@pytest.mark.parametrize(
    ("of", "field"),
    [
        (SenderExportSubscribersOperator, "output_path"),
        (SenderExportSubscribersOperator, "group_id"),
        (SenderSendCampaignOperator, "send_key"),
        (SenderSendCampaignOperator, "sender_conn_id"),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_a_key_or_path_that_is_a_template_in_another_tasks_words_is_refused(
    way: Way, of: Any, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not rendered it would be one file for all days, or one key for all letters."""
    others = {"output_path": "all.csv"} if of is SenderExportSubscribersOperator and field != "output_path" else {}
    with dag():
        made = way(of, others, field, "news-{{ ds }}", monkeypatch)

    task = rendered(made)
    assert isinstance(task, TemplatedOperator)
    with pytest.raises(AirflowFailException, match=f"^{field}: another task returned a template"):
        task.execute({})


def test_sql_of_another_task_may_hold_braces(monkeypatch: pytest.MonkeyPatch) -> None:
    with dag():
        sql = returned(["select '{{1,2},{3,4}}'::int[]"], monkeypatch)
        made = SqlToSenderOperator.partial(task_id="job", sql_conn_id="x").expand(sql=sql)

    task = rendered(made)
    task._check_rendered()
    assert task.sql == "select '{{1,2},{3,4}}'::int[]"


def test_a_task_that_is_mapped_waits_for_what_it_is_made_of() -> None:
    with dag():

        @task
        def address() -> str:
            return "ann@example.com"

        within: XComArg = address()
        made = SenderSendMessageOperator.partial(task_id="a", variables={"by": within}).expand(to=[{"email": within}])
    assert made.upstream_task_ids == {"address"}


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv"])
def test_rows_of_a_file_are_not_rendered(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    row = {"email": "ann@example.com", "firstname": TEMPLATE}
    path.write_text(json.dumps(row) if name.endswith("l") else f"email,firstname\nann@example.com,{TEMPLATE}\n")
    with dag():
        plain = SenderUpsertSubscribersOperator(task_id="plain", input_path=str(path))
        mapped = SenderUpsertSubscribersOperator.partial(task_id="mapped").expand(input_path=[str(path)])

    for made in (plain, mapped):
        assert list(rendered(made).rows()) == [row]


def test_rows_of_a_query_are_not_rendered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = sqlite3.connect(tmp_path / "rows.sqlite")
    database.execute("create table people (email text, firstname text)")
    database.execute("insert into people values (?, ?)", ("ann@example.com", TEMPLATE))
    database.commit()
    warehouse = {"conn_type": "sqlite", "host": str(tmp_path / "rows.sqlite")}
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(warehouse))
    with dag():
        sql = "select email, firstname from people where '{{ secret }}' = 'the-secret'"
        made = SqlToSenderOperator.partial(task_id="job", sql_conn_id="warehouse").expand(sql=[sql])

    assert list(rendered(made).rows()) == [{"email": "ann@example.com", "firstname": TEMPLATE}]

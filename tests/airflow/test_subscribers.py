from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_sender.sandbox.remote import Sandbox
from tests.airflow.runs import Run

pytestmark = pytest.mark.airflow

JOBS = "tests.airflow.dags.jobs"


def test_an_export_through_faults_and_a_limit_is_the_account_byte_for_byte(
    run: Callable[..., Run], sender_sandbox: Sandbox, tmp_path: Path
) -> None:
    sender_sandbox.reset(subscribers=3_000, requests_per_window=60, window_seconds=2)
    sender_sandbox.fault("status", path="/subscribers", method="GET", every=7, times=None, status=503)
    sender_sandbox.fault("drop_after", path="/subscribers", method="GET", every=11, times=None)
    sender_sandbox.fault("truncate", path="/subscribers", method="GET", every=13, times=None)
    done = run(JOBS, "export", path=str(tmp_path / "all.jsonl"))
    assert done.returned["job"]["rows"] == 3_000
    assert sorted((tmp_path / "all.jsonl").read_bytes().splitlines()) == sorted(sender_sandbox.subscribers())
    assert sender_sandbox.counters()["rate_limited"] == 0


def test_a_file_of_good_and_bad_rows_puts_the_good_ones_in_and_the_bad_ones_on_file(
    run: Callable[..., Run], sender_sandbox: Sandbox, tmp_path: Path
) -> None:
    sender_sandbox.seed(rows=[{"email": "gone@example.com", "status": "unsubscribed"}])
    sender_sandbox.fault("reject", path="/subscribers", method="POST", email="refused@*", times=None)
    addresses = ["good@example.com", "no address", "twice@example.com", "refused@example.com", "gone@example.com"]
    source = tmp_path / "rows.jsonl"
    rows = [{"email": address, "firstname": "One"} for address in (*addresses, "TWICE@example.com")]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows) + "rubbish\n")

    def upsert(on_reject: str) -> Run:
        return run(JOBS, "upsert_file", path=str(source), rejects=str(tmp_path / "bad.jsonl"), on_reject=on_reject)

    failed = upsert("fail")
    assert (failed.state, failed.tries) == ("failed", {"job": 1})
    assert failed.returned["job"] | {"requests": 0} == {
        "sent": 2,
        "unchanged": 0,
        "rejected": 3,
        "held": 1,
        "duplicates": 1,
        "unconfirmed": 0,
        "requests": 0,
        "rejects_path": str(tmp_path / "bad.jsonl"),
    }
    rejected = [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines()]
    assert sorted((each["line"], each["field"]) for each in rejected if each["field"]) == [(2, "email"), (4, "email")]
    assert all(each["reason"] for each in rejected)
    gone = sender_sandbox.subscriber("gone@example.com")
    assert gone is not None
    assert gone["status"]["email"] == "unsubscribed"

    sender_sandbox.clear_faults()
    second = upsert("warn")
    assert second.state == "success"
    assert (second.returned["job"]["sent"], second.returned["job"]["unchanged"]) == (1, 2)


def test_rows_given_as_a_parameter_are_in_neither_the_log_nor_what_airflow_shows(
    run: Callable[..., Run], sender_sandbox: Sandbox
) -> None:
    done = run(JOBS, "upsert_rows", rows=[{"email": "shy@example.com"}, {"email": "coy@example.com"}])
    assert done.returned["job"]["sent"] == 2
    assert sender_sandbox.subscriber("shy@example.com") is not None
    assert _rendered("upsert_rows") == "<2 rows>"


def _rendered(dag_id: str) -> Any:
    from airflow.models.renderedtifields import RenderedTaskInstanceFields
    from airflow.utils.session import create_session

    with create_session() as session:
        fields = session.query(RenderedTaskInstanceFields).filter_by(dag_id=dag_id).one()
        return fields.rendered_fields["subscribers"]


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "missing, wrong, expired or revoked"), (403, "does not allow this"), (422, "refuses this request")],
)
def test_what_trying_again_cannot_mend_is_not_tried_again(
    status: int, words: str, run: Callable[..., Run], sender_sandbox: Sandbox, tmp_path: Path
) -> None:
    sender_sandbox.fault("status", status=status, times=None)
    done = run(JOBS, "export", path=str(tmp_path / "all.jsonl"))
    assert (done.state, done.tries) == ("failed", {"job": 1})
    assert words in done.log
    assert not (tmp_path / "all.jsonl").exists()


@pytest.mark.parametrize(
    ("dag", "conf", "words"),
    [
        ("export", {"path": ""}, "output_path: is empty"),
        ("export", {"path": "{folder}/all.xlsx"}, "does not tell the format"),
        ("export_as", {"path": "{folder}/all", "format": "xlsx"}, "file_format: 'xlsx' is not known"),
        ("export", {"path": "{folder}/a-file/all.csv"}, "output_path: nothing can be written"),
        (
            "export_group",
            {"path": "{folder}/all.csv", "group": "nobody"},
            "group_id: the account has no group 'nobody'",
        ),
        ("export_group", {"path": "{folder}/all.csv", "group": None}, "group_id: is empty"),
        ("export", {"path": "{folder}/all.csv", "on_drift": "pray"}, "on_drift: must be 'repair' or 'warn' or 'fail'"),
    ],
)
def test_a_parameter_that_cannot_work_is_named_and_not_tried_again(
    dag: str, conf: dict[str, str | None], words: str, run: Callable[..., Run], tmp_path: Path
) -> None:
    (tmp_path / "a-file").touch()
    done = run(JOBS, dag, **{name: value and value.format(folder=tmp_path) for name, value in conf.items()})
    assert (done.state, done.tries) == ("failed", {"job": 1})
    assert words in done.log


def test_an_input_that_is_not_there_is_named(run: Callable[..., Run], tmp_path: Path) -> None:
    done = run(JOBS, "upsert_file", path=str(tmp_path / "nothing.csv"), rejects=str(tmp_path / "bad.jsonl"))
    assert (done.state, done.tries) == ("failed", {"job": 1})
    assert "input_path:" in done.log
    assert "No such file" in done.log


def test_a_missing_connection_is_named(
    run: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_SENDER_DEFAULT")
    done = run(JOBS, "export", path=str(tmp_path / "all.csv"))
    assert (done.state, done.tries) == ("failed", {"job": 1})
    assert "there is no connection 'sender_default'" in done.log

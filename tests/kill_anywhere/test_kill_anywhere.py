"""The proof, in a part that is spread over all of it. ``make kill-anywhere`` runs the whole."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import airflow.sdk
import pytest

from tests.conftest import ROOT
from tests.kill_anywhere.cases import Fate

# A prime, so that the part goes through all services, forms, times, steps and fates in turn.
EVERY = 97

# What sends a campaign, in whatever form, and the least that has to be looked at before and after.
LEAST_REQUESTS = 4


_HAS_STORE = hasattr(airflow.sdk, "NEVER_EXPIRE")


def prove(*options: str) -> dict[str, Any]:
    """Run a part of the proof and return what it has found."""
    command = [sys.executable, "-m", "tests.kill_anywhere.prove", "--json", "--processes", "2", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stderr)
    assert done.stdout, done.stderr[-5_000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert bool(found["bad"]) == bool(done.returncode)
    return found


@pytest.fixture(scope="module")
def proof() -> dict[str, Any]:
    """What a part that is spread over all of it has found."""
    return prove("--every", str(EVERY))


def test_everybody_gets_one_mail_wherever_the_task_is_killed_and_whatever_is_lost(proof: dict[str, Any]) -> None:
    assert proof["bad"] == []
    assert (proof["fewest"], proof["most"]) == (1, 1)
    assert proof["trials"] >= 50
    assert len(proof["fates"]) == len(Fate)


def test_every_request_the_service_saw_was_a_place_to_be_killed_at(proof: dict[str, Any]) -> None:
    assert {each["case"]: each["wrong"] for each in proof["cases"]} == {each["case"]: [] for each in proof["cases"]}


def test_every_way_to_send_is_tried_at_all_its_steps(proof: dict[str, Any]) -> None:
    assert len(proof["cases"]) >= 30
    for each in proof["cases"]:
        befores = [step.removeprefix("before ") for step in each["steps"] if step.startswith("before ")]
        afters = [step.removeprefix("after ") for step in each["steps"] if step.startswith("after ")]
        assert befores == afters, each["case"]
        requests = [step for step in befores if re.match(r"[A-Z]+ /", step)]
        assert len(requests) >= LEAST_REQUESTS, each["case"]
        assert [step for step in requests if not step.startswith("GET ")], each["case"]
        writes = {step.split()[0] for step in befores if step not in requests}
        assert writes == ({"task_state_store", "xcom_push"} if _HAS_STORE else {"xcom_push"}), each["case"]
        assert set(each["mails"]) == {1}, each["case"]


def test_a_service_that_is_slower_than_it_is_given_time_for_is_caught_mailing_twice() -> None:
    """What the tests above stand on: mails that go out twice are counted."""
    found = prove("--settle-time", "0", "--only", "Sender, campaign_id, now, does not wait, slow: killed, retried at 2")
    assert found["most"] > 1
    assert found["bad"]


@pytest.mark.skipif(not _HAS_STORE, reason="the texts count for an Airflow that has a task_state_store")
@pytest.mark.parametrize("text", ["README.md", "docs/guarantees.rst"])
def test_the_texts_give_the_number_of_places_that_was_found(proof: dict[str, Any], text: str) -> None:
    assert proof["places"] in " ".join((ROOT / text).read_text(encoding="utf-8").split())

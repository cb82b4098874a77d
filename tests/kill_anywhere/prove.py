"""Prove that a campaign is mailed once: ``python -m tests.kill_anywhere.prove``, or ``make kill-anywhere``.

Finds every step of every way to send a campaign, has everything happen at each, and prints a table. ``--every 20``
tries every twentieth only, ``--only "campaign_id, now"`` those whose description has that in it.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

from tests.kill_anywhere import process

if TYPE_CHECKING:
    from tests.kill_anywhere.cases import Case, Trial
    from tests.kill_anywhere.proof import Discovery, Outcome

_HEAD = ("service", "form", "when", "waiting", "places", "trials", "mails each")
# All that a try of the task needs, loaded before the processes are forked.
_NEEDED = (
    "operators.campaigns",
    "triggers.campaigns",
    "triggers.shared_poll",
    "jobs.send",
    "jobs.waiting",
    "hooks.sender",
    "hooks.sendpulse",
    "hooks.sendara",
)


def main() -> int:
    """Do what was asked for; return 0 when everybody got one mail, whatever happened."""
    parser = argparse.ArgumentParser(description="Prove that a campaign is mailed once.")
    parser.add_argument("--every", type=int, default=1, help="try every n-th of all that may happen")
    parser.add_argument("--only", default="", metavar="TEXT", help="only what has this in its description")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many try at the same time")
    parser.add_argument("--settle-time", type=float, help="of the connection; 0 shows that it is needed")
    parser.add_argument("--json", action="store_true", help="print what was found as JSON instead of the table")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kill-anywhere-") as base:
        _load(base)
        found, outcomes = _found_out(options, base)
    if options.json:
        print(json.dumps(_facts(found, outcomes)))
    else:
        print(_table(found, outcomes))
        print(f"\n{_in_words(found, outcomes)} {time.monotonic() - began:.0f} s.")
    return 0 if all(each.is_good for each in found) and all(each.is_good for each in outcomes) else 1


def _found_out(options: argparse.Namespace, base: str) -> tuple[list[Discovery], list[Outcome]]:
    from tests.kill_anywhere import proof
    from tests.kill_anywhere.cases import all_cases, trials_of

    extra = {} if options.settle_time is None else {"settle_time": options.settle_time}
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(options.processes, context, proof.settle_in, (base, extra)) as pool:
        found = list(pool.map(proof.discover, all_cases()))
        trials = [trial for each in found for trial in trials_of(each.case, each.steps)]
        chosen = [trial for trial in trials if options.only in str(trial)][:: options.every]
        for discovery in found:
            _tell(discovery.case, discovery)
        outcomes: list[Outcome] = []
        for outcome in pool.map(proof.carry_out, chosen, chunksize=4):
            outcomes.append(outcome)
            _tell(outcome.trial, outcome)
            if sys.stderr.isatty():
                print(f"\r{len(outcomes):,} of {len(chosen):,} ", end="", file=sys.stderr)
    return found, outcomes


def _tell(what: Case | Trial, came_of_it: Discovery | Outcome) -> None:
    if not came_of_it.is_good:
        print(f"{what}: mails {came_of_it.mails} {'; '.join(came_of_it.wrong)}", file=sys.stderr)


def _load(base: str) -> None:
    """Load everything, with an Airflow that knows nothing of this machine's own."""
    for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
        del os.environ[name]
    os.environ["AIRFLOW_HOME"] = base
    process.take_over_time()
    for name in _NEEDED:
        importlib.import_module(f"airflow_provider_sender.{name}")
    from airflow.sdk import BaseHook

    # Asked for the first connection, Airflow loads what it looks for connections with.
    os.environ["AIRFLOW_CONN_ANY"] = "{}"
    BaseHook.get_connection("any")
    gc.collect()
    gc.freeze()  # or each process copies all of this as soon as it collects its garbage


def _facts(found: Sequence[Discovery], outcomes: Sequence[Outcome]) -> dict[str, object]:
    return {
        "cases": [
            {
                "case": str(each.case),
                "steps": [str(step) for step in each.steps],
                "mails": each.mails,
                "wrong": each.wrong,
            }
            for each in found
        ],
        "places": _places(found),
        "fates": sorted({str(each.trial.fate) for each in outcomes}),
        "trials": len(outcomes),
        "fewest": min((min(each.mails) for each in outcomes), default=None),
        "most": max((max(each.mails) for each in outcomes), default=None),
        "bad": [{"trial": str(each.trial), "wrong": each.wrong} for each in outcomes if not each.is_good],
    }


def _in_words(found: Sequence[Discovery], outcomes: Sequence[Outcome]) -> str:
    good = sum(each.is_good for each in outcomes)
    return (
        f"{_places(found)} to be killed at, {len(outcomes):,} trials, of which "
        f"{good:,} ended with one mail for each recipient."
    )


def _places(found: Sequence[Discovery]) -> str:
    """Say on which service there are how many places to be killed at."""
    places: Counter[str] = Counter()
    for each in found:
        places[each.case.service] += len(each.steps)
    first, *others = [f"{number:,} on {service}" for service, number in places.items()]
    first = first.replace(" on ", " places on ")
    return " and ".join([", ".join([first, *others[:-1]]), *others[-1:]])


def _table(found: Sequence[Discovery], outcomes: Sequence[Outcome]) -> str:
    """Return one line for each way to send, whether or not the service is slow."""
    places: Counter[tuple[str, ...]] = Counter()
    trials: Counter[tuple[str, ...]] = Counter()
    mails: defaultdict[tuple[str, ...], set[int]] = defaultdict(set)
    for each in found:
        places[_words(each.case)] += len(each.steps)
    for outcome in outcomes:
        trials[_words(outcome.trial.case)] += 1
        mails[_words(outcome.trial.case)].update(outcome.mails)
    rows: list[tuple[str, ...]] = [_HEAD]
    for words, number in places.items():
        counted = f"{min(mails[words])} to {max(mails[words])}" if mails[words] else "-"
        rows.append((*words, str(number), f"{trials[words]:,}", counted))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _words(case: Case) -> tuple[str, ...]:
    return case.service, str(case.form), str(case.when), str(case.waiting)


if __name__ == "__main__":
    sys.exit(main())

"""Run a service's part of the demo in this process: the export, the newsletter, and the newsletter once more.

python -m scripts.demo_runs CONF RESULTS
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from scripts.run_dag import run

LOGICAL_DATE = "2026-01-05T00:00:00+00:00"
# A run of the same DAG for the same date is the earlier one, cleared.
RUNS = (("nightly_export", "dag"), ("newsletter", "newsletter_dag"), ("newsletter", "newsletter_dag"))


def main() -> None:
    """Run them; fail at the first that does."""
    conf, results = sys.argv[1:]
    found = []
    for module, attribute in RUNS:
        state, returned = run(f"example_dags.{module}", attribute, LOGICAL_DATE, json.loads(conf))
        if state != "success":
            sys.exit(f"The run of {module} ended as {state}.")
        found.append(returned)
        for path in Path(json.loads(conf)["storage"]).glob("rejected-*.jsonl"):
            # The next run has a file of its own, in the same place.
            path.rename(path.with_name(f"{len(found)}-{path.name}"))
    Path(results).write_text(json.dumps(found, default=str), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Run one example DAG in this process and write what its tasks returned to a file.

python scripts/run_dag.py MODULE ATTRIBUTE LOGICAL_DATE CONF RESULTS
"""

from __future__ import annotations

import importlib
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any


def main() -> None:
    """Run the DAG; fail when its run does."""
    module, attribute, logical_date, conf, results = sys.argv[1:]
    state, returned = run(module, attribute, logical_date, json.loads(conf))
    Path(results).write_text(json.dumps(returned, default=str))
    if state != "success":
        sys.exit(f"The run of {module} ended as {state}.")


def run(module: str, attribute: str, logical_date: str, conf: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Run a DAG; return how the run ended and what its tasks returned."""
    dag = getattr(importlib.import_module(module), attribute)
    ended = dag.test(logical_date=datetime.fromisoformat(logical_date), run_conf=conf)
    returned = {ti.task_id: ti.xcom_pull(task_ids=ti.task_id) for ti in ended.get_task_instances()}
    return str(ended.state), returned


if __name__ == "__main__":
    main()

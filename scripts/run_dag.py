"""Run one example DAG in this process and write what its tasks returned to a file.

python scripts/run_dag.py MODULE ATTRIBUTE LOGICAL_DATE CONF RESULTS
"""

from __future__ import annotations

import importlib
import json
import sys
from datetime import datetime
from pathlib import Path


def main() -> None:
    """Run the DAG; fail when its run does."""
    module, attribute, logical_date, conf, results = sys.argv[1:]
    dag = getattr(importlib.import_module(module), attribute)
    run = dag.test(logical_date=datetime.fromisoformat(logical_date), run_conf=json.loads(conf))
    returned = {ti.task_id: ti.xcom_pull(task_ids=ti.task_id) for ti in run.get_task_instances()}
    Path(results).write_text(json.dumps(returned, default=str))
    if run.state != "success":
        sys.exit(f"The run of {dag.dag_id} ended as {run.state}.")


if __name__ == "__main__":
    main()

"""What people use today for the same work, each as its own documentation shows it.

Every way writes all subscribers of an account below a folder. None of them notices rows that move while it reads, goes
on after a crash, or publishes a file whole; what is measured here is speed and memory only.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_sender.sandbox.remote import Sandbox

if TYPE_CHECKING:
    import requests

# Nothing is compressed, no settings are looked for in Airflow's database, and nobody is told.
_DLT_AS_FAST_AS_IT_GETS = {
    "NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true",
    "PROVIDERS__ENABLE_AIRFLOW_SECRETS": "false",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
}

_QUERY: dict[str, str | int] = {"limit": 100, "order": "created", "direction": "asc"}


def requests_loop(box: Sandbox, folder: Path) -> None:
    """What stands in most PythonOperators: a session, a loop over the pages, one JSON object a line."""
    import requests

    page = 1
    with requests.Session() as session, (folder / "rows.jsonl").open("w") as file:
        session.headers.update({"Authorization": f"Bearer {box.token}", "Accept": "application/json"})
        while True:
            answer = session.get(f"{box.sender_url}/subscribers", params={**_QUERY, "page": page}, timeout=30)
            answer.raise_for_status()
            found = answer.json()
            for row in found["data"]:
                file.write(json.dumps(row) + "\n")
            if page >= found["meta"]["last_page"]:
                return
            page += 1


def http_operator(box: Sandbox, folder: Path) -> None:
    """Airflow's own HttpOperator with a ``pagination_function``, and a task behind it that writes what it returns."""
    from airflow.providers.http.operators.http import HttpOperator

    def next_page(response: requests.Response) -> dict[str, Any] | None:
        meta = response.json()["meta"]
        page = meta["current_page"]
        return {"data": {**_QUERY, "page": page + 1}} if page < meta["last_page"] else None

    os.environ["AIRFLOW_CONN_BENCH_HTTP"] = json.dumps({"conn_type": "http", "host": box.sender_url})
    read = HttpOperator(
        task_id="read",
        http_conn_id="bench_http",
        endpoint="subscribers",
        method="GET",
        data={**_QUERY, "page": 1},
        headers={"Authorization": f"Bearer {box.token}", "Accept": "application/json"},
        pagination_function=next_page,
    )
    texts: list[str] = read.execute({})
    with (folder / "rows.jsonl").open("w") as file:
        for text in texts:
            for row in json.loads(text)["data"]:
                file.write(json.dumps(row) + "\n")


def dlt_to_jsonl(box: Sandbox, folder: Path) -> None:
    """The rest_api source of dlt, one JSON object a line."""
    _dlt(box, folder, "jsonl")


def dlt_to_parquet(box: Sandbox, folder: Path) -> None:
    """The rest_api source of dlt, to Parquet."""
    _dlt(box, folder, "parquet")


def _dlt(box: Sandbox, folder: Path, file_format: Literal["jsonl", "parquet"]) -> None:
    os.environ.update(_DLT_AS_FAST_AS_IT_GETS)
    import dlt
    from dlt.sources.rest_api import rest_api_source
    from dlt.sources.rest_api.typing import Endpoint, RESTAPIConfig

    endpoint: Endpoint = {"path": "subscribers", "params": {**_QUERY}, "data_selector": "data"}
    api: RESTAPIConfig = {
        "client": {
            "base_url": f"{box.sender_url}/",
            "headers": {"Accept": "application/json"},
            "auth": {"type": "bearer", "token": box.token},
            "paginator": {"type": "page_number", "base_page": 1, "total_path": "meta.last_page"},
        },
        "resources": [{"name": "subscribers", "endpoint": endpoint}],
    }
    source = rest_api_source(api, max_table_nesting=0)
    pipeline = dlt.pipeline(
        pipeline_name="bench",
        pipelines_dir=str(folder / "state"),
        destination=dlt.destinations.filesystem(bucket_url=str(folder / "out")),
        dataset_name="bench",
    )
    pipeline.run(source, loader_file_format=file_format)

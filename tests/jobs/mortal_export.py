"""Exports in processes of their own, killed with SIGKILL at one point or another. Run as a script by the tests.

Arguments: a sandbox's address, a directory, a format, and kill points as JSON: a number n ends the export at its n-th
step (each publishing of a file and each removal of one is a step; counted twice, before and after it), a fraction after
that share of a whole export's time. Prints, as JSON, for every point what the try after it found and did.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from upath import UPath

from airflow_provider_sender.client.budget import Budget
from airflow_provider_sender.client.sender.client import SenderClient
from airflow_provider_sender.client.sender.service import SenderService
from airflow_provider_sender.client.settings import Settings
from airflow_provider_sender.jobs import destination
from airflow_provider_sender.jobs.export import Export
from airflow_provider_sender.jobs.parts import export_to_directory


def export(url: str, token: str, directory: str, file_format: str) -> int:
    """Run the export; return how many requests it made itself."""
    service = SenderService(SenderClient(token, Settings(url).checked(), Budget()))
    export_to_directory(service, Export(file_format=file_format), UPath(directory), run="dag/task/run/-1")
    return service.transport.requests_made


def killed(point: float, seconds: float, directory: str, run: Callable[[], Any]) -> bool:
    """Run something in a process that is killed at a point; return whether it was."""
    child = os.fork()
    if not child:
        if point >= 1:
            end_at(int(point), directory)
        run()
        os._exit(0)
    if point < 1:
        time.sleep(point * seconds)
        os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def end_at(point: int, directory: str) -> None:
    """Have this process killed at its n-th step."""
    steps = 0

    def counted(step: Callable[..., Any]) -> Callable[..., Any]:
        def act(*args: Any, **kwargs: Any) -> Any:
            count()
            done = step(*args, **kwargs)
            count()
            return done

        return act

    def count() -> None:
        nonlocal steps
        steps += 1
        if steps == point:
            os.kill(os.getpid(), signal.SIGKILL)

    destination._take_place = counted(destination._take_place)
    path = type(UPath(directory))
    path.unlink = counted(path.unlink)  # type: ignore[method-assign]


def main() -> None:
    """See the module's text."""
    url, token, directory, file_format, points = sys.argv[1:]
    export(url, token, directory, file_format)  # the sandbox renders a subscriber when it is first asked for
    began = time.monotonic()
    whole = export(url, token, directory, file_format)
    seconds = time.monotonic() - began
    found = []
    for point in json.loads(points):
        shutil.rmtree(directory)
        if not killed(point, seconds, directory, lambda: export(url, token, directory, file_format)):
            found.append({"point": point, "killed": False})
            continue
        before = sorted(path.name for path in Path(directory).iterdir()) if Path(directory).exists() else []
        unfinished = Path(directory, "_unfinished.json")
        saved: dict[str, Any] = {"parts": [], "requests": 0}
        if unfinished.exists():
            saved = json.loads(unfinished.read_text())
        requests = export(url, token, directory, file_format)
        manifest = json.loads(Path(directory, "_manifest.json").read_text())
        ids: list[str] = []
        for part in manifest["parts"]:
            lines = Path(directory, part["name"]).read_text().splitlines()
            assert len(lines) == part["rows"]
            ids += [json.loads(line)["id"] for line in lines]
        found.append(
            {
                "point": point,
                "killed": True,
                "left": before,
                "finished_parts": len(saved["parts"]),
                "requests": requests,
                "requests_saved": saved["requests"],
                "requests_of_a_whole_export": whole,
                "rows": len(ids),
                "people": len(set(ids)),
                "strays": sorted(
                    {path.name for path in Path(directory).iterdir()}
                    - {"_manifest.json", *(part["name"] for part in manifest["parts"])}
                ),
            }
        )
    print(json.dumps(found))


if __name__ == "__main__":
    main()

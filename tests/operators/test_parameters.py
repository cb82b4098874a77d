from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import ObjectStoragePath

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.operators.parameters import is_directory, picked_columns, storage_path


@pytest.mark.parametrize(
    ("value", "file_format", "expected"),
    [
        ("/tmp/all/", None, True),
        ("/tmp/all", None, False),
        ("/tmp/all", "csv", False),
        ("/tmp/all.csv", None, False),
        ("/tmp/all.csv/", None, True),
        (ObjectStoragePath("/tmp/all/"), None, True),
        (ObjectStoragePath("/tmp/all/"), "parquet", True),
        (ObjectStoragePath("file:///tmp/2026.01/"), None, True),
        (ObjectStoragePath("/tmp/all.csv"), None, False),
        (ObjectStoragePath("/tmp/all.jsonl.gz"), None, False),
        (ObjectStoragePath("/tmp/all.txt"), "csv", False),
        (Path("/tmp/all/"), None, True),
        (Path("/tmp/all.csv"), None, False),
    ],
)
def test_a_directory_can_be_given_in_every_form(value: Any, file_format: str | None, expected: bool) -> None:
    assert is_directory(value, storage_path(value, "output_path"), file_format) is expected


@pytest.mark.parametrize("nothing", [[], (), {}])
def test_a_choice_of_columns_that_came_out_empty_is_not_all_of_them(nothing: Any) -> None:
    with pytest.raises(ConfigurationError, match="columns: is empty"):
        picked_columns(nothing)
    assert picked_columns(None) is None

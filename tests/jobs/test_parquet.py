from __future__ import annotations

import gc
import io
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from airflow.sdk import ObjectStoragePath
from hypothesis import given
from hypothesis import strategies as st
from upath import UPath

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.paging import Row
from airflow_provider_sender.client.subscribers import Consent, Field, FieldType, Subscriber
from airflow_provider_sender.jobs.columns import Column, export_columns, flat_columns
from airflow_provider_sender.jobs.formats import Encoding, FileFormat, read_rows
from airflow_provider_sender.jobs.mapping import RowMapping
from airflow_provider_sender.jobs.parquet import ParquetWriter
from airflow_provider_sender.jobs.writers import writer_for
from tests.jobs.accounts import MemoryService

FIELDS = [Field("Plan"), Field("Visits", FieldType.NUMBER), Field("Renewal date", FieldType.DATETIME)]
ALL = export_columns(FIELDS, None)


def rows_of(subscribers: Sequence[Subscriber]) -> list[Row]:
    return [Row(each.id, None, msgspec.Raw(msgspec.json.encode(each))) for each in subscribers]


def parquet_writer(file: Any, columns: Sequence[Column] = ALL) -> ParquetWriter:
    writer = writer_for(MemoryService(), Encoding(FileFormat.PARQUET, is_gzip=False), columns, file)
    assert isinstance(writer, ParquetWriter)
    return writer


def written(pages: Sequence[Sequence[Subscriber]], columns: Sequence[Column] = ALL) -> io.BytesIO:
    file = io.BytesIO()
    writer = parquet_writer(file, columns)
    for page in pages:
        writer.write(rows_of(page))
    writer.close()
    file.seek(0)
    return file


def people(count: int, **values: Any) -> list[Subscriber]:
    return [Subscriber(f"s{number}", **values) for number in range(count)]


def rows(path: Any) -> Iterator[Any]:
    storage_path = path if isinstance(path, ObjectStoragePath) else UPath(path)
    return read_rows(cast("UPath", storage_path), None, parameter="input_path")


# Writing


def test_the_schema_is_what_the_columns_say() -> None:
    schema = pq.read_schema(written([]))
    assert schema.names == [column.name for column in ALL]
    types = {"text": pa.string(), "number": pa.float64(), "datetime": pa.timestamp("us", tz="UTC")}
    types["list"] = pa.list_(pa.string())
    assert schema.types == [types[column.type] for column in ALL]


def test_values_are_the_columns_own() -> None:
    full = Subscriber(
        "a1",
        email="a@x.lt",
        consent=Consent.BOUNCED,
        created=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        bounced_at=datetime(1, 1, 1, tzinfo=UTC),
        unsubscribed_at=datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        groups=("g1", "ž"),
        fields={"Plan": "", "Visits": -1, "Renewal date": "2026-01-02", "New": "x"},
    )
    first, second = pq.read_table(written([[full, Subscriber("a2")]])).to_pylist()
    cells = [cells[0] for cells in flat_columns(ALL, [full])]
    assert list(first.values()) == [list(cell) if isinstance(cell, tuple) else cell for cell in cells]
    nothing = {name: value for name, value in second.items() if value is not None}
    assert nothing == {"id": "a2", "status": "unknown", "groups": []}


@pytest.mark.parametrize("pages", [[], [[]], [people(0)] * 3])
def test_nobody_is_a_file_of_no_rows(pages: list[list[Subscriber]]) -> None:
    table = pq.read_table(written(pages))
    assert table.num_rows == 0
    assert table.column_names == [column.name for column in ALL]


@pytest.mark.parametrize("count", [1, 999, 1_000, 1_001, 9_999, 10_000, 20_001])
def test_row_groups_are_of_ten_thousand_rows(count: int) -> None:
    subscribers = people(count)
    file = written([subscribers[start : start + 100] for start in range(0, count, 100)], ALL[:2])
    metadata = pq.read_metadata(file)
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    rest = [count % 10_000] if count % 10_000 else []
    assert [group.num_rows for group in groups] == [10_000] * (count // 10_000) + rest
    assert {group.column(0).compression for group in groups} == {"ZSTD"}
    assert pq.read_table(file)["id"].to_pylist() == [each.id for each in subscribers]


def test_what_is_kept_in_memory_does_not_grow_with_long_values() -> None:
    writer = parquet_writer(file := io.BytesIO())
    before = pa.total_allocated_bytes()
    long = "".join(random.Random(1).choices("abcdefghij", k=1_000_000))
    page = rows_of(people(20, fields={"Plan": long}))
    for _ in range(3):
        writer.write(page)
        assert pa.total_allocated_bytes() - before < 16 * 1024 * 1024
    writer.close()
    metadata = pq.read_metadata(file)
    assert metadata.num_rows == 60
    assert max(metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)) <= 10


def test_what_is_kept_in_memory_does_not_grow_with_the_account() -> None:
    file = io.BytesIO()
    writer = parquet_writer(file)
    before = pa.total_allocated_bytes()
    page = rows_of(people(100, fields={"Plan": "pro", "Visits": 1, "Renewal date": "2026-01-01"}))
    for _ in range(350):
        writer.write(page)
        assert pa.total_allocated_bytes() - before < 8 * 1024 * 1024
    writer.close()
    assert pq.read_metadata(file).num_rows == 35_000


def test_the_file_below_stays_open() -> None:
    assert not written([people(1)]).closed


def test_a_writer_that_is_dropped_writes_nothing_to_a_file_that_is_closed(tmp_path: Path) -> None:
    with open(tmp_path / "a", "wb") as file:
        writer = parquet_writer(file)
        writer.write(rows_of(people(1_500)))
    size = (tmp_path / "a").stat().st_size
    del writer  # complaints would be warnings, which fail the test
    gc.collect()
    assert (tmp_path / "a").stat().st_size == size


# Reading


def stored(tmp_path: Path, columns: dict[str, Any], **options: Any) -> Path:
    pq.write_table(pa.table(columns), tmp_path / "a.parquet", **options)
    return tmp_path / "a.parquet"


def test_values_come_as_the_mapping_takes_them(tmp_path: Path) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
    nanoseconds = 1_767_323_045_678_901_234
    path = stored(
        tmp_path,
        {
            "email": pa.array(["a@x.lt", None]),
            "large": pa.array(["ž", None], pa.large_string()),
            "category": pa.array(["a", None]).dictionary_encode(),
            "whole": pa.array([5, None]),
            "number": pa.array([2.5, None]),
            "decimal": pa.array([Decimal("1.50"), None]),
            "boolean": pa.array([True, None]),
            "day": pa.array([date(2026, 1, 2), None]),
            "hour": pa.array([time(3, 4, 5), None]),
            "naive": pa.array([moment.replace(tzinfo=None), None]),
            "finer": pa.array([nanoseconds, None], pa.timestamp("ns")),
            "finer_utc": pa.array([nanoseconds, None], pa.timestamp("ns", tz="UTC")),
            "vilnius": pa.array([moment, None], pa.timestamp("us", tz="Europe/Vilnius")),
            "nowhere": pa.array([moment, None], pa.timestamp("us", tz="Nowhere/Else")),
            "groups": pa.array([["g1"], None]),
            "fields": pa.array([{"Plan": "pro"}, None]),
            "null": pa.nulls(2),
        },
    )
    first, second = rows(path)
    assert first == {
        "email": "a@x.lt",
        "large": "ž",
        "category": "a",
        "whole": 5,
        "number": 2.5,
        "decimal": Decimal("1.50"),
        "boolean": True,
        "day": date(2026, 1, 2),
        "hour": time(3, 4, 5),
        "naive": moment.replace(tzinfo=None),
        "finer": moment.replace(tzinfo=None),
        "finer_utc": moment,
        "vilnius": moment,
        "nowhere": moment,
        "groups": ["g1"],
        "fields": {"Plan": "pro"},
        "null": None,
    }
    assert set(second.values()) == {None}


def test_an_export_comes_back_to_the_fields_it_came_from() -> None:
    there = Subscriber(
        "a1",
        email="a@x.lt",
        firstname="Ada",
        consent=Consent.ACTIVE,
        created=datetime(2026, 1, 2, tzinfo=UTC),
        groups=("g1",),
        fields={"Plan": "pro", "Visits": 5, "Renewal date": "2026-01-02 03:04:05", "New": "x"},
    )
    UPath("memory://parquet/a.parquet").write_bytes(written([[there]]).getvalue())
    (row,) = rows("memory://parquet/a.parquet")
    change = cast("Any", RowMapping(None, FIELDS).change(row))
    assert (change.email, change.firstname, change.consent, change.groups) == ("a@x.lt", "Ada", Consent.ACTIVE, ("g1",))
    assert change.fields == {"Plan": "pro", "Visits": 5.0, "Renewal date": "2026-01-02 03:04:05"}


@pytest.mark.parametrize("path_class", [UPath, ObjectStoragePath])
@pytest.mark.parametrize("to_memory", [False, True])
def test_parquet_is_read_from_any_storage(
    tmp_path: Path, memory: str, path_class: type[UPath], to_memory: bool
) -> None:
    path = path_class(f"{memory}/a.parquet" if to_memory else str(tmp_path / "a.parquet"))
    path.write_bytes(written([people(2_345)]).getvalue())
    assert [row["id"] for row in rows(path)] == [each.id for each in people(2_345)]


@pytest.mark.parametrize("path_class", [UPath, ObjectStoragePath])
@pytest.mark.parametrize("to_memory", [False, True])
def test_parquet_is_written_to_any_storage(
    tmp_path: Path, memory: str, path_class: type[UPath], to_memory: bool
) -> None:
    path = path_class(f"{memory}/a.parquet" if to_memory else str(tmp_path / "a.parquet"))
    with path.open("wb") as file:
        writer = parquet_writer(file)
        writer.write(rows_of(people(2_345)))
        writer.close()
    assert pq.read_table(io.BytesIO(path.read_bytes()))["id"].to_pylist() == [each.id for each in people(2_345)]


def test_a_file_of_one_row_group_is_not_read_into_memory_as_a_whole(tmp_path: Path) -> None:
    chance = random.Random(1)
    path = stored(
        tmp_path,
        {
            "email": [f"{chance.getrandbits(64)}@example.com" for _ in range(200_000)],
            "note": [f"{chance.getrandbits(400):x}" for _ in range(200_000)],
        },
        row_group_size=200_000,
        use_dictionary=False,
    )
    assert path.stat().st_size > 16_000_000
    before = pa.total_allocated_bytes()
    for number, _ in enumerate(rows(path)):
        if number % 1_000 == 0:
            assert pa.total_allocated_bytes() - before < 8 * 1024 * 1024


def test_rows_of_a_megabyte_are_not_read_by_the_thousand(tmp_path: Path) -> None:
    chance = random.Random(1)
    path = stored(
        tmp_path,
        {"note": [f"{chance.getrandbits(4_000_000):x}" for _ in range(30)]},
        use_dictionary=False,
        write_batch_size=1,
    )
    before = pa.total_allocated_bytes()
    for _ in rows(path):
        assert pa.total_allocated_bytes() - before < 16 * 1024 * 1024


def test_a_reader_who_stops_early_leaves_the_file_closed(tmp_path: Path) -> None:
    path = stored(tmp_path, {"email": ["a"] * 5_000})
    found = rows(path)
    next(found)
    found.close()  # type: ignore[attr-defined]
    path.rename(tmp_path / "b.parquet")


@pytest.mark.parametrize("columns", [{}, {"email": pa.array([], pa.string())}])
def test_a_parquet_file_without_rows_has_none(tmp_path: Path, columns: dict[str, Any]) -> None:
    assert list(rows(stored(tmp_path, columns))) == []


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table([pa.array([1]), pa.array([2])], names=["email", "email"]), tmp_path / "a.parquet")
    with pytest.raises(ConfigurationError, match=r"^input_path: two columns of the file have the same name"):
        list(rows(tmp_path / "a.parquet"))


GOOD = written([people(1_200, email="a@x.lt", fields={"Plan": "pro"})]).getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PAR1",
        b"PAR1PAR1",
        b"email\na@x.lt\n",
        GOOD[:100],
        GOOD[:-4],
        GOOD[4:],
        GOOD[:40] + b"\0" * 99 + GOOD[139:],
    ],
    ids=["empty", "magic", "magics", "csv", "cut short", "end missing", "beginning missing", "zeros"],
)
def test_what_is_no_whole_parquet_file_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"^input_path: .*(damaged or no Parquet file|cannot be read)"):
        list(rows(tmp_path / "a.parquet"))


@given(st.integers(4, len(GOOD) - 1), st.integers(1, 255))
def test_a_byte_that_changed_on_the_way_never_comes_as_another_value(place: int, change: int) -> None:
    content = bytearray(GOOD)
    content[place] ^= change
    UPath("memory://parquet/damaged.parquet").write_bytes(bytes(content))
    try:
        found = list(rows("memory://parquet/damaged.parquet"))
    except ConfigurationError as refused:
        assert str(refused).startswith("input_path: ")  # noqa: PT017
    else:
        assert [row.get("id") for row in found if "id" in row] in ([each.id for each in people(1_200)], [])

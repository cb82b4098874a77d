from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, cast

import pytest
from airflow.sdk import ObjectStoragePath
from hypothesis import given
from hypothesis import strategies as st
from upath import UPath

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.jobs.formats import (
    Encoding,
    FileFormat,
    UnreadableRow,
    compressed,
    encoding_of,
    json_line,
    read_rows,
    row_json,
)

JSONL, CSV, PARQUET = FileFormat.JSONL, FileFormat.CSV, FileFormat.PARQUET


def rows_of(path: Any, file_format: str | None = None) -> list[Any]:
    storage_path = path if isinstance(path, ObjectStoragePath) else UPath(path)
    return list(read_rows(cast("UPath", storage_path), file_format, parameter="input_path"))


def written(tmp_path: Path, name: str, content: bytes | str) -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("name", "file_format", "expected"),
    [
        ("a.jsonl", None, Encoding(JSONL, False)),
        ("a.ndjson", None, Encoding(JSONL, False)),
        ("a.csv", None, Encoding(CSV, False)),
        ("a.CSV", None, Encoding(CSV, False)),
        ("a.jsonl.gz", None, Encoding(JSONL, True)),
        ("a.csv.GZ", None, Encoding(CSV, True)),
        ("subscribers.2026-01-31.csv.gz", None, Encoding(CSV, True)),
        ("a.txt", "csv", Encoding(CSV, False)),
        ("a", "jsonl.gz", Encoding(JSONL, True)),
        ("a.gz", "csv", Encoding(CSV, True)),
        ("a.csv", "jsonl", Encoding(JSONL, False)),
        ("a", ".ndjson", Encoding(JSONL, False)),
        ("a", "CSV.GZIP", Encoding(CSV, True)),
        ("a.parquet", None, Encoding(PARQUET, False)),
        ("a.2026.PARQUET", None, Encoding(PARQUET, False)),
        ("a.csv", "parquet", Encoding(PARQUET, False)),
        ("a", ".Parquet", Encoding(PARQUET, False)),
    ],
)
def test_the_format_asked_for_wins_and_else_the_ending_decides(
    name: str, file_format: str | None, expected: Encoding
) -> None:
    assert encoding_of(UPath(f"/x/{name}"), file_format, parameter="output_path") == expected


@pytest.mark.parametrize("name", ["a", "a.gz", ".jsonl", ".parquet", "a.jsonl.zip", "a.json"])
def test_an_ending_that_tells_nothing_is_refused_by_the_parameters_name(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^input_path: the ending of '.*file_format"):
        encoding_of(UPath(f"/x/{name}"), None, parameter="input_path")


@pytest.mark.parametrize("file_format", ["pq", "jsonl.bz2", "gz", "xlsx"])
def test_an_unknown_format_is_refused_and_the_known_ones_named(file_format: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^file_format: .*jsonl.gz, csv, csv.gz or parquet"):
        encoding_of(UPath("/x/a.csv"), file_format, parameter="input_path")


def test_where_neither_says_anything_the_default_counts() -> None:
    assert encoding_of(UPath("/x/dir"), None, parameter="p", default=JSONL) == Encoding(JSONL, False)
    assert encoding_of(UPath("/x/dir"), "csv.gz", parameter="p", default=JSONL) == Encoding(CSV, True)


@pytest.mark.parametrize(
    ("name", "file_format", "parameter"),
    [
        ("a.parquet.gz", None, "output_path"),
        ("a.parquet", "parquet.gz", "file_format"),
        ("a.gz", "parquet", "file_format"),
    ],
)
def test_parquet_is_never_gzip_too(name: str, file_format: str | None, parameter: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{parameter}: Parquet is compressed by itself"):
        encoding_of(UPath(f"/x/{name}"), file_format, parameter="output_path")


@pytest.mark.parametrize(
    ("name", "file_format", "parameter"), [("a.parquet", None, "output_path"), ("a", "parquet", "file_format")]
)
def test_parquet_without_pyarrow_is_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, name: str, file_format: str | None, parameter: str
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "pyarrow.parquet", raising=False)
    with pytest.raises(ConfigurationError, match=rf"^{parameter}: .*airflow-provider-sender\[parquet\]\"$"):
        encoding_of(UPath(f"/x/{name}"), file_format, parameter="output_path")
    assert encoding_of(UPath("/x/a.csv"), None, parameter="output_path") == Encoding(CSV, False)


def test_pyarrow_is_imported_for_parquet_alone() -> None:
    def imported(after: str) -> str:
        code = f"""
            import sys
            from upath import UPath
            from airflow_provider_sender.jobs import export, upsert
            from airflow_provider_sender.jobs.formats import encoding_of, read_rows
            {after}
            print("pyarrow" in sys.modules)
        """
        done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert (
        imported(
            "UPath('memory://a.csv').write_bytes(b'a'); list(read_rows(UPath('memory://a.csv'), None, parameter='p'))"
        )
        == "False"
    )
    assert imported("encoding_of(UPath('a.parquet'), None, parameter='p')") == "True"


@pytest.mark.parametrize(
    "encoding", [Encoding(JSONL, True), Encoding(CSV, True), Encoding(CSV, False), Encoding(PARQUET, False)]
)
def test_the_suffix_of_an_encoding_says_that_encoding(encoding: Encoding) -> None:
    assert encoding_of(UPath("/x/a" + encoding.suffix), None, parameter="p") == encoding


def test_the_same_rows_make_the_same_compressed_bytes() -> None:
    def made() -> bytes:
        file = io.BytesIO()
        out = compressed(file, Encoding(JSONL, True))
        out.write(b"row\n")
        out.close()
        return file.getvalue()

    assert made() == made()
    assert gzip.decompress(made()) == b"row\n"


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_jsonl_rows_come_as_they_are(tmp_path: Path, suffix: str) -> None:
    rows = [{"email": "ą@x.lt", "n": 1, "fields": {"Plan": None}}, {"email": "b"}]
    content = "\r\n".join(json.dumps(row) for row in rows).encode()
    path = written(tmp_path, "a.jsonl" + suffix, gzip.compress(content) if suffix else content)
    assert rows_of(path) == rows


def test_a_line_that_is_no_row_does_not_stop_the_others(tmp_path: Path) -> None:
    lines = [
        b'{"email": "a"}',
        b'{"email": ',
        b"",
        b"   ",
        b"[1, 2]",
        b"null",
        b'"text"',
        b"NaN",
        b'{"n": 1e999}',
        b'{"email": "\xff\xfe"}',
        b'{"email": "\\ud800"}',
        b"[" * 100_000,
        b'{"email": "b"}',
    ]
    found = rows_of(written(tmp_path, "a.jsonl", b"\n".join(lines)))
    assert [row for row in found if isinstance(row, dict)] == [{"email": "a"}, {"email": "b"}]
    unreadable = [row for row in found if isinstance(row, UnreadableRow)]
    assert [row.why for row in unreadable] == [
        "the line is not JSON",
        "the line is no JSON object",
        "the line is no JSON object",
        "the line is no JSON object",
        "the line is not JSON",
        "the line is not JSON",
        "the line is not UTF-8",
        "the line is not JSON",
        "the line is not JSON",
    ]
    assert unreadable[0].text == '{"email": '


def test_a_byte_order_mark_is_no_part_of_the_first_row(tmp_path: Path) -> None:
    assert rows_of(written(tmp_path, "a.jsonl", codecs.BOM_UTF8 + b'{"email": "a"}\n')) == [{"email": "a"}]
    assert rows_of(written(tmp_path, "a.csv", codecs.BOM_UTF8 + b"email\na\n")) == [{"email": "a"}]
    assert rows_of(written(tmp_path, "b.jsonl", codecs.BOM_UTF8)) == []


def test_csv_values_come_as_texts_and_empty_cells_not_at_all(tmp_path: Path) -> None:
    content = 'email, name ,note\r\na@x,"Ann, ""B""\r\nC",\r\n\r\nb@x,,"\n"\r\n'
    assert rows_of(written(tmp_path, "a.csv", content)) == [
        {"email": "a@x", "name": 'Ann, "B"\r\nC'},
        {"email": "b@x", "note": "\n"},
    ]


def test_a_csv_row_of_another_length_is_unreadable_and_says_how_long_it_is(tmp_path: Path) -> None:
    found = rows_of(written(tmp_path, "a.csv", 'email,name\na@x\nb@x,B\nc@x,"C, D",E\n'))
    assert found[1] == {"email": "b@x", "name": "B"}
    assert found[0] == UnreadableRow("a@x", "the row has 1 values and the header 2 columns")
    assert found[2] == UnreadableRow('c@x,"C, D",E', "the row has 3 values and the header 2 columns")


def test_a_quote_that_is_never_closed_does_not_swallow_the_rows_behind_it(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", 'email,note\na@x,"hello\nb@x,1\nc@x,2\n')
    with pytest.raises(ConfigurationError, match=r"input_path: the CSV file breaks at line \d"):
        rows_of(path)


def test_a_csv_value_may_be_a_megabyte_long(tmp_path: Path) -> None:
    long = "ž" * 1_000_000
    assert rows_of(written(tmp_path, "a.csv", f"email,note\na@x,{long}\n")) == [{"email": "a@x", "note": long}]


@pytest.mark.parametrize(
    "content", ["email\na\n".encode("utf-16"), "email\nŽ\n".encode("cp1257"), b"email\n\xff\xfe\n"]
)
def test_a_csv_file_in_another_encoding_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"input_path: .* is not UTF-8"):
        rows_of(written(tmp_path, "a.csv", content))


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="two columns of the file have the same name"):
        rows_of(written(tmp_path, "a.csv", "email,name,email\na,b,c\n"))


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.jsonl.gz", "a.csv.gz"])
def test_an_empty_file_has_no_rows(tmp_path: Path, name: str) -> None:
    assert rows_of(written(tmp_path, name, gzip.compress(b"") if name.endswith(".gz") else b"")) == []


def test_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    assert rows_of(written(tmp_path, "a.csv", "email,name\n")) == []


FULL = gzip.compress(b'{"email": "a"}\n' * 2_000)


@pytest.mark.parametrize(
    "content",
    [b"no gzip at all", FULL[:30], FULL[:-4], FULL[:12] + b"\x00\x99" * 40, FULL[:-8] + b"\0" * 8],
    ids=["plain", "cut short", "end missing", "corrupt", "wrong checksum"],
)
def test_a_broken_gzip_file_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"input_path: .*a\.jsonl\.gz cannot be read"):
        rows_of(written(tmp_path, "a.jsonl.gz", content))


def test_a_file_that_is_not_there_is_refused_in_words(tmp_path: Path, memory: str) -> None:
    for path in (UPath(tmp_path / "none.csv"), UPath(memory) / "none.csv", ObjectStoragePath(f"{memory}/none.csv")):
        with pytest.raises(ConfigurationError, match=r"input_path: .*none\.csv cannot be read"):
            rows_of(path)


def test_a_directory_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(ConfigurationError, match=r"input_path: .*a\.csv cannot be read"):
        rows_of(tmp_path / "a.csv")


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.jsonl.gz", "a.csv.gz"])
@pytest.mark.parametrize("path_class", [UPath, ObjectStoragePath])
def test_files_are_read_from_any_storage(memory: str, name: str, path_class: type[UPath]) -> None:
    content = b"email\na@x\nb@x\n" if "csv" in name else b'{"email": "a@x"}\n{"email": "b@x"}\n'
    path = path_class(f"{memory}/{name}")
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert rows_of(path) == [{"email": "a@x"}, {"email": "b@x"}]


def test_a_reader_who_stops_early_leaves_the_file_closed(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", '{"email": "a"}\n' * 10)
    rows = read_rows(UPath(path), None, parameter="input_path")
    next(rows)
    rows.close()  # type: ignore[attr-defined]
    path.rename(tmp_path / "b.jsonl")


CELL = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(st.lists(st.tuples(CELL, CELL), max_size=20))
def test_whatever_csv_writes_is_read_back(rows: list[tuple[str, str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("email", "note"), *rows])
    path = UPath("memory://formats/any.csv")
    path.write_bytes(text.getvalue().encode())
    assert rows_of(path) == [{"email": one, "note": two} for one, two in rows]


@given(st.binary(max_size=400))
def test_whatever_a_jsonl_file_holds_every_line_is_a_row_or_accounted_for(content: bytes) -> None:
    path = UPath("memory://formats/any.jsonl")
    path.write_bytes(content)
    lines = [line for line in content.removeprefix(codecs.BOM_UTF8).split(b"\n") if line.strip()]
    assert len(rows_of(path)) == len(lines)


@given(st.binary(max_size=400))
def test_whatever_a_csv_file_holds_it_is_read_or_refused_in_words(content: bytes) -> None:
    path = UPath("memory://formats/any.csv")
    path.write_bytes(content)
    try:
        assert all(isinstance(row, dict | UnreadableRow) for row in rows_of(path))
    except ConfigurationError as refused:
        assert str(refused).startswith("input_path: ")  # noqa: PT017


class Odd:
    def __str__(self) -> str:
        return "odd"


@pytest.mark.parametrize(
    "row",
    [{"a": Odd()}, {"a": 1j}, {(1, 2): 3}, {"a": "\ud800"}, {"a": 10**400}, {"a": {1, 2}}, {"a": float("nan")}, None],
)
def test_whatever_a_row_holds_it_can_be_shown_as_json(row: object) -> None:
    json.loads(row_json(row))


def test_a_row_that_loops_can_be_shown_as_json() -> None:
    row: dict[str, object] = {}
    row["self"] = row
    assert "..." in json.loads(row_json(row))


def test_a_json_line_is_one_line() -> None:
    assert json_line({"a": "x\ny"}) == b'{"a":"x\\ny"}\n'

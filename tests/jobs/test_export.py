from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from airflow.sdk import ObjectStoragePath
from upath import UPath

from airflow_provider_sender.client.errors import AuthenticationError, ConfigurationError, NotFoundError
from airflow_provider_sender.client.paging import ListingDriftError, OnDrift, Row
from airflow_provider_sender.client.sender.service import SenderService
from airflow_provider_sender.client.subscribers import Field, Subscriber
from airflow_provider_sender.jobs import parts as parts_module
from airflow_provider_sender.jobs.export import Export, Exported, export_to_file
from airflow_provider_sender.jobs.formats import Encoding, FileFormat
from airflow_provider_sender.jobs.parts import MANIFEST, export_to_directory
from airflow_provider_sender.jobs.writers import JsonlWriter
from airflow_provider_sender.sandbox.remote import Sandbox
from tests.jobs.accounts import MemoryService, service_of

PLAIN = Export()


def out(tmp_path: Path, name: str = "out.jsonl") -> UPath:
    return UPath(tmp_path / name)


def lines(path: UPath) -> list[bytes]:
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).split(b"\n")[:-1]


def ids(rows: list[bytes]) -> Counter[str]:
    return Counter(json.loads(row)["id"] for row in rows)


def manifest_of(directory: UPath) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads((directory / MANIFEST).read_bytes()))


def rows_of_directory(directory: UPath) -> list[bytes]:
    """Read a directory as a reader does: by its manifest."""
    return [line for part in manifest_of(directory)["parts"] for line in lines(directory / part["name"])]


def group_named(service: SenderService, title: str) -> str:
    return next(group.id for group in service.groups() if group.title == title)


# Everybody, exactly once


def with_failures(sandbox: Sandbox, path: str = "/subscribers") -> None:
    """Have many of a listing's pages fail in every way that is an answer."""
    sandbox.fault("status", path, "GET", status=503, times=None, every=9)
    sandbox.fault("status", path, "GET", status=500, body="<html>Oops</html>", times=None, skip=3, every=17)
    sandbox.fault("garble", path, "GET", times=None, skip=2, every=19)


def with_lost_answers(sandbox: Sandbox, path: str = "/subscribers") -> None:
    """Have many of a listing's pages get lost on the way."""
    sandbox.fault("drop_before", path, "GET", times=None, every=13)
    sandbox.fault("drop_after", path, "GET", times=None, skip=5, every=23)
    sandbox.fault("truncate", path, "GET", times=None, skip=1, every=11)


def test_ten_thousand_come_out_byte_for_byte_through_a_narrow_window_and_failures(
    sender_sandbox: Sandbox, tmp_path: Path
) -> None:
    sender_sandbox.reset(subscribers=10_000, requests_per_window=60, window_seconds=1)
    with_failures(sender_sandbox)
    done = export_to_file(service_of(sender_sandbox), PLAIN, out(tmp_path))
    assert sorted(lines(out(tmp_path))) == sorted(sender_sandbox.subscribers())
    counters = sender_sandbox.counters()
    assert counters["rate_limited"] == 0
    assert all(fault["fired"] > 1 for fault in sender_sandbox.faults())
    assert (done.rows, done.files, done.requests) == (10_000, 1, counters["requests"])
    assert done.listing.is_sound


def test_ten_thousand_come_out_byte_for_byte_over_a_bad_line(sender_sandbox: Sandbox, tmp_path: Path) -> None:
    sender_sandbox.reset(subscribers=10_000, requests_per_window=60, window_seconds=1)
    with_lost_answers(sender_sandbox)
    done = export_to_file(service_of(sender_sandbox), PLAIN, out(tmp_path))
    assert sorted(lines(out(tmp_path))) == sorted(sender_sandbox.subscribers())
    lost = [fault["fired"] for fault in sender_sandbox.faults()]
    assert min(lost) > 1
    # Whether the service counted a request whose answer is lost nobody can know.
    assert sender_sandbox.counters()["rate_limited"] <= sum(lost)
    assert done.rows == 10_000


@pytest.mark.parametrize(
    ("reset_format", "retry_after"), [("iso", True), ("iso", False), ("epoch", True), ("delta", False)]
)
def test_a_sole_client_is_never_refused_however_the_window_is_told(
    sender_sandbox: Sandbox, tmp_path: Path, reset_format: str, retry_after: bool
) -> None:
    sender_sandbox.reset(
        subscribers=900, requests_per_window=9, window_seconds=0.5, retry_after=retry_after, reset_format=reset_format
    )
    export_to_file(service_of(sender_sandbox), PLAIN, out(tmp_path))
    assert sorted(lines(out(tmp_path))) == sorted(sender_sandbox.subscribers())
    assert sender_sandbox.counters()["rate_limited"] == 0


@pytest.mark.parametrize("retry_after", [True, False])
def test_an_account_shared_with_others_is_exported_all_the_same(
    sender_sandbox: Sandbox, tmp_path: Path, retry_after: bool
) -> None:
    sender_sandbox.reset(subscribers=1_000)
    headers = {"Retry-After": "1"} if retry_after else {}
    sender_sandbox.fault("rate_limit", "/subscribers", "GET", times=2, skip=3, headers=headers)
    export_to_file(service_of(sender_sandbox), PLAIN, out(tmp_path))
    assert sorted(lines(out(tmp_path))) == sorted(sender_sandbox.subscribers())
    assert sender_sandbox.counters()["rate_limited"] == 2


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200, 1_001])
def test_any_number_of_subscribers_comes_out_exactly_once(sender_sandbox: Sandbox, tmp_path: Path, count: int) -> None:
    sender_sandbox.reset(subscribers=count)
    done = export_to_file(service_of(sender_sandbox), PLAIN, out(tmp_path))
    assert sorted(lines(out(tmp_path))) == sorted(sender_sandbox.subscribers())
    assert done.rows == count


@pytest.mark.parametrize("where", ["first", "last", "random"])
@pytest.mark.parametrize("created_format", ["iso", "plain", "mixed"])
def test_whoever_stays_comes_out_exactly_once_while_others_come_and_go(
    sender_sandbox: Sandbox, tmp_path: Path, where: str, created_format: str
) -> None:
    sender_sandbox.reset(subscribers=2_000, created_format=created_format)
    before = ids(sender_sandbox.subscribers())
    sender_sandbox.fault("delete_subscribers", "/subscribers", "GET", count=7, where=where, times=None)
    sender_sandbox.fault("add_subscribers", "/subscribers", "GET", count=5, where="last", times=None)
    export_to_file(service_of(sender_sandbox), PLAIN, out(tmp_path))
    found, after = ids(lines(out(tmp_path))), ids(sender_sandbox.subscribers())
    stayed = before & after
    assert len(before) - len(stayed) > 100 or where == "last"
    assert set(stayed) <= set(found)
    assert max(found.values()) == 1


@pytest.mark.parametrize("where", ["first", "random"])
def test_newcomers_with_old_dates_cost_nobody_their_place(sender_sandbox: Sandbox, tmp_path: Path, where: str) -> None:
    sender_sandbox.reset(subscribers=2_000)
    before = ids(sender_sandbox.subscribers())
    sender_sandbox.fault("add_subscribers", "/subscribers", "GET", count=3, where=where, times=15)
    done = export_to_file(service_of(sender_sandbox), PLAIN, out(tmp_path))
    found = ids(lines(out(tmp_path)))
    assert set(before) <= set(found)
    assert max(found.values()) == 1
    assert done.listing.passes > 1


@pytest.mark.parametrize("knobs", [{"stable_ties": False}, {"ignore_order": True}, {"max_limit": 37}])
def test_a_service_that_does_not_sort_as_asked_is_read_until_the_figures_agree(
    sender_sandbox: Sandbox, tmp_path: Path, knobs: dict[str, Any]
) -> None:
    # Half of them were imported in one and the same second.
    sender_sandbox.reset(subscribers=700, **knobs)
    sender_sandbox.seed(
        rows=[{"email": f"import-{number}@example.com", "created": "2026-01-01T00:00:00"} for number in range(700)]
    )
    done = export_to_file(service_of(sender_sandbox), PLAIN, out(tmp_path))
    assert sorted(lines(out(tmp_path))) == sorted(sender_sandbox.subscribers())
    assert done.listing.missing == 0


@pytest.mark.parametrize("knobs", [{"stable_ties": False}, {"ignore_order": True}])
def test_a_service_that_does_not_sort_as_asked_is_read_to_the_end_though_it_never_stands_still(
    sender_sandbox: Sandbox, tmp_path: Path, knobs: dict[str, Any]
) -> None:
    sender_sandbox.reset(subscribers=700, **knobs)
    before = ids(sender_sandbox.subscribers())
    # Slow enough for those who come to be created in another second than those who were there.
    sender_sandbox.fault("delay", "/subscribers", "GET", seconds=0.15, times=None)
    sender_sandbox.fault("add_subscribers", "/subscribers", "GET", count=1, where="last", every=5, times=None)
    done = export_to_file(service_of(sender_sandbox), PLAIN, out(tmp_path))
    found = ids(lines(out(tmp_path)))
    assert set(before) <= set(found)
    assert max(found.values()) == 1
    assert done.listing.missing == 0


def test_drift_is_told_and_let_pass_where_that_is_asked_for(
    sender_sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sender_sandbox.reset(subscribers=500, ignore_order=True)
    done = export_to_file(service_of(sender_sandbox), Export(on_drift=OnDrift.WARN), out(tmp_path))
    assert "Rows may be missing" in caplog.text
    assert done.listing.passes == 1
    assert not done.listing.is_sound
    assert done.rows == len(lines(out(tmp_path)))


def test_drift_fails_where_that_is_asked_for_and_leaves_the_old_file(sender_sandbox: Sandbox, tmp_path: Path) -> None:
    sender_sandbox.reset(subscribers=500, ignore_order=True)
    out(tmp_path).write_bytes(b"old\n")
    with pytest.raises(ListingDriftError, match="on_drift='repair'"):
        export_to_file(service_of(sender_sandbox), Export(on_drift=OnDrift.FAIL), out(tmp_path))
    assert lines(out(tmp_path)) == [b"old"]
    assert [each.name for each in tmp_path.iterdir()] == ["out.jsonl"]


def test_a_group_is_exported_alone(sender_sandbox: Sandbox, tmp_path: Path) -> None:
    sender_sandbox.reset(subscribers=1_500)
    service = service_of(sender_sandbox)
    group = group_named(service, "Customers")
    with_failures(sender_sandbox, "/groups/*/subscribers")
    with_lost_answers(sender_sandbox, "/groups/*/subscribers")
    done = export_to_file(service, Export(group_id=group), out(tmp_path))
    members = [
        row
        for row in sender_sandbox.subscribers()
        if group in [tag["id"] for tag in json.loads(row)["subscriber_tags"]]
    ]
    assert 300 < len(members) < 1_200
    assert sorted(lines(out(tmp_path))) == sorted(members)
    assert done.rows == len(members)


def test_a_group_nobody_is_in_is_an_empty_file(sender_sandbox: Sandbox, tmp_path: Path) -> None:
    service = service_of(sender_sandbox)
    group = service.client.create_group("Empty").id
    assert export_to_file(service, Export(group_id=group), out(tmp_path)).rows == 0
    assert out(tmp_path).read_bytes() == b""


@pytest.mark.parametrize("to_place", [export_to_file, export_to_directory])
def test_a_group_that_is_not_there_is_refused_with_those_there_are(
    sender_sandbox: Sandbox, tmp_path: Path, to_place: Callable[..., Exported]
) -> None:
    sender_sandbox.reset(subscribers=10)
    path = UPath(tmp_path / "out" / "subscribers.jsonl")
    with pytest.raises(ConfigurationError, match=r"^group_id: the account has no group 'nope'\. It has: .*Newsletter"):
        to_place(service_of(sender_sandbox), Export(group_id="nope"), path)
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


# Files


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
@pytest.mark.parametrize("path_class", [UPath, ObjectStoragePath])
@pytest.mark.parametrize("to_memory", [False, True])
def test_jsonl_goes_to_any_storage(
    sender_sandbox: Sandbox, tmp_path: Path, memory: str, name: str, path_class: type[UPath], to_memory: bool
) -> None:
    sender_sandbox.reset(subscribers=250)
    path = path_class(f"{memory}/deep/er/{name}" if to_memory else str(tmp_path / "deep" / "er" / name))
    done = export_to_file(service_of(sender_sandbox), PLAIN, path)
    assert sorted(lines(path)) == sorted(sender_sandbox.subscribers())
    assert (done.path, done.files) == (str(path), 1)
    assert [each.name for each in path.parent.iterdir()] == [name]


NASTY: list[dict[str, Any]] = [
    {"email": "newline@x.lt", "firstname": "two\nlines", "lastname": "and\r\nthree\rof them"},
    {"email": "quotes@x.lt", "firstname": 'say "hi", ok', "lastname": "'; drop table"},
    {"email": "emoji@x.lt", "firstname": "👩‍👩‍👧 Žilvinas", "lastname": "\u2028\u2029\u0085"},
    {"email": "space@x.lt", "firstname": "  around  ", "lastname": "\t"},
    {"email": "formula@x.lt", "firstname": "=1+1", "lastname": "-2"},
    {"email": "nul@x.lt", "firstname": "a\u0000b", "lastname": "\\"},
    {"email": "large@x.lt", "firstname": "Ann", "fields": {"Note": "ž" * 1_000_000}},
    {"email": "field@x.lt", "fields": {"Note": 'a,"b"\nc', "Visits": 5}},
]


def test_names_and_values_of_all_kinds_stay_as_they_are(sender_sandbox: Sandbox, tmp_path: Path) -> None:
    sender_sandbox.seed(rows=NASTY)
    service = service_of(sender_sandbox)
    export_to_file(service, PLAIN, out(tmp_path))
    assert sorted(lines(out(tmp_path))) == sorted(sender_sandbox.subscribers())
    export_to_file(service, PLAIN, out(tmp_path, "out.csv"))
    with open(tmp_path / "out.csv", encoding="utf-8", newline="") as file:
        csv.field_size_limit(10_000_000)
        found = {row["email"]: row for row in csv.DictReader(file, strict=True)}
    assert len(found) == len(NASTY)
    for wanted in NASTY:
        row = found[wanted["email"]]
        assert row["firstname"] == wanted.get("firstname", "")
        assert row["lastname"] == wanted.get("lastname", "")
        assert row["fields.Note"] == wanted.get("fields", {}).get("Note", "")
        assert row["fields.Visits"] == str(wanted.get("fields", {}).get("Visits", ""))


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz"])
@pytest.mark.parametrize("path_class", [UPath, ObjectStoragePath])
def test_csv_read_back_gives_the_same_values(
    sender_sandbox: Sandbox, tmp_path: Path, name: str, path_class: type[UPath]
) -> None:
    sender_sandbox.reset(subscribers=300)
    path = path_class(str(tmp_path / name))
    service = service_of(sender_sandbox)
    export_to_file(service, PLAIN, path)
    content = path.read_bytes()
    text = (gzip.decompress(content) if name.endswith(".gz") else content).decode()
    assert text.count("\r\n") == 301
    read = {row["id"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}
    assert len(read) == 300
    for raw in sender_sandbox.subscribers():
        there = service.read_subscriber(raw)
        row = read[there.id]
        assert row["email"] == there.email
        assert row["lastname"] == (there.lastname or "")
        assert row["status"] == there.consent
        assert json.loads(row["groups"]) == list(there.groups)
        assert there.created is not None
        assert row["created"] == there.created.isoformat().replace("+00:00", "Z")
        # The sandbox gives times of custom fields without a zone.
        written = {name: str(value) for name, value in there.fields.items()}
        written["Renewal date"] = written["Renewal date"].replace(" ", "T") + "Z"
        assert {name: row[f"fields.{name}"] for name in there.fields} == written


@pytest.mark.parametrize("columns", [["email"], {"fields.Plan": "plan", "email": "address"}])
def test_columns_are_picked_renamed_and_ordered(
    sender_sandbox: Sandbox, tmp_path: Path, columns: list[str] | dict[str, str]
) -> None:
    sender_sandbox.reset(subscribers=30)
    export_to_file(service_of(sender_sandbox), Export(columns=columns), out(tmp_path, "out.csv"))
    with open(tmp_path / "out.csv", newline="") as file:
        header, *rows = list(csv.reader(file))
    there = [json.loads(row) for row in sender_sandbox.subscribers()]
    if isinstance(columns, dict):
        assert header == ["plan", "address"]
        expected = [[row["columns"][0]["value"], row["email"]] for row in there]
    else:
        assert header == ["email"]
        expected = [[row["email"]] for row in there]
    assert sorted(rows) == sorted(expected)


@pytest.mark.parametrize("to_place", [export_to_file, export_to_directory])
@pytest.mark.parametrize("columns", [["email", "nope"], {"nope": "x"}, []])
def test_an_unknown_column_is_refused_before_any_row_is_read(
    sender_sandbox: Sandbox, tmp_path: Path, to_place: Callable[..., Exported], columns: Any
) -> None:
    sender_sandbox.reset(subscribers=10)
    with pytest.raises(ConfigurationError, match=r"^columns: "):
        to_place(service_of(sender_sandbox), Export(columns=columns, file_format="csv"), out(tmp_path, "new"))
    assert "GET /subscribers" not in sender_sandbox.counters()["by_path"]
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


def test_columns_of_jsonl_are_refused_before_the_first_request(sender_sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^columns: JSONL carries"):
        export_to_file(service_of(sender_sandbox), Export(columns=["email"]), out(tmp_path))
    assert sender_sandbox.counters()["requests"] == 0


def test_a_field_whose_type_changes_between_pages_is_a_number_where_it_can_be_one(
    sender_sandbox: Sandbox, tmp_path: Path
) -> None:
    values: list[Any] = [5, "five", 5.5, None, "", "5"]
    rows: list[dict[str, Any]] = [
        {"email": f"{number:04}@x.lt", "created": number, "fields": {"Visits": values[number % len(values)]}}
        for number in range(450)
    ]
    sender_sandbox.seed(rows=rows)
    service = service_of(sender_sandbox)
    export_to_file(service, PLAIN, out(tmp_path))
    assert sorted(lines(out(tmp_path))) == sorted(sender_sandbox.subscribers())
    export_to_file(service, Export(columns=["email", "fields.Visits"]), out(tmp_path, "out.csv"))
    with open(tmp_path / "out.csv", newline="") as file:
        read = dict(list(csv.reader(file))[1:])
    as_number = {5: "5", "five": "", 5.5: "5.5", None: "", "": "", "5": "5"}
    assert read == {row["email"]: as_number[row["fields"]["Visits"]] for row in rows}


def test_a_service_that_writes_its_json_over_many_lines_still_makes_one_line_a_row() -> None:
    raw = b'{\n  "id": "1",\r\n  "firstname": "two\\nlines",\n "n": 1.0\n}'
    row = Row("1", None, msgspec.Raw(raw))
    file = io.BytesIO()
    JsonlWriter(file, Encoding(FileFormat.JSONL, is_gzip=False)).write([row, row])
    assert file.getvalue() == b'{"id":"1","firstname":"two\\nlines","n":1.0}\n' * 2


# What cannot work is said at once


@pytest.mark.parametrize("file_format", [None, "csv"])
@pytest.mark.parametrize("to_place", [export_to_file, export_to_directory])
def test_a_path_nothing_can_be_written_to_is_refused_before_the_first_request(
    sender_sandbox: Sandbox, tmp_path: Path, to_place: Callable[..., Exported], file_format: str | None
) -> None:
    sender_sandbox.reset(subscribers=10)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigurationError, match=r"^output_path: nothing can be written to"):
        to_place(service_of(sender_sandbox), Export(file_format=file_format), UPath(tmp_path / "file" / "out.jsonl"))
    assert sender_sandbox.counters()["requests"] == 0


def test_a_file_in_the_place_of_a_directory_is_refused_before_the_first_request(
    sender_sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(ConfigurationError, match=r"^output_path: .*directory"):
        export_to_file(service_of(sender_sandbox), Export(file_format="csv"), UPath(tmp_path / "out"))
    assert sender_sandbox.counters()["requests"] == 0
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("name", ["out", "out.parquet.gz"])
def test_an_unknown_format_is_refused_before_the_first_request(
    sender_sandbox: Sandbox, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ConfigurationError, match=r"^output_path: "):
        export_to_file(service_of(sender_sandbox), PLAIN, out(tmp_path, name))
    assert sender_sandbox.counters()["requests"] == 0


# What a crash leaves


def dying(after: int, error: BaseException, count: int = 1_000, batch: int = 10) -> MemoryService:
    """Return an account whose listing dies after some pages."""
    pages = itertools.count(1)

    def before(call: str) -> None:
        if call == "listing" and next(pages) > after:
            raise error

    return MemoryService([Subscriber(f"s{number}") for number in range(count)], before=before, batch=batch)


@pytest.mark.parametrize("error", [RuntimeError("boom"), KeyboardInterrupt(), AuthenticationError("expired")])
@pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "out.jsonl.gz", "out.csv.gz"])
@pytest.mark.parametrize("after", [0, 1, 50])
def test_a_crash_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, error: BaseException, name: str, after: int
) -> None:
    out(tmp_path, name).write_bytes(b"old")
    with pytest.raises(type(error)):
        export_to_file(dying(after, error), PLAIN, out(tmp_path, name))
    assert out(tmp_path, name).read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == [name]


@pytest.fixture
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_module, "BATCHES_A_PART", 3)


@pytest.mark.usefixtures("_small_parts")
@pytest.mark.parametrize("error", [RuntimeError("boom"), KeyboardInterrupt()])
@pytest.mark.parametrize("after", [0, 1, 2, 3, 4, 99])
def test_a_crash_leaves_the_old_directory_and_nothing_else(
    tmp_path: Path, memory: str, error: BaseException, after: int
) -> None:
    for directory in (UPath(tmp_path / "out"), UPath(memory) / "out"):
        export_to_directory(MemoryService([Subscriber("old")]), PLAIN, directory)
        before = {each.name: each.read_bytes() for each in directory.iterdir()}
        with pytest.raises(type(error)):
            export_to_directory(dying(after, error), PLAIN, directory)
        assert {each.name: each.read_bytes() for each in directory.iterdir()} == before


@pytest.mark.usefixtures("_small_parts")
def test_a_manifest_that_cannot_be_published_leaves_the_old_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = UPath(tmp_path)
    export_to_directory(MemoryService([Subscriber("old")]), PLAIN, directory)
    before = sorted(each.name for each in tmp_path.iterdir())

    def full(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parts_module._Writing, "_manifest", full)
    with pytest.raises(OSError, match="No space"):
        export_to_directory(MemoryService([Subscriber(f"s{number}") for number in range(500)]), PLAIN, directory)
    assert sorted(each.name for each in tmp_path.iterdir()) == before
    assert [json.loads(row)["id"] for row in rows_of_directory(directory)] == ["old"]


# Directories


@pytest.mark.usefixtures("_small_parts")
@pytest.mark.parametrize("file_format", [None, "jsonl.gz", "csv", "csv.gz"])
@pytest.mark.parametrize("count", [0, 1, 300, 301, 1_234])
def test_a_directorys_manifest_names_exactly_the_parts_that_are_there(
    sender_sandbox: Sandbox, tmp_path: Path, file_format: str | None, count: int
) -> None:
    sender_sandbox.reset(subscribers=count)
    directory = UPath(tmp_path / "out")
    done = export_to_directory(service_of(sender_sandbox), Export(file_format=file_format), directory)
    manifest = manifest_of(directory)
    names = [part["name"] for part in manifest["parts"]]
    assert sorted(each.name for each in directory.iterdir()) == sorted([MANIFEST, *names])
    assert all(name.endswith("." + (file_format or "jsonl")) for name in names)
    assert sum(part["rows"] for part in manifest["parts"]) == manifest["rows"] == done.rows == count
    assert len(names) == done.files == max(1, -(-count // 300))
    assert manifest["format"] == (file_format or "jsonl")
    assert manifest["listing"]["missing"] == 0
    header = 1 if "csv" in (file_format or "") else 0
    assert [len(lines(directory / name)) - header for name in names] == [part["rows"] for part in manifest["parts"]]
    if header:
        assert [column["name"] for column in manifest["columns"]][:2] == ["id", "email"]
    else:
        assert manifest["columns"] == []
        assert sorted(rows_of_directory(directory)) == sorted(sender_sandbox.subscribers())


@pytest.mark.usefixtures("_small_parts")
def test_a_part_that_is_named_has_rows(sender_sandbox: Sandbox, tmp_path: Path) -> None:
    # Pages on which there is nothing new at the end of a walk make no part of their own.
    sender_sandbox.reset(subscribers=600)
    export_to_directory(service_of(sender_sandbox), PLAIN, UPath(tmp_path))
    assert [part["rows"] for part in manifest_of(UPath(tmp_path))["parts"]] == [300, 300]


@pytest.mark.usefixtures("_small_parts")
@pytest.mark.parametrize("path_class", [UPath, ObjectStoragePath])
@pytest.mark.parametrize("to_memory", [False, True])
def test_old_parts_go_with_their_manifest(
    sender_sandbox: Sandbox, tmp_path: Path, memory: str, path_class: type[UPath], to_memory: bool
) -> None:
    directory = path_class(f"{memory}/out/" if to_memory else f"{tmp_path}/out/")
    sender_sandbox.reset(subscribers=1_000)
    service = service_of(sender_sandbox)
    export_to_directory(service, PLAIN, directory)
    (directory / "part-somebody-elses.jsonl").write_bytes(b"x")
    first = {part["name"] for part in manifest_of(directory)["parts"]}
    sender_sandbox.reset(subscribers=350)
    export_to_directory(service, PLAIN, directory)
    second = {part["name"] for part in manifest_of(directory)["parts"]}
    assert (len(first), len(second), first & second) == (4, 2, set())
    names = {each.name for each in directory.iterdir()}
    assert names == {MANIFEST, "part-somebody-elses.jsonl", *second}
    assert sorted(rows_of_directory(directory)) == sorted(sender_sandbox.subscribers())


@pytest.mark.usefixtures("_small_parts")
def test_a_reader_always_sees_one_whole_export(tmp_path: Path) -> None:
    directory = UPath(tmp_path)
    export_to_directory(MemoryService([Subscriber(f"0-{number}") for number in range(100)], batch=10), PLAIN, directory)
    is_over = threading.Event()
    torn: list[object] = []
    looks = 0

    def read() -> None:
        nonlocal looks
        while not is_over.is_set():
            manifest = manifest_of(directory)
            try:
                rows = [line for part in manifest["parts"] for line in lines(directory / part["name"])]
            except FileNotFoundError:
                # The parts went while they were read; then the manifest is another one by now.
                if manifest_of(directory) == manifest:
                    torn.append(manifest)
                continue
            looks += 1
            rounds = {json.loads(row)["id"].split("-")[0] for row in rows}
            if len(rows) != 100 or len(rounds) != 1:
                torn.append((len(rows), rounds))

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(1, 25):
        people = [Subscriber(f"{turn}-{number}") for number in range(100)]
        export_to_directory(MemoryService(people, batch=10), PLAIN, directory)
    is_over.set()
    reader.join()
    assert torn == []
    assert looks > 3


@pytest.mark.parametrize(
    "foreign",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"[]",
        b'{"parts": 5}',
        b'{"parts": [{"name": 5, "rows": 1}]}',
        b'{"entries": [{"url": "precious.jsonl"}]}',
        b'{"parts": [{"name": "precious.jsonl", "rows": 1}, {"name": "../precious.jsonl", "rows": 1}]}',
        b'{"parts": [{"name": "part-/../precious.jsonl", "rows": 1}]}',
    ],
)
def test_somebody_elses_manifest_has_nothing_removed(tmp_path: Path, foreign: bytes) -> None:
    directory = UPath(tmp_path / "out")
    (directory / "part-").mkdir(parents=True)
    (directory / "precious.jsonl").write_bytes(b"x")
    (UPath(tmp_path) / "precious.jsonl").write_bytes(b"x")
    (directory / MANIFEST).write_bytes(foreign)
    export_to_directory(MemoryService([Subscriber("1")]), PLAIN, directory)
    assert (directory / "precious.jsonl").exists()
    assert (tmp_path / "precious.jsonl").exists()
    assert len(rows_of_directory(directory)) == 1


def test_old_parts_that_are_gone_already_are_nobodys_loss(tmp_path: Path) -> None:
    directory = UPath(tmp_path)
    for _ in range(2):
        export_to_directory(MemoryService([Subscriber("1")]), PLAIN, directory)
        for part in tmp_path.glob("part-*"):
            part.unlink()
    export_to_directory(MemoryService([Subscriber("1")]), PLAIN, directory)
    assert len(rows_of_directory(directory)) == 1


def test_a_group_deleted_while_it_is_read_is_not_called_unknown(tmp_path: Path) -> None:
    service = dying(3, NotFoundError("gone"))
    with pytest.raises(NotFoundError):
        export_to_file(service, Export(group_id="g1"), out(tmp_path))


@pytest.mark.usefixtures("_small_parts")
def test_a_part_is_written_while_it_is_read_and_not_gathered_first(tmp_path: Path) -> None:
    growing: list[int] = []

    def before(call: str) -> None:
        growing.append(sum(each.stat().st_size for each in tmp_path.glob(".part-*")))

    people = [Subscriber(f"s{number}", firstname="x" * 50_000) for number in range(30)]
    export_to_directory(MemoryService(people, before=before, batch=10), PLAIN, UPath(tmp_path))
    assert growing[0] == 0
    assert growing[-1] > 500_000


def test_fields_are_asked_for_once_for_all_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_module, "BATCHES_A_PART", 1)
    people = [Subscriber(f"s{number}", fields={"Plan": "pro"}) for number in range(50)]
    service = MemoryService(people, fields=[Field("Plan")], batch=10)
    done = export_to_directory(service, Export(file_format="csv"), UPath(tmp_path))
    assert done.files == 5
    assert service.calls.count("fields") == 1


def test_an_empty_account_is_a_header_and_no_rows(tmp_path: Path) -> None:
    export_to_file(MemoryService(fields=[Field("Plan")]), PLAIN, out(tmp_path, "out.csv"))
    header, *rows = csv.reader(io.StringIO(out(tmp_path, "out.csv").read_text()))
    assert header[-1] == "fields.Plan"
    assert rows == []


def test_progress_is_logged_with_what_is_left(
    sender_sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_sender.jobs.progress.EVERY_SECONDS", 0.0)
    caplog.set_level("INFO")
    sender_sandbox.reset(subscribers=300, requests_per_window=100)
    export_to_file(service_of(sender_sandbox), PLAIN, out(tmp_path))
    assert "200 of 300 subscribers (" in caplog.text
    assert "requests left in this window" in caplog.text
    assert "@" not in caplog.text


def test_only_who_came_lately_is_exported_when_that_is_asked_for(sender_sandbox: Sandbox, tmp_path: Path) -> None:
    sender_sandbox.reset(subscribers=1_000)
    sender_sandbox.seed(
        rows=[
            {"email": f"new{number}@example.com", "created": f"2099-06-01T00:00:{number:02d}Z"} for number in range(30)
        ]
    )
    export = Export(created_since=datetime(2099, 6, 1, 0, 0, 10, tzinfo=UTC))

    done = export_to_file(service_of(sender_sandbox), export, out(tmp_path))

    assert [json.loads(line)["email"] for line in lines(out(tmp_path))] == [
        f"new{number}@example.com" for number in range(10, 30)
    ]
    assert done.rows == 20
    assert done.requests <= 3

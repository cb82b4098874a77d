"""Parquet: rows of a listing into a file, and rows out of one.

The one module that imports pyarrow, so it is imported where Parquet is asked for and nowhere else. What it keeps in
memory is bounded by the rows and by the bytes of one row group, whatever the size of the file.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.paging import Row
from airflow_provider_sender.jobs.cells import CellValue
from airflow_provider_sender.jobs.writers import Flatten, FlatWriter, Heading

# A row group is what readers skip or read as a whole: large enough for that, small enough to be held in memory.
_GROUP_ROWS = 10_000
_GROUP_BYTES = 8 * 1024 * 1024

# Rows are turned into columns so many at a time: few enough that their Python objects hardly count.
_BATCH_ROWS = 1_000
_BATCH_BYTES = 1024 * 1024

# So much of every column is read from a disk at once, and so much of a file from elsewhere.
_READ_BYTES = 64 * 1024
_FETCHED_BYTES = 1024 * 1024

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_TYPES = {
    "text": pa.string(),
    "number": pa.float64(),
    "datetime": pa.timestamp("us", tz="UTC"),
    "list": pa.list_(pa.string()),
}


class ParquetWriter(FlatWriter):
    """Writes rows as Parquet, compressed with zstd.

    :param file: an open file.
    """

    def __init__(self, file: BinaryIO, columns: Sequence[Heading], flatten: Flatten) -> None:
        super().__init__(columns, flatten)
        self._schema = pa.schema([(column.name, _TYPES[column.type]) for column in columns])
        self._writer = pq.ParquetWriter(
            pa.PythonFile(_WhileOpen(file), mode="w"), self._schema, compression="zstd", write_page_checksum=True
        )
        self._rows: list[Row] = []
        self._bytes = 0
        self._group: list[pa.RecordBatch] = []
        self._group_rows = self._group_bytes = 0

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows."""
        for row in rows:
            self._rows.append(row)
            self._bytes += len(row.raw)
            if len(self._rows) >= _BATCH_ROWS or self._bytes >= _BATCH_BYTES:
                self._take()

    def _take(self) -> None:
        """Turn the rows so far into columns, and these into a row group when there are enough of them."""
        cells = zip(self._cells(self._rows), self._schema.types, strict=True)
        arrays = [_array(values, type) for values, type in cells]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        self._rows, self._bytes = [], 0
        self._group.append(batch)
        self._group_rows += batch.num_rows
        self._group_bytes += batch.nbytes
        if self._group_rows >= _GROUP_ROWS or self._group_bytes >= _GROUP_BYTES:
            self._write_group()

    def _write_group(self) -> None:
        table = pa.Table.from_batches(self._group, self._schema)
        self._writer.write_table(table, row_group_size=table.num_rows)
        self._group, self._group_rows, self._group_bytes = [], 0, 0

    def close(self) -> None:
        """Write the last row group and what comes at a Parquet file's end."""
        if self._rows:
            self._take()
        if self._group:
            self._write_group()
        self._writer.close()


def _array(values: Sequence[CellValue], type: pa.DataType) -> pa.Array:
    if not pa.types.is_timestamp(type):
        return pa.array(values, type)
    # Twice as fast as leaving it to pyarrow, which asks every single one for its zone.
    moments = cast("Sequence[datetime | None]", values)
    return pa.array([each and (each - _EPOCH) // _MICROSECOND for each in moments], pa.int64()).view(type)


class _WhileOpen:
    """A file for pyarrow to write to, which takes nothing any more once it is closed.

    An export that fails drops its writer, and pyarrow then writes what comes at a Parquet file's end, whether the file
    is there any more or not.
    """

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        return len(data) if self._file.closed else self._file.write(data)

    def flush(self) -> None:
        pass


def parquet_rows(file: BinaryIO, parameter: str) -> Iterator[dict[str, object]]:
    """Yield the rows of a Parquet file, each as Python's own values.

    :param parameter: the user's parameter the file comes from, for the error.
    :raises ConfigurationError: when it is none, is damaged, or two of its columns have the same name.
    """
    try:
        # One column after the other a few pages at a time: a row group of somebody else's may be as large as the file.
        with (
            _on_this_machine(file) as local,
            pq.ParquetFile(
                pa.PythonFile(local, mode="r"),
                pre_buffer=False,
                buffer_size=_READ_BYTES,
                page_checksum_verification=True,
            ) as parquet,
        ):
            names = parquet.schema_arrow.names
            if len(set(names)) < len(names):
                raise ConfigurationError(f"{parameter}: two columns of the file have the same name.")
            for batch in parquet.iter_batches(batch_size=_rows_at_once(parquet.metadata), use_threads=False):
                yield from _with_readable_times(batch).to_pylist()
    except (pa.ArrowException, OverflowError) as error:
        raise ConfigurationError(f"{parameter}: the file is damaged or no Parquet file ({error}).") from error


@contextlib.contextmanager
def _on_this_machine(file: BinaryIO) -> Iterator[BinaryIO]:
    """Return the same content as a file that can be jumped about in.

    Parquet lies column after column and is read row after row, which object storage answers by sending the same
    megabytes over and over. So what is not on this machine is fetched once, from the beginning to the end.
    """
    try:
        file.fileno()
    except (OSError, AttributeError):
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(file, copy, _FETCHED_BYTES)
            copy.seek(0)
            yield cast("BinaryIO", copy)
    else:
        yield file


def _rows_at_once(metadata: pq.FileMetaData) -> int:
    """Return how many rows may be in memory at once, going by the group that has the largest."""
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    largest = max((group.total_byte_size // max(1, group.num_rows) for group in groups), default=0)
    return max(1, min(_BATCH_ROWS, _BATCH_BYTES // max(1, largest)))


def _with_readable_times(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch whose times Python can hold: to the microsecond, and those with a zone in UTC."""
    arrays = [
        array.cast(pa.timestamp("us", tz=array.type.tz and "UTC"), safe=False)
        if pa.types.is_timestamp(array.type)
        else array
        for array in batch.columns
    ]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)

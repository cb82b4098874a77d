"""What a ledger is: one SQLite file, readable with any SQLite or DuckDB. ``docs/ledger.rst`` describes it to users.

The file tells what it is by SQLite's ``application_id``, and of which format and account by its table ``about``. What
is no ledger, is damaged, is of a newer format or of another account is refused, and never written to.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

import msgspec

from airflow_provider_sender.client.errors import ConfigurationError
from airflow_provider_sender.client.subscribers import Field, SubscriberChange

FORMAT = 1

# Where in a fingerprint the digest of the custom fields begins, from 1.
FIELDS_DIGEST_AT = 17

# Outcomes of a row.
ACCEPTED = "accepted"
HELD = "held"

_APPLICATION_ID = int.from_bytes(b"Sndr", "big")
_APPLICATION_ID_AT = 68  # in the file's header (https://www.sqlite.org/fileformat.html#the_database_header)
_MAGIC = b"SQLite format 3\0"

_SCHEMA = f"""
pragma application_id = {_APPLICATION_ID};
create table about (
    name text primary key not null,
    value text not null
) without rowid;
create table subscriber (
    key text primary key not null,  -- the address in lower case, the id, or the phone
    fingerprint text not null,      -- of what was last accepted: of names and phone, then of the custom fields
    status text not null,           -- that was asked for: '' for none, 'reactivate' with consent='overwrite'
    groups text not null,           -- JSON list of the ids of the groups the person was put into; asked for, when held
    outcome text not null,          -- 'accepted' or 'held'
    accepted_at text not null       -- or held at: ISO-8601, UTC
) without rowid;
"""
_COLUMNS = ["key", "fingerprint", "status", "groups", "outcome", "accepted_at"]

_encode = msgspec.json.Encoder().encode


class About(msgspec.Struct, frozen=True):
    """What a ledger says about itself; a row of ``about`` each.

    :param format: version of the format.
    :param account: what tells the account from every other.
    :param credentials: fingerprint of the credentials it was last saved with.
    :param fields: the account's custom fields as they were then; None when they were not looked at yet.
    :param generation: how often it was saved.
    :param saved_at: when it was saved last: ISO-8601, UTC.
    :param saved_by: by which task.
    """

    format: int = FORMAT
    account: str = ""
    credentials: str = ""
    fields: list[Field] | None = None
    generation: int = 0
    saved_at: str = ""
    saved_by: str = ""


def fingerprint(change: SubscriberChange) -> str:
    """Return two digests in one text: of the names and the phone a row asks for, and of its custom fields.

    Status and groups are compared on their own. A number and the text of it are one value: a file gives the one where
    a database gives the other.
    """
    names = blake2b(_encode((change.firstname, change.lastname, change.phone)), digest_size=8)
    fields = blake2b(_encode(sorted((name, str(value)) for name, value in change.fields.items())), digest_size=8)
    return names.hexdigest() + fields.hexdigest()


@lru_cache(maxsize=1024)  # the same few groups come again and again
def groups_json(groups: tuple[str, ...]) -> str:
    """Return groups as a ledger holds them; the same groups are the same text."""
    return _encode(sorted(groups)).decode() if groups else "[]"


def created(file: Path) -> sqlite3.Connection:
    """Make an empty ledger and open it."""
    database = sqlite3.connect(file, isolation_level=None)
    _pay_for_no_safety(database)
    database.executescript(_SCHEMA)
    write_about(database, About())
    return database


def opened(file: Path, path: object) -> sqlite3.Connection:
    """Open a copy of a ledger.

    :param path: where the ledger itself is, for errors.
    :raises ConfigurationError: when it is none, is damaged, or is of a newer format.
    """
    with file.open("rb") as start:
        header = start.read(100)
    if not header.startswith(_MAGIC):
        raise ConfigurationError(f"ledger_path: {path} is no ledger: it is no SQLite file. {_LEFT_ALONE}")
    if int.from_bytes(header[_APPLICATION_ID_AT : _APPLICATION_ID_AT + 4], "big") != _APPLICATION_ID:
        raise ConfigurationError(
            f"ledger_path: {path} is no ledger, but a SQLite file of something else. {_LEFT_ALONE}"
        )
    database = sqlite3.connect(file, isolation_level=None)
    try:
        _pay_for_no_safety(database)
        _check(database, path)
    except (sqlite3.DatabaseError, msgspec.MsgspecError) as error:
        database.close()
        raise _damaged(path, str(error)) from error
    except BaseException:
        database.close()
        raise
    return database


def read_about(database: sqlite3.Connection) -> About:
    """Return what a ledger says about itself."""
    told: Mapping[str, str] = dict(database.execute("select name, value from about"))
    fields = msgspec.json.decode(told["fields"], type=list[Field]) if "fields" in told else None
    known = {name: value for name, value in told.items() if name in About.__struct_fields__ and name != "fields"}
    about: About = msgspec.convert(known, About, strict=False)
    return msgspec.structs.replace(about, fields=fields)


def write_about(database: sqlite3.Connection, about: About) -> None:
    """Have a ledger say this about itself."""
    values = {name: getattr(about, name) for name in about.__struct_fields__}
    texts = {
        name: _encode(value).decode() if name == "fields" else str(value)
        for name, value in values.items()
        if value is not None
    }
    database.execute("delete from about")
    database.executemany("insert into about values (?, ?)", texts.items())


def _pay_for_no_safety(database: sqlite3.Connection) -> None:
    # It is a copy, which goes with the process.
    database.execute("pragma synchronous = off")


def _check(database: sqlite3.Connection, path: object) -> None:
    found_format = database.execute("select cast(value as integer) from about where name = 'format'").fetchone()
    if found_format is not None and found_format[0] > FORMAT:
        raise ConfigurationError(
            f"ledger_path: {path} was written by a newer version of this package (format {found_format[0]}; this one "
            f"knows {FORMAT}). Update the package, or name another file. {_LEFT_ALONE}"
        )
    read_about(database)
    found = [name for _, name, *_ in database.execute("pragma table_info(subscriber)")]
    if found != _COLUMNS:
        raise _damaged(path, "its tables are not those of a ledger")
    (verdict,) = database.execute("pragma quick_check(1)").fetchone()
    if verdict != "ok":
        raise _damaged(path, str(verdict).splitlines()[-1])


def _damaged(path: object, why: str) -> ConfigurationError:
    return ConfigurationError(f"ledger_path: {path} is damaged ({why}). Put a good copy in its place. {_LEFT_ALONE}")


_LEFT_ALONE = (
    "It was left as it is. With another file, or with this one moved away, every row is compared with the account once."
)

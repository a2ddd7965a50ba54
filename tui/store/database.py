"""The SQLite file: opening it safely, bringing it up to date, transactions, and its errors as sentences."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import apsw

from tui.domain.failure import StoreProblem
from tui.domain.text import printable

_APPLICATION_ID = 0x57485246
"""Marks the file as Wharf's in its header: the letters WHRF."""

_OLDEST_SQLITE = (3, 51, 3)
"""Older ones can lose committed pages when two connections write and checkpoint at once: the WAL-reset bug,
https://sqlite.org/wal.html#the_wal_reset_bug."""

_CACHE = 256
"""KiB of pages that are kept in memory. The system keeps them as well, so that more of them make nothing faster."""


def open_database(path: Path, patience: float) -> apsw.Connection:
    """Open or create the store at `path`, in a folder that nobody else can read, and bring it up to date.

    A lock held by another process is waited for up to `patience` seconds, here and in every later statement.
    Raises StoreProblem.
    """
    _require_sound_sqlite(apsw.sqlite_lib_version())
    with translated(path):
        _create_privately(path)
        database = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            database.set_busy_timeout(int(patience * 1000))
            _refuse_what_is_not_ours(database, path)
            _use_write_ahead_log(database, path, patience)
            database.execute("PRAGMA synchronous = FULL")
            database.execute("PRAGMA foreign_keys = ON")
            database.execute(f"PRAGMA cache_size = -{_CACHE}")
            _migrate(database, path)
        except BaseException:
            database.close()
            raise
    return database


@contextmanager
def transaction(database: apsw.Connection, begin: str) -> Iterator[None]:
    """All or nothing. `begin` is `BEGIN IMMEDIATE` for whatever writes: a transaction that reads first and turns to
    writing later fails at once when another process has written in between, however patient it is.
    """
    database.execute(begin)
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        # SQLite itself has rolled back already after some errors, such as a full disk.
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system raise into StoreProblems that say what to do."""
    try:
        yield
    except apsw.Error as error:
        raise StoreProblem(_sentence(error, _shown(path))) from error
    except OSError as error:
        raise StoreProblem(
            f"The store {_shown(path)} cannot be used: {error.strerror or error}. "
            "Check the folder and its permissions, or choose another one with WHARF_HOME."
        ) from error
    except OverflowError as error:
        raise StoreProblem(
            f"The store {_shown(path)} cannot hold a number beyond 2^63, such as an impossible file size; "
            "nothing of this was written. Look at what the other side reports."
        ) from error


def _sentence(error: apsw.Error, path: str) -> str:
    match error:
        case apsw.FullError():
            return f"The disk is full: nothing more can be written to the store {path}. Make room there and try again."
        case apsw.CorruptError():
            return (
                f"The store {path} is damaged. Stop Wharf everywhere, then put back a copy of the file, or move it "
                "away together with its -wal and -shm files to begin with an empty one."
            )
        case apsw.NotADBError():
            return _not_ours(path)
        case apsw.ReadOnlyError() | apsw.PermissionsError() | apsw.AuthError():
            return f"The store {path} cannot be written: it is read-only here. Give yourself the right to write it."
        case apsw.CantOpenError():
            return f"The store {path} cannot be opened. Check its folder and their permissions."
        case apsw.BusyError() | apsw.LockedError():
            return (
                f"The store {path} is locked by another process for too long. Try again; if it stays locked, "
                "look for a stopped Wharf or a backup program that holds the file."
            )
        case apsw.IOError():
            return f"Reading or writing the store {path} failed ({error}). Check the disk and its file system."
        case _:
            return f"The store {path} refused an operation ({printable(str(error), 200)}). Please report this."


def _shown(path: Path) -> str:
    return printable(str(path), 500)


def _not_ours(path: str) -> str:
    return f"{path} is not a store of Wharf. Move the file away, or choose another folder with WHARF_HOME."


def _require_sound_sqlite(version: str) -> None:
    if tuple(map(int, version.split("."))) < _OLDEST_SQLITE:
        raise StoreProblem(
            f"This SQLite ({version}) can lose data when several processes share a store. "
            "Install an apsw that carries 3.51.3 or newer: `pip install --upgrade apsw`."
        )


def _create_privately(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        # Only a new file is ever opened here: closing a file of an open database would drop this process's locks on it
        # (https://sqlite.org/howtocorrupt.html, section 2.2). SQLite gives -wal and -shm the same mode.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)


def _number(database: apsw.Connection, pragma: str) -> int:
    return int(database.execute(f"PRAGMA {pragma}").get)  # pragma names come from this module only


def _refuse_what_is_not_ours(database: apsw.Connection, path: Path) -> None:
    if database.readonly("main"):
        raise apsw.ReadOnlyError
    empty = database.execute("SELECT count(*) FROM sqlite_schema").get == 0
    if not empty and _number(database, "application_id") != _APPLICATION_ID:
        raise StoreProblem(_not_ours(_shown(path)))


def _use_write_ahead_log(database: apsw.Connection, path: Path, patience: float) -> None:
    # Two processes that open a new store at once: SQLite does not wait here, it fails at once to avoid a deadlock.
    deadline = monotonic() + patience
    while True:
        try:
            mode = database.execute("PRAGMA journal_mode = WAL").get
            break
        except apsw.BusyError:
            if monotonic() > deadline:
                raise
            sleep(0.01)
    if mode != "wal":
        raise StoreProblem(
            f"The file system of {_shown(path)} cannot hold a store that several processes share. "
            "Choose a folder on a local disk with WHARF_HOME."
        )


def _migrations() -> list[tuple[int, str]]:
    """The numbered SQL files, in order."""
    folder = Path(__file__).with_name("migrations")
    found = [
        (int(match[1]), file) for file in folder.iterdir() if (match := re.fullmatch(r"(\d{4})_\w+\.sql", file.name))
    ]
    return sorted((number, file.read_text("utf-8")) for number, file in found)


def _migrate(database: apsw.Connection, path: Path) -> None:
    migrations = _migrations()
    newest = migrations[-1][0]
    if _number(database, "user_version") == newest:
        return
    with transaction(database, "BEGIN IMMEDIATE"):
        present = _number(database, "user_version")
        if present > newest:
            raise StoreProblem(
                f"The store {_shown(path)} belongs to a newer Wharf (its format is {present}, this Wharf knows "
                f"{newest}). Upgrade this Wharf, or choose another folder with WHARF_HOME."
            )
        for number, script in migrations:
            if number > present:
                database.execute(script)
        database.execute(f"PRAGMA user_version = {newest}")
        database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")

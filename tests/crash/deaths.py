"""Points of a transfer or an after-action at which a process can be told to die."""

import os
import signal
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn

from tui.engine import execution
from tui.methods import disk_writing
from tui.methods.base import Entry
from tui.methods.ftp_places import FtpPlaces
from tui.methods.local_places import LocalPlaces
from tui.methods.sftp_places import SftpPlaces
from tui.store.base import Partial
from tui.store.sqlite import SqliteStore


class Point(StrEnum):
    """Just before what happens next."""

    LOOK = "set aside and not looked at"
    GO = "looked at and not gone"
    BACK = "changed and not put back"


_NEXT = {Point.LOOK: ("look_each",), Point.GO: ("delete_each", "store_each"), Point.BACK: ("put_back",)}


def die_at(point: Point, source: Path) -> None:
    """From now on this process kills itself at that point. `source` has the files, which are changed for `BACK`."""
    for places in (LocalPlaces, SftpPlaces, FtpPlaces):
        for step in _NEXT[point]:
            setattr(places, step, _die)
        if point is Point.BACK:
            _change_before_looking(places, source)


def die_when_stored(least: int) -> None:
    """From now on this process kills itself once it is on record that so many bytes of a file, and not all, are safe at
    the target. The disk is asked and the record written more often than usual, so that this comes while it is moved."""
    vars(disk_writing)["_SYNC_INTERVAL"] = 0
    vars(execution)["_BEAT"] = 0.01
    record = SqliteStore.record_partials

    async def record_and_die(self: SqliteStore, run_id: int, partials: Sequence[Partial]) -> None:
        await record(self, run_id, partials)
        if any(least <= partial.stored < partial.size for partial in partials):
            await _die()

    setattr(SqliteStore, "record_partials", record_and_die)  # noqa: B010 - mypy lets nobody assign to a method


async def _die(*_: Any) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("the process has outlived SIGKILL")


def _change_before_looking(places: Any, source: Path) -> None:
    look_each = places.look_each

    async def look(self: Any, entries: Sequence[Entry]) -> Any:
        for entry in entries:
            with (source / entry.name).open("ab") as file:
                file.write(b"one more line\n")
        return await look_each(self, entries)

    places.look_each = look

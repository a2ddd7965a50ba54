"""A batch of files between two folders, the connection that moves it, and what must be true of both at any moment."""

import os
import random
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import apsw

from tests.faults.watch import watching
from tui.domain.failure import FailureClass
from tui.domain.naming import is_partial, name_before_aside
from tui.domain.run import FileStatus, Run, Status
from tui.domain.terms import After
from tui.paths import Paths
from tui.store.sqlite import SqliteStore

OLD = 1_600_000_000
"""When the files were last changed, in seconds since the epoch: long ago, so that nobody takes them for growing."""
DONE = "done"
"""Where `after = move` puts what was delivered, within the source."""
_MEGABYTE = 1024 * 1024


class Way(StrEnum):
    """A method in one direction."""

    SFTP_IN = "sftp-inbound"
    SFTP_OUT = "sftp-outbound"
    FTPS_IN = "ftps-inbound"
    FTPS_OUT = "ftps-outbound"

    @property
    def over_ssh(self) -> bool:
        return self in (Way.SFTP_IN, Way.SFTP_OUT)

    @property
    def direction(self) -> str:
        return self.value.partition("-")[2]


@cache
def batch() -> dict[str, bytes]:
    """Twenty files: some empty, most of a usual size, two that take a while."""
    chance = random.Random("the batch")
    sizes = [0, 0, 1, *(chance.randrange(50_000, 400_000) for _ in range(15)), 8 * _MEGABYTE, 8 * _MEGABYTE + 1]
    chance.shuffle(sizes)
    return {f"batch_{number:02}.csv": chance.randbytes(size) for number, size in enumerate(sizes)}


@cache
def large() -> dict[str, bytes]:
    """One file that is written past the cache of the disk, also where it is continued, and a small one."""
    chance = random.Random("the large file")
    return {"large.dat": chance.randbytes(112 * _MEGABYTE + 1234), "small.csv": chance.randbytes(1000)}


@dataclass(frozen=True)
class Exchange:
    """One connection with folders of its own. `endpoint` is how the partner's server is reached."""

    name: str
    way: Way
    source: Path
    target: Path
    endpoint: dict[str, Any]
    after: After = After.KEEP
    files: Mapping[str, bytes] = field(default_factory=batch)

    def fields(self, **options: Any) -> dict[str, Any]:
        """The connection, as it stands in a file."""
        inbound = self.way.direction == "inbound"
        return {
            "name": self.name,
            "direction": self.way.direction,
            "method": "sftp" if self.way.over_ssh else "ftp",
            "local_dir": str(self.target if inbound else self.source),
            "after": self.after.value,
            **({"move_to": DONE} if self.after is After.MOVE else {}),
            "sftp" if self.way.over_ssh else "ftp": self.endpoint,
            **options,
        }

    def fill(self) -> None:
        """Put the files into the source."""
        for name, content in self.files.items():
            path = self.source / name
            path.write_bytes(content)
            os.utime(path, (OLD, OLD))

    def arrived(self) -> int:
        """Bytes that lie at the target, under whatever name."""
        return sum(item.stat().st_size for item in os.scandir(self.target))

    def left(self) -> float:
        """The share of all bytes that has not arrived."""
        return 1 - self.arrived() / sum(map(len, self.files.values()))

    # What must be true

    def check_anytime(self) -> None:
        """Holds even between the death of a run and the next one: no final name has anything but the whole file, and no
        file has left the source before it was at the target."""
        there = _contents(self.target)
        finished = {name: content for name, content in there.items() if not is_partial(name)}
        assert self._wrong(finished) == [], "final names with something else than the file"
        waiting = {name_before_aside(name): content for name, content in _contents(self.source).items()}
        here = waiting | _contents(self.source / DONE)
        assert self._wrong(here) == [], "sources that have changed"
        assert self.files.keys() - here.keys() - finished.keys() == set(), "files that are nowhere"

    async def check_delivered(self, paths: Paths, *, failed: Sequence[FailureClass] = ()) -> None:
        """What the end of an undisturbed run looks like, whatever has happened on the way: these runs have failed, in
        this order, and others may have come to their end."""
        self.check_anytime()
        assert _contents(self.target).keys() == self.files.keys()
        kept = {After.KEEP: self.source, After.MOVE: self.source / DONE}.get(self.after)
        remaining = {path for path in self.source.rglob("*") if path.is_file()}
        assert remaining == ({kept / name for name in self.files} if kept else set())
        await self._check_record(paths, failed)

    async def _check_record(self, paths: Paths, failed: Sequence[FailureClass]) -> None:
        async with opened(paths) as store:
            *before, last = sorted(await store.runs(self.name), key=lambda run: run.run_id)
            completed = [
                file.name
                for run in [*before, last]
                for file in await store.files(run.run_id)
                if file.status is FileStatus.COMPLETED
            ]
            assert await store.partials(self.name) == []
        assert (last.status, last.failure) == (Status.COMPLETED, None)
        endings = [_ending(run) for run in before if run.status is not Status.COMPLETED]
        assert endings == list(failed)
        assert sorted(completed) == sorted(self.files), "each file must be delivered in exactly one run"
        assert sorted(Path(key).name for key in self._ledger(paths)) == sorted(self.files)

    def _wrong(self, found: Mapping[str, bytes]) -> list[str]:
        """Not compared as dictionaries: the difference of megabytes of noise would be shown."""
        return [f"{name}: {len(content)} bytes" for name, content in found.items() if self.files.get(name) != content]

    def _ledger(self, paths: Paths) -> list[str]:
        query = "SELECT key FROM ledger JOIN connections USING (connection_id) WHERE name = ?"
        with closing(apsw.Connection(str(paths.database))) as database:
            return [str(key) for (key,) in database.execute(query, (self.name,))]


@contextmanager
def watched(exchange: Exchange) -> Iterator[None]:
    """Until the end of the context each file gets its final name once, complete, and is not touched afterwards."""
    with watching(exchange.target) as watch:
        for name, content in exchange.files.items():
            watch.allow(name, content)
        yield
    assert watch.violations == []
    assert watch.published == dict.fromkeys(exchange.files, 1)


@asynccontextmanager
async def opened(paths: Paths) -> AsyncIterator[SqliteStore]:
    """The store as it is: nothing is tidied up by looking."""
    store = SqliteStore(paths.database)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def _contents(folder: Path) -> dict[str, bytes]:
    files = folder.iterdir() if folder.is_dir() else ()
    return {path.name: path.read_bytes() for path in files if path.is_file()}


def _ending(run: Run) -> FailureClass | Status:
    return run.failure.failure_class if run.failure is not None else run.status

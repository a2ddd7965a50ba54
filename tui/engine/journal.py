"""The account of one run: its files, events and progress, kept in memory and written to the store in batches."""

from collections.abc import Callable, Sequence
from time import monotonic

from tui.domain.failure import Failure, StoreProblem
from tui.domain.run import Event, FileRecord, FileStatus, Progress
from tui.engine.meter import Meter
from tui.methods.base import Entry, Staged
from tui.store.base import Delivery, Partial, Store

_DONE = frozenset({FileStatus.COMPLETED, FileStatus.SKIPPED})


class Journal:
    """Single writer of a run's records. Memory holds the truth until `flush` has put it into the store."""

    def __init__(self, store: Store, run_id: int, clock: Callable[[], float] = monotonic) -> None:
        self._store = store
        self._run_id = run_id
        self._files: list[FileRecord] = []
        self._places: dict[str, int] = {}
        self._changed: set[int] = set()
        self._events: list[Event] = []
        self._partials: dict[str, Partial] = {}
        self._moved = 0
        self._bytes_done = 0
        self._bytes_total = 0
        self._files_done = 0
        self._current: str | None = None
        self._meter = Meter(clock)

    # What happens

    def tell(self, event: Event) -> None:
        """An event of the run."""
        self._events.append(event)

    def plan(self, entry: Entry) -> None:
        """The file is to be moved. Planned again (in a later attempt), it starts from nothing."""
        self._put(entry, FileRecord(entry.name, entry.size))

    def start(self, entry: Entry) -> None:
        self._current = entry.name
        self._update(entry, status=FileStatus.IN_PROGRESS, bytes=0, failure=None)

    def resume(self, entry: Entry, kept: int) -> None:
        """The file is continued after its first `kept` bytes."""
        self._update(entry, bytes=kept)

    def advance(self, entry: Entry, count: int) -> None:
        """`count` more bytes of the file have gone."""
        self._update(entry, bytes=self.record(entry).bytes + count)
        self._moved += count
        self._meter.update(self._moved)

    def begin(self, entry: Entry) -> None:
        """The file may be there under its temporary name from now on, in part."""
        self._partials[entry.key] = _partial(entry, 0)

    def mark(self, entry: Entry, stored: int) -> None:
        """The first `stored` bytes of the file are known to have arrived."""
        if stored:
            self._partials[entry.key] = _partial(entry, stored)

    def fail(self, entry: Entry, failure: Failure) -> None:
        """The file was not delivered, or something is wrong with its delivery."""
        if entry.key not in self._places:
            self.plan(entry)
        self._update(entry, status=FileStatus.FAILED, failure=failure)

    def complete(self, entry: Entry, sha256: str, proof: str, failure: Failure | None) -> None:
        """The file is delivered; `failure` if its delivery still makes the run a failed one."""
        status = FileStatus.COMPLETED if failure is None else FileStatus.FAILED
        self._update(entry, status=status, sha256=sha256, proof=proof, failure=failure)

    def skip(self, entry: Entry, why: str) -> None:
        """The file is not moved, by a decision of the connection."""
        if entry.key not in self._places:
            self.plan(entry)
        self._update(entry, status=FileStatus.SKIPPED, proof=why)

    def settle_failed(self, entry: Entry, failure: Failure) -> None:
        """The file is delivered, but what should happen to its source afterwards did not."""
        if entry.key not in self._places:
            self.plan(entry)
        self._update(entry, failure=failure)

    def settled(self, entry: Entry) -> None:
        """The after-action is done, perhaps after an attempt that failed."""
        if entry.key not in self._places:
            return
        if self.record(entry).status is FileStatus.COMPLETED:
            self._update(entry, failure=None)
        elif self.record(entry).status is FileStatus.WAITING:
            self._update(entry, status=FileStatus.SKIPPED, proof="delivered by an earlier run", failure=None)

    def doing(self, what: str | None) -> None:
        """What the run is at, where it is not a file."""
        self._current = what

    # What is known

    @property
    def progress(self) -> Progress:
        return Progress(self._files_done, len(self._files), self._bytes_done, self._bytes_total, self._current)

    @property
    def speed(self) -> float:
        """Bytes per second over the last seconds."""
        return self._meter.speed()

    def record(self, entry: Entry) -> FileRecord:
        """How this file stands."""
        return self._files[self._places[entry.key]]

    @property
    def files(self) -> list[FileRecord]:
        return list(self._files)

    # The store

    async def flush(self) -> None:
        """Write what is new. What happens meanwhile is written by the next flush, and so is what the store did not
        take."""
        await self._write_events()
        await self._write_files()
        await self._write_partials()

    async def _write_events(self) -> None:
        events, self._events = self._events, []
        try:
            if events:
                await self._store.record_events(self._run_id, events)
        except StoreProblem:
            self._events = events + self._events
            raise

    async def _write_files(self) -> None:
        changed = self._take_changed()
        try:
            if changed:
                await self._store.record_files(self._run_id, changed)
        except StoreProblem:
            self._changed.update(changed)
            raise

    async def _write_partials(self) -> None:
        partials, self._partials = self._partials, {}
        try:
            if partials:
                await self._store.record_partials(self._run_id, list(partials.values()))
        except StoreProblem:
            self._partials = partials | self._partials
            raise

    async def record_intent(self, batch: Sequence[Staged]) -> None:
        """The files are proved and about to be published: from here on a look can tell whether it has happened."""
        for staged in batch:
            self._partials.pop(staged.entry.key, None)
        partials = [_partial(staged.entry, staged.size, staged.sha256) for staged in batch]
        await self._store.record_partials(self._run_id, partials)

    async def record_delivery(self, ledger: list[Delivery]) -> None:
        """Write the files as they are now and the ledger in one transaction: from here on they count as delivered."""
        for line in ledger:
            self._partials.pop(line.key, None)
        await self._store.record_delivery(self._run_id, self._take_changed(), ledger)

    async def forget_partials(self, keys: Sequence[str]) -> None:
        """The staged files are gone."""
        for key in keys:
            self._partials.pop(key, None)
        await self._store.forget_partials(self._run_id, keys)

    def _take_changed(self) -> dict[int, FileRecord]:
        changed, self._changed = self._changed, set()
        return {place: self._files[place] for place in changed}

    def _put(self, entry: Entry, record: FileRecord) -> None:
        place = self._places.get(entry.key)
        if place is None:
            place = self._places[entry.key] = len(self._files)
            self._files.append(record)
            self._bytes_total += record.size
            self._changed.add(place)
        else:
            self._replace(place, record)

    def _update(self, entry: Entry, **changes: object) -> None:
        place = self._places[entry.key]
        self._replace(place, self._files[place]._replace(**changes))  # type: ignore[arg-type]  # fields by name

    def _replace(self, place: int, record: FileRecord) -> None:
        old = self._files[place]
        self._files[place] = record
        self._bytes_done += record.bytes - old.bytes
        self._bytes_total += record.size - old.size
        self._files_done += (record.status in _DONE) - (old.status in _DONE)
        self._changed.add(place)


def _partial(entry: Entry, stored: int, sha256: str | None = None) -> Partial:
    return Partial(entry.key, entry.target_name, entry.size, entry.mtime, stored, sha256)

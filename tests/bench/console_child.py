"""What the benchmark of the console runs on its terminal: `python -m tests.bench.console_child WHAT [NAME...]`.

moving      Wharf with 8 transfers that only seem to run: what the screen costs, without an engine at work
unseen      the same engine without a screen
transfers   Wharf with the connections NAME... running, for real
"""

import asyncio
import sys
from collections.abc import Sequence
from time import monotonic

from tui.commands.interruption import run_async
from tui.console import run_console
from tui.domain.run import FileRecord, FileStatus, Progress, Run, Trigger
from tui.engine import Engine, LiveRun, Snapshot, open_engine
from tui.paths import Paths
from tui.settings import Settings
from tui.store.process import this_process
from tui.store.sqlite import SqliteStore

TRANSFERS = 8
_BEAT = 0.5
"""Seconds between two heartbeats of a run, as in the engine."""
_FILE = 400_000_000
_FILES = 5


def main(what: str, names: Sequence[str]) -> None:
    """See the module's text."""
    match what:
        case "moving" | "unseen":
            asyncio.run(_seemingly(names, seen=what == "moving"))
        case "transfers":
            run_async(_really(names))


async def _really(names: Sequence[str]) -> None:
    paths = Paths.from_environment()
    async with open_engine(paths) as engine:
        for name in names:
            await engine.start(name)
        await run_console(engine, Settings(), paths)


class _Seeming(Engine):
    """Shows runs that move on with the time, and puts them on record as often as runs do."""

    def __init__(self, store: SqliteStore, paths: Paths) -> None:
        super().__init__(store, paths)
        self._begun = monotonic()
        self._runs: list[Run] = []
        self._looks = 0

    async def begin(self, names: Sequence[str]) -> None:
        for name in names:
            self._runs.append(await self.store.begin_run(name, Trigger.MANUAL, this_process()))

    def snapshot(self) -> Snapshot:
        live = {run.connection: self._live(run, place) for place, run in enumerate(self._runs)}
        self._looks += bool(live)
        return Snapshot(self._looks, self._store_version, live)

    def _live(self, run: Run, place: int) -> LiveRun:
        speed = 9_000_000.0 + place * 1_234_567 + (monotonic() * 100_000) % 3_000_000
        total = _FILES * _FILE
        done = min(int((monotonic() - self._begun) * (10_000_000 + place * 1_000_000)), total)
        progress = Progress(done // _FILE, _FILES, done, total, f"Conversions_20260131_{done // _FILE:02}.csv")
        return LiveRun(
            run.run_id, run.connection, run.started, progress, speed, (total - done) / speed, None, here=True
        )

    async def beat(self) -> None:
        while True:
            await asyncio.sleep(_BEAT)
            for place, run in enumerate(self._runs):
                live = self._live(run, place)
                file = live.progress.files_done
                record = FileRecord(
                    live.progress.current or "", _FILE, live.progress.bytes_done % _FILE, FileStatus.IN_PROGRESS
                )
                await self.store.record_files(run.run_id, {file: record})
                await self.store.pulse(run.run_id, live.progress, 1)


async def _seemingly(names: Sequence[str], *, seen: bool) -> None:
    paths = Paths.from_environment()
    store = SqliteStore(paths.database)
    await store.open()
    engine = _Seeming(store, paths)
    await engine.start_up()
    await engine.begin(names)
    beating = asyncio.create_task(engine.beat())
    if seen:
        await run_console(engine, Settings(), paths)
    else:
        print("unseen", flush=True)
        await asyncio.sleep(3600)
    beating.cancel()
    await engine.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

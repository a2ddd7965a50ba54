"""What the benchmark of transfers measures beside the works: things that have no peer, or another yardstick."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import apsw

from tests.bench.clocked import Usage, run_clocked, wharf
from tests.bench.peers import PEERS, Command
from tests.bench.stage import NAME, Round, Stage
from tests.bench.table import MB
from tests.bench.works import Work
from tests.crash.exchange import OLD, opened
from tui.domain.connection import Connection
from tui.domain.run import Trigger
from tui.paths import Paths
from tui.store.process import this_process

HEADS = ("check", "figure", "reach", "reached", "by the way")
Row = tuple[str, ...]

_LISTED = 100_000
_LEDGER = 1_000_000
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Check:
    """One of them: its name, and what gives its lines of the table."""

    key: str
    rows: Callable[[Stage, int], Coroutine[Any, Any, Sequence[Row]]]


async def _start_up(stage: Stage, rounds: int) -> Sequence[Row]:
    """Processor time of commands that move nothing, with a connection in the store."""
    round_ = await stage.prepare(Work("", "sftp", True, 1, 1000, ()))
    await round_.keep_template()
    round_.clear()
    rows = []
    for words in (["--help"], ["list"]):
        usages = [await _clocked(stage, wharf(*words)) for _ in range(max(rounds, 10))]
        cpu = median(usage.cpu for usage in usages) * 1000
        took = median(usage.seconds for usage in usages) * 1000
        name = f"wharf {' '.join(words)}, CPU"
        rows.append((name, f"{cpu:.0f} ms", "100 ms", _yes(cpu < 100), f"{took:.0f} ms from start to end"))
    return rows


async def _eight_at_once(stage: Stage, rounds: int) -> Sequence[Row]:
    """The same bytes as one file over one connection, and as eight over eight."""
    rows = []
    for inbound in (True, False):
        single = await stage.prepare(Work("", "sftp", inbound, 1, 1024 * MB, ()))
        many = await stage.prepare(Work("", "sftp", inbound, _AT_ONCE, 128 * MB, ()))
        alone, together = [], []
        for _ in range(rounds):
            await single.keep_template()
            await asyncio.to_thread(single.clear)
            alone.append(await _clocked(stage, wharf("run", NAME)))
            names = await _keep_one_each(many)
            await asyncio.to_thread(many.clear)
            together.append(await _clocked(stage, wharf("run", *names)))
            many.wait_for_arrival()
        took, took_together = _median_seconds(alone), _median_seconds(together)
        ratio = took / took_together
        detail = f"1 GB in {took:.2f} s alone, in {took_together:.2f} s over {_AT_ONCE}"
        name = f"{_AT_ONCE} connections at once, SFTP {'get' if inbound else 'put'}"
        rows.append((name, f"{ratio:.2f}", "0.9", _yes(ratio >= 0.9), detail))
    return rows


async def _keep_one_each(round_: Round) -> list[str]:
    """A store with a connection for each file."""
    await round_.keep_template()
    paths = _paths(round_.template)
    async with opened(paths) as store:
        connection = await store.connection(NAME)
        each = [connection.model_copy(update={"name": name, "pattern": (name,)}) for name in round_.move.names]
        await store.save_all([Connection.model_validate(one.model_dump()) for one in each], replace=False)
    return list(round_.move.names)


async def _nothing_new(stage: Stage, rounds: int) -> Sequence[Row]:
    """A run that lists many files and finds each of them in a large ledger."""
    round_ = await stage.prepare(Work("", "sftp", True, _LISTED, 0, ()))
    rows, peaks = [], []
    for ledger in (_LISTED, _LEDGER):
        await round_.keep_template()
        await _keep_ledger(round_, ledger)
        await asyncio.to_thread(round_.clear)
        ours = [await _clocked(stage, wharf("run", NAME)) for _ in range(rounds)]
        listing = await _listing_seconds(_paths(stage.root / "wharf"))
        ratio = _median_seconds(ours) / listing
        peaks.append(max(usage.peak for usage in ours))
        detail = f"{_median_seconds(ours):.2f} s, of which the listing {listing:.2f} s; peak {peaks[-1]:.0f} MB"
        name = f"nothing new of {_LISTED:,} files, ledger of {ledger:,}"
        rows.append((name, f"{ratio:.2f} x", "3 x", _yes(ratio < 3), detail))
    growth = peaks[1] - peaks[0]
    rows.append(("memory over a ledger of a tenth", f"{growth:.0f} MB", "16 MB", _yes(growth < 16), ""))
    peer = next(peer for peer in PEERS if peer.name == "sftp tuned")
    program = peer.path()
    if program is not None:
        command = peer.command(round_.move, program)
        (round_.move.scratch / "batch").write_text(f"ls -ln {round_.move.remote}\n")
        theirs = _median_seconds([await _clocked(stage, command) for _ in range(rounds)])
        rows.append((f"OpenSSH's sftp lists {_LISTED:,} files", f"{theirs:.2f} s", "", "", ""))
    return rows


async def _keep_ledger(round_: Round, lines: int) -> None:
    """Deliveries of all files that are listed, and of others that are gone."""
    paths = _paths(round_.template)
    async with opened(paths) as store:
        run = await store.begin_run(NAME, Trigger.MANUAL, this_process())
    names = [*round_.move.names, *(f"gone_{number:07}.csv" for number in range(lines - len(round_.move.names)))]

    def write() -> None:
        with closing(apsw.Connection(str(paths.database))) as database, database:
            number = database.execute("SELECT connection_id FROM connections").get
            rows = (
                (number, f"{round_.move.remote}/{name}", OLD, f"{place:064x}", run.run_id)
                for place, name in enumerate(names)
            )
            database.executemany("INSERT INTO ledger VALUES (?, ?, 0, ?, ?, ?, NULL)", rows)
            # As it is when its process has put it on record.
            database.execute("UPDATE runs SET status = 'Completed', ended = started")

    await asyncio.to_thread(write)


async def _listing_seconds(paths: Paths) -> float:
    """What the runs say of their listing."""
    async with opened(paths) as store:
        runs = await store.runs(NAME)
        events = [event for run in runs for event in await store.events(run.run_id)]
    return median(event.ms for event in events if event.step == "list" and event.ms is not None) / 1000


async def _clocked(stage: Stage, command: Command) -> Usage:
    return await asyncio.to_thread(run_clocked, command, stage.environment, stage.log)


def _paths(home: Path) -> Paths:
    return Paths(home / "config", home / "data", home / "state")


def _median_seconds(usages: Iterable[Usage]) -> float:
    return median(usage.seconds for usage in usages)


def _yes(condition: bool) -> str:
    return "yes" if condition else "NO"


CHECKS: Sequence[Check] = (
    Check("start-up", _start_up),
    Check("eight-at-once", _eight_at_once),
    Check("nothing-new", _nothing_new),
)

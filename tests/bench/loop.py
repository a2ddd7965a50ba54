"""Gaps of the event loop while 8 transfers run at full speed in one engine: a heartbeat that wants to beat every 5 ms.

Half of them over SFTP with OpenSSH, half over FTPS with vsftpd; of each two inbound and two outbound. A gap is the time
from one beat to the next, the 5 ms included. The servers run on the same machine, so gaps are also shown without the
time for which the loop's thread was ready to run and no core was free. Where several programs share few cores, even
that says much of the machine: a thread of ours that holds the interpreter may itself be waiting for a core. How long
the loop's thread was at work between two beats, at its worst, depends on nobody else.
"""

import argparse
import asyncio
import ctypes
import os
import sys
import tempfile
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from time import monotonic, perf_counter, thread_time
from typing import Any

from tests.bench.table import MB, print_table
from tests.crash.exchange import OLD, Way
from tests.crash.partners import open_partner
from tests.servers.certificates import make_certificates
from tui.domain.connection import Connection
from tui.domain.run import Status
from tui.engine import Engine, open_engine
from tui.methods.loop_turns import new_event_loop
from tui.paths import Paths
from tui.store.base import Store

BEAT = 0.005
TARGET = 20
"""Milliseconds that 99 of 100 gaps should stay under, in the median of the rounds: five seconds have but a few hundred
beats, and who gets a core is a matter of luck."""
_PER_WAY = 2
_HEADS = ("p50 ms", "p99 ms", "max ms")


@dataclass(frozen=True, slots=True)
class Gap:
    """Seconds between two beats."""

    whole: float
    own: float
    """Without waiting for a core."""
    work: float
    """The processor time of the loop's thread."""


def main(argv: Sequence[str]) -> None:
    """Measure idle and under load, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench loop")
    parser.add_argument("--size", type=int, default=400, help="megabytes of each transfer (default 400)")
    parser.add_argument("--rounds", type=int, default=5, help="how often all is done (default 5)")
    args = parser.parse_args(argv)
    rounds = []
    for _ in range(args.rounds):
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            rounds.append(runner.run(_round(args.size)))
    lines = [line for each in rounds for line in (_row("idle", each.idle), _row(each.title, each.busy))]
    print_table(
        ("event loop", "beats", *_HEADS, *(f"{head} own" for head in _HEADS), *(f"{head} work" for head in _HEADS)),
        lines,
    )
    p99 = median(_figures([gap.own for gap in each.busy])[1] for each in rounds)
    verdict = "under" if p99 < TARGET else "NOT under"
    print(f"\np99 ms own of the transfers, median of {args.rounds} rounds: {p99:.1f}, {verdict} {TARGET}")


@dataclass(frozen=True, slots=True)
class _Round:
    title: str
    idle: list[Gap]
    busy: list[Gap]


async def _round(size: int) -> _Round:
    with tempfile.TemporaryDirectory(prefix="wharf-bench-") as name:
        folder = Path(name)
        # The FTP server serves as another user.
        folder.chmod(0o755)
        os.environ["WHARF_HOME"] = str(folder / "wharf")
        os.environ["HOME"] = name
        async with AsyncExitStack() as stack:
            engine = await stack.enter_async_context(open_engine(Paths.from_environment()))
            names = []
            for way in Way:
                names += await large_exchanges(way, folder, size * MB, engine.store, stack, per_way=_PER_WAY)
            idle = await _gaps_during(asyncio.sleep(2))
            began = monotonic()
            busy = await _gaps_during(_run_all(engine, names))
            took = monotonic() - began
    return _Round(f"{len(names)} transfers, {size * len(names)} MB in {took:.1f} s", idle, busy)


async def large_exchanges(
    way: Way, folder: Path, size: int, store: Store, stack: AsyncExitStack, *, per_way: int
) -> list[str]:
    """Connections of one way, each with one file to move; returns their names."""
    place = folder / way
    place.mkdir()
    place.chmod(0o755)
    partner = await stack.enter_async_context(open_partner(way, place, make_certificates(place)))
    names = []
    for number in range(per_way):
        exchange = partner.folders()
        os.link(_large_file(folder, size), exchange.source / "large.csv")
        name = f"{way} {number}"
        await store.save(Connection.model_validate(exchange.fields(name=name, retries=0)))
        names.append(name)
    return names


def _large_file(folder: Path, size: int) -> Path:
    """With something in it: where a file is but a hole, the kernel clears memory for whoever reads it, tens of
    milliseconds at a time in which it gives the core to nobody else."""
    path = folder / "large.csv"
    if not path.exists():
        block = os.urandom(MB)
        with path.open("wb") as file:
            for _ in range(size // MB):
                file.write(block)
        os.utime(path, (OLD, OLD))
    return path


async def _run_all(engine: Engine, names: Sequence[str]) -> None:
    runs = await asyncio.gather(*(engine.start(name) for name in names))
    for run in await asyncio.gather(*(engine.wait(run.run_id) for run in runs)):
        if run.status is not Status.COMPLETED:
            sys.exit(f"{run.connection}: {run.failure}")


async def _gaps_during(work: Coroutine[Any, Any, None]) -> list[Gap]:
    """The gaps from beat to beat while the work is done."""
    gaps: list[Gap] = []
    beating = asyncio.create_task(_beat(gaps))
    try:
        await work
    finally:
        beating.cancel()
    return gaps


async def _beat(gaps: list[Gap]) -> None:
    with Path("/proc/thread-self/schedstat").open("rb", buffering=0) as statistics:
        waits = _Waits(statistics.fileno())
        last, waited, worked = perf_counter(), waits.seconds(), thread_time()
        while True:
            await asyncio.sleep(BEAT)
            now, waited_now, worked_now = perf_counter(), waits.seconds(), thread_time()
            gaps.append(Gap(now - last, now - last - (waited_now - waited), worked_now - worked))
            last, waited, worked = now, waited_now, worked_now


class _Waits:
    """For how long this thread was ready to run and no core was free, as proc(5)'s schedstat tells it.

    It is read without letting go of the interpreter, as reading a file otherwise does: a thread that took it between
    the look at the clock and this one would put the same wait into one gap and subtract it from another.
    """

    def __init__(self, file: int) -> None:
        self._file = file
        self._buffer = ctypes.create_string_buffer(100)
        self._pread = ctypes.PyDLL(None, use_errno=True).pread
        self._pread.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long)
        self._pread.restype = ctypes.c_ssize_t

    def seconds(self) -> float:
        count = self._pread(self._file, self._buffer, len(self._buffer), 0)
        if count < 0:
            raise OSError(ctypes.get_errno(), "schedstat cannot be read")
        return int(self._buffer.raw[:count].split()[1]) / 1e9


def _row(what: str, gaps: list[Gap]) -> tuple[str, ...]:
    whole = _figures([gap.whole for gap in gaps])
    own = _figures([gap.own for gap in gaps])
    work = _figures([gap.work for gap in gaps])
    return what, str(len(gaps)), *(f"{ms:.1f}" for ms in (*whole, *own, *work))


def _figures(seconds: list[float]) -> tuple[float, float, float]:
    """Median, 99th percentile and maximum in milliseconds."""
    cuts = quantiles(seconds, n=100)
    return cuts[49] * 1000, cuts[98] * 1000, max(seconds) * 1000

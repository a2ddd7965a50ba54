"""What the screen costs, and how fast it is: at 120x40 on a pseudo terminal, beside a bare application of Textual.

Times are from a key to the last byte of what shows its effect. The machine may have other things to do, so they are
also given without the time for which the program was ready to run and no core was free; the reach is judged by those.
"""

import argparse
import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles

from tests.bench.console_child import TRANSFERS
from tests.bench.console_store import NEWEST, fill, name_of, paths_of
from tests.bench.console_terminal import COLUMNS, ROWS, Watched, watched
from tests.bench.loop import large_exchanges
from tests.bench.table import MB, print_table
from tests.crash.exchange import Way, opened

CONNECTIONS = 1_000
MANY_CONNECTIONS = 10_000
FEW_RUNS, MANY_RUNS = 1_000, 1_000_000
_SETTLE = 3.0
_ROUNDS = 5

_BARE = ("-m", "tests.bench.bare")
_CHILD = ("-m", "tests.bench.console_child")

Effect = Callable[[str], bool]


@dataclass
class Report:
    """The lines of the table."""

    rows: list[tuple[str, ...]] = field(default_factory=list)

    def add(self, what: str, bare: str, figure: str, reach: str, *, reached: bool) -> None:
        self.rows.append((what, bare, figure, reach, "yes" if reached else "NO"))
        print(f"  {what}: {figure} (reach {reach})", flush=True)

    def times(self, what: str, taken: Sequence[tuple[float, float]], most: float) -> None:
        """A line for presses; half of them are to be within the reach."""
        whole, own = [each[0] * 1000 for each in taken], [each[1] * 1000 for each in taken]
        figure = f"{median(own):.0f} ms, worst {max(own):.0f} (waiting included {median(whole):.0f}, {max(whole):.0f})"
        self.add(what, "", figure, f"{most:.0f} ms", reached=median(own) <= most)

    def print(self) -> None:
        print_table(("screen", "bare app", "measured", "reach", "reached"), self.rows)


def main(argv: Sequence[str]) -> None:
    """Measure everything, or what is named, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench console")
    parser.add_argument("only", nargs="*", choices=[*_PARTS, []], help="parts to measure (default: all)")
    wanted = parser.parse_args(argv).only or list(_PARTS)
    report = Report()
    print(f"{COLUMNS}x{ROWS}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for name in wanted:
        with tempfile.TemporaryDirectory(prefix="wharf-bench-") as folder:
            _PARTS[name](report, Path(folder))
    report.print()


# Output and processor time


def _live(report: Report, folder: Path) -> None:
    """What 8 live transfers cost the line and the processor, and what nothing costs."""
    fill(folder, CONNECTIONS, FEW_RUNS)
    names = [name_of(number) for number in range(1, TRANSFERS + 1)]
    with watched(*_BARE, home=folder) as bare:
        bare.wait(lambda seen: "one label" in seen)
        idle = _use(bare, 20)
    for what, running, most_bytes, most_cpu in ((f"{TRANSFERS} transfers", names, 10_000, 5.0), ("idle", [], 0, 0.1)):
        with watched(*_CHILD, "unseen", *running, home=folder) as engine:
            engine.wait(lambda seen: "unseen" in seen)
            unseen = _use(engine, 20)
        with watched(*_CHILD, "moving", *running, home=folder) as screen:
            screen.wait(_home)
            seen = _use(screen, 20)
        cpu = max(seen.cpu - unseen.cpu, 0.0)
        report.add(
            f"{what}: bytes to the terminal",
            f"{idle.bytes:.0f} B/s",
            f"{seen.bytes:,.0f} B/s",
            f"{most_bytes:,} B/s",
            reached=seen.bytes <= most_bytes,
        )
        report.add(
            f"{what}: processor, engine excluded",
            f"{idle.cpu:.2f} %",
            f"{cpu:.2f} % ({seen.cpu:.2f} - {unseen.cpu:.2f})",
            f"{most_cpu} %",
            reached=cpu <= most_cpu,
        )


@dataclass(frozen=True)
class _Use:
    """Bytes per second to the terminal, per cent of a core."""

    bytes: float
    cpu: float


def _use(program: Watched, seconds: float) -> _Use:
    program.take(_SETTLE)
    before = program.cpu()
    received = program.take(seconds)
    return _Use(received / seconds, (program.cpu() - before) / seconds * 100)


# Keys while transfers run


def _keys(report: Report, folder: Path) -> None:
    """From a key to the frame that shows it, while transfers use the whole machine."""
    folder.chmod(0o755)
    fill(folder, CONNECTIONS, FEW_RUNS)
    asyncio.run(_keys_during_transfers(report, folder))


async def _keys_during_transfers(report: Report, folder: Path) -> None:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(opened(paths_of(folder)))
        names = []
        for way in Way:
            names += await large_exchanges(way, folder, 4000 * MB, store, stack, per_way=TRANSFERS // len(Way))
        taken = await asyncio.to_thread(_walk, folder, names)
    for what, place in (("", 1), (", waiting for a core included", 0)):
        times = [each[place] * 1000 for each in taken]
        cuts = quantiles(times, n=100)
        report.add(
            f"key to frame, {TRANSFERS} transfers at full speed{what}",
            "",
            f"p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms of {len(times)}",
            "p50 20 ms, p99 50 ms",
            reached=cuts[49] <= 20 and cuts[98] <= 50,
        )


def _walk(folder: Path, names: Sequence[str]) -> list[tuple[float, float]]:
    """Go down the connections and see the cursor's line change."""
    with watched(*_CHILD, "transfers", *names, home=folder) as screen:
        screen.wait(lambda seen: _home(seen) and f"{TRANSFERS} transfers" in seen)
        screen.take(_SETTLE)
        taken = [screen.press(b"j", _is_under_cursor(screen, name_of(number))) for number in range(1, 101)]
        if f"{TRANSFERS} transfers" not in screen.shown:
            sys.exit("transfers ended before the keys did; they need larger files")
    return taken


def _is_under_cursor(screen: Watched, name: str) -> Effect:
    return lambda _: _under_cursor(screen) == name


def _under_cursor(screen: Watched) -> str:
    """The name in the line of the table that has another background than its heading."""
    cells = screen.picture.cells
    backgrounds = [line[COLUMNS // 2][1].rpartition("48;2;")[2] for line in cells]
    table = range(3, ROWS)
    place = next((y for y in table if backgrounds[y] != backgrounds[2]), 0)
    return "".join(text for text, _ in cells[place]).split()[0]


# Start


def _start(report: Report, folder: Path) -> None:
    """From the start of the process to the first frame that is of use, and the memory after it."""
    fill(folder / "start", CONNECTIONS, MANY_RUNS)
    fill(folder / "many", MANY_CONNECTIONS, MANY_RUNS)
    bare, ours = [], []
    for _ in range(_ROUNDS):
        with watched(*_BARE, home=folder / "start") as program:
            bare.append(program.wait(lambda seen: "one label" in seen))
            program.take(_SETTLE)
            bare_memory = program.resident()
        with watched("-m", "tui", home=folder / "start") as program:
            ours.append(program.wait(_home))
    with watched("-m", "tui", home=folder / "many") as program:
        program.wait(_home)
        program.take(_SETTLE)
        memory = program.resident()
    report.add(
        f"start, {CONNECTIONS:,} connections and {MANY_RUNS:,} runs",
        f"{median(bare):.2f} s",
        f"{median(ours):.2f} s, {median(ours) / median(bare):.2f} x",
        "1.5 x",
        reached=median(ours) <= 1.5 * median(bare),
    )
    report.add(
        f"memory, {MANY_CONNECTIONS:,} connections and {MANY_RUNS:,} runs",
        f"{bare_memory / MB:.0f} MB",
        f"{memory / MB:.0f} MB, {memory / bare_memory:.2f} x",
        "1.5 x",
        reached=memory <= 1.5 * bare_memory,
    )


# Many connections


def _many(report: Report, folder: Path) -> None:
    """The table of connections with ten thousand of them."""
    fill(folder, MANY_CONNECTIONS, FEW_RUNS)
    to_end = []
    with watched("-m", "tui", home=folder) as screen:
        screen.wait(_home)
        screen.take(_SETTLE)
        for _ in range(_ROUNDS):
            to_end.append(screen.press(b"G", _has(name_of(MANY_CONNECTIONS - 1))))
            screen.type(b"g", _has(name_of(1)))
            screen.take(0.1)
        sorted_by, typed = _sort(screen), _filter(screen)
    what = f"{MANY_CONNECTIONS:,} connections"
    report.times(f"{what}: filter keystroke", typed, 50)
    report.times(f"{what}: sort", sorted_by, 50)
    report.times(f"{what}: jump to end", to_end, 50)


def _groups(report: Report, folder: Path) -> None:
    """The same in five groups."""
    fill(folder, MANY_CONNECTIONS, FEW_RUNS)
    folded = []
    with watched("-m", "tui", home=folder) as screen:
        screen.wait(_home)
        screen.take(_SETTLE)
        screen.type(b"z", _has("by type"))
        screen.type(b"g", _has("⏎ Fold"))
        for sign in "▸▾" * _ROUNDS:
            folded.append(screen.press(b"\r", _has(f"{sign} Action modifications  2,000")))
            screen.take(0.2)
        sorted_by, typed = _sort(screen), _filter(screen)
    what = f"{MANY_CONNECTIONS:,} connections in groups"
    report.times(f"{what}: filter keystroke", typed, 50)
    report.times(f"{what}: sort", sorted_by, 50)
    report.times(f"{what}: fold or unfold one", folded, 50)


def _sort(screen: Watched) -> list[tuple[float, float]]:
    taken = []
    for heading in ("Type▲", "Direction▲", "Method▲", "Status▲", "Last Active▼", "Name▲") * 2:
        taken.append(screen.press(b"s", _has(heading)))
        screen.take(0.2)
    return taken


def _filter(screen: Watched) -> list[tuple[float, float]]:
    screen.type(b"/", _has("/"))
    screen.type(b"conn-0", _has("/ conn-0 "))
    screen.take(1.0)
    taken = []
    for letter, shown in (("1", 1000), ("2", 100), ("3", 10), ("\x7f", 100), ("\x7f", 1000), ("\x7f", 10_000)):
        taken.append(screen.press(letter.encode(), _has(f" {shown} of {MANY_CONNECTIONS} shown")))
        screen.take(0.3)
    return taken


# Many runs


def _history(report: Report, folder: Path) -> None:
    """The history of one connection, with few runs and with very many."""
    for runs in (FEW_RUNS, MANY_RUNS):
        home = folder / str(runs)
        fill(home, CONNECTIONS, runs)
        opening: list[tuple[float, float]] = []
        paging: list[tuple[float, float]] = []
        filtering: list[tuple[float, float]] = []
        with watched("-m", "tui", home=home) as screen:
            screen.wait(_home)
            screen.take(_SETTLE)
            for _ in range(_ROUNDS):
                opening.append(screen.press(b"\r", _shows_run(0)))
                screen.take(0.5)
                for _ in range(5):
                    paging.append(screen.press(b"\x06", _shows_run(_last_shown(screen) + 8)))
                    screen.take(0.3)
                screen.type(b"/", _has("esc Clear"))
                screen.take(0.5)
                filtering.append(screen.press(_pasted("status:failed"), lambda seen: seen.count("✗ Failed") > 8))
                screen.take(0.5)
                screen.type(b"\x1b", lambda seen: seen.count("✗ Failed") <= 8)
                screen.take(0.5)
                screen.type(b"\x1b", _has("Last Active"))
                screen.take(0.5)
        what = f"{runs:,} runs"
        report.times(f"{what}: open the history of one connection", opening, 50)
        report.times(f"{what}: page down", paging, 50)
        report.times(f"{what}: filter by status", filtering, 50)


def _shows_run(number: int) -> Effect:
    """Whether the n-th latest run of the first connection is shown: it began 2n + 1 minutes before the latest run."""
    moment = f"{NEWEST - timedelta(minutes=2 * number + 1):%Y-%m-%d %H:%M}"
    return lambda seen: f"\n {moment} " in seen


def _last_shown(screen: Watched) -> int:
    """Which run of the first connection is the last one shown."""
    moments = re.findall(r"^ (2\d{3}-\d\d-\d\d \d\d:\d\d) ", screen.shown, re.MULTILINE)
    began = datetime.strptime(moments[-1], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    return int((NEWEST - began) / timedelta(minutes=1)) // 2


def _pasted(text: str) -> bytes:
    """As a terminal sends what is pasted."""
    return b"\x1b[200~" + text.encode() + b"\x1b[201~"


def _home(seen: str) -> bool:
    return name_of(0) in seen and "Quit" in seen


def _has(text: str) -> Effect:
    return lambda seen: text in seen


_PARTS: Mapping[str, Callable[[Report, Path], None]] = {
    "live": _live,
    "keys": _keys,
    "start": _start,
    "many": _many,
    "groups": _groups,
    "history": _history,
}

"""What is printed: tables, the progress line, exit codes."""

import asyncio
import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.conftest import Terminal
from tui.commands.output import cell_width, cut, exit_code, say_json, table, worst
from tui.commands.progress import can_refresh_a_line, describe, progress_line
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.figures import duration, size
from tui.domain.run import Progress
from tui.domain.text import is_safe_character
from tui.engine import LiveRun, Snapshot


def live(connection: str = "acme", **changes: object) -> LiveRun:
    values = {
        "run_id": 1,
        "connection": connection,
        "started": datetime(2026, 1, 1, tzinfo=UTC),
        "progress": Progress(1, 3, 500_000, 2_000_000, "a.csv"),
        "speed": 250_000.0,
        "time_left": 6.0,
        "note": None,
        "here": True,
    }
    return LiveRun(**(values | changes))  # type: ignore[arg-type]  # the values of a dict have one type, the fields each their own


@pytest.mark.parametrize(
    ("failure_class", "code"), [(None, 0), ("config", 2), ("auth", 1), ("network", 3), ("busy", 3), ("cancelled", 1)]
)
def test_exit_codes(failure_class: str | None, code: int) -> None:
    failure = TransferFailed(FailureClass(failure_class), "No.").failure if failure_class else None
    assert exit_code(failure) == code


def test_the_worst_exit_code_is_that_which_needs_somebody_first() -> None:
    assert [worst(codes) for codes in ([], [0, 0], [0, 3], [3, 1, 0], [1, 3, 2])] == [0, 0, 3, 1, 2]


def test_columns_are_aligned_by_cells() -> None:
    lines = table(("Name", "Size"), [("漢字.csv", "1 B"), ("e\u0301.csv", "22 B"), ("a\tb\x1b[1m", "3 B")]).splitlines()
    assert {cell_width(line.rpartition("  ")[0]) for line in lines[1:]} == {cell_width("a\\x09b\\x1b[1m")}
    assert all(line.isprintable() for line in lines)


def test_a_full_disk_under_the_narration_stops_nothing() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-m", "tui", "history"], stderr=full, timeout=60, check=False)
    assert done.returncode == 0


@given(st.text())
def test_json_on_a_terminal_is_harmless(text: str) -> None:
    stream = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", stream)
        say_json({"name": text})
    shown = stream.getvalue()
    assert json.loads(shown) == {"name": text}
    assert all(0x20 <= ord(character) < 0x80 or character == "\n" for character in shown)


def test_a_run_in_progress_in_one_line() -> None:
    assert describe([live()], 200) == "acme  1/3 files  25 % of 2.0 MB  250 kB/s  6.0 s left  a.csv"
    waiting = live(note="retry 2 of 3 in 14 s", speed=0.0, time_left=None, progress=Progress())
    assert describe([waiting, live("beta")], 200).startswith("acme  retry 2 of 3 in 14 s  |  beta  1/3 files")


@given(st.lists(st.text(max_size=30), max_size=4), st.integers(1, 120))
def test_the_progress_line_always_fits_and_is_harmless(names: list[str], columns: int) -> None:
    line = describe([live(name or "x", note=name) for name in names], columns)
    assert cell_width(line) < columns
    assert all(map(is_safe_character, line))


def test_a_cut_keeps_to_cells() -> None:
    assert cut("漢字漢字", 5) == "漢字…"
    assert cut("abc", 3) == "abc"
    assert cut("abc", 0) == ""


@pytest.mark.parametrize(("term", "can"), [("xterm", True), ("dumb", False), ("", False)])
def test_a_line_is_refreshed_only_where_it_can_be_erased(monkeypatch: pytest.MonkeyPatch, term: str, can: bool) -> None:
    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setenv("TERM", term)
    assert can_refresh_a_line() is can


async def test_the_progress_line_is_written_in_place_and_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr("tui.commands.progress._INTERVAL", 0)
    looks = iter([Snapshot(1), Snapshot(2, 0, {"acme": live(), "other": live("other")})])
    last = Snapshot(3, 0, {"acme": live(time_left=1.0)})
    looked_enough = asyncio.Event()

    def look() -> Snapshot:
        snapshot = next(looks, None)
        if snapshot is None:
            looked_enough.set()
        return snapshot or last

    async with progress_line(look, ["acme"]):
        await looked_enough.wait()
    erased, *lines = stream.getvalue().split("\r\x1b[K")
    assert erased == ""
    assert [line.split("  ")[-2] for line in lines[:2]] == ["6.0 s left", "1.0 s left"]
    assert lines[2:] == [""]
    assert "other" not in stream.getvalue()


@given(st.floats(0, 1e18))
def test_sizes_have_at_most_three_digits(count: float) -> None:
    number, unit = size(count).split()
    assert unit in {"B", "kB", "MB", "GB", "TB", "PB"}
    assert float(number) < 1000 or unit == "PB"


def test_durations_grow() -> None:
    shown = [duration(seconds) for seconds in (0, 0.44, 9.94, 9.96, 59.4, 59.6, 185, 7800, 90_000)]
    assert shown == ["0.0 s", "0.4 s", "9.9 s", "10 s", "59 s", "1 m 00 s", "3 m 05 s", "2 h 10 m", "1 d 1 h"]
    assert all(before != after for before, after in pairwise(shown))

"""The history as a time line: above the runs of each day stands a line with the day and what came of it.

A day is one of the user's own zone.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import TypeAlias

from rich.text import Text

from tui.console.formats import STYLES
from tui.console.widgets.run_text import Entry
from tui.domain.figures import count
from tui.domain.run import Status


@dataclass(frozen=True, slots=True)
class DayBreak:
    """Stands above the runs of a day."""

    day: date
    title: str
    runs: int
    failed: int
    open_end: bool
    """Whether there may be more runs of that day than were read."""
    again: int = 0
    """How often the day stood there before: after a clock was put back, one may come twice."""


Row: TypeAlias = Entry | DayBreak


class TimeLine:
    """Puts day breaks between runs. It remembers the days of runs that it has seen, for they are asked for often."""

    def __init__(self) -> None:
        self._days: dict[int, date] = {}

    def rows(self, newest_first: Sequence[Entry], today: date, *, complete: bool) -> list[Row]:
        """The runs with a break above each day; `complete` when there are no older ones that were not read."""
        rows: list[Row] = []
        times: Counter[date] = Counter()
        left = len(newest_first)
        for day, group in groupby(newest_first, self._day):
            runs = list(group)
            left -= len(runs)
            failed = sum(entry.run.status is Status.FAILED for entry in runs)
            open_end = not left and not complete
            rows += [DayBreak(day, _title(day, today), len(runs), failed, open_end, times[day]), *runs]
            times[day] += 1
        return rows

    def _day(self, entry: Entry) -> date:
        day = self._days.get(entry.run_id)
        if day is None:
            day = self._days[entry.run_id] = entry.run.started.astimezone().date()
        return day


def break_text(row: Row) -> Text | None:
    """What the line of a day says; None for a run."""
    if not isinstance(row, DayBreak):
        return None
    runs = f"{row.runs:,}+ runs" if row.open_end else count(row.runs, "run")
    text = Text.assemble((row.title, "bold"), (f"  {runs}", "dim"))
    return text.append(f"  {row.failed:,} failed", STYLES[Status.FAILED]) if row.failed else text


def row_key(row: Row) -> object:
    """What tells rows apart: the number of a run, or the day and how often it was there before."""
    return (row.day, row.again) if isinstance(row, DayBreak) else row.run_id


def _title(day: date, today: date) -> str:
    written = f"{day:%A} {day.day} {day:%B}" + ("" if day.year == today.year else f" {day.year}")
    near = {today: "Today, ", today - timedelta(days=1): "Yesterday, "}
    return near.get(day, "") + written

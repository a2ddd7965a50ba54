"""A run as the screens know it, and how it is put into words."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from rich.text import Text

from tui.console.formats import clock, moment, safe, speed
from tui.domain.figures import count, duration, size
from tui.domain.run import Run
from tui.engine.live import LiveRun

_CUT = 200
"""Characters of a note that are worth showing."""


class Entry(NamedTuple):
    """A run as the store and the engine know it now."""

    run: Run
    live: LiveRun | None = None

    @property
    def run_id(self) -> int:
        return self.run.run_id

    @property
    def running(self) -> bool:
        return self.run.ended is None


def entry_for(run: Run, live: Mapping[str, LiveRun]) -> Entry:
    """The run with what the engine knows of it: further on than what the store was told."""
    latest = live.get(run.connection)
    if latest is None or latest.run_id != run.run_id or run.ended is not None:
        return Entry(run)
    return Entry(run._replace(progress=latest.progress), latest)


def seconds_of(run: Run, now: datetime | None = None) -> float:
    """How long the run took, or has been going on."""
    return ((run.ended or now or datetime.now(UTC)) - run.started).total_seconds()


def facts(entry: Entry) -> list[str]:
    """Trigger, times, attempts and amounts, in words."""
    run, progress = entry.run, entry.run.progress
    if run.ended is None:
        times = f"since {moment(run.started)} ({duration(seconds_of(run))})"
    else:
        times = f"{moment(run.started)} to {clock(run.ended)} ({duration(seconds_of(run))})"
    told = [run.trigger.value, times]
    if run.attempts > 1:
        told.append(count(run.attempts, "attempt"))
    told.append(f"{progress.files_done:,} of {count(progress.files_total, 'file')}")
    told.append(size(progress.bytes_done))
    if entry.live is not None:
        told.append(speed(entry.live.speed))
    return told


def running_text(live: LiveRun) -> Text:
    """What a run is doing: what it waits for, or how fast it goes and how long it still takes."""
    if live.note:
        return Text.assemble((safe(live.note, _CUT).plain, "yellow"))
    parts = [speed(live.speed)]
    if live.time_left is not None:
        parts.append(f"{duration(live.time_left)} left")
    if not live.here:
        parts.append("elsewhere")
    if live.progress.current:
        parts.append(safe(live.progress.current, _CUT).plain)
    return Text("  ".join(parts), style="cyan")

"""What is happening right now, as the engine shows it to whoever asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from tui.domain.run import Progress

WAITING_FOR_PLACE = "waiting for a place at the host"
"""What a run is at while as many others as may be are connected to its host."""


class LiveRun(NamedTuple):
    """A run in progress, in this process or another that shares the store."""

    run_id: int
    connection: str
    started: datetime
    progress: Progress
    speed: float
    """Bytes per second over the last few seconds."""
    time_left: float | None
    """Seconds, as far as it can be told."""
    note: str | None
    """What the run waits for, such as `retry 2 of 3 in 14 s`."""
    here: bool
    """Whether this process executes it."""
    paused: bool = False

    @property
    def waiting(self) -> bool:
        """Whether it has its turn later, when a run at the same host has ended."""
        return self.progress.current == WAITING_FOR_PLACE


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One consistent look. Two snapshots with equal `revision` show the same."""

    revision: int = 0
    store_version: int = 0
    """Changes when connections, runs, files or events were written by any process: time to read them again."""
    live: Mapping[str, LiveRun] = field(default_factory=dict)
    """The runs in progress by the name of their connection."""

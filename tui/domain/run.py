"""What is known of a run: its files, its events and its outcome."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from tui.domain.failure import Failure


class Status(StrEnum):
    """Of a connection: the state of its latest run. The value is what is shown, stored and exported."""

    NONE = "None"
    IN_PROGRESS = "In Progress"
    COMPLETED = "Completed"
    FAILED = "Failed"


class Trigger(StrEnum):
    MANUAL = "manual"
    SCHEDULE = "schedule"
    RETRY = "retry"
    COMMAND_LINE = "command line"


class FileStatus(StrEnum):
    WAITING = "waiting"
    IN_PROGRESS = "in progress"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    """Not moved, by a decision of the connection."""


class Event(NamedTuple):
    """One step of a run, as it happened. `ms` is how long the step took, where it was timed."""

    at: datetime
    step: str
    detail: str
    ok: bool = True
    ms: float | None = None


class FileRecord(NamedTuple):
    """One file within a run. Sizes in bytes; `sha256` in hex, of all bytes moved."""

    name: str
    size: int
    bytes: int = 0
    status: FileStatus = FileStatus.WAITING
    sha256: str | None = None
    proof: str | None = None
    """How equality of both sides was shown, or why the file was skipped, in words."""
    failure: Failure | None = None
    records: int | None = None
    rejected: int | None = None


class Progress(NamedTuple):
    """How far a run is. Bytes are those of the files planned so far."""

    files_done: int = 0
    files_total: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    current: str | None = None
    """The file or the step at work."""


class Owner(NamedTuple):
    """The process that executes a run: enough to tell a living one from one whose pid was given away."""

    pid: int
    host: str
    started: str
    """When the process started, as the operating system counts it; opaque, only compared."""


class Run(NamedTuple):
    """One execution of a connection. `ended` is None while it is in progress. Times are UTC."""

    run_id: int
    connection: str
    trigger: Trigger
    status: Status
    started: datetime
    ended: datetime | None
    owner: Owner
    attempts: int = 1
    progress: Progress = Progress()
    failure: Failure | None = None
    message: str | None = None
    """One sentence on the outcome where there is no failure, such as that nothing matched."""


class Outcome(NamedTuple):
    """How a run ended."""

    status: Status
    failure: Failure | None = None
    message: str | None = None

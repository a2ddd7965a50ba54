"""Between rows of the database and the values of the domain. What was written comes back equal, to the microsecond."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from sys import intern
from typing import Any

from tui.domain.failure import Failure, FailureClass
from tui.domain.run import Event, FileRecord, FileStatus, Owner, Progress, Run, Status, Trigger
from tui.store.base import Delivery

Row = tuple[Any, ...]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def to_moment(micros: int) -> datetime:
    return _EPOCH + micros * _MICROSECOND


def to_text(text: str) -> str | bytes:
    """Names from outside may hold lone surrogates (bytes that are no text), which SQLite does not take as text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def from_text(value: str | bytes) -> str:
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value


def to_optional_text(text: str | None) -> str | bytes | None:
    return None if text is None else to_text(text)


def _from_optional_text(value: str | bytes | None) -> str | None:
    return None if value is None else from_text(value)


def failure_values(failure: Failure | None) -> Row:
    """For the columns failure_class, failure_message, failure_remedy."""
    if failure is None:
        return None, None, None
    return failure.failure_class.value, to_text(failure.message), to_text(failure.remedy)


def _to_failure(failure_class: str | None, message: str | bytes, remedy: str | bytes) -> Failure | None:
    if failure_class is None:
        return None
    return Failure(FailureClass(failure_class), from_text(message), from_text(remedy))


def outcome_values(failure: Failure | None, message: str | None) -> Row:
    """For the three columns of the failure and the column message."""
    return *failure_values(failure), to_optional_text(message)


def progress_values(progress: Progress) -> Row:
    """For the columns files_done, files_total, bytes_done, bytes_total, current."""
    return (
        progress.files_done,
        progress.files_total,
        progress.bytes_done,
        progress.bytes_total,
        to_optional_text(progress.current),
    )


RUN_COLUMNS = """
    runs.run_id, coalesce(connections.name, runs.connection_name), runs.trigger, runs.status, runs.started, runs.ended,
    runs.owner_pid, runs.owner_host, runs.owner_started, runs.attempts,
    runs.files_done, runs.files_total, runs.bytes_done, runs.bytes_total, runs.current,
    runs.failure_class, runs.failure_message, runs.failure_remedy, runs.message
"""
"""What `to_run` reads, from runs joined with connections: a run shows the present name of its connection."""


_owner = lru_cache(maxsize=64)(Owner)
"""Most runs that are read belong to few processes."""


def to_run(row: Row) -> Run:
    run_id, name, trigger, status, started, ended, pid, host, owner_started, attempts, *others = row
    files_done, files_total, bytes_done, bytes_total, current, *failure, message = others
    return Run(
        run_id=run_id,
        connection=intern(from_text(name)),
        trigger=Trigger(trigger),
        status=Status(status),
        started=to_moment(started),
        ended=None if ended is None else to_moment(ended),
        owner=_owner(pid, host, owner_started),
        attempts=attempts,
        # One number for both of most runs: they moved all that was planned.
        progress=Progress(
            files_done,
            files_total,
            bytes_done,
            bytes_done if bytes_total == bytes_done else bytes_total,
            _from_optional_text(current),
        ),
        failure=_to_failure(*failure),
        message=_from_optional_text(message),
    )


FILE_COLUMNS = """
    name, size, bytes, status, sha256, proof, failure_class, failure_message, failure_remedy, records, rejected
"""


def file_values(file: FileRecord) -> Row:
    """For FILE_COLUMNS."""
    return (
        to_text(file.name),
        file.size,
        file.bytes,
        file.status.value,
        file.sha256,
        to_optional_text(file.proof),
        *failure_values(file.failure),
        file.records,
        file.rejected,
    )


def to_file(row: Row) -> FileRecord:
    name, size, done, status, sha256, proof = row[:6]
    return FileRecord(
        name=from_text(name),
        size=size,
        bytes=done,
        status=FileStatus(status),
        sha256=sha256,
        proof=_from_optional_text(proof),
        failure=_to_failure(*row[6:9]),
        records=row[9],
        rejected=row[10],
    )


def event_values(event: Event) -> Row:
    """For the columns at, step, detail, ok, ms."""
    return to_micros(event.at), to_text(event.step), to_text(event.detail), int(event.ok), event.ms


def to_event(row: Row) -> Event:
    at, step, detail, ok, ms = row
    return Event(to_moment(at), from_text(step), from_text(detail), bool(ok), ms)


def to_delivery(row: Row) -> Delivery:
    key, size, mtime, sha256, run_id, alias = row
    return Delivery(from_text(key), size, mtime, sha256, run_id, _from_optional_text(alias))

"""Connections, runs and tests as JSON objects, the same for every command and for the screen's export.

Times are ISO 8601 in UTC. Keys may be added; none is renamed or removed.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tui.domain.failure import Failure
from tui.domain.run import Event, FileRecord, Run, Status
from tui.domain.summary import Document

Json = dict[str, Any]


def connection_json(document: Document, status: Status, last_active: datetime | None) -> Json:
    """A connection as its file has it, with the state of its latest run. A secret is its reference."""
    return {**document, "status": status.value, "last_active": time_json(last_active)}


def run_json(run: Run, files: Sequence[FileRecord]) -> Json:
    """A run with its files."""
    return {
        "run_id": run.run_id,
        "connection": run.connection,
        "trigger": run.trigger.value,
        "status": run.status.value,
        "started": time_json(run.started),
        "ended": time_json(run.ended),
        "bytes": run.progress.bytes_done,
        "attempts": run.attempts,
        "failure": _failure_json(run.failure),
        "message": run.message,
        "files": [_file_json(record) for record in files],
    }


def test_json(name: str, ok: bool, steps: Sequence[Event], failure: Failure | None, warnings: Sequence[str]) -> Json:
    """What a test of a connection found."""
    return {
        "connection": name,
        "ok": ok,
        "steps": [
            {"step": event.step, "ok": event.ok, "detail": event.detail, "ms": event.ms and round(event.ms, 1)}
            for event in steps
        ],
        "failure": _failure_json(failure),
        "warnings": list(warnings),
    }


def time_json(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC, such as `2026-11-20T06:00:00.123456Z`."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _file_json(record: FileRecord) -> Json:
    return {
        "name": record.name,
        "size": record.size,
        "bytes": record.bytes,
        "sha256": record.sha256,
        "status": record.status.value,
        "proof": record.proof,
        "failure": _failure_json(record.failure),
        "records": record.records,
        "rejected": record.rejected,
    }


def _failure_json(failure: Failure | None) -> Json | None:
    return None if failure is None else failure.as_json()

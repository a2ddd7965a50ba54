"""Runs as CSV and as JSON, piece by piece, so that a long history needs no more memory than a page of it.

CSV is RFC 4180. A spreadsheet would take a text that begins with one of = + - @, a tab or a carriage return for a
formula and carry it out; file names and error texts come from outside, so such a text gets an apostrophe in front.
JSON is ASCII, so that no name from outside has an effect on the terminal of whoever looks at the file.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum

from tui.domain.as_json import run_json, time_json
from tui.domain.run import FileRecord, Run

COLUMNS = (
    "run_id",
    "connection",
    "trigger",
    "status",
    "started",
    "ended",
    "seconds",
    "files_done",
    "files_total",
    "bytes",
    "attempts",
    "failure_class",
    "message",
    "remedy",
)

_FORMULA_BEGINNINGS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
"""The wide forms count where East Asian text is usual."""

RunWithFiles = tuple[Run, Sequence[FileRecord]]


class Format(StrEnum):
    CSV = "csv"
    JSON = "json"

    @property
    def opening(self) -> str:
        """What comes before the first run."""
        return _csv([COLUMNS]) if self is Format.CSV else "["

    @property
    def closing(self) -> str:
        """What comes after the last one."""
        return "" if self is Format.CSV else "\n]\n"

    def page(self, runs: Sequence[RunWithFiles], *, first: bool) -> str:
        """Some runs; `first` when none came before them. In CSV a run is a line, without its files."""
        if self is Format.CSV:
            return _csv(_cells(run) for run, _ in runs)
        objects = ",\n".join(json.dumps(run_json(run, files)) for run, files in runs)
        return f"{'' if first or not runs else ','}\n{objects}" if runs else ""


def formula_safe(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_BEGINNINGS) else text


def suggested_name(subject: str, at: datetime) -> str:
    """A file name for an export, without an extension: of what it is about, and of the time when it was made."""
    kept = "".join(character if character.isalnum() or character in "-_" else "-" for character in subject)
    return f"wharf-{kept[:60]}-{at:%Y%m%d-%H%M%S}"


def _csv(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cells(run: Run) -> list[object]:
    seconds = "" if run.ended is None else f"{(run.ended.astimezone(UTC) - run.started).total_seconds():.3f}"
    failure = run.failure
    return [
        run.run_id,
        formula_safe(run.connection),
        run.trigger.value,
        run.status.value,
        time_json(run.started),
        time_json(run.ended) or "",
        seconds,
        run.progress.files_done,
        run.progress.files_total,
        run.progress.bytes_done,
        run.attempts,
        failure.failure_class.value if failure else "",
        formula_safe((failure.message if failure else run.message) or ""),
        formula_safe(failure.remedy if failure else ""),
    ]

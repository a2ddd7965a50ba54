"""What the commands print: data on stdout, narration on stderr, never anything that a terminal would obey."""

import json
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import lru_cache

from tui.domain.failure import Failure, FailureClass, TransferFailed, UsageProblem, WharfError
from tui.domain.figures import SIGNS, duration
from tui.domain.run import Run, Status
from tui.domain.text import printable

COMPLETED, FAILED, USAGE, MAY_HELP = 0, 1, 2, 3
"""Exit codes; see `wharf --help`."""


class ReaderGone(Exception):
    """Nobody reads stdout any more. No OSError, so that it is never taken for a fault of a transfer."""


class OutputProblem(WharfError):
    """What was asked for cannot be written to stdout, such as into a file on a full disk."""


def say(text: str = "") -> None:
    """One line of data, or several, shown at once. Texts from outside in it are made printable by the caller."""
    with _writing():
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def say_bytes(data: bytes) -> None:
    """Data that must arrive as it is, whatever the encoding of the terminal."""
    with _writing():
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise ReaderGone from None
    except OSError as error:
        raise OutputProblem(f"Standard output cannot be written: {error.strerror}.") from error


def say_json(value: object) -> None:
    """JSON in ASCII: whatever a text from outside holds, a terminal shows it harmlessly."""
    say(json.dumps(value, indent=2))


def narrate(text: str) -> None:
    """A line for people on stderr. When nobody reads it any more, or the disk of a log is full, the work goes on: it is
    not what was asked for."""
    with suppress(OSError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def report(error: WharfError) -> int:
    """Tell an error on stderr; returns the exit code that goes with it."""
    narrate("\n".join(f"wharf: {printable(line)}" for line in str(error).splitlines()))
    if isinstance(error, TransferFailed):
        narrate(f"  {printable(error.failure.remedy)}")
        return exit_code(error.failure)
    return USAGE if isinstance(error, UsageProblem) else FAILED


def exit_code(failure: Failure | None) -> int:
    """The exit code of one run or test."""
    if failure is None:
        return COMPLETED
    if failure.failure_class is FailureClass.CONFIG:
        return USAGE
    return MAY_HELP if failure.retryable else FAILED


def worst(codes: Sequence[int]) -> int:
    """The exit code for several: wrong configuration first, then what needs a human, then what needs patience."""
    return next((code for code in (USAGE, FAILED, MAY_HELP) if code in codes), COMPLETED)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, two spaces apart. Cells are made printable here."""
    lines = [head, *([printable(cell) for cell in row] for row in rows)]
    widths = [max(map(cell_width, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell + " " * (width - cell_width(cell)) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def cell_width(text: str) -> int:
    """Terminal cells that a printable text takes: two for East Asian wide characters, none for combining marks."""
    return len(text) if text.isascii() else _counted_width(text)


@lru_cache(maxsize=1000)
def _counted_width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def cut(text: str, width: int) -> str:
    """The text in at most `width` cells; a cut is marked by an ellipsis."""
    if cell_width(text) <= width:
        return text
    while text and cell_width(text) > width - 1:
        text = text[:-1]
    return f"{text}…" if width > 0 else ""


def status_text(status: Status) -> str:
    """A status with its sign: never told by colour alone."""
    return f"{SIGNS[status]} {status.value}"


def time_text(moment: datetime | None) -> str:
    """A time in UTC; a dash for none."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if moment is not None else "-"


def run_duration(run: Run) -> str:
    """How long a run took; a dash while it has not ended."""
    return duration((run.ended - run.started).total_seconds()) if run.ended else "-"

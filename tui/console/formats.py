"""How values are written on the screen. Pure functions."""

from datetime import UTC, datetime, timedelta

from rich.text import Text

from tui.domain.figures import SIGNS, size
from tui.domain.run import FileStatus, Status
from tui.domain.text import printable

ASCII_SIGNS = {Status.NONE: "-", Status.IN_PROGRESS: ">", Status.COMPLETED: "+", Status.FAILED: "!"}
"""For terminals and fonts without the others."""

STYLES = {Status.NONE: "dim", Status.IN_PROGRESS: "bold cyan", Status.COMPLETED: "green", Status.FAILED: "bold red"}

_FILE_STATUS = {
    FileStatus.WAITING: Status.NONE,
    FileStatus.IN_PROGRESS: Status.IN_PROGRESS,
    FileStatus.COMPLETED: Status.COMPLETED,
    FileStatus.FAILED: Status.FAILED,
    FileStatus.SKIPPED: Status.NONE,
}


def speed(per_second: float) -> str:
    """Bytes per second: `3.1 MB/s`; a dash while nothing moves."""
    return f"{size(per_second)}/s" if per_second >= 1 else "–"


def moment(at: datetime | None, now: datetime | None = None) -> str:
    """A time of the user's own zone: `today 14:03`, `yesterday 09:10`, `2026-03-01 14:03`; `never` for None."""
    if at is None:
        return "never"
    local = at.astimezone()
    today = (now or datetime.now(UTC)).astimezone().date()
    if local.date() == today:
        return f"today {local:%H:%M}"
    if local.date() == today - timedelta(days=1):
        return f"yesterday {local:%H:%M}"
    return f"{local:%Y-%m-%d %H:%M}"


def clock(at: datetime) -> str:
    """The time of day with seconds, in the user's own zone."""
    return f"{at.astimezone():%H:%M:%S}"


def status_text(status: Status) -> Text:
    """Sign, word and colour; never the colour alone."""
    return Text.assemble((f"{SIGNS[status]} {status.value}", STYLES[status]))


def file_status_text(status: FileStatus) -> Text:
    """The same for a file within a run."""
    like = _FILE_STATUS[status]
    return Text.assemble((f"{SIGNS[like]} {status.value}", STYLES[like]))


def bar(fraction: float, width: int) -> str:
    """A bar of `width` cells, filled to `fraction` in eighths of a cell."""
    eighths = round(min(max(fraction, 0.0), 1.0) * width * 8)
    full, rest = divmod(eighths, 8)
    partly = " ▏▎▍▌▋▊▉"[rest] if full < width else ""
    return ("█" * full + partly).ljust(width)


def safe(text: str, limit: int | None = None) -> Text:
    """Text from outside: no escapes, no markup."""
    return Text(printable(text, limit))

"""How values are written on the screen. Pure functions."""

from datetime import UTC, datetime, timedelta

from rich.text import Text

from tui.domain.run import FileStatus, Status
from tui.domain.text import printable

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")

SIGNS = {Status.NONE: "·", Status.IN_PROGRESS: "▶", Status.COMPLETED: "✓", Status.FAILED: "✗"}
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


def size(count: float) -> str:
    """Bytes with three digits and a decimal unit: `820 B`, `1.4 MB`."""
    for unit in _UNITS:
        if round(count, 1 if unit != "B" and count < 10 else 0) < 1000 or unit == _UNITS[-1]:
            return f"{count:.1f} {unit}" if unit != "B" and count < 9.95 else f"{count:.0f} {unit}"
        count /= 1000
    raise AssertionError  # the last unit takes everything


def speed(per_second: float) -> str:
    """Bytes per second: `3.1 MB/s`; a dash while nothing moves."""
    return f"{size(per_second)}/s" if per_second >= 1 else "–"


def duration(seconds: float) -> str:
    """`31 ms`, `0.4 s`, `14 s`, `3 m 05 s`, `2 h 10 m`, `3 d 4 h`."""
    if 0 < seconds < 0.095:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} m"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


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


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 file`, `3 files`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


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

"""Sizes, durations and counts as people read them."""

from tui.domain.run import Status

SIGNS = {Status.NONE: "·", Status.IN_PROGRESS: "▶", Status.COMPLETED: "✓", Status.FAILED: "✗"}
"""Stands before every status, so that none is told by colour alone."""

UNENCRYPTED_SIGN = "⚠"
"""Stands behind the method of a connection without TLS, which anybody on the way can read and change."""

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def size(count: float) -> str:
    """Bytes with a decimal unit: `820 B`, `1.4 MB`, `57 MB`."""
    for unit in _UNITS:
        whole = unit == "B" or count >= 9.95
        if round(count, 0 if whole else 1) < 1000 or unit == _UNITS[-1]:
            return f"{count:.0f} {unit}" if whole else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError  # the last unit takes everything


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


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 file`, `3 files`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"

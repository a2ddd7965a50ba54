"""What a fault of the console itself leaves behind: a report that can be sent to somebody, with no secret in it.

Neither local variables nor source of values are in it, and of an exception's own text only what Python wrote from names
of the code: any other may hold what a partner sent or what was being typed.
"""

import logging
import platform
import sys
import traceback
from datetime import UTC, datetime
from os import environ
from pathlib import Path

from tui import __version__
from tui.trust.private_file import write_private

_TELLS_ONLY_NAMES = (AttributeError, NameError, ImportError, NotImplementedError, RecursionError, TypeError)
"""Their texts hold names of the code and no values."""

_TOLD_OF_TERMINAL = ("TERM", "COLORTERM", "TERM_PROGRAM", "LANG", "LC_ALL", "NO_COLOR", "TMUX", "SSH_TTY")

_log = logging.getLogger(__name__)


def write_report(folder: Path, error: BaseException) -> Path | None:
    """Write the report of a fault into the folder, made if need be; its path, or None when it could not be written."""
    now = datetime.now(UTC)
    path = folder / f"crash-{now:%Y%m%d-%H%M%S-%f}.txt"
    text = report(error, now)
    _log.error("the console has a fault\n%s", text)
    try:
        # It may be the very thing that is missing.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, text.encode("utf-8", "backslashreplace"))
    except OSError:
        _log.exception("the report could not be written")
        return None
    return path


def report(error: BaseException, now: datetime) -> str:
    """What is known of a fault, as text."""
    # The first frame does not wait for it: it brings the library for mail.
    from importlib.metadata import version

    terminal = [f"{name}={environ[name]!r}" for name in _TOLD_OF_TERMINAL if name in environ]
    return "\n".join(
        [
            f"Wharf {__version__} had a fault on {now:%Y-%m-%d at %H:%M:%S} UTC.",
            "This report holds no values, no names of files or partners, and no secrets.",
            "",
            f"python    {platform.python_version()} on {platform.platform()}",
            f"textual   {version('textual')}",
            f"terminal  {' '.join(terminal) or 'unknown'}",
            "",
            *_told(error),
            "",
        ]
    )


def sentence(error: BaseException | None, path: Path | None) -> str:
    """What is printed when the terminal is itself again."""
    where = f"The report is in {path}." if path else "The log file, which `wharf locate` names, has the details."
    return (
        f"Wharf has a fault ({type(error).__name__}). Runs of this screen are put on record as interrupted; the next "
        f"run goes on where that is safe. {where}"
    )


def _told(error: BaseException) -> list[str]:
    """The chain of exceptions as Python prints it, the oldest first."""
    lines: list[str] = []
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None:
        lines += [*_told(earlier), "", "while that was handled:", ""]
    for frame, line in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        lines.append(f"  {_place(code.co_filename)}:{line} in {code.co_qualname}")
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    lines.append(f"{kind}: {error}" if isinstance(error, _TELLS_ONLY_NAMES) else f"{kind} (its text is left out)")
    return lines


def _place(file: str) -> str:
    """A module's path below where it was installed: the rest is the user's."""
    roots = sorted((root for root in sys.path if root and file.startswith(root)), key=len)
    return file.removeprefix(roots[-1]).lstrip("/") if roots else Path(file).name

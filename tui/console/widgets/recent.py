"""The latest runs of a connection in two lines: how each ended, and above which bar of bytes."""

from collections.abc import Sequence

from rich.text import Text

from tui.console.formats import STYLES
from tui.console.sparkline import sparkline
from tui.domain.figures import SIGNS, count
from tui.domain.run import Run, Status

RECENT = 30
"""So many runs."""

_NOTHING_MOVED = Status.NONE
"""Has the sign and the colour of a run that had nothing to move."""


_KEPT = 200
"""Connections of which the latest runs are remembered."""


class RecentRuns:
    """The latest runs of the connections that were looked at. They change only when the very latest one does."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[object, list[Run]]] = {}

    def of(self, latest: Run) -> list[Run] | None:
        """Newest first; None if they are to be read."""
        since, runs = self._known.get(latest.connection, (None, None))
        return runs if since == _mark_of(latest) else None

    def keep(self, latest: Run, runs: list[Run]) -> None:
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[latest.connection] = _mark_of(latest), runs


def _mark_of(latest: Run) -> object:
    return latest.run_id, latest.ended


def recent_lines(newest_first: Sequence[Run]) -> list[tuple[str, Text]]:
    """Two lines with their labels, the latest run at the right; a sign and the bar below it are of the same run."""
    runs = newest_first[::-1]
    signs = Text.assemble(*((SIGNS[_seen_as(run)], STYLES[_seen_as(run)]) for run in runs))
    failed = sum(run.status is Status.FAILED for run in runs)
    if failed:
        signs.append(f"  {failed} of {count(len(runs), 'run')} failed", style="dim")
    return [
        (f"Last {len(runs)}", signs),
        ("Bytes", Text(sparkline([run.progress.bytes_done for run in runs]), style="cyan")),
    ]


def _seen_as(run: Run) -> Status:
    return _NOTHING_MOVED if run.status is Status.COMPLETED and not run.progress.files_done else run.status

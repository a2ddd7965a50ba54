"""The steps of a test of a connection: those that have ended, and the one at work."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from tui.console.formats import STYLES, safe
from tui.domain.figures import SIGNS, duration
from tui.domain.run import Event, Status

_CUT = 300
"""Characters of the finding of a step that has passed."""


def drawn_ladder(steps: Sequence[Event], at_work: str | None = None, seconds: float = 0.0) -> Table:
    """A line for each step with its finding and its time; the one at work has the time that it has taken so far."""
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(width=1)
    table.add_column(no_wrap=True, min_width=12)
    table.add_column(overflow="fold", ratio=1)
    table.add_column(justify="right", no_wrap=True)
    for step in steps:
        status = Status.COMPLETED if step.ok else Status.FAILED
        took = duration(step.ms / 1000) if step.ms is not None else ""
        table.add_row(
            Text(SIGNS[status], style=STYLES[status]),
            safe(step.step, 20) if step.ok else Text.assemble(safe(step.step, 20), style="bold"),
            safe(step.detail, _CUT if step.ok else None),
            Text(took, style="dim"),
        )
    if at_work is not None:
        running = STYLES[Status.IN_PROGRESS]
        table.add_row(
            Text(SIGNS[Status.IN_PROGRESS], style=running),
            Text.assemble(safe(at_work, 20), style=running),
            Text("…", style="dim"),
            Text(duration(seconds), style="dim"),
        )
    return table

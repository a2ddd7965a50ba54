"""The attempts of a run side by side: each step in a line, each attempt in a column."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from tui.console.formats import clock
from tui.domain.attempts import RETRY, Attempt, AttemptLog, StepResult, steps_of
from tui.domain.figures import duration
from tui.domain.run import Event
from tui.domain.text import printable

_STEP_WIDTH = 12
_LEAST_WIDTH = 24
"""Cells of an attempt's column: enough for a sign, a time, and the beginning of what went wrong."""

_CUT = 300


class AttemptsView(VerticalScroll):
    """As many of the latest attempts as there is room for."""

    DEFAULT_CSS = "AttemptsView { padding: 0 1; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._log = AttemptLog()

    def compose(self) -> ComposeResult:
        yield Static("", markup=False)

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self._log.attempts)

    def add(self, events: Sequence[Event]) -> None:
        """Take over what is new in the event log of the run."""
        self._log.add(events)
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        fitting = max(1, (self.size.width - _STEP_WIDTH - 2) // _LEAST_WIDTH)
        self.query_one(Static).update(_table(self._log.attempts, fitting))


def _table(attempts: Sequence[Attempt], fitting: int) -> Table:
    first = max(len(attempts) - fitting, 0)
    shown = attempts[first:]
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(width=_STEP_WIDTH, no_wrap=True, style="bold")
    for _ in shown:
        table.add_column(ratio=1, overflow="fold")
    if first:
        table.add_row(Text("earlier", style="dim"), Text(f"{first} more in the events", style="dim"))
    heads = (_heading(number, attempt) for number, attempt in enumerate(shown, start=first + 1))
    table.add_row(Text(""), *heads)
    for step in steps_of(attempts):
        results = [attempt.steps.get(step) for attempt in shown]
        # That there was another attempt is what the columns say.
        if step != RETRY and any(results):
            table.add_row(Text(printable(step, _STEP_WIDTH)), *map(_result, results))
    return table


def _heading(number: int, attempt: Attempt) -> Text:
    took = duration((attempt.ended - attempt.began).total_seconds())
    return Text.assemble((f"Attempt {number}", "bold underline"), (f"  {clock(attempt.began)}, {took}", "dim"))


def _result(result: StepResult | None) -> Text:
    if result is None:
        return Text("·", style="dim")
    times = f" {result.times}x" if result.times > 1 else ""
    took = f" {duration(result.ms / 1000)}" if result.ms else ""
    if result.ok:
        return Text.assemble(("✓", "green"), times, (took, "dim"))
    failed = f" {result.failed} of {result.times}" if result.times > 1 else ""
    return Text.assemble(("✗", "bold red"), failed, (took, "dim"), f" {printable(result.detail, _CUT)}")

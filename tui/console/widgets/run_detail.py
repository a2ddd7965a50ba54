"""A run in full: what it was, why it failed and what to do about it."""

from rich.console import Group, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text
from textual.widgets import Static

from tui.console.formats import safe, status_text
from tui.console.widgets.run_text import Entry, facts, running_text
from tui.domain.failure import Failure


class RunDetail(Static):
    """Shows one run, or nothing."""

    DEFAULT_CSS = """
    RunDetail {
        height: auto;
        min-height: 4;
        max-height: 66%;
        padding: 0 1;
        border-top: solid $panel;
    }
    """

    def __init__(self, *, named: bool = True, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        """Without `named`, the run's number and connection are left out, because they stand elsewhere."""
        super().__init__(markup=False, id=id)
        self._named = named
        self.entry: Entry | None = None
        self._lines: list[list[Segment]] = []

    def show(self, entry: Entry | None) -> None:
        """Show this run instead; nothing changes if it is the same."""
        if entry == self.entry and (entry is None or not entry.running):
            return
        self.entry = entry
        said = "" if entry is None else _run(entry, named=self._named)
        before, self._lines = self._lines, self._drawn(said)
        if self._lines != before:
            # To lay out the screen has all of it drawn again; each second that a run goes on changes some letters only.
            self.update(said, layout=len(self._lines) != len(before))

    def _drawn(self, said: RenderableType) -> list[list[Segment]]:
        """As it will be drawn; before there is a size, it is as if the whole line could be had."""
        width = self.content_size.width or self.app.size.width
        return self.app.console.render_lines(said, self.app.console.options.update_width(width))


def _run(entry: Entry, *, named: bool) -> RenderableType:
    run = entry.run
    parts: list[RenderableType] = [_heading(entry, named=named)]
    if run.failure is not None:
        parts.append(failure_table(run.failure))
    elif entry.live is not None:
        parts.append(running_text(entry.live))
    elif run.message:
        parts.append(safe(run.message))
    return Group(*parts)


def _heading(entry: Entry, *, named: bool) -> Text:
    """Which run it is and how it went, in a line or two."""
    run = entry.run
    text = Text()
    text.append_text(status_text(run.status))
    text.append("  ")
    if named:
        text.append(f"Run {run.run_id} of ", style="bold").append_text(safe(run.connection)).append("  ")
    text.append(", ".join(facts(entry)), style="dim")
    return text


def failure_table(failure: Failure) -> Table:
    """Class, message and remedy, each in full."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(Text(failure.failure_class.value, style="bold red"), safe(failure.message))
    table.add_row(Text("do", style="bold"), safe(failure.remedy))
    return table

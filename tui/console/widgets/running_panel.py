"""The runs in progress, a line each, drawn by line: only the lines that changed are sent to the terminal."""

from collections.abc import Iterable
from math import ceil
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from tui.console.formats import bar, speed
from tui.domain.figures import count, duration, size
from tui.domain.text import printable
from tui.engine.live import LiveRun

FEWEST_LINES = 4
"""So many runs have a line each even on a low screen; more runs than lines are counted in the last one."""

_SHARE = 5
"""The runs take at most this part of the screen's height."""

_WIDE = 110

_SHORTLY = 10

_LONGEST_LEFT = len("  59 m 59 s left")


class RunningPanel(Widget):
    """Nothing at all while nothing runs."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "running-panel--title",
        "running-panel--name",
        "running-panel--bar",
        "running-panel--trough",
        "running-panel--note",
        "running-panel--faint",
    }

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._runs: list[LiveRun] = []

    def on_mount(self) -> None:
        self.display = False

    @property
    def runs(self) -> list[LiveRun]:
        """What is shown, the longest running first."""
        return list(self._runs)

    def show(self, runs: Iterable[LiveRun]) -> None:
        """Show these runs in place of the former ones."""
        before, self._runs = self._runs, sorted(runs, key=lambda run: (run.started, run.run_id))
        self.display = bool(self._runs)
        if len(before) != len(self._runs):
            self.refresh(layout=True)
            return
        changed = [
            Region(0, line, self.size.width, 1)
            for line, (old, new) in enumerate(zip(before, self._runs, strict=True), start=1)
            if old != new
        ]
        if changed:
            self.refresh(*changed)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        del container, viewport, width
        return 1 + min(len(self._runs), self._most_lines)

    def render_line(self, y: int) -> Strip:
        text = self._title() if y == 0 else self._line(y - 1)
        text.truncate(self.size.width, overflow="ellipsis", pad=True)
        segments = [Segment(part.text, part.style) for part in text.render(self.app.console)]
        return Strip(segments, text.cell_len).apply_style(self.rich_style).crop(0, self.size.width)

    def text_of(self, line: int) -> str:
        """What a line says; the first is the title."""
        return (self._title() if line == 0 else self._line(line - 1)).plain

    def _part(self, name: str) -> Style:
        return self.get_component_rich_style(f"running-panel--{name}")

    @property
    def _most_lines(self) -> int:
        return max(FEWEST_LINES, self.app.size.height // _SHARE)

    def _title(self) -> Text:
        title = f" Running  {count(len(self._runs), 'transfer')}"
        return Text.assemble((title.ljust(self.size.width), self._part("title")))

    def _line(self, place: int) -> Text:
        if place == self._most_lines - 1 and len(self._runs) > self._most_lines:
            return Text.assemble((f" and {len(self._runs) - place} more", self._part("faint")))
        if place >= len(self._runs):
            return Text()
        return self._run(self._runs[place], wide=self.size.width >= _WIDE)

    def _run(self, run: LiveRun, *, wide: bool) -> Text:
        progress = run.progress
        name = Text(printable(run.connection), style=self._part("name"))
        name.truncate(28 if wide else 16, overflow="ellipsis", pad=True)
        fraction = progress.bytes_done / progress.bytes_total if progress.bytes_total else 0.0
        text = Text(" ").append_text(name).append(" ")
        filled = bar(fraction, 24 if wide else 10)
        text.append(filled, style=Style(color=self._part("bar").color, bgcolor=self._part("trough").bgcolor))
        if not progress.files_total:
            return text.append(
                f"  {printable(run.note or progress.current or 'starting', 60)}", style=self._part("note")
            )
        text.append(f" {int(fraction * 100):>3}%", style=Style(bold=True))
        text.append(
            f"  {f'{progress.files_done}/{progress.files_total}':>5} files"
            if wide
            else f" {progress.files_done}/{progress.files_total}"
        )
        text.append(f"  {size(progress.bytes_done)} of {size(progress.bytes_total)}".ljust(22 if wide else 20))
        text.append_text(self._pace(run, wide=wide))
        return text

    def _pace(self, run: LiveRun, *, wide: bool) -> Text:
        if run.note:
            return Text(f" {printable(run.note, 60)}", style=self._part("note"))
        text = Text(f" {speed(run.speed):>9}")
        left = f"  {_whole(run.time_left)} left" if run.time_left is not None else ""
        text.append(left.ljust(_LONGEST_LEFT) if wide else left)
        if not run.here:
            text.append("  elsewhere", style=self._part("faint"))
        if wide and run.progress.current:
            text.append(f"   {printable(run.progress.current, 60)}", style=self._part("faint"))
        return text


def _whole(seconds: float) -> str:
    """Whole seconds, rounded up: tenths of an estimate would only flicker."""
    return f"{ceil(seconds)} s" if seconds < _SHORTLY else duration(seconds)

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
from tui.console.sparkline import LastMinute, sparkline
from tui.domain.figures import count, duration, size
from tui.domain.text import printable
from tui.engine.live import LiveRun

FEWEST_LINES = 4
"""So many runs have a line each even on a low screen; more runs than lines are counted in the last one."""

_SHARE = 5
"""The runs take at most this part of the screen's height."""

_WIDE = 110

_SHORTLY = 10

_LAST_MINUTE = "  last minute "

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
        "running-panel--spark",
    }

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._runs: list[LiveRun] = []
        self._minute = LastMinute()
        self._said = ""

    def on_mount(self) -> None:
        self.display = False

    @property
    def runs(self) -> list[LiveRun]:
        """What is shown, the longest running first; those that wait for their turn last, in their order."""
        return list(self._runs)

    def show(self, runs: Iterable[LiveRun]) -> None:
        """Show these runs in place of the former ones."""
        before, self._runs = self._runs, sorted(runs, key=lambda run: (run.waiting, run.started, run.run_id))
        self.display = bool(self._runs)
        if not self._runs:
            self._minute = LastMinute()
            return
        self._minute.tell(sum(run.speed for run in self._runs))
        if len(before) != len(self._runs):
            self.refresh(layout=True)
            return
        changed = [line for line, (old, new) in enumerate(zip(before, self._runs, strict=True), start=1) if old != new]
        if self._title().plain != self._said:
            changed.append(0)
        if changed:
            self.refresh(*(Region(0, line, self.size.width, 1) for line in changed))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        del container, viewport, width
        return 1 + min(len(self._runs), self._most_lines)

    def render_line(self, y: int) -> Strip:
        text = self._title() if y == 0 else self._line(y - 1)
        if y == 0:
            self._said = text.plain
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
        """How many there are, how far all together, and how fast it went over the last minute."""
        wide = self.size.width >= _WIDE
        waiting = sum(run.waiting for run in self._runs)
        said = [f" Running  {count(len(self._runs) - waiting, 'transfer')}"]
        if waiting:
            said.append(f"{waiting} waiting")
        every = [run.progress for run in self._runs]
        total = sum(each.bytes_total for each in every)
        if total and wide:
            said.append(f"{sum(each.files_done for each in every):,}/{sum(each.files_total for each in every):,} files")
        if total:
            said.append(f"{size(sum(each.bytes_done for each in every))} of {size(total)}")
        said.append(speed(sum(run.speed for run in self._runs)))
        text = Text("  ".join(said))
        room = self.size.width - text.cell_len - len(_LAST_MINUTE) - 1
        values = self._minute.values()[-max(room, 1) :]
        if len(values) > 1 and room > 1:
            text.append(_LAST_MINUTE).append(sparkline(values), style=self._part("spark"))
        text.pad_right(max(self.size.width - text.cell_len, 0))
        text.stylize_before(self._part("title"))
        return text

    def _line(self, place: int) -> Text:
        if place == self._most_lines - 1 and len(self._runs) > self._most_lines:
            rest = self._runs[place:]
            waiting = sum(run.waiting for run in rest)
            told = f" and {len(rest)} more" + (f", {waiting} of them waiting" if waiting else "")
            return Text.assemble((told, self._part("faint")))
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

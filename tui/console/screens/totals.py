"""What was moved over a period: a plot of its days, and the totals of each connection."""

from datetime import date, datetime, timedelta
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from tui.console import keymap
from tui.console.bridge import SnapshotTaken
from tui.console.livetable import Column
from tui.console.screens.run_actions import RunActions
from tui.console.widgets.day_plot import FAILED, SOUND, Day, DayPlot
from tui.console.widgets.empty_state import EmptyState
from tui.console.widgets.key_footer import KeyFooter
from tui.console.widgets.row_table import RowTable
from tui.console.widgets.status import StatusLine
from tui.domain.figures import count, duration, size
from tui.domain.statistics import ConnectionTotals, Statistics
from tui.domain.text import printable
from tui.engine import Engine

_PERIODS = (7, 30, 90)
"""Days, today among them."""


def _success(totals: ConnectionTotals, width: int) -> Text:
    del width
    text = f"{totals.success_rate:.1%}" if totals.failed else "100%"
    return Text(text, style="" if totals.failed == 0 else "red")


_COLUMNS: tuple[Column[ConnectionTotals], ...] = (
    Column("connection", "Connection", lambda totals, _: totals.connection, 24, least=14, grows=True, fixed=True),
    Column("runs", "Runs", lambda totals, _: f"{totals.runs:,}", 8, justify="right"),
    Column("failed", "Failed", lambda totals, _: f"{totals.failed:,}" if totals.failed else "", 7, justify="right"),
    Column("success", "Success", _success, 8, justify="right"),
    Column(
        "median",
        "Median",
        lambda totals, _: "" if totals.median_seconds is None else duration(totals.median_seconds),
        10,
        drop=1,
        justify="right",
    ),
    Column("files", "Files", lambda totals, _: f"{totals.files:,}", 10, drop=2, justify="right"),
    Column("bytes", "Bytes", lambda totals, _: size(totals.bytes), 8, justify="right"),
)


class TotalsScreen(RunActions):
    """Of one connection or of all. Only runs that have ended count."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.TOTALS]
    bound = keymap.TOTALS
    DEFAULT_CSS = """
    TotalsScreen {
        #legend { padding: 0 1; color: $text-muted; }
        DayPlot { height: 2fr; min-height: 8; padding: 0 1 0 0; }
        #totals { height: 1fr; }
    }
    """

    def __init__(self, engine: Engine, name: str | None) -> None:
        super().__init__(engine)
        self._of = name
        self.crumb = "totals of all" if name is None else f"totals of {printable(name, 80)}"
        self._days = 30
        self._in_bytes = False
        self._found = Statistics([], [])

    def compose(self) -> ComposeResult:
        yield StatusLine(id="status-line")
        yield Static(id="legend", markup=False)
        yield DayPlot(id="plot-of-days")
        yield RowTable[ConnectionTotals](_COLUMNS, lambda totals: totals.connection, id="totals")
        yield EmptyState(id="empty")
        yield KeyFooter()

    async def on_mount(self) -> None:
        await self._read()
        self.query_one(RowTable).focus()

    @property
    def _begin(self) -> date:
        return _today() - timedelta(days=self._days - 1)

    async def _read(self) -> None:
        begin = datetime.combine(self._begin, datetime.min.time()).astimezone()
        with self._wharf.telling():
            self._found = await self.engine.store.statistics(self._of, begin)
        self._show()

    def _show(self) -> None:
        found = self._found
        self.query_one(RowTable).show(found.connections)
        nothing = not found.connections
        for widget in (self.query_one(DayPlot), self.query_one(RowTable), self.query_one("#legend")):
            widget.display = not nothing
        empty = self.query_one(EmptyState)
        empty.display = nothing
        empty.show(
            f"No run has ended in the last {self._days} days", [("+", "looks further back"), ("esc", "goes back")]
        )
        self.query_one("#legend", Static).update(self._legend())
        self.query_one(DayPlot).show(self._bars(), self._begin, _today(), in_bytes=self._in_bytes)
        self.query_one(StatusLine).show(self._facts())

    def _bars(self) -> list[Day]:
        bars: dict[date, Day] = {}
        for each in self._found.days:
            before = bars.get(each.day, Day(each.day, 0, 0))
            total = each.bytes if self._in_bytes else each.runs
            sound = each.bytes if self._in_bytes else each.runs - each.failed
            bars[each.day] = Day(each.day, before.total + total, before.sound + sound)
        return list(bars.values())

    def _legend(self) -> Text:
        if self._in_bytes:
            return Text("Bytes delivered per day")
        completed, failed = (f"completed {SOUND}", "green"), (f"failed {FAILED}", "red")
        return Text.assemble("Runs per day: ", completed, " below, ", failed, " above")

    def _facts(self) -> list[Text]:
        runs = sum(totals.runs for totals in self._found.connections)
        failed = sum(totals.failed for totals in self._found.connections)
        moved = sum(totals.bytes for totals in self._found.connections)
        facts = [Text(f"last {self._days} days"), Text(count(runs, "run")), Text(size(moved))]
        return [*facts, Text(f"{failed:,} failed", style="red")] if failed else facts

    @on(SnapshotTaken)
    async def _snapshot_taken(self, event: SnapshotTaken) -> None:
        event.stop()
        if event.store_changed:
            await self._read()

    async def action_period(self, by: int) -> None:
        place = _PERIODS.index(self._days) + by
        if 0 <= place < len(_PERIODS):
            self._days = _PERIODS[place]
            await self._read()

    def action_measure(self) -> None:
        self._in_bytes = not self._in_bytes
        self._show()

    def action_back(self) -> None:
        self.dismiss(None)


def _today() -> date:
    return datetime.now().astimezone().date()

"""Exports the history as CSV or JSON."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from textual import on
from textual.widget import Widget
from textual.widgets import RadioButton, RadioSet

from tui.console.dialogs.export import ExportDialog
from tui.console.export import Format, suggested_name
from tui.console.screens.history_export import write_history
from tui.domain.figures import count
from tui.domain.filter import Filter
from tui.store.base import Store


class HistoryExport(ExportDialog):
    """The runs of one connection, or of all, that a filter lets through."""

    DEFAULT_CSS = """
    HistoryExport {
        #export-format { height: auto; layout: horizontal; border: none; padding: 0; margin-top: 1; }
        #export-format RadioButton { width: auto; margin-right: 3; }
    }
    """

    heading = "Export the history"

    def __init__(self, store: Store, name: str | None, wanted: Filter) -> None:
        super().__init__(f"~/{suggested_name(name or 'all', datetime.now().astimezone())}.csv")
        self._store = store
        self._name = name
        self._wanted = wanted
        self._format = Format.CSV

    @property
    def hint(self) -> str:
        return f"tab to the format   {super().hint}"

    @property
    def what(self) -> str:
        # The format is in words too, because the buttons show it by colour alone.
        return f"{'The runs that the filter lets through' if self._wanted else 'All runs'}, as {self._format.name}."

    def choices(self) -> Iterable[Widget]:
        yield RadioSet(
            RadioButton("CSV, a line per run", value=True, id="format-csv"),
            RadioButton("JSON, with files", id="format-json"),
            id="export-format",
            compact=True,
        )

    @on(RadioSet.Changed)
    def _format_changed(self, event: RadioSet.Changed) -> None:
        event.stop()
        self._format = Format.JSON if event.pressed.id == "format-json" else Format.CSV
        path = Path(self.path_line.value)
        if path.suffix.lower() in {f".{each.value}" for each in Format}:
            self.path_line.value = str(path.with_suffix(f".{self._format.value}"))
        self.say(self.what)

    async def write(self, path: Path, *, replace: bool) -> str:
        number = await write_history(self._store, self._name, self._wanted, path, self._format, replace=replace)
        return count(number, "run")

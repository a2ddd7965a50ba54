"""Exports the history as CSV or JSON."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.widget import Widget

from tui.console import keymap
from tui.console.dialogs.export import ExportDialog
from tui.console.export import Format, suggested_name
from tui.console.screens.history_export import write_history
from tui.console.widgets.form_choice import Choice
from tui.domain.figures import count
from tui.domain.filter import Filter
from tui.store.base import Store


class _FormatChoice(Choice, inherit_bindings=False):
    """Where enter does not go on to the next field but writes."""

    BINDINGS: ClassVar[list[BindingType]] = [binding for binding in keymap.CHOICE if binding not in keymap.FIELD]


class HistoryExport(ExportDialog):
    """The runs of one connection, or of all, that a filter lets through."""

    DEFAULT_CSS = """
    HistoryExport Choice {
        margin-top: 1;
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
        return f"{'The runs that the filter lets through' if self._wanted else 'All runs'}, as {self._format.name}."

    def choices(self) -> Iterable[Widget]:
        yield _FormatChoice([(Format.CSV, "CSV, a line per run"), (Format.JSON, "JSON, with files")], Format.CSV)

    @on(_FormatChoice.Changed)
    def _format_changed(self, event: _FormatChoice.Changed) -> None:
        event.stop()
        self._format = Format(event.choice.value)
        path = Path(self.path_line.value)
        if path.suffix.lower() in {f".{each.value}" for each in Format}:
            self.path_line.value = str(path.with_suffix(f".{self._format.value}"))
        self.say(self.what)

    async def write(self, path: Path, *, replace: bool) -> str:
        number = await write_history(self._store, self._name, self._wanted, path, self._format, replace=replace)
        return count(number, "run")

"""Asks which columns a table shows, and in which order."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.console import keymap
from tui.console.column_choice import ColumnChoice
from tui.console.keys import shown_keys
from tui.console.livetable import Column
from tui.console.one_frame import Dialog


class ColumnsDialog(Dialog[None]):
    """All columns in their order. What is changed is applied at once, so that the table beneath shows it."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.COLUMNS]

    def __init__(
        self, choice: ColumnChoice[Any], keys: Sequence[str] | None, apply: Callable[[tuple[str, ...] | None], None]
    ) -> None:
        super().__init__()
        self._choice = choice
        self._apply = apply
        self._take(keys)

    def _take(self, keys: Sequence[str] | None) -> None:
        self._listed: list[Column[Any]] = list(self._choice.listed(keys))
        self._shown = {column.key for column in self._choice.shown(keys)}

    def compose(self) -> ComposeResult:
        with Vertical(id="columns", classes="dialog"):
            yield Static("Columns", classes="dialog-title", markup=False)
            yield OptionList(*(Option(self._prompt(column)) for column in self._listed), compact=True)
            yield Static(self._hint, classes="dialog-hint", markup=False)

    @property
    def _hint(self) -> str:
        keys = shown_keys(self.app)
        moving = f"{keys['columns.later']} {keys['columns.earlier']} move"
        more = f"{keys['columns.reset']} as at first   {keys['columns.close']} closes"
        return f"{keys['columns.toggle']} shows or hides   {moving}   {more}"

    def on_mount(self) -> None:
        self._list.highlighted = 0

    def _prompt(self, column: Column[Any]) -> Text:
        shown = column.key in self._shown
        return Text.assemble(
            ("[x] " if shown else "[ ] ", "bold cyan" if shown else "dim"),
            (column.label.ljust(20), "bold" if shown else ""),
            ("always shown" if column.fixed else "", "dim"),
        )

    @property
    def _list(self) -> OptionList:
        return self.query_one(OptionList)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_show_or_hide()

    def action_show_or_hide(self) -> None:
        place = self._list.highlighted
        if place is not None and not self._listed[place].fixed:
            self._shown ^= {self._listed[place].key}
            self._changed()

    def action_shift(self, by: int) -> None:
        """Move the column under the cursor among the others, and the cursor with it."""
        place = self._list.highlighted
        if place is not None and 0 <= place + by < len(self._listed):
            self._listed.insert(place + by, self._listed.pop(place))
            self._changed()
            self._list.highlighted = place + by

    def action_reset(self) -> None:
        self._take(None)
        self._changed()

    def action_move(self, by: int) -> None:
        if by > 0:
            self._list.action_cursor_down()
        else:
            self._list.action_cursor_up()

    def action_close(self) -> None:
        self.dismiss(None)

    def _changed(self) -> None:
        for place, column in enumerate(self._listed):
            self._list.replace_option_prompt_at_index(place, self._prompt(column))
        self._apply(self._choice.remembered(column.key for column in self._listed if column.key in self._shown))

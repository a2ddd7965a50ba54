"""The filters that were saved under a name: to recall one, to save the line that is typed, to delete one."""

import asyncio
from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.console import keymap
from tui.console.keys import shown_keys
from tui.console.one_frame import Dialog
from tui.domain.failure import UsageProblem
from tui.domain.text import printable
from tui.saved_filters import SavedFilters

_NAME_WIDTH = 18


_RECALLS = ("recall_1", "recall_9")


class SavedFiltersDialog(Dialog[str | None]):
    """Closes with the line that was chosen. `line` is the one that could be saved."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.SAVED_FILTERS]
    DEFAULT_CSS = """
    SavedFiltersDialog {
        #saved-none { color: $text-muted; }
        #saved-list { height: auto; max-height: 12; }
        #saved-name { margin-top: 1; }
        #saved-told { color: $text-error; }
    }
    """

    def __init__(self, saved: SavedFilters, line: str) -> None:
        super().__init__()
        self._saved = saved
        self._line = line
        self._lines: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        with Vertical(id="saved-filters", classes="dialog"):
            yield Static("Saved filters", classes="dialog-title", markup=False)
            yield Static("None yet. Type a filter, then save it here.", id="saved-none", markup=False)
            yield OptionList(id="saved-list", compact=True)
            yield Input(placeholder="a name for the filter, then enter", compact=True, id="saved-name", max_length=40)
            yield Static("", id="saved-told", markup=False)
            yield Static(self._hint(), classes="dialog-hint", markup=False)

    def _hint(self) -> str:
        keys = {name: shown_keys(self.app)[f"saved_filters.{name}"] for name in (*_RECALLS, "save", "delete", "close")}
        recalling = "-".join(keys[name] for name in _RECALLS)
        saving = f"{keys['save']} saves “{printable(self._line, 16)}”  " if self._line else ""
        return f"{recalling} recalls  {saving}{keys['delete']} deletes  {keys['close']} closes"

    async def on_mount(self) -> None:
        self.query_one("#saved-name").display = False
        await self._read()

    async def _read(self) -> None:
        try:
            self._lines = await asyncio.to_thread(self._saved.all)
        except UsageProblem as problem:
            self._tell(str(problem))
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(
            Option(_prompt(place, name, line)) for place, (name, line) in enumerate(self._lines.items())
        )
        options.display = bool(self._lines)
        options.highlighted = 0 if self._lines else None
        self.query_one("#saved-none").display = not self._lines
        (options if self._lines else self).focus()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_recall(event.option_index + 1)

    def action_recall(self, place: int) -> None:
        lines = list(self._lines.values())
        if place <= len(lines):
            self.dismiss(lines[place - 1])

    def action_save(self) -> None:
        if self._line:
            name = self.query_one("#saved-name", Input)
            name.display = True
            name.focus()
        else:
            filtering = shown_keys(self.app)["connections.filter"]
            self._tell(f"There is no filter to save: close this, press {filtering} and type one.")

    @on(Input.Submitted)
    async def _named(self, event: Input.Submitted) -> None:
        event.stop()
        if await self._changed(lambda: self._saved.save(event.value, self._line)):
            event.input.display = False
            event.input.value = ""

    async def action_delete(self) -> None:
        place = self.query_one(OptionList).highlighted
        if place is not None:
            name = list(self._lines)[place]
            await self._changed(lambda: self._saved.delete(name))

    async def _changed(self, change: Callable[[], None]) -> bool:
        """Whether the change was made; if not, why is told."""
        try:
            await asyncio.to_thread(change)
        except UsageProblem as problem:
            self._tell(str(problem))
            return False
        self._tell("")
        await self._read()
        return True

    def action_move(self, by: int) -> None:
        options = self.query_one(OptionList)
        if by > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def action_close(self) -> None:
        """One step back: the name that is being typed first."""
        name = self.query_one("#saved-name", Input)
        if name.has_focus:
            name.display = False
            (self.query_one(OptionList) if self._lines else self).focus()
        else:
            self.dismiss(None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a name is typed, letters are letters."""
        del parameters
        return action == "close" or not isinstance(self.focused, Input)

    def _tell(self, sentence: str) -> None:
        self.query_one("#saved-told", Static).update(printable(sentence))


def _prompt(place: int, name: str, line: str) -> Text:
    number = f"{place + 1} " if place < len("123456789") else "  "
    shown = printable(name, _NAME_WIDTH)
    return Text.assemble((number, "bold cyan"), (shown.ljust(_NAME_WIDTH + 1), "bold"), (printable(line, 200), "dim"))

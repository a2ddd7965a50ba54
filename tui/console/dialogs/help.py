"""The keys that work on the screen beneath, read from its live bindings."""

from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from tui.console import keymap

_GROUPS = (
    ("connections", "Connections"),
    ("history", "History"),
    ("run", "Run"),
    ("form", "Form"),
    ("test", "Test"),
    ("table", "Moving about"),
)


class HelpDialog(ModalScreen[None]):
    """Lists what is bound now, after any remapping, so that it is always true."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.CLOSE]

    def __init__(self, about: Screen[object]) -> None:
        super().__init__()
        self._about = about

    def compose(self) -> ComposeResult:
        with Vertical(id="help", classes="dialog"):
            yield Static("Keys on this screen", classes="dialog-title", markup=False)
            with VerticalScroll(id="help-keys"):
                for title, lines in self._groups().items():
                    yield Static(title, classes="help-group", markup=False)
                    yield Static(_table(lines))

    def action_close(self) -> None:
        self.dismiss(None)

    def _groups(self) -> dict[str, list[tuple[str, str]]]:
        titles = dict(_GROUPS)
        keys: dict[str, dict[str, list[str]]] = {}
        for active in self._about.active_bindings.values():
            binding = active.binding
            if binding.id is None or not binding.description:
                continue
            title = titles.get(binding.id.partition(".")[0], "Everywhere")
            keys.setdefault(title, {}).setdefault(binding.description, []).append(
                self.app.get_key_display(binding.with_key(binding.key))
            )
        order = [*titles.values(), "Everywhere"]
        return {
            title: [(" ".join(dict.fromkeys(shown)), description) for description, shown in lines.items()]
            for title, lines in sorted(keys.items(), key=lambda group: order.index(group[0]))
        }


def _table(lines: list[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(width=16, justify="right")
    table.add_column()
    for keys, description in lines:
        table.add_row(Text(keys, style="bold"), Text(description))
    return table

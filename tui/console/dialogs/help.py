"""The keys that work on the screen beneath, read from its live bindings."""

from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from tui.console import keymap
from tui.console.formats import safe
from tui.console.one_frame import Dialog
from tui.console.reasons import Explaining

_Line = tuple[str, str, str]
"""The keys, what they do, and why they do nothing now."""

_KEYS_WIDTH = len("1 2 3 4 5 6 7 8 9")


class HelpDialog(Dialog[None]):
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

    def _groups(self) -> dict[str, list[_Line]]:
        keys: dict[str, dict[str, list[str]]] = {}
        reasons: dict[str, str] = {}
        for active in self._about.active_bindings.values():
            binding = active.binding
            if binding.id is None or not binding.description:
                continue
            title = keymap.HOMES[binding.id.partition(".")[0]]
            keys.setdefault(title, {}).setdefault(binding.description, []).append(
                self.app.get_key_display(binding.with_key(binding.key))
            )
            if isinstance(active.node, Explaining) and (reason := active.node.why_not(binding.action)):
                reasons[binding.description] = reason
        order = list(keymap.HOMES.values())
        return {
            title: [(" ".join(dict.fromkeys(shown)), does, reasons.get(does, "")) for does, shown in lines.items()]
            for title, lines in sorted(keys.items(), key=lambda group: order.index(group[0]))
        }


def _table(lines: list[_Line]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(width=_KEYS_WIDTH, justify="right")
    table.add_column(no_wrap=True)
    table.add_column()
    for keys, does, reason in lines:
        table.add_row(Text(keys, style="bold"), Text(does, style="dim" if reason else ""), safe(reason))
    return table

"""The home screen: every connection with its state, and what is running."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Footer

from tui.console import keymap
from tui.console.widgets.row_table import Column, RowTable
from tui.engine import Engine


class ConnectionsScreen(Screen[None]):
    """Home."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.CONNECTIONS]

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine

    def compose(self) -> ComposeResult:
        yield RowTable([Column("name", "Name")], id="connections")
        yield Footer()

"""The table of all screens: a LiveTable with Wharf's keys."""

from typing import ClassVar, TypeVar

from textual.binding import BindingType

from tui.console import keymap
from tui.console.livetable import LiveTable

Item = TypeVar("Item")


class RowTable(LiveTable[Item], inherit_bindings=False):
    """Rows under headings, one of them under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.TABLE]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where all columns are in sight, the keys that go sideways are left to others."""
        return self.hides_columns if action == "sideways" else super().check_action(action, parameters)

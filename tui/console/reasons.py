"""Actions that are not possible now stay visible, greyed, and say why when they are asked for."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

from textual.binding import Binding
from textual.screen import ScreenResultType
from textual.widgets import Input

from tui.console.one_frame import OneFrameScreen

if TYPE_CHECKING:
    from tui.console.app import WharfApp

READ_ONLY = "Wharf is read-only here; nothing can be run or changed."


@runtime_checkable
class Explaining(Protocol):
    """Something with actions that knows why one of them is not possible now."""

    def why_not(self, action: str) -> str | None:
        """One sentence; None when the action is possible."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether it is possible; None when it is not but shown all the same."""


class ExplainingScreen(OneFrameScreen[ScreenResultType]):
    """A screen whose actions are bound by `bound`. While something is typed, its letters are letters."""

    # The first that can have it may be a field to type in: the keys would be others until the table has the focus.
    AUTO_FOCUS = "RowTable"
    bound: Iterable[Binding] = ()
    crumb: str = ""
    """What the screen is called in the way that the first line shows."""

    _impossible: frozenset[str] = frozenset()

    @property
    def _wharf(self) -> "WharfApp":
        return cast("WharfApp", self.app)

    def why_not(self, action: str) -> str | None:
        """One sentence on why the action is not possible now; None when it is."""
        del action
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Textual hides what is False and greys what is None."""
        del parameters
        if isinstance(self.focused, Input) and any(binding.action == action for binding in self.bound):
            return False
        # Before its widgets are there, a screen knows nothing of them.
        return None if self.is_mounted and self.why_not(action) else True

    def show_possible(self) -> None:
        """Draw the footer again if other actions are possible than when it was drawn. To be called after changes."""
        impossible = frozenset(binding.action for binding in self.bound if self.why_not(binding.action))
        if impossible != self._impossible:
            self._impossible = impossible
            self.refresh_bindings()

"""The home screen: every connection with its state, and what is running."""

from typing import ClassVar

from textual.binding import BindingType

from tui.console import keymap
from tui.console.screens.connection_grouping import ConnectionGrouping
from tui.console.screens.connection_marked import MarkedConnections
from tui.console.screens.connection_narrowing import ConnectionNarrowing
from tui.console.screens.connection_single import SingleConnection


class ConnectionsScreen(ConnectionNarrowing, ConnectionGrouping, SingleConnection, MarkedConnections):
    """Draws a ConnectionList and turns keys into calls of the engine and the store.

    An action that is not possible now is not hidden: it says why.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.CONNECTIONS, *keymap.GROUP]
    bound = (*keymap.CONNECTIONS, *keymap.GROUP)
    crumb = "Connections"

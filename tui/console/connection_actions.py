"""What can be done with a connection from anywhere in the console, by its name."""

from typing import TYPE_CHECKING

from tui.domain.text import printable

if TYPE_CHECKING:
    from tui.console.app import WharfApp


async def run_connection(app: "WharfApp", name: str) -> None:
    """Run it now; if that is not possible, it is told why."""
    with app.telling():
        run = await app.engine.start(name)
        app.tell(f"Run {run.run_id} of {printable(name, 80)} started.")


async def edit_connection(app: "WharfApp", name: str) -> None:
    """Open it in the form."""
    from tui.console.dialogs.connection_form import ConnectionForm

    with app.telling():
        app.push_screen(ConnectionForm(app.engine, await app.engine.store.connection(name)))


async def test_connection(app: "WharfApp", name: str) -> None:
    """Try it step by step."""
    from tui.console.dialogs.testing import TestDialog

    with app.telling():
        app.push_screen(TestDialog(app.engine, await app.engine.store.connection(name)))


def open_history(app: "WharfApp", name: str | None) -> None:
    """Open its runs; those of all for None."""
    from tui.console.screens.history import HistoryScreen

    app.push_screen(HistoryScreen(app.engine, name))

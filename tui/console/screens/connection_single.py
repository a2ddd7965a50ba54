"""What is done with the one connection under the cursor or under the mouse.

What is opened is imported then: none of it is needed to show the connections.
"""

from typing import TYPE_CHECKING

from textual import on

from tui.console.screens.connection_view import ConnectionView
from tui.console.widgets.row_table import RowTable

if TYPE_CHECKING:
    from tui.domain.connection import Connection


class SingleConnection(ConnectionView):
    """Opens its history, its form, its test, its folder; and what is opened for none or for all."""

    def action_history(self) -> None:
        if (name := self._chosen) is not None:
            self._open_history(name)

    def action_totals(self) -> None:
        from tui.console.screens.totals import TotalsScreen

        self.app.push_screen(TotalsScreen(self.engine, None))

    def action_all_history(self) -> None:
        self._open_history(None)

    def _open_history(self, name: str | None) -> None:
        from tui.console.screens.history import HistoryScreen

        self.app.push_screen(HistoryScreen(self.engine, name))

    def action_new(self) -> None:
        self._open_form(None)

    async def action_edit(self) -> None:
        if (name := self._chosen) is not None:
            await self._edit(name)

    async def _edit(self, name: str) -> None:
        with self._wharf.telling():
            self._open_form(await self.engine.store.connection(name))

    async def action_copy(self) -> None:
        if (name := self._chosen) is not None:
            with self._wharf.telling():
                self._open_form(await self.engine.store.connection(name), copy=True)

    def _open_form(self, connection: "Connection | None", *, copy: bool = False) -> None:
        from tui.console.dialogs.connection_form import ConnectionForm

        self.app.push_screen(ConnectionForm(self.engine, connection, copy=copy), self._form_closed)

    async def _form_closed(self, saved: "Connection | None") -> None:
        if saved is not None:
            await self.reload()
            self._reveal(saved.name)

    async def action_test(self) -> None:
        from tui.console.dialogs.testing import TestDialog

        if (name := self._chosen) is not None:
            with self._wharf.telling():
                self.app.push_screen(TestDialog(self.engine, await self.engine.store.connection(name)))

    async def action_local_folder(self) -> None:
        from tui.console.dialogs.local_folder import LocalFolderDialog

        if (name := self._chosen) is not None:
            with self._wharf.telling():
                self.app.push_screen(LocalFolderDialog(await self.engine.store.connection(name)))

    @on(RowTable.Opened)
    def _opened(self, event: RowTable.Opened) -> None:
        if isinstance(event.key, str):
            self._open_history(event.key)

    @on(RowTable.WordClicked)
    async def _word_clicked(self, event: RowTable.WordClicked) -> None:
        match event.word:
            case "edit":
                await self._edit(event.key)
            case "history":
                self._open_history(event.key)

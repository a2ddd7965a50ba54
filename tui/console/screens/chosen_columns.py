"""The columns of a screen's table as its user wants them: chosen in a dialog, and remembered."""

from typing import Any

from tui.console.column_choice import ColumnChoice
from tui.console.livetable import Column
from tui.console.reasons import ExplainingScreen
from tui.console.remembered import TableView
from tui.console.widgets.row_table import RowTable


class ChosenColumns(ExplainingScreen[None]):
    """The part that screens with such a table share. Each shows `columns_shown` when it begins."""

    choice: ColumnChoice[Any]
    remembered_as: str
    """What its table is called where the view of each is kept."""

    @property
    def view(self) -> TableView:
        """How the table was set up last."""
        return self._wharf.remembered.of(self.remembered_as)

    @property
    def columns_shown(self) -> tuple[Column[Any], ...]:
        """The columns that were chosen, or else the usual ones."""
        return self.choice.shown(self.view.columns)

    async def recall_views(self) -> None:
        """Read how the tables of all screens were set up; what is wrong with that is told."""
        with self._wharf.telling():
            await self._wharf.remembered.load()

    def remember(self, **changes: object) -> None:
        """Change some of how the table is set up, for the next time as well. What is then shown is up to the caller."""
        self._wharf.remembered.change(self.remembered_as, **changes)
        # The screen may be left before it is written.
        self._wharf.run_worker(self._save(), description="remember how a table is set up")

    async def _save(self) -> None:
        with self._wharf.telling():
            await self._wharf.remembered.save(self.remembered_as)

    def action_columns(self) -> None:
        from tui.console.dialogs.columns import ColumnsDialog

        self.app.push_screen(ColumnsDialog(self.choice, self.view.columns, self._choose))

    def _choose(self, keys: tuple[str, ...] | None) -> None:
        self.query_one(RowTable).show_columns(self.choice.shown(keys))
        self.remember(columns=keys)

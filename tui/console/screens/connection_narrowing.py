"""Which connections are shown, and in which order: the filter, the menus of values, the saved filters, the sort."""

import asyncio
from typing import TYPE_CHECKING

from textual import on, work

from tui.console.screens.connection_view import ConnectionView
from tui.console.widgets.filter_bar import FilterBar
from tui.console.widgets.row_table import RowTable
from tui.domain.filter import with_choices

if TYPE_CHECKING:
    from tui.console.dialogs.facets import Choices
    from tui.saved_filters import SavedFilters

_AT_ONCE = 100
"""Connections that are prepared for the filter before anything else has its turn."""


class ConnectionNarrowing(ConnectionView):
    """Keys and clicks that change what is seen and nothing else."""

    _place: str | None = None

    @on(FilterBar.Changed)
    def _filter_changed(self) -> None:
        self._show()
        if self._place is not None:
            self._table.move_to(self._place)

    def _keep_place(self) -> None:
        """While a filter is typed, the row under the cursor may vanish and come back; the cursor comes back with it.

        Only then: a cursor that moved by itself when something happens elsewhere would put actions on the wrong row.
        """
        self._place = self._table.cursor_key

    @on(FilterBar.Left)
    def _filter_left(self) -> None:
        self._table.focus()

    def action_filter(self) -> None:
        self._keep_place()
        self._filter_bar.edit()
        self._prepare()

    def action_facets(self) -> None:
        self._choose_facets(None)

    @on(FilterBar.FacetClicked)
    def _facet_clicked(self, event: FilterBar.FacetClicked) -> None:
        self._choose_facets(event.facet)

    def _choose_facets(self, begin_at: str | None) -> None:
        from tui.console.dialogs.facets import FacetDialog

        self._keep_place()
        values = self._list.facets
        already = {facet: self._list.filter.asked(facet, titles) for facet, titles in values.items()}
        self.app.push_screen(FacetDialog(values, self._list.facet_counts(), already, self._narrow_to, begin_at))

    def _narrow_to(self, choices: "Choices") -> None:
        self._filter_bar.text = with_choices(self._filter_bar.text, choices)

    def action_sort(self) -> None:
        self._list.sort_by_next([column.key for column in self._table.columns])
        self._show_order()

    def action_sort_back(self) -> None:
        self._list.sort_by(self._list.sorted_by)
        self._show_order()

    @on(RowTable.HeaderClicked)
    def _header_clicked(self, event: RowTable.HeaderClicked) -> None:
        self._list.sort_by(event.column)
        self._show_order()

    def _show_order(self) -> None:
        self._table.sort_mark(self._list.sorted_by, reverse=self._list.backwards)
        self.remember(sorted_by=self._list.sorted_by, backwards=self._list.backwards)
        self._show()

    def action_saved_filters(self) -> None:
        from tui.console.dialogs.saved_filters import SavedFiltersDialog

        self._keep_place()
        self.app.push_screen(SavedFiltersDialog(self._saved, self._filter_bar.text), self._filter_bar.recall)

    async def action_recall(self, place: int) -> None:
        self._keep_place()
        with self._wharf.telling():
            self._filter_bar.recall(await asyncio.to_thread(self._saved.at, place))

    @work(group="filter", exclusive=True, description="get ready for the filter")
    async def _prepare(self) -> None:
        """Be ready for the first letter of a filter, a little at a time: there may be ten thousand connections. Not
        before one is typed: of ten thousand connections, what it looks at takes 15 MB.
        """
        states = self._list.states
        for start in range(0, len(states), _AT_ONCE):
            self._list.prepare(states[start : start + _AT_ONCE])
            await asyncio.sleep(0)

    @property
    def _saved(self) -> "SavedFilters":
        from tui.saved_filters import SavedFilters

        return SavedFilters(self.engine.paths.filters, "connections")

    def action_back(self) -> None:
        """One step back, and never out: the filter first, then the marks."""
        if self._filter_bar.text:
            self._keep_place()
            self._filter_bar.text = ""
        elif self._table.marks:
            self._table.mark(())
            self._show()

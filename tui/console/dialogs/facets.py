"""The menus of the enumerated columns: which values to show."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import SelectionList, Static
from textual.widgets.selection_list import Selection

from tui.console import keymap

Choices = Mapping[str, set[str]]


class FacetDialog(ModalScreen[None]):
    """All values of all enumerated columns with how often they occur. What is marked is applied at once."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.FACETS]

    def __init__(
        self,
        values: Mapping[str, Mapping[str, str]],
        counts: Mapping[tuple[str, str], int],
        chosen: Choices,
        apply: Callable[[Choices], None],
        begin_at: str | None = None,
    ) -> None:
        super().__init__()
        self._values = values
        self._counts = counts
        self._chosen = chosen
        self._apply = apply
        self._begin_at = begin_at

    def compose(self) -> ComposeResult:
        with Vertical(id="facets", classes="dialog"):
            yield Static("Show only", classes="dialog-title", markup=False)
            yield SelectionList[tuple[str, str]](*self._selections())
            yield Static("space marks   c clears all   esc closes", classes="dialog-hint", markup=False)

    def on_mount(self) -> None:
        facets = [facet for facet, values in self._values.items() for _ in values]
        self._list.highlighted = facets.index(self._begin_at) if self._begin_at in facets else 0

    def _selections(self) -> list[Selection[tuple[str, str]]]:
        found = []
        for facet, values in self._values.items():
            for place, (value, title) in enumerate(values.items()):
                label = Text.assemble(
                    ((facet.capitalize() if place == 0 else "").ljust(11), "bold"),
                    title.ljust(24),
                    (f"{self._counts.get((facet, value), 0):>4}", "dim"),
                )
                found.append(Selection(label, (facet, value), value in self._chosen.get(facet, ())))  # type: ignore[arg-type]  # takes rich Text too
        return found

    @property
    def _list(self) -> SelectionList[tuple[str, str]]:
        return self.query_one(SelectionList)

    @on(SelectionList.SelectedChanged)
    def _changed(self, event: SelectionList.SelectedChanged[tuple[str, str]]) -> None:
        event.stop()
        selected = set(event.selection_list.selected)
        self._apply({facet: {value for of, value in selected if of == facet} for facet in self._values})

    def action_clear(self) -> None:
        self._list.deselect_all()

    def action_close(self) -> None:
        self.dismiss(None)

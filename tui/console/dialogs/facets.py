"""The menus of the enumerated columns: which values to show."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.console import keymap
from tui.console.keys import shown_keys
from tui.console.one_frame import Dialog

Choices = Mapping[str, set[str]]
"""Per facet the values to show; none means all."""


class FacetDialog(Dialog[None]):
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
        self._chosen = {facet: set(chosen.get(facet, ())) for facet in values}
        self._apply = apply
        self._places = [(facet, value) for facet, titles in values.items() for value in titles]
        self._begin_at = next((place for place, (facet, _) in enumerate(self._places) if facet == begin_at), 0)

    def compose(self) -> ComposeResult:
        with Vertical(id="facets", classes="dialog"):
            yield Static("Show only", classes="dialog-title", markup=False)
            yield OptionList(*(Option(self._prompt(place)) for place in range(len(self._places))), compact=True)
            keys = shown_keys(self.app)
            hint = f"{keys['facets.mark']} marks   {keys['facets.clear']} clears all   {keys['facets.close']} closes"
            yield Static(hint, classes="dialog-hint", markup=False)

    def on_mount(self) -> None:
        self._list.highlighted = self._begin_at

    def _prompt(self, place: int) -> Text:
        facet, value = self._places[place]
        begins = place == 0 or self._places[place - 1][0] != facet
        marked = value in self._chosen[facet]
        return Text.assemble(
            (facet.capitalize() if begins else "").ljust(11),
            ("[x] " if marked else "[ ] ", "bold cyan" if marked else "dim"),
            (self._values[facet][value].ljust(24), "bold" if marked else ""),
            (f"{self._counts.get((facet, value), 0):>4}", "dim"),
        )

    @property
    def _list(self) -> OptionList:
        return self.query_one(OptionList)

    @on(OptionList.OptionSelected)
    def _toggled(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._toggle(event.option_index)

    def action_mark(self) -> None:
        if self._list.highlighted is not None:
            self._toggle(self._list.highlighted)

    def action_move(self, by: int) -> None:
        if by > 0:
            self._list.action_cursor_down()
        else:
            self._list.action_cursor_up()

    def action_clear(self) -> None:
        self._chosen = {facet: set() for facet in self._values}
        self._changed(range(len(self._places)))

    def action_close(self) -> None:
        self.dismiss(None)

    def _toggle(self, place: int) -> None:
        facet, value = self._places[place]
        self._chosen[facet] ^= {value}
        self._changed([place])

    def _changed(self, places: "range | list[int]") -> None:
        for place in places:
            self._list.replace_option_prompt_at_index(place, self._prompt(place))
        self._apply(self._chosen)

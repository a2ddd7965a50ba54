"""The filter line: text and terms, menus for the enumerated columns, and how much of the whole is shown."""

from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from tui.console import keymap
from tui.console.widgets.filter_input import FilterInput, GetVocabulary
from tui.domain.text import printable


class FilterBar(Vertical):
    """Posts what the user wants; what it means is the screen's business."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.FILTER]

    class Changed(Message):
        """The text is another one."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """The user is done with the line; the keys should go back to the table."""

    class FacetClicked(Message):
        """The user wants to choose among the values of a column."""

        def __init__(self, facet: str) -> None:
            super().__init__()
            self.facet = facet

    def __init__(
        self,
        facets: tuple[str, ...],
        hint: str,
        vocabulary: GetVocabulary,
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self._vocabulary = vocabulary
        self._problem: str | None = None
        self._facets = facets
        self._hint = hint
        self._told: object = None

    def compose(self) -> ComposeResult:
        with Horizontal(id="filter-line"):
            yield Static("/", id="filter-sign", markup=False)
            yield FilterInput(self._vocabulary, hint=self._hint, id="filter-input")
            for facet in self._facets:
                yield Static(f"{facet.capitalize()}▾", id=f"facet-{facet}", classes="facet", markup=False)
            yield Static("", id="filter-count", markup=False)
        yield Static("", id="filter-problem", markup=False)

    def on_mount(self) -> None:
        self.query_one("#filter-problem").display = False

    @property
    def text(self) -> str:
        return self._input.value

    @text.setter
    def text(self, value: str) -> None:
        self._input.value = value
        self._input.cursor_position = len(value)

    def recall(self, line: str | None) -> None:
        """Put a saved line in the place of what is there; None leaves it."""
        if line is not None:
            self.text = line

    def edit(self) -> None:
        """Give the keys to the line, at once: a key that is on its way already must not do something to a row."""
        self.screen.set_focus(self._input)

    def show(self, shown: int, total: int | None, problem: str | None, active: set[str], *, more: bool = False) -> None:
        """Say how many of how many are shown, what was not understood, and which columns are narrowed down.

        With `more`, there are others that were not read yet. Without `total` it is not known how many others there are.
        """
        self._problem = problem
        self._tell()
        told = (shown, total, frozenset(active), more)
        if told == self._told:
            return
        self._told = told
        style = "bold" if shown != total else ""
        of_all = "" if total is None else f" of {total}"
        line = self.query_one("#filter-count", Static)
        room = len(str(line.content))
        text = Text(f"{shown}{of_all}{'+' if more else ''} shown".rjust(room), style=style)
        # To lay out the whole line takes longer than all the rest; so it keeps its width where it can.
        line.update(text, layout=len(text) > room)
        for facet in self._facets:
            self.query_one(f"#facet-{facet}").set_class(facet in active, "-active")

    def _tell(self) -> None:
        """Below the line: what was not understood or, while it is typed, the ways in which it can go on."""
        ways = self._input.ways_on if self._input.has_focus else []
        line = self.query_one("#filter-problem", Static)
        line.display = bool(ways or self._problem)
        line.set_class(not ways, "-wrong")
        said = printable(f"tab: {'  '.join(ways)}" if ways else self._problem or "")
        if line.content != said:
            line.update(said)

    @property
    def _input(self) -> FilterInput:
        return self.query_one(FilterInput)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Left())

    @on(events.Click, ".facet")
    def _facet_clicked(self, event: events.Click) -> None:
        event.stop()
        if event.widget is not None and event.widget.id is not None:
            self.post_message(self.FacetClicked(event.widget.id.removeprefix("facet-")))

    def action_complete(self) -> None:
        self._input.complete()

    def action_keep(self) -> None:
        self.post_message(self.Left())

    def action_clear(self) -> None:
        self.text = ""
        self.post_message(self.Left())

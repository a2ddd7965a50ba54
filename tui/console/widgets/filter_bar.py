"""The filter line: text and terms, menus for the enumerated columns, and how much of the whole is shown."""

from collections.abc import Set as AbstractSet
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from tui.console import keymap
from tui.console.widgets.filter_input import FilterInput, GetVocabulary
from tui.console.widgets.word_line import Word, WordLine
from tui.domain.text import printable


class FilterBar(Widget):
    """Posts what the user wants; what it means is the screen's business."""

    DEFAULT_CSS = """
    FilterBar {
        layout: grid;
        grid-size: 3;
        grid-columns: 1fr auto auto;
        grid-rows: auto;
        height: auto;

        #filter-input { margin-left: 3; min-width: 12; }
        #filter-count { width: auto; padding: 0 1 0 2; }
        #filter-problem { column-span: 3; height: auto; max-height: 2; padding: 0 1 0 3; color: $text-muted; }
        #filter-problem.-wrong { color: $text-warning; }
    }
    """

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
        yield FilterInput(self._vocabulary, hint=self._hint, id="filter-input")
        yield WordLine(self._menus(frozenset()), id="filter-menus")
        yield Static("", id="filter-count", markup=False)
        yield Static("", id="filter-problem", markup=False)

    def render(self) -> Text:
        """What is seen beside the widgets in the bar: the sign in front of the line."""
        return Text.assemble((" / ", "bold cyan"))

    def _menus(self, active: AbstractSet[str]) -> list[Word]:
        chosen = dict.fromkeys(active, "bold reverse cyan")
        return [Word(f"{facet.capitalize()}▾", facet, chosen.get(facet, "")) for facet in self._facets]

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
        self.query_one(WordLine).show(self._menus(active))

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

    @on(WordLine.Clicked)
    def _menu_clicked(self, event: WordLine.Clicked) -> None:
        event.stop()
        self.post_message(self.FacetClicked(event.means))

    def action_complete(self) -> None:
        self._input.complete()

    def action_keep(self) -> None:
        self.post_message(self.Left())

    def action_clear(self) -> None:
        self.text = ""
        self.post_message(self.Left())

"""The line with the tabs of a run: how much is in each, and how much is new."""

from collections.abc import Mapping
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Static

FILES, EVENTS, ATTEMPTS = TABS = ("files", "events", "attempts")


class RunTabs(Horizontal):
    """Posts what is clicked; the screen decides what is shown."""

    DEFAULT_CSS: ClassVar[str] = """
    RunTabs {
        height: 1;
        background: $panel;

        Static { width: auto; padding: 0 1; color: $text-muted; }
        .-shown { color: $accent; text-style: bold reverse; }
        #run-new { color: $text-warning; text-style: bold; }
    }
    """

    class Chosen(Message):
        """A click on a tab."""

        def __init__(self, tab: str) -> None:
            super().__init__()
            self.tab = tab

    class NewestWanted(Message):
        """A click on what is new."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._told: object = None

    def compose(self) -> ComposeResult:
        for tab in TABS:
            yield Static("", id=f"tab-{tab}", classes="tab", markup=False)
        yield Static("", id="run-new", markup=False)

    def show(self, chosen: str, numbers: Mapping[str, int], unseen: int) -> None:
        """Say which tab is shown, how many lines each has, and how many new ones are below what is seen."""
        told = (chosen, dict(numbers), unseen)
        if told == self._told:
            return  # to say the same again would lay out the screen
        self._told = told
        for tab in TABS:
            label = self.query_one(f"#tab-{tab}", Static)
            label.update(f"{tab.capitalize()} {numbers[tab]:,}")
            label.set_class(tab == chosen, "-shown")
            # A run with one attempt has nothing to be compared.
            label.display = tab != ATTEMPTS or numbers[tab] > 1
        self.query_one("#run-new", Static).update(f"+{unseen:,} new" if unseen else "")

    @on(events.Click, ".tab")
    def _tab_clicked(self, event: events.Click) -> None:
        event.stop()
        if event.widget is not None and event.widget.id is not None:
            self.post_message(self.Chosen(event.widget.id.removeprefix("tab-")))

    @on(events.Click, "#run-new")
    def _new_clicked(self, event: events.Click) -> None:
        event.stop()
        self.post_message(self.NewestWanted())

"""An application of Textual that shows one label, and loads nothing else: the yardstick."""

from textual.app import App, ComposeResult
from textual.widgets import Label


class Bare(App[None]):
    def compose(self) -> ComposeResult:
        yield Label("one label")


if __name__ == "__main__":
    Bare().run()

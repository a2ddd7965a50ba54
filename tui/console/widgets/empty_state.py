"""What is shown instead of a table that has nothing to show: what to do about it."""

from collections.abc import Sequence

from rich.text import Text
from textual.widgets import Static


class EmptyState(Static):
    """A heading and lines of `(what to press or type, what it does)`."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(markup=False, id=id)
        self._said: object = None

    def show(self, heading: str, ways: Sequence[tuple[str, str]]) -> None:
        """Say this; keys and commands are aligned in front of what they do."""
        if (heading, ways) == self._said:
            return
        self._said = heading, ways
        width = max((len(way) for way, _ in ways), default=0)
        lines = [Text(heading, style="bold"), Text()]
        lines += [Text.assemble((way.rjust(width), "bold cyan"), f"   {meaning}") for way, meaning in ways]
        self.update(Text("\n").join(lines))

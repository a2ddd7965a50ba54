"""Rows as they were drawn: a table that scrolls by one line draws every line, and all but one say what the line below
said before."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from textual.strip import Strip

Item = TypeVar("Item")

_MOST = 512
"""Rows kept: more than any screen has."""


class Drawn(Generic[Item]):
    """The latest strip of each row, by its key, with what it was drawn from: the very item, and how it looks."""

    def __init__(self) -> None:
        self._rows: dict[Hashable, tuple[Item, object, Strip]] = {}

    def row(self, key: Hashable, item: Item, look: object, draw: Callable[[], Strip]) -> Strip:
        """The strip of a row, drawn if it is not known or was drawn from something else."""
        known = self._rows.get(key)
        if known is not None and known[0] is item and known[1] == look:
            return known[2]
        strip = draw()
        if len(self._rows) >= _MOST:
            self._rows.clear()
        self._rows[key] = (item, look, strip)
        return strip

    def forget(self, wanted: Callable[[Item], bool] = lambda _: True) -> None:
        """Have rows drawn again, because what they say depends on more than the item and its look."""
        self._rows = {key: row for key, row in self._rows.items() if not wanted(row[0])}

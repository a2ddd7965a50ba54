"""Which row has the cursor and which is on top, through every change of the rows. Pure."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

Item = TypeVar("Item")

KeyOf = Callable[[Item], Hashable]

Instead = Callable[[Hashable], Hashable | None]
"""The key of the row that stands for one that is gone, such as that of the group that it was folded into."""


def nothing_instead(_: Hashable) -> None:
    """Nothing stands for a row that is gone."""


@dataclass(frozen=True, slots=True)
class View:
    """Places of rows, from 0. `height` is how many rows can be seen; 0 as long as that is not known."""

    cursor: int = 0
    top: int = 0
    height: int = 0

    @property
    def watched(self) -> bool:
        """Whether the row under the cursor can be seen."""
        return not self.height or self.top <= self.cursor < self.top + self.height

    def held(self, rows: int) -> "View":
        """The same within so many rows."""
        return replace(
            self,
            cursor=max(min(self.cursor, rows - 1), 0),
            top=max(min(self.top, rows - self.height), 0),
        )

    def watching(self) -> "View":
        """Scrolled no further than it takes to see the cursor."""
        if self.cursor < self.top:
            return replace(self, top=self.cursor)
        if self.height and self.cursor >= self.top + self.height:
            return replace(self, top=self.cursor - self.height + 1)
        return self


def carried(
    view: View,
    before: Sequence[Item],
    after: Sequence[Item],
    key: KeyOf[Item],
    *,
    follow: bool,
    instead: Instead = nothing_instead,
) -> View:
    """The view after other rows have taken the place of those before.

    The cursor stays on its row; if that is gone, it goes to the one that stands for it, or else to the next one that is
    left, or else to the one before. Who looks at the cursor goes on seeing it, on the same line if possible; who has
    scrolled away goes on seeing what they look at. At the very top, what comes in above is let into sight. With
    `follow`, a cursor that is seen on the last row goes to the new last row.
    """
    if not before or not after:
        return replace(view, cursor=0, top=0)
    if follow and view.watched and view.cursor >= len(before) - 1:
        return replace(view, cursor=len(after) - 1).held(len(after)).watching()
    places = _Places(before, after, key, instead)
    cursor = places.of(view.cursor)
    if view.watched:
        top = view.top + cursor - view.cursor if view.top else 0
        return replace(view, cursor=cursor, top=top).held(len(after)).watching()
    top = places.of(view.top) if view.top else 0
    return replace(view, cursor=cursor, top=top).held(len(after))


class _Places:
    """Finds rows again. Most changes leave a row where it is; all keys are looked at only when it is not."""

    def __init__(self, before: Sequence[Item], after: Sequence[Item], key: KeyOf[Item], instead: Instead) -> None:
        self._before = before
        self._after = after
        self._key = key
        self._instead = instead
        self._all: dict[Hashable, int] | None = None

    def of(self, place: int) -> int:
        """Where the row that was at `place` is now, or what stands for it, or its next neighbour that is left."""
        own = self._key(self._before[place])
        if place < len(self._after) and self._key(self._after[place]) == own:
            return place
        if self._all is None:
            self._all = {self._key(item): at for at, item in enumerate(self._after)}
        if own not in self._all and (other := self._all.get(self._instead(own))) is not None:
            return other
        neighbours = (*range(place, len(self._before)), *range(place - 1, -1, -1))
        found = (self._all.get(self._key(self._before[each])) for each in neighbours)
        return next((at for at in found if at is not None), 0)

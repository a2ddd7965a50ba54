"""The only way from the engine to the screens: a sample of its snapshot, a few times a second, when it changed.

The engine knows nothing of screens, and screens are never called from its tasks.
"""

from collections.abc import Callable
from typing import Protocol
from weakref import WeakKeyDictionary

from textual.message import Message
from textual.screen import Screen

from tui.engine.live import Snapshot


class SnapshotTaken(Message):
    """The engine's state changed. With `store_changed`, what was read from the store is to be read again."""

    def __init__(self, snapshot: Snapshot, store_changed: bool) -> None:
        super().__init__()
        self.snapshot = snapshot
        self.store_changed = store_changed


class _Observable(Protocol):
    def snapshot(self) -> Snapshot: ...


class Bridge:
    """Samples for the screen on top. A screen that was covered gets the newest state once it is uncovered."""

    def __init__(self, engine: _Observable, screen: Callable[[], Screen[object] | None]) -> None:
        self._engine = engine
        self._screen = screen
        self._shown: WeakKeyDictionary[Screen[object], Snapshot] = WeakKeyDictionary()

    @property
    def is_behind(self) -> bool:
        """Whether what the screen on top shows is no longer true."""
        screen = self._screen()
        return screen is not None and self._differs(self._shown.get(screen), self._engine.snapshot())

    @staticmethod
    def _differs(shown: Snapshot | None, snapshot: Snapshot) -> bool:
        return shown is None or shown.revision != snapshot.revision

    def sample(self) -> None:
        """Look once, and tell the screen on top if what it shows is no longer true."""
        screen = self._screen()
        if screen is None:
            return
        snapshot = self._engine.snapshot()
        shown = self._shown.get(screen)
        if not self._differs(shown, snapshot):
            return
        self._shown[screen] = snapshot
        store_changed = shown is None or shown.store_version != snapshot.store_version
        screen.post_message(SnapshotTaken(snapshot, store_changed))

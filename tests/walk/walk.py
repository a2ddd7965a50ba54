"""A walk through the demo: the real program on a terminal, where each key waits for what the one before has shown.

Times within the effect of a key are as they were. Between keys they are set for a viewer, so that a recording does not
depend on how fast the machine is.
"""

import re
import tempfile
from codecs import getincrementaldecoder
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.pty.picture import Picture
from tests.pty.terminal import Terminal, wharf_on_terminal
from tests.walk.cast import Cast, Event, Kind
from tests.walk.steps import Press, Step

PATH = Path(__file__).parents[2] / "screenshots" / "walk.cast"
COLUMNS, ROWS = 100, 30
TERM = "xterm-256color"
"""Its 256 colours are shown wherever a recording can be played."""

_TYPING = 0.12
"""Seconds between two keys, for a viewer."""

_SETTLED = 1.0
"""Seconds without output after which a screen is complete on a busy machine too."""

_QUIET = 0.15
"""Seconds without output after which the effect of a key is complete: the screen draws four times a second at most,
and a moment after the key."""


def record(steps: Sequence[Step]) -> Cast:
    """Take the walk, leave at its end, and give the recording."""
    with (
        tempfile.TemporaryDirectory() as home,
        # The same whatever the machine has.
        wharf_on_terminal(
            "demo",
            columns=COLUMNS,
            rows=ROWS,
            TERM=TERM,
            COLORTERM="",
            NO_COLOR="",
            LC_ALL="C.UTF-8",
            TZ="UTC",
            TMPDIR="/tmp",
            WHARF_HOME=home,
        ) as terminal,
    ):
        recorder = _Recorder(terminal)
        for step in steps:
            recorder.mark(step.title)
            for press in step.presses:
                recorder.take(press)
            recorder.settle()
        recorder.mark("Quit")
        recorder.leave()
    return Cast(COLUMNS, ROWS, "Wharf: a walk through the demo", "wharf demo", TERM, tuple(recorder.events))


class _Recorder:
    def __init__(self, terminal: Terminal) -> None:
        self.events: list[Event] = []
        self._terminal = terminal
        self._picture = Picture(COLUMNS, ROWS)
        self._decode = getincrementaldecoder("utf-8")().decode
        self._taken = 0
        self._shown = 0
        self._now = 0.0
        """Of the recording."""

    def mark(self, title: str) -> None:
        self.events.append(Event(self._now, Kind.MARKER, title))

    def take(self, press: Press) -> None:
        for key in press.keys[:-1]:
            self._terminal.type(key.encode())
            self._terminal.quiet(_QUIET)
            self._keep(_TYPING)
        self._terminal.type(press.keys[-1:].encode())
        try:
            self._terminal.wait_until(lambda: self._shows(press), "")
        except AssertionError:
            raise AssertionError("\n".join([f"not shown: {press.shows}", *self._picture.lines])) from None
        if press.look:
            self._terminal.quiet(2 * _QUIET)
        self._keep(press.look, press.faster)

    def settle(self) -> None:
        """What a chapter ends with is compared; on a busy machine its last parts are drawn late."""
        self._terminal.quiet(_SETTLED)
        self._keep(0)

    def leave(self) -> None:
        self._terminal.type(b"\x11")  # ctrl-q leaves from anywhere
        assert self._terminal.end() == 0
        self._keep(0)

    def _shows(self, press: Press) -> bool:
        for _, data in self._terminal.readings[self._shown :]:
            self._picture.feed(data)
        self._shown = len(self._terminal.readings)
        screen = "\n".join(self._picture.lines)
        return all(re.search(shown, screen) for shown in press.shows)

    def _keep(self, look: float, faster: float = 1.0) -> None:
        """Take what was written since the last time, and let the viewer look at it."""
        new = self._terminal.readings[self._taken :]
        self._taken += len(new)
        if new:
            first = new[0][0]
            start = self._now
            for moment, data in new:
                self._now = start + (moment - first) / faster
                self.events.append(Event(self._now, Kind.OUTPUT, self._decode(data)))
        self._now += look


def chapters(cast: Cast) -> Iterator[tuple[str, list[str]]]:
    """The title of each chapter with the screen at its end."""
    picture = Picture(cast.columns, cast.rows)
    title = ""
    for event in cast.events:
        if event.kind is Kind.OUTPUT:
            picture.feed(event.text.encode())
            continue
        if title:
            yield title, picture.lines
        title = event.text
    yield title, picture.lines

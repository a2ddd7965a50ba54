"""The terminal as something that may stop reading at any moment.

A lost line shows first as a terminal that takes nothing more, perhaps for hours, and only then as one that hangs up.
Textual's driver waits for its terminal, and the event loop with it: all transfers would stand still for as long, and
for good once its writing thread has ended with the line. Here only a thread of our own waits.
"""

import io
import os
import sys
from codecs import getincrementaldecoder
from contextlib import suppress
from queue import SimpleQueue
from selectors import EVENT_READ, SelectSelector
from threading import Thread
from time import monotonic
from typing import Any, TextIO, cast

from textual._xterm_parser import XTermParser
from textual.constants import ESCAPE_DELAY
from textual.drivers.linux_driver import LinuxDriver

from tui.methods.right_of_way import right_of_way

_FAREWELL = 2.0
"""Seconds that a terminal gets to take the last texts, among them those that restore it."""

_PROMPTLY = 0.3
"""Seconds within which a terminal on a good line takes a text."""

_BACKLOG = 32
"""Texts that may wait before the terminal counts as behind; one that reads has them within milliseconds."""

_READ_AT_ONCE = 4096

_KEY_IN_PARTS = ESCAPE_DELAY + 0.01
"""Seconds after which the rest of what a key sends is no longer waited for: an escape that stands alone is a key."""


_WITHOUT_TITLE = ("linux", "vt", "eterm", "cons")
"""Beginnings of TERM for terminals that have no title and may show the sequence as text."""


class TerminalDriver(LinuxDriver):
    """The driver of Textual for Linux and macOS, for terminals that may stop reading."""

    _outlet: "_Outlet | None" = None
    _title: str | None = None
    _input_ends: tuple[int, int] | None = None
    """A pipe that can be read once the reading of keys is to end."""

    @property
    def is_behind(self) -> bool:
        """Whether the terminal does not take what is shown as fast as it is written."""
        return self._outlet is not None and self._outlet.is_behind

    @property
    def is_congested(self) -> bool:
        """Whether the terminal takes its time over what is shown."""
        return self._outlet is not None and self._outlet.is_congested

    def show_title(self, title: str) -> None:
        """Give the terminal a title; nothing is sent if it is the same. The former one comes back at the end, in
        terminals that keep a stack of them (XTWINOPS 22 and 23). `title` must be printable.
        """
        if title == self._title or os.environ.get("TERM", "").startswith(_WITHOUT_TITLE):
            return
        if self._title is None:
            self.write("\x1b[22;2t")
        self._title = title
        self.write(f"\x1b]2;{title}\x1b\\")

    def write(self, data: str) -> None:
        # Not through Textual's own thread for that: while transfers run, each change of threads is a wait for a core.
        assert self._outlet is not None  # noqa: S101 - in application mode there is one
        self._outlet.write(data)
        right_of_way.answer()

    def stop_application_mode(self) -> None:
        if self._title is not None:
            self._title = None
            self.write("\x1b[23;2t")
        super().stop_application_mode()

    def start_application_mode(self) -> None:
        assert sys.__stderr__ is not None  # noqa: S101 - no screen is opened without a terminal there
        self._outlet = _Outlet(sys.__stderr__)
        self._file = cast("Any", self._outlet)
        self._input_ends = os.pipe()
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual gives no types here

    def disable_input(self) -> None:
        ends, self._input_ends = self._input_ends, None
        if ends is not None:
            os.write(ends[1], b".")
            # Textual's own way there stops at a terminal that has hung up.
            if self._key_thread is not None:
                self._key_thread.join()
            for end in ends:
                os.close(end)
        super().disable_input()

    def run_input_thread(self) -> None:
        """Hand on what is typed. Textual's own wakes ten times a second, whether or not anybody types."""
        ends = self._input_ends
        assert ends is not None  # noqa: S101 - created before the thread that is run here
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        typed = False
        with SelectSelector() as selector:
            selector.register(self.fileno, EVENT_READ)
            selector.register(ends[0], EVENT_READ)
            while True:
                ready = {key.fd for key, _ in selector.select(_KEY_IN_PARTS if typed else None)}
                if ends[0] in ready:
                    return
                typed = self.fileno in ready
                data = os.read(self.fileno, _READ_AT_ONCE) if typed else b""
                if typed and not data:
                    return  # hung up: nobody will ever type again
                if typed:
                    right_of_way.claim()
                    self._loop.call_soon_threadsafe(right_of_way.hear)
                # An empty text, as of half a character, would end the parser.
                text = decode(data)
                for event in [*(parser.feed(text) if text else ()), *parser.tick()]:
                    self.process_message(event)

    def close(self) -> None:
        super().close()
        if self._outlet is not None:
            self._outlet.drain()


class _Outlet(io.TextIOBase):
    """A file that takes everything at once and hands it on as fast as the terminal reads."""

    def __init__(self, terminal: TextIO) -> None:
        self._descriptor = terminal.fileno()
        self._encoding = terminal.encoding
        self._waiting: SimpleQueue[bytes | None] = SimpleQueue()
        self._handing_on_since: float | None = None
        self._thread = Thread(target=self._hand_on, name="terminal", daemon=True)
        self._thread.start()

    @property
    def is_behind(self) -> bool:
        return self._waiting.qsize() > _BACKLOG

    @property
    def is_congested(self) -> bool:
        since = self._handing_on_since
        return since is not None and monotonic() - since > _PROMPTLY

    def write(self, text: str, /) -> int:
        self._waiting.put(text.encode(self._encoding, "backslashreplace"))
        return len(text)

    def fileno(self) -> int:
        return self._descriptor

    def drain(self) -> None:
        """Wait until the terminal has taken everything, or has had the time for it."""
        self._waiting.put(None)
        self._thread.join(_FAREWELL)

    def _hand_on(self) -> None:
        # Hung up: nobody reads any more. Past sys.stderr, whose lock a waiting thread would hold when Python ends.
        with suppress(OSError):
            while (data := self._waiting.get()) is not None:
                self._handing_on_since = monotonic()
                while data:
                    data = data[os.write(self._descriptor, data) :]
                self._handing_on_since = None

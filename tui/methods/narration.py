"""Tells what a session does, step by step, to whoever keeps the event log."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter

from tui.domain.failure import TransferFailed
from tui.domain.run import Event
from tui.domain.text import printable


@dataclass(slots=True)
class StepNote:
    """What a step has found out; becomes the detail of its event."""

    detail: str = ""


@dataclass(frozen=True, slots=True)
class Narrator:
    """Receives every protocol step of a run, time-stamped, for the event log. Details are made printable here."""

    receive: Callable[[Event], None]
    begins: Callable[[str], None] = lambda _: None
    """Hears of a step that is timed when it begins."""

    def tell(self, step: str, detail: str, *, ok: bool = True, ms: float | None = None) -> None:
        self.receive(Event(datetime.now(UTC), step, printable(detail, 1000), ok, ms))

    def within(self, part: str) -> "Narrator":
        """For steps of a part of the whole: their names begin with that part's."""
        return Narrator(
            lambda event: self.receive(event._replace(step=f"{part} {event.step}")),
            lambda step: self.begins(f"{part} {step}"),
        )

    @contextmanager
    def step(self, step: str, detail: str = "") -> Iterator[StepNote]:
        """Time a step. On success its event carries the note's detail; when it fails, the failure's sentence."""
        note = StepNote(detail)
        self.begins(step)
        began = perf_counter()
        try:
            yield note
        except TransferFailed as error:
            self.tell(step, str(error), ok=False, ms=(perf_counter() - began) * 1000)
            raise
        except asyncio.CancelledError:
            self.tell(step, "cancelled", ok=False, ms=(perf_counter() - began) * 1000)
            raise
        else:
            self.tell(step, note.detail, ms=(perf_counter() - began) * 1000)


SILENT = Narrator(lambda _: None)
"""For what is done without a word."""

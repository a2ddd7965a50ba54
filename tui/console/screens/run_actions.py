"""What can be done with a run, on every screen that shows one. What is not possible says why."""

from collections.abc import Iterator, Set
from contextlib import contextmanager
from typing import Literal

from textual.screen import Screen

from tui.console.dialogs.testing import TestDialog
from tui.domain.failure import UnknownConnection, WharfError
from tui.domain.run import FileStatus, Run, Trigger
from tui.domain.text import printable
from tui.engine import Engine

_READING_TIME = 10
"""Seconds that a notification stays."""


class RunActions(Screen[None]):
    """The part that the History and the Run screen share."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine

    async def start(self, name: str, trigger: Trigger, only: Set[str] | None = None) -> Run | None:
        """Start a connection, for some of its files or for all; if that is not possible, says why."""
        live = self.engine.snapshot().live.get(name)
        if live is not None:
            self.tell(f"{name} is running already (run {live.run_id}); x on that run cancels it.", "warning")
            return None
        run = None
        with self.telling():
            try:
                run = await self.engine.start(name, trigger, only=only)
                self.tell(f"Run {run.run_id} of {name} started.")
            except UnknownConnection:
                self.tell(f"There is no connection {name} any more; its runs stay, but none can be started.", "warning")
        return run

    async def retry_failed(self, run: Run) -> Run | None:
        """Start the connection of a run for those files only that the run has not delivered; if there are none, says
        so."""
        with self.telling():
            files = await self.engine.store.files(run.run_id)
            failed = {file.name for file in files if file.status is FileStatus.FAILED}
            if failed and run.ended is not None:
                return await self.start(run.connection, Trigger.RETRY, failed)
            why_not = "is still running" if run.ended is None else "has no failed files; r runs the connection again"
            self.tell(f"Run {run.run_id} {why_not}.", "warning")
        return None

    def pause(self, run: Run) -> None:
        """Pause a run, or let a paused one go on; if that is not possible, says why."""
        paused = any(live.paused for live in self.engine.snapshot().live.values() if live.run_id == run.run_id)
        with self.telling():
            if run.ended is not None:
                self.tell(f"Run {run.run_id} is not running; it has ended as {run.status.value}.", "warning")
            elif paused:
                self.engine.resume(run.run_id)
                self.tell(f"Run {run.run_id} goes on.")
            else:
                self.engine.pause(run.run_id)
                self.tell(f"Run {run.run_id} is paused: what has arrived stays, and p lets it go on.")

    async def test(self, name: str) -> None:
        """Try a connection step by step; it also shows what its server has that is not trusted."""
        with self.telling():
            self.app.push_screen(TestDialog(self.engine, await self.engine.store.connection(name)))

    async def cancel(self, run: Run) -> None:
        """Cancel a run; if it has ended, says so."""
        if run.ended is not None:
            self.tell(f"Run {run.run_id} is not running; it has ended as {run.status.value}.", "warning")
            return
        with self.telling():
            await self.engine.cancel(run.run_id)
            self.tell(f"Cancelling run {run.run_id} of {run.connection}.")

    def copy(self, text: str, what: str) -> None:
        """Put a text on the clipboard of the terminal, as far as the terminal allows it."""
        self.app.copy_to_clipboard(printable(text))
        self.tell(f"Copied {what}.")

    @contextmanager
    def telling(self) -> Iterator[None]:
        """What Wharf says on purpose is shown and does not end the application."""
        try:
            yield
        except WharfError as error:
            self.tell(str(error), "error")

    def tell(self, sentence: str, severity: Literal["information", "warning", "error"] = "information") -> None:
        self.notify(printable(sentence), severity=severity, markup=False, timeout=_READING_TIME)

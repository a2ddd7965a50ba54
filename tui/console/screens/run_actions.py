"""What can be done with a run, on every screen that shows one. What is not possible says why."""

from collections.abc import Set

from tui.console.dialogs.testing import TestDialog
from tui.console.keys import shown_keys
from tui.console.reasons import READ_ONLY, ExplainingScreen
from tui.domain.failure import UnknownConnection
from tui.domain.run import FileStatus, Run, Trigger
from tui.domain.text import printable
from tui.engine import Engine


class RunActions(ExplainingScreen[None]):
    """The part that the History and the Run screen share."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine

    def why_no_start(self, name: str) -> str | None:
        """Why a connection cannot be started now; None when it can."""
        if self.engine.read_only:
            return READ_ONLY
        live = self.engine.snapshot().live.get(name)
        return None if live is None else f"{name} is running already (run {live.run_id}); x on that run cancels it."

    def why_no_cancel(self, run: Run) -> str | None:
        """Why a run cannot be cancelled now; None when it can."""
        if self.engine.read_only:
            return READ_ONLY
        if run.ended is None:
            return None
        return f"Run {run.run_id} is not running; it has ended as {run.status.value}."

    async def start(self, name: str, trigger: Trigger, only: Set[str] | None = None) -> Run | None:
        """Start a connection, for some of its files or for all; if that is not possible after all, says why."""
        run = None
        with self._wharf.telling():
            try:
                run = await self.engine.start(name, trigger, only=only)
                self._wharf.tell(f"Run {run.run_id} of {name} started.")
            except UnknownConnection:
                self._wharf.tell(
                    f"There is no connection {name} any more; its runs stay, but none can be started.", "warning"
                )
        return run

    async def retry_failed(self, run: Run) -> Run | None:
        """Start the connection of a run for those files only that the run has not delivered; if there are none, says
        so."""
        with self._wharf.telling():
            files = await self.engine.store.files(run.run_id)
            failed = {file.name for file in files if file.status is FileStatus.FAILED}
            if failed and run.ended is not None:
                return await self.start(run.connection, Trigger.RETRY, failed)
            again = f"{shown_keys(self.app)['history.retry']} runs the connection again"
            why_not = "is still running" if run.ended is None else f"has no failed files; {again}"
            self._wharf.tell(f"Run {run.run_id} {why_not}.", "warning")
        return None

    def pause(self, run: Run) -> None:
        """Pause a run, or let a paused one go on."""
        paused = any(live.paused for live in self.engine.snapshot().live.values() if live.run_id == run.run_id)
        with self._wharf.telling():
            if paused:
                self.engine.resume(run.run_id)
                self._wharf.tell(f"Run {run.run_id} goes on.")
            else:
                self.engine.pause(run.run_id)
                key = shown_keys(self.app)["run.pause"]
                self._wharf.tell(f"Run {run.run_id} is paused: what has arrived stays, and {key} lets it go on.")

    async def test(self, name: str) -> None:
        """Try a connection step by step; it also shows what its server has that is not trusted."""
        with self._wharf.telling():
            self.app.push_screen(TestDialog(self.engine, await self.engine.store.connection(name)))

    async def cancel(self, run: Run) -> None:
        """Cancel a run."""
        with self._wharf.telling():
            await self.engine.cancel(run.run_id)
            self._wharf.tell(f"Cancelling run {run.run_id} of {run.connection}.")

    def copy(self, text: str, what: str) -> None:
        """Put a text on the clipboard of the terminal, as far as the terminal allows it."""
        self.app.copy_to_clipboard(printable(text))
        self._wharf.tell(f"Copied {what}.")

"""Sees the runs of other processes that share the store, so that a run started anywhere shows on every screen."""

from collections.abc import Callable, Collection
from time import monotonic

from tui.domain.run import Run, Status
from tui.engine.live import LiveRun
from tui.engine.meter import Meter, time_left
from tui.store.base import Store


class ForeignRuns:
    """The runs in progress elsewhere, as of the last `look`."""

    def __init__(self, store: Store, clock: Callable[[], float] = monotonic) -> None:
        self._store = store
        self._clock = clock
        self._meters: dict[int, Meter] = {}
        self._runs: list[Run] = []

    async def look(self, own: Collection[int]) -> None:
        """Read again what is in progress, leaving out our own runs."""
        running = await self._store.runs(status=Status.IN_PROGRESS, limit=1000)
        self._runs = [run for run in running if run.run_id not in own]
        known = {run.run_id for run in self._runs}
        self._meters = {run_id: meter for run_id, meter in self._meters.items() if run_id in known}
        for run in self._runs:
            self._meters.setdefault(run.run_id, Meter(self._clock)).update(run.progress.bytes_done)

    def live(self) -> list[LiveRun]:
        """How they stand, as far as they have told the store."""
        return [self._live(run) for run in self._runs]

    def _live(self, run: Run) -> LiveRun:
        speed = self._meters[run.run_id].speed()
        return LiveRun(
            run_id=run.run_id,
            connection=run.connection,
            started=run.started,
            progress=run.progress,
            speed=speed,
            time_left=time_left(run.progress.bytes_total - run.progress.bytes_done, speed),
            note=f"in process {run.owner.pid} on {run.owner.host}",
            here=False,
        )

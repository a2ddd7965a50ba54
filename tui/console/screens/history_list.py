"""The runs as the History screen knows them: read page by page, kept up to date, filtered. Pure but for the store.

Readings are not to overlap: the caller awaits one before it begins the next.
"""

from collections.abc import Mapping

from tui.console.screens.connection_filter import Filter, parse_filter
from tui.console.screens.history_rows import FACET_VALUES, accepts
from tui.console.widgets.run_text import Entry, entry_for
from tui.domain.run import Run, Status
from tui.engine.live import LiveRun
from tui.store.base import Store

PAGE = 100
"""Runs read at a time."""


class RunList:
    """Runs of one connection or of all, newest first."""

    def __init__(self, store: Store, name: str | None) -> None:
        self._store = store
        self.name = name
        self.live: Mapping[str, LiveRun] = {}
        self.filter = Filter()
        self.complete = False
        """Whether the oldest run was read."""
        self._runs: dict[int, Run] = {}
        self._order: list[int] = []
        self._accepted: list[int] = []

    @property
    def runs(self) -> list[Run]:
        """What was read, newest first."""
        return [self._runs[run_id] for run_id in self._order]

    @property
    def number_read(self) -> int:
        return len(self._order)

    def shown(self) -> list[Entry]:
        """What the filter accepts, newest first."""
        return [entry_for(self._runs[run_id], self.live) for run_id in self._accepted]

    def count(self, status: Status) -> int:
        return sum(run.status is status for run in self._runs.values())

    def narrow(self, text: str) -> None:
        """Show only what this filter line accepts."""
        self.filter = parse_filter(text, FACET_VALUES)
        self._accepted = [run_id for run_id in self._order if self.accepts(self._runs[run_id])]

    def accepts(self, run: Run) -> bool:
        return accepts(self.filter, run)

    async def read_new(self) -> None:
        """Read the runs that began or changed since the last reading. What is older and has ended changes no more."""
        fresh = await self._page(None)
        first_time = not self._order
        while not first_time and fresh and fresh[-1].run_id > self._order[0]:
            page = await self._page(fresh[-1].run_id)
            if not page:
                break
            fresh += page
        seen = {run.run_id for run in fresh}
        for run in list(self._runs.values()):
            if run.ended is None and run.run_id not in seen:
                fresh.append(await self._store.run(run.run_id))
        if first_time:
            self.complete = len(fresh) < PAGE
        self._take(fresh)

    async def read_older(self) -> None:
        """Read the next page of older runs."""
        if self._order and not self.complete:
            page = await self._page(self._order[-1])
            self.complete = len(page) < PAGE
            self._runs |= {run.run_id: run for run in page}
            self._order += [run.run_id for run in page]
            self._accepted += [run.run_id for run in page if self.accepts(run)]

    async def _page(self, before: int | None) -> list[Run]:
        return await self._store.runs(self.name, before=before, limit=PAGE)

    def _take(self, runs: list[Run]) -> None:
        self._runs |= {run.run_id: run for run in runs}
        self._order = sorted(self._runs, reverse=True)
        self._accepted = [run_id for run_id in self._order if self.accepts(self._runs[run_id])]

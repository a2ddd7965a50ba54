"""The runs as the History screen knows them: read page by page, kept up to date, filtered. Pure but for the store.

Without a filter, or with one that asks for a status only, pages of runs are read on end. Beyond them, any other filter
has the store search, so that of a million runs only those are kept that it accepts.

What happens costs what changed, not what was read. Readings are not to overlap: the caller awaits one before it begins
the next.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

from tui.console.widgets.run_text import Entry, entry_for
from tui.domain.filter import Filter, parse_filter, slug
from tui.domain.filter_facts import RUN_VOCABULARY, run_facts
from tui.domain.run import Run, Status
from tui.engine.live import LiveRun
from tui.store.base import Found, Store

PAGE = 100
"""Runs read at a time."""


_STATUSES: dict[str, Status] = {slug(status.value): status for status in Status if status is not Status.NONE}
"""What a run can be, by how a filter asks for it."""


class RunList:
    """Runs of one connection or of all, newest first."""

    def __init__(self, store: Store, name: str | None) -> None:
        self._store = store
        self.name = name
        self.filter = Filter()
        self._live: Mapping[str, LiveRun] = {}
        self._read: list[Run] = []
        self._floor: int | None = None
        """The oldest run to which all were read. Older ones were found, or seen because they go on."""
        self._read_all = False
        """Whether that is the very first."""
        self._found: Found | None = None
        """How far the search for the present filter has come, below the floor."""
        self._shown: list[Entry] = []
        self._running: dict[int, Run] = {}
        self._numbers: Counter[Status] = Counter()
        self._statuses: tuple[Status, ...] = tuple(_STATUSES.values())
        self._unended: set[int] = set()
        """Runs that were in progress when they were seen last."""

    @property
    def runs(self) -> Sequence[Run]:
        """What was read, newest first."""
        return self._read

    @property
    def shown(self) -> Sequence[Entry]:
        """What the filter accepts, newest first."""
        return self._shown

    def count(self, status: Status) -> int:
        return self._numbers[status]

    @property
    def complete(self) -> bool:
        """Whether nothing older can be shown."""
        return self._read_all or (self._found is not None and self._found.reached is None)

    @property
    def searched_back_to(self) -> datetime | None:
        """When the run began to which the search has come; None when none is under way."""
        return None if self._found is None or self.complete else self._found.back_to

    @property
    def total(self) -> int | None:
        """How many runs were read; None when it is not known of how many those shown are a choice."""
        return None if self.narrowed_by_status or self._found is not None else len(self._read)

    @property
    def narrowed_by_status(self) -> bool:
        """Whether only runs of some status are read, so that it is not known how many others there are."""
        return len(self._statuses) < len(_STATUSES)

    def observe(self, live: Mapping[str, LiveRun]) -> None:
        """Take over what the engine knows of the runs in progress."""
        self._live = live
        self._unended |= {run.run_id for run in live.values() if self.name in {None, run.connection}}
        for run in self._running.values():
            self._show(run)

    def narrow(self, text: str) -> bool:
        """Show only what this filter line accepts; whether the store is to be read again for that. It is asked only for
        runs of a status that can be accepted: of a million runs a few may have failed.
        """
        self.filter = parse_filter(text, RUN_VOCABULARY)
        statuses = self._possible_statuses()
        if statuses != self._statuses:
            self._statuses = statuses
            self._forget()
            return True
        self._forget_found()
        self._shown = [entry_for(run, self._live) for run in self._read if self.filter.accepts(run_facts(run))]
        return False

    def _possible_statuses(self) -> tuple[Status, ...]:
        """Those that the filter asks for; all when it does not ask for any."""
        asked = self.filter.asked("status", _STATUSES)
        return tuple(status for name, status in _STATUSES.items() if name in asked) or tuple(_STATUSES.values())

    def _forget(self) -> None:
        self._floor, self._read_all, self._found = None, False, None
        self._read, self._shown, self._running, self._numbers = [], [], {}, Counter()

    def _forget_found(self) -> None:
        """Keep what was read on end, and what goes on."""
        if self._found is not None:
            self._found = None
            self._read = [run for run in self._read if run.run_id >= (self._floor or 0) or run.ended is None]
            self._numbers = Counter(run.status for run in self._read)

    async def read_new(self) -> None:
        """Read the runs that began or changed since the last reading. What is older and has ended changes no more."""
        fresh = await self._page(None)
        if self._floor is None:
            self._take_page(fresh)
        else:
            newest = max(self._floor, *(run.run_id for run in self._read[:1]), 0)
            while fresh and fresh[-1].run_id > newest and (page := await self._page(fresh[-1].run_id)):
                fresh += page
        seen = {run.run_id for run in fresh}
        fresh += [
            await self._store.run(run_id) for run_id in self._unended | self._running.keys() if run_id not in seen
        ]
        self._unended = {run.run_id for run in fresh if run.ended is None}
        self._take(fresh)

    async def read_older(self) -> None:
        """Read the next page of older runs, or search on for some hundredths of a second."""
        if self._floor is None or self.complete:
            return
        if self._asks_for_status_only:
            self._take_page(await self._page(self._floor))
        else:
            before = self._floor if self._found is None else self._found.reached
            self._found = await self._store.search(self.filter, self.name, before=before, limit=PAGE)
            self._take(self._found.runs)

    def _take_page(self, page: Sequence[Run]) -> None:
        """Take over what comes next below the floor."""
        self._floor = page[-1].run_id if page else self._floor
        self._read_all = len(page) < PAGE
        self._take(page)

    @property
    def _asks_for_status_only(self) -> bool:
        others = {key: choice for key, choice in self.filter.choices.items() if key != "status"}
        return not replace(self.filter, choices=others)

    async def _page(self, before: int | None) -> list[Run]:
        if not self.narrowed_by_status:
            return await self._store.runs(self.name, before=before, limit=PAGE)
        pages = [
            await self._store.runs(self.name, before=before, limit=PAGE, status=status) for status in self._statuses
        ]
        return sorted(chain(*pages), key=lambda run: -run.run_id)[:PAGE]

    def _take(self, runs: Iterable[Run]) -> None:
        for run in runs:
            where = _where(self._read, run.run_id)
            known = self._read[where]
            now = [run] if run.status in self._statuses else []
            if known == now:
                continue
            self._read[where] = now
            self._numbers.subtract(before.status for before in known)
            self._numbers.update(after.status for after in now)
            if run.ended is None and now:
                self._running[run.run_id] = run
            else:
                self._running.pop(run.run_id, None)
            self._show(run)

    def _show(self, run: Run) -> None:
        where = _where(self._shown, run.run_id)
        wanted = run.status in self._statuses and self.filter.accepts(run_facts(run))
        self._shown[where] = [entry_for(run, self._live)] if wanted else []


def _where(newest_first: Sequence[Run] | Sequence[Entry], run_id: int) -> slice:
    """The place of a run: of one item where it is there, of none where it would have to come in between."""
    place = bisect_left(newest_first, -run_id, key=lambda item: -item.run_id)
    there = place < len(newest_first) and newest_first[place].run_id == run_id
    return slice(place, place + there)

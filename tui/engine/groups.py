"""Small files in groups: each step of a delivery for all of them before the next.

A group is what about a second brings, so that a session that breaks costs no more than that.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import monotonic, perf_counter

from tui.domain.failure import TransferFailed
from tui.domain.figures import count, size
from tui.domain.terms import Verify
from tui.engine.copying import Copier
from tui.engine.endings import Checked, Endings, raise_if_broken
from tui.engine.journal import Journal
from tui.engine.policy import Policy, require_room
from tui.engine.proving import prove_each
from tui.engine.sides import Sides
from tui.methods.base import BLOCK_SIZE, Entry, PartlyDelivered, Staged
from tui.store.base import Partial

_SECONDS = 1.0
"""After so long no more files are added to a group."""
_MOST_FILES = 512
_MOST_BYTES = 8 * 1024 * 1024
"""No group has more of them."""
_NAMED = 3
"""Names told of a group."""


class Group:
    """One group, over open sides. What happens is in the journal; a failure that breaks the session is raised."""

    def __init__(
        self,
        sides: Sides,
        verify: Verify,
        policy: Policy,
        journal: Journal,
        endings: Endings,
        partials: Mapping[str, Partial],
    ) -> None:
        self._sides = sides
        self._verify = verify
        self._policy = policy
        self._journal = journal
        self._endings = endings
        self._partials = partials
        self._at_once = min(sides.source.at_a_time, sides.target.at_a_time)
        self._copier = Copier(sides, journal)
        self._staged: list[Staged] = []
        self._files = 0
        self._bytes = 0
        self._room: int | None = None
        """Bytes for which the target has room, where it tells."""
        self._began = perf_counter()

    def takes(self, batch: Sequence[Entry]) -> bool:
        """Whether it is one small file that nothing has to be decided about."""
        if len(batch) > 1 or not self._sides.target.can_stage_ahead or self._policy.decides_one_by_one:
            return False
        return batch[0].size <= BLOCK_SIZE and batch[0].key not in self._partials

    async def deliver(self, waiting: deque[list[Entry]]) -> None:
        """Take files from the front of what waits and deliver what can be delivered of them."""
        try:
            await self._stage(waiting)
        except TransferFailed:
            # What lies complete at the target may still be proved: some sessions come back by themselves.
            with suppress(TransferFailed):
                await self._finish()
            raise
        await self._finish()

    async def _finish(self) -> None:
        checked = await self._prove() if self._staged else []
        published = await self._publish(checked) if checked else []
        await self._endings.settle_each([one.staged.entry for one in published])

    # Copy

    async def _stage(self, waiting: deque[list[Entry]]) -> None:
        self._room = await self._sides.target.free_space()
        ends = monotonic() + _SECONDS
        try:
            while monotonic() < ends and (some := self._next(waiting)):
                fitting = await self._fitting(some)
                await (self._stage_at_once(fitting) if self._at_once > 1 else self._stage_one_by_one(fitting))
                self._sides.alive()
        finally:
            self._tell("transfer", _told([staged.entry for staged in self._staged]))

    def _next(self, waiting: deque[list[Entry]]) -> list[Entry]:
        """Take away from the front what is moved at the same time next."""
        taken: list[Entry] = []
        while waiting and len(taken) < self._at_once and self.takes(waiting[0]) and self._has_place_for(*waiting[0]):
            taken += waiting.popleft()
            self._files += 1
            self._bytes += taken[-1].size
        return taken

    def _has_place_for(self, entry: Entry) -> bool:
        return self._files < _MOST_FILES and self._bytes + entry.size <= _MOST_BYTES

    async def _fitting(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those for which there is room, beside the others of this group."""
        fitting = []
        for entry in entries:
            self._journal.start(entry)
            try:
                require_room(entry, self._room)
            except TransferFailed as error:
                await self._give_up("transfer", [entry], [error])
                continue
            fitting.append(entry)
            self._room = None if self._room is None else self._room - entry.size
        return fitting

    async def _stage_one_by_one(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            try:
                self._staged.append(await self._copier.copy(entry, None))
            except TransferFailed as error:
                await self._give_up("transfer", [entry], [error])

    async def _stage_at_once(self, entries: Sequence[Entry]) -> None:
        contents = await self._sides.source.read_each(entries)
        read = [(entry, found) for entry, found in zip(entries, contents, strict=True) if isinstance(found, bytes)]
        digests = await asyncio.to_thread(_digests, [content for _, content in read])
        for entry, _ in read:
            self._journal.begin(entry)
        outcomes = await self._sides.target.stage_each(read)
        for (entry, content), digest, outcome in zip(read, digests, outcomes, strict=True):
            if outcome is None:
                self._staged.append(Staged(entry, len(content), digest))
                self._journal.advance(entry, len(content))
                self._journal.mark(entry, len(content))
        await self._give_up("transfer", [*entries, *(entry for entry, _ in read)], [*contents, *outcomes])

    # Prove and publish

    async def _prove(self) -> list[Checked]:
        verdicts = await prove_each(self._sides, self._staged, self._verify)
        checked = [
            Checked(one, proof) for one, proof in zip(self._staged, verdicts, strict=True) if isinstance(proof, str)
        ]
        for proof in dict.fromkeys(one.proof for one in checked):
            self._tell("verify", f"{_told([one.staged.entry for one in checked if one.proof == proof])}: {proof}")
        await self._give_up("verify", [staged.entry for staged in self._staged], verdicts)
        return checked

    async def _publish(self, checked: Sequence[Checked]) -> list[Checked]:
        """Publish, with the intent on record before and the delivery afterwards; returns what was published."""
        group = [one.staged for one in checked]
        await self._journal.record_intent(group)
        outcomes = await self._sides.target.publish_each(group)
        ended = list(zip(checked, outcomes, strict=True))
        published = [one for one, outcome in ended if outcome is None]
        self._tell("publish", _told([one.staged.entry for one in published]))
        await self._endings.record(published)
        for one, outcome in ended:
            if isinstance(outcome, PartlyDelivered):
                await self._endings.record([one], outcome.failure)
        failed = [(one.staged.entry, outcome) for one, outcome in ended if not isinstance(outcome, PartlyDelivered)]
        await self._give_up("publish", [entry for entry, _ in failed], [outcome for _, outcome in failed])
        return [one for one, outcome in ended if outcome is None or isinstance(outcome, PartlyDelivered)]

    async def _give_up(self, step: str, entries: Sequence[Entry], outcomes: Sequence[object]) -> None:
        """Those that have failed. Raises the first failure that breaks the session."""
        for entry, outcome in zip(entries, outcomes, strict=True):
            if isinstance(outcome, TransferFailed):
                self._sides.narrator.tell(step, str(outcome), ok=False)
                await self._endings.give_up(entry, outcome)
        raise_if_broken(outcomes)

    def _tell(self, step: str, detail: str) -> None:
        began, self._began = self._began, perf_counter()
        if detail:
            self._sides.narrator.tell(step, detail, ms=(self._began - began) * 1000)


def _digests(contents: Sequence[bytes]) -> list[str]:
    return [hashlib.sha256(content).hexdigest() for content in contents]


def _told(entries: Sequence[Entry]) -> str:
    """The group in a few words."""
    names = ", ".join(entry.target_name for entry in entries[:_NAMED])
    if len(entries) <= _NAMED:
        return names
    others, together = count(len(entries) - _NAMED, "more file"), size(sum(entry.size for entry in entries))
    return f"{names} and {others}, {together} in all"

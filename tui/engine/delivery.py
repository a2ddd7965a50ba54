"""Delivers files: copy, verify, publish, put on record, then the after-action. In this order, always.

The order is what the promises rest on. A file gets its final name only after both sides agree on its size and the
source has not changed; it counts as delivered only after it has its final name; and its source is touched only after
the delivery is durable in the store. Small files go through it in groups (`groups.py`), each step for all of them
before the next: what costs the same for one and for a hundred is then paid once.
"""

from collections import deque
from collections.abc import Mapping, Sequence

from tui.domain.failure import Failure, TransferFailed
from tui.domain.terms import Verify
from tui.domain.text import printable
from tui.engine.copying import Copier
from tui.engine.endings import Checked, Endings
from tui.engine.groups import Group
from tui.engine.journal import Journal
from tui.engine.policy import Policy
from tui.engine.proving import prove
from tui.engine.sides import Sides
from tui.methods.base import Entry, OutcomeUnknown, PartlyDelivered, Staged, breaks
from tui.store.base import Delivery, Partial


class Deliverer:
    """Delivers files of one attempt over an open source and an open target. `partials`: what earlier attempts have
    left, by the key of the source file."""

    def __init__(
        self,
        sides: Sides,
        verify: Verify,
        policy: Policy,
        journal: Journal,
        endings: Endings,
        partials: Mapping[str, Partial],
    ) -> None:
        self._source = sides.source
        self._target = sides.target
        self._narrator = sides.narrator
        self._sides = sides
        self._copier = Copier(sides, journal)
        self._verify = verify
        self._policy = policy
        self._journal = journal
        self._partials = partials
        self.endings = endings

    async def deliver(self, waiting: deque[list[Entry]]) -> None:
        """Take the first batch, or as many small files as about a second takes, and deliver what can be delivered of
        it. What fails is on record in the journal; a failure that breaks the session is raised as well."""
        group = Group(self._sides, self._verify, self._policy, self._journal, self.endings, self._partials)
        if group.takes(waiting[0]):
            await group.deliver(waiting)
        else:
            batch = waiting.popleft()
            async with self._sides.large_file:
                await self._deliver_together(batch)

    async def _deliver_together(self, batch: Sequence[Entry]) -> None:
        remaining = [entry for entry in batch if not await self._was_published(entry)]
        checked = await self._stage_all(remaining)
        if not checked:
            return
        try:
            complaint = await self._publish([one.staged for one in checked])
        except TransferFailed as error:
            for one in checked:
                await self.endings.give_up(one.staged.entry, error)
            if breaks(error):
                raise
            return
        await self.endings.record(checked, complaint)
        for one in checked:
            await self.endings.settle(one.staged.entry)

    async def _stage_all(self, entries: Sequence[Entry]) -> list[Checked]:
        """What is ready to be published of them."""
        checked = []
        for entry in entries:
            one = await self._stage_or_fail(entry)
            if one is not None:
                checked.append(one)
            elif self._target.all_or_none and (failure := self._journal.record(entry).failure) is not None:
                await self.leave_out([other for other in entries if other is not entry], entry, failure)
                return []
        return checked

    async def leave_out(self, entries: Sequence[Entry], failed: Entry, failure: Failure) -> None:
        """A retry helps them exactly if it helps the one that has failed: none of them goes without it."""
        for entry in entries:
            others = f"all files go together, and {printable(failed.name)} could not"
            why = f"{entry.name} was not sent: {others}. {failure.message}"
            await self.endings.give_up(entry, TransferFailed(failure.failure_class, why, remedy=failure.remedy))

    async def _publish(self, batch: Sequence[Staged]) -> Failure | None:
        """Publish, with the intent on record first; returns what is to complain about a delivery that has happened."""
        await self._journal.record_intent(batch)
        try:
            with self._narrator.step("publish", ", ".join(staged.entry.target_name for staged in batch)):
                await self._target.publish(batch)
        except PartlyDelivered as partly:
            return partly.failure
        return None

    async def _was_published(self, entry: Entry) -> bool:
        """An earlier attempt was cut short between its publishing and its record: has it happened?"""
        partial = self._partials.get(entry.key)
        if partial is None or partial.sha256 is None or (partial.size, partial.mtime) != (entry.size, entry.mtime):
            return False
        staged = Staged(entry.called(partial.target_name), partial.size, partial.sha256)
        try:
            if await self._target.staged_size(staged.entry) is not None:
                # Publishing would have taken it away. A look at the final name alone could take an older file of the
                # same size for it, where the other side tells no more.
                return False
            published = await self._target.has_published(staged)
        except TransferFailed as error:
            self._journal.fail(entry, error.failure)
            raise
        if published is None:
            unknown = OutcomeUnknown(f"An earlier run did not see whether {entry.name} was delivered.")
            self._narrator.tell("publish", str(unknown), ok=False)
            self.endings.leave_to_somebody(entry, unknown)
            return True
        if published:
            self._narrator.tell("publish", f"{entry.name}: an earlier attempt had delivered it already")
            how = "found complete under its final name"
            await self.endings.record([Checked(staged, how)])
            await self.endings.settle(entry)
        return published

    async def _stage_or_fail(self, entry: Entry) -> Checked | None:
        self._journal.start(entry)
        try:
            entry = await self._policy.named(entry)
            if await self._is_repeated(entry, await self._policy.known_before_copying(entry)):
                return None
            await self._policy.check_space(entry)
            with self._narrator.step("transfer") as note:
                staged = await self._copier.copy(entry, self._partials.get(entry.key))
                note.detail = f"{entry.name}: {staged.size} bytes, SHA-256 {staged.sha256}"
            if await self._is_repeated(entry, staged.sha256):
                await self._target.discard(entry)
                return None
            with self._narrator.step("verify") as note:
                proof = await prove(self._sides, staged, self._verify)
                note.detail = f"{entry.name}: {proof}"
        except TransferFailed as error:
            await self.endings.give_up(entry, error)
            if breaks(error):
                raise
            return None
        return Checked(staged, proof)

    async def _is_repeated(self, entry: Entry, sha256: str | None) -> bool:
        """Whether the connection does not want this content again; then it is on record as skipped, and as known."""
        earlier = await self._policy.earlier(entry, sha256)
        if earlier is None:
            return False
        self.endings.skip(entry, earlier)
        line = Delivery(entry.key, entry.size, entry.mtime, earlier.sha256, earlier.run_id, entry.alias)
        await self._journal.record_delivery([line])
        return True

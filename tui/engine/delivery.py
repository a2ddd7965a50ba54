"""Delivers one batch of files: copy, verify, publish, put on record, then the after-action. In this order, always.

The order is what the promises rest on. A file gets its final name only after both sides agree on its size and the
source has not changed; it counts as delivered only after it has its final name; and its source is touched only after
the delivery is durable in the store.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tui.domain.connection import Verify
from tui.domain.failure import Failure, FailureClass, TransferFailed
from tui.engine.copying import Copier
from tui.engine.journal import Journal
from tui.engine.policy import Policy
from tui.engine.proving import prove
from tui.engine.sides import Sides
from tui.methods.base import Entry, OutcomeUnknown, PartlyDelivered, Staged
from tui.store.base import Delivery, Partial

_BREAKS_THE_SESSION = frozenset(
    {
        FailureClass.AUTH,
        FailureClass.HOST_KEY,
        FailureClass.TLS,
        FailureClass.NETWORK,
        FailureClass.TIMEOUT,
        FailureClass.REFUSED,
    }
)
"""Failures after which the other files of the run have nothing to hope for on this session."""


@dataclass(frozen=True, slots=True)
class _Checked:
    """A staged file with the words that say how it was proved."""

    staged: Staged
    proof: str


class Deliverer:
    """Delivers batches of one attempt over an open source and an open target. `partials`: what earlier attempts have
    left, by the key of the source file."""

    def __init__(
        self,
        sides: Sides,
        verify: Verify,
        policy: Policy,
        journal: Journal,
        run_id: int,
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
        self._run_id = run_id
        self._partials = partials
        self.undecided: set[str] = set()
        """Files of which nobody knows whether they were delivered, by their keys: not to be tried again."""

    async def deliver(self, batch: Sequence[Entry]) -> None:
        """Deliver what can be delivered of the batch. What fails is on record in the journal; a failure that breaks the
        session is raised as well."""
        remaining = [entry for entry in batch if not await self._was_published(entry)]
        checked = [one for entry in remaining if (one := await self._stage_or_fail(entry)) is not None]
        if not checked:
            return
        try:
            complaint = await self._publish([one.staged for one in checked])
        except TransferFailed as error:
            for one in checked:
                await self._give_up(one.staged.entry, error)
            if error.failure.failure_class in _BREAKS_THE_SESSION:
                raise
            return
        await self._record(checked, complaint)
        for one in checked:
            await self.settle(one.staged.entry)

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
            published = await self._target.has_published(staged)
        except TransferFailed as error:
            self._journal.fail(entry, error.failure)
            raise
        if published is None:
            unknown = OutcomeUnknown(f"An earlier run did not see whether {entry.name} was delivered.")
            self._narrator.tell("publish", str(unknown), ok=False)
            self._leave_to_somebody(entry, unknown)
            return True
        if published:
            self._narrator.tell("publish", f"{entry.name}: an earlier attempt had delivered it already")
            how = "found complete under its final name"
            await self._record([_Checked(staged, how)], None)
            await self.settle(entry)
        return published

    async def settle(self, entry: Entry) -> None:
        """Do the after-action of a delivered file, if it is still the one that was delivered. A failure is on record;
        one that breaks the session is raised."""
        try:
            if self._policy.touches_source and await self._was_replaced(entry):
                self._narrator.tell("after", f"{entry.name} is another file by now; it is left for the next run")
                return
            await self._source.settle(entry)
            self._journal.settled(entry)
        except TransferFailed as error:
            self._narrator.tell("after", str(error), ok=False)
            self._journal.settle_failed(entry, error.failure)
            if error.failure.failure_class in _BREAKS_THE_SESSION:
                raise

    async def _was_replaced(self, entry: Entry) -> bool:
        fresh = await self._source.stat(entry)
        return fresh is not None and (fresh.size, fresh.mtime) != (entry.size, entry.mtime)

    async def _stage_or_fail(self, entry: Entry) -> _Checked | None:
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
            await self._give_up(entry, error)
            if error.failure.failure_class in _BREAKS_THE_SESSION:
                raise
            return None
        return _Checked(staged, proof)

    async def _is_repeated(self, entry: Entry, sha256: str | None) -> bool:
        """Whether the connection does not want this content again; then it is on record as skipped, and as known."""
        earlier = await self._policy.earlier(entry, sha256)
        if earlier is None:
            return False
        self.skip(entry, earlier)
        line = Delivery(entry.key, entry.size, entry.mtime, earlier.sha256, earlier.run_id, entry.alias)
        await self._journal.record_delivery([line])
        return True

    def skip(self, entry: Entry, earlier: Delivery) -> None:
        """The file is not moved because of an earlier delivery."""
        same = "the same content" if earlier.key != entry.key else "a file of this name"
        why = f"skipped: run {earlier.run_id} delivered {same} ({earlier.key.rpartition('/')[2]})"
        self._narrator.tell("plan", f"{entry.name}: {why}")
        self._journal.skip(entry, why)

    async def _give_up(self, entry: Entry, error: TransferFailed) -> None:
        """The attempt at this file is over. What is staged stays where a later attempt can build on it."""
        if isinstance(error, OutcomeUnknown):
            self._leave_to_somebody(entry, error)
            return
        self._journal.fail(entry, error.failure)
        if self._target.resumes and _leaves_good_bytes(error.failure):
            return
        try:
            await self._target.discard(entry)
            await self._journal.forget_partials([entry.key])
        except TransferFailed as left_behind:
            # The file's own failure is what counts. A partial that stays is overwritten or removed by a later run.
            self._narrator.tell("discard", str(left_behind), ok=False)

    def _leave_to_somebody(self, entry: Entry, error: OutcomeUnknown) -> None:
        self._journal.fail(entry, error.failure)
        self.undecided.add(entry.key)

    async def _record(self, checked: Sequence[_Checked], complaint: Failure | None) -> None:
        ledger = []
        for one in checked:
            entry, sha256 = one.staged.entry, one.staged.sha256
            self._journal.complete(entry, sha256, one.proof, complaint)
            ledger.append(Delivery(entry.key, entry.size, entry.mtime, sha256, self._run_id, entry.alias))
        # Shielded: once published, a cancel must not keep the delivery off the record.
        await asyncio.shield(self._journal.record_delivery(ledger))


def _leaves_good_bytes(failure: Failure) -> bool:
    return failure.retryable and failure.failure_class is not FailureClass.INTEGRITY

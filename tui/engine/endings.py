"""How it ends with a file: delivered and on record, skipped, or given up. Then the after-action."""

import asyncio
from collections.abc import Sequence, Set
from dataclasses import dataclass

from tui.domain.failure import Failure, FailureClass, TransferFailed
from tui.engine.journal import Journal
from tui.engine.policy import Policy
from tui.engine.sides import Sides
from tui.methods.after_action import ChangedMeanwhile, StillAside
from tui.methods.base import Entry, OutcomeUnknown, Staged, breaks
from tui.store.base import Delivery


@dataclass(frozen=True, slots=True)
class Checked:
    """A staged file with the words that say how it was proved."""

    staged: Staged
    proof: str


class Endings:
    """Ends files of one attempt. What happens is in the journal. `undecided` collects the keys of the files of which
    nobody knows whether they were delivered: they are not to be tried again. `stuck` has the keys of those that cannot
    be set aside, because an earlier file of their name still is."""

    def __init__(
        self, sides: Sides, policy: Policy, journal: Journal, run_id: int, undecided: set[str], stuck: Set[str]
    ) -> None:
        self._source = sides.source
        self._target = sides.target
        self._narrator = sides.narrator
        self._policy = policy
        self._journal = journal
        self._run_id = run_id
        self._undecided = undecided
        self._stuck = stuck

    async def record(self, checked: Sequence[Checked], complaint: Failure | None = None) -> None:
        """They have their final names: from here on they count as delivered. `complaint`: what makes the run a failed
        one all the same."""
        ledger = []
        for one in checked:
            entry, sha256 = one.staged.entry, one.staged.sha256
            self._journal.complete(entry, sha256, one.proof, complaint)
            ledger.append(Delivery(entry.key, entry.size, entry.mtime, sha256, self._run_id, entry.alias))
        # Shielded: once published, a cancel must not keep the delivery off the record.
        await asyncio.shield(self._journal.record_delivery(ledger))

    def skip(self, entry: Entry, earlier: Delivery) -> None:
        """The file is not moved because of an earlier delivery."""
        same = "the same content" if earlier.key != entry.key else "a file of this name"
        why = f"skipped: run {earlier.run_id} delivered {same} ({earlier.key.rpartition('/')[2]})"
        self._narrator.tell("plan", f"{entry.name}: {why}")
        self._journal.skip(entry, why)

    async def give_up(self, entry: Entry, error: TransferFailed) -> None:
        """The attempt at this file is over. What is staged stays where a later attempt can build on it."""
        if isinstance(error, OutcomeUnknown):
            self.leave_to_somebody(entry, error)
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

    def leave_to_somebody(self, entry: Entry, error: OutcomeUnknown) -> None:
        """Whether the file was delivered is for people to find out."""
        self._journal.fail(entry, error.failure)
        self._undecided.add(entry.key)

    async def settle(self, entry: Entry) -> None:
        """Do the after-action of a delivered file, if it is still the one that was delivered. A failure is on record;
        one that breaks the session is raised."""
        await self.settle_each([entry])

    async def settle_each(self, entries: Sequence[Entry]) -> None:
        """`settle` of each, as many together as the source likes."""
        if not self._policy.touches_source:
            return
        for entry in entries:
            if entry.key in self._stuck:
                self.not_settled(entry, StillAside(entry))
        free = [entry for entry in entries if entry.key not in self._stuck]
        for start in range(0, len(free), self._source.at_a_time):
            await self._settle_some(free[start : start + self._source.at_a_time])

    async def _settle_some(self, entries: Sequence[Entry]) -> None:
        fresh = await self._source.stat_each(entries)
        same = []
        for entry, now in zip(entries, fresh, strict=True):
            if isinstance(now, TransferFailed):
                self.not_settled(entry, now)
            elif now is not None and (now.size, now.mtime) != (entry.size, entry.mtime):
                self._narrator.tell("after", str(ChangedMeanwhile(entry)))
            else:
                same.append(entry)
        outcomes = await self._source.settle_each(same)
        for entry, outcome in zip(same, outcomes, strict=True):
            if outcome is None:
                self._journal.settled(entry)
            elif isinstance(outcome, ChangedMeanwhile):
                self._narrator.tell("after", str(outcome))
            else:
                self.not_settled(entry, outcome)
        raise_if_broken([*fresh, *outcomes])

    def not_settled(self, entry: Entry, error: TransferFailed) -> None:
        """The after-action of a delivered file has failed."""
        self._narrator.tell("after", str(error), ok=False)
        self._journal.settle_failed(entry, error.failure)


def raise_if_broken(outcomes: Sequence[object]) -> None:
    """Raise the first failure after which the other files have nothing to hope for on this session."""
    for outcome in outcomes:
        if isinstance(outcome, TransferFailed) and breaks(outcome):
            raise outcome


def _leaves_good_bytes(failure: Failure) -> bool:
    return failure.retryable and failure.failure_class is not FailureClass.INTEGRITY

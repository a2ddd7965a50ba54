"""Delivers one batch of files: copy, verify, publish, put on record, then the after-action. In this order, always.

The order is what the promises rest on. A file gets its final name only after both sides agree on its size and the
source has not changed; it counts as delivered only after it has its final name; and its source is touched only after
the delivery is durable in the store.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from tui.domain.connection import Verify
from tui.domain.failure import Failure, FailureClass, TransferFailed
from tui.engine.journal import Journal
from tui.engine.sides import Sides
from tui.methods.base import Entry, PartlyDelivered, Proof, Staged
from tui.store.base import Delivery

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
    """Delivers batches of one attempt over an open source and an open target."""

    def __init__(self, sides: Sides, verify: Verify, journal: Journal, run_id: int) -> None:
        self._source = sides.source
        self._target = sides.target
        self._narrator = sides.narrator
        self._alive = sides.alive
        self._verify = verify
        self._journal = journal
        self._run_id = run_id

    async def deliver(self, batch: Sequence[Entry]) -> None:
        """Deliver what can be delivered of the batch. What fails is on record in the journal; a failure that breaks the
        session is raised as well."""
        checked = [one for entry in batch if (one := await self._stage_or_fail(entry)) is not None]
        if not checked:
            return
        complaint: Failure | None = None
        try:
            with self._narrator.step("publish", _names([one.staged.entry for one in checked])):
                await self._target.publish([one.staged for one in checked])
        except PartlyDelivered as partly:
            complaint = partly.failure
        except TransferFailed as error:
            for one in checked:
                await self._give_up(one.staged.entry, error)
            if error.failure.failure_class in _BREAKS_THE_SESSION:
                raise
            return
        await self._record(checked, complaint)
        for one in checked:
            await self.settle(one.staged.entry)

    async def settle(self, entry: Entry) -> None:
        """Do the after-action of a delivered file. A failure is on record; one that breaks the session is raised."""
        try:
            await self._source.settle(entry)
            self._journal.settled(entry)
        except TransferFailed as error:
            self._narrator.tell("after", str(error), ok=False)
            self._journal.settle_failed(entry, error.failure)
            if error.failure.failure_class in _BREAKS_THE_SESSION:
                raise

    async def _stage_or_fail(self, entry: Entry) -> _Checked | None:
        self._journal.start(entry)
        try:
            with self._narrator.step("transfer") as note:
                staged = await self._copy(entry)
                note.detail = f"{entry.name}: {staged.size} bytes, SHA-256 {staged.sha256}"
            with self._narrator.step("verify") as note:
                proof = await self._prove(entry, staged)
                note.detail = f"{entry.name}: {proof}"
        except TransferFailed as error:
            await self._give_up(entry, error)
            if error.failure.failure_class in _BREAKS_THE_SESSION:
                raise
            return None
        return _Checked(staged, proof)

    async def _copy(self, entry: Entry) -> Staged:
        digest = hashlib.sha256()
        size = 0
        loop = asyncio.get_running_loop()
        async with self._source.read(entry) as blocks, self._target.stage(entry) as writer:
            async for block in blocks:
                self._alive()
                # Hashing releases the interpreter lock, so it goes on beside the write.
                hashing = loop.run_in_executor(None, digest.update, block)
                try:
                    await writer.write(block)
                finally:
                    await hashing
                size += len(block)
                self._journal.advance(entry, len(block))
                self._alive()
        return Staged(entry, size, digest.hexdigest())

    async def _prove(self, entry: Entry, staged: Staged) -> str:
        """How the staged file was shown to equal its source, in words. Raises TransferFailed (integrity) if not."""
        fresh = await self._source.stat(entry)
        if fresh is None:
            raise TransferFailed(FailureClass.INTEGRITY, f"{entry.name} vanished from the source while it was copied.")
        if (fresh.size, fresh.mtime) != (entry.size, entry.mtime):
            raise TransferFailed(FailureClass.INTEGRITY, f"{entry.name} changed at the source while it was copied.")
        if staged.size != entry.size:
            raise TransferFailed(
                FailureClass.INTEGRITY, f"{entry.name} has {entry.size} bytes, but {staged.size} could be read."
            )
        there = await self._target.staged_size(entry)
        if there != staged.size:
            raise TransferFailed(
                FailureClass.INTEGRITY,
                f"{staged.size} bytes of {entry.name} were written, but the other side has {there or 'no'} bytes.",
            )
        if self._verify is Verify.SIZE:
            return "sizes equal on both sides"
        proofs = [proof for proof in await self._proofs(entry) if proof is not None]
        for proof in proofs:
            if proof.sha256 != staged.sha256:
                raise TransferFailed(
                    FailureClass.INTEGRITY,
                    f"{entry.name} arrived with other content: SHA-256 {staged.sha256} was sent, {proof.sha256} found "
                    f"({proof.how}).",
                )
        return "; ".join(["sizes equal on both sides", *(proof.how for proof in proofs)])

    async def _proofs(self, entry: Entry) -> list[Proof | None]:
        reread = self._verify is Verify.REREAD
        return [await self._target.staged_proof(entry, reread=reread), await self._source.source_proof(entry)]

    async def _give_up(self, entry: Entry, error: TransferFailed) -> None:
        self._journal.fail(entry, error.failure)
        try:
            await self._target.discard(entry)
        except TransferFailed as left_behind:
            # The file's own failure is what counts. A partial that stays is overwritten by the next attempt.
            self._narrator.tell("discard", str(left_behind), ok=False)

    async def _record(self, checked: Sequence[_Checked], complaint: Failure | None) -> None:
        ledger = []
        for one in checked:
            entry, sha256 = one.staged.entry, one.staged.sha256
            self._journal.complete(entry, sha256, one.proof, complaint)
            ledger.append(Delivery(entry.key, entry.size, entry.mtime, sha256, self._run_id))
        # Shielded: once published, a cancel must not keep the delivery off the record.
        await asyncio.shield(self._journal.record_delivery(ledger))


def _names(entries: Sequence[Entry]) -> str:
    return ", ".join(entry.target_name for entry in entries)

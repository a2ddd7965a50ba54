"""Shows that a staged file equals its source, before it gets its final name."""

from tui.domain.connection import Verify
from tui.domain.failure import FailureClass, TransferFailed
from tui.engine.sides import Sides
from tui.methods.base import Entry, Proof, Staged


async def prove(sides: Sides, staged: Staged, verify: Verify) -> str:
    """How the staged file was shown to equal its source, in words. Raises TransferFailed (integrity) if it was not."""
    entry = staged.entry
    await _check_source(sides, entry)
    if staged.size != entry.size:
        raise _broken(f"{entry.name} has {entry.size} bytes, but {staged.size} could be read.")
    there = await sides.target.staged_size(entry)
    if there != staged.size:
        raise _broken(
            f"{staged.size} bytes of {entry.name} were written, but the other side has {there or 'no'} bytes."
        )
    proofs = [] if verify is Verify.SIZE else await _proofs(sides, entry, reread=verify is Verify.REREAD)
    for proof in proofs:
        if proof.sha256 != staged.sha256:
            raise _broken(
                f"{entry.name} arrived with other content: SHA-256 {staged.sha256} was sent, {proof.sha256} found "
                f"({proof.how})."
            )
    return "; ".join(["sizes equal on both sides", *(proof.how for proof in proofs)])


async def _check_source(sides: Sides, entry: Entry) -> None:
    fresh = await sides.source.stat(entry)
    if fresh is None:
        raise _broken(f"{entry.name} vanished from the source while it was copied.")
    if (fresh.size, fresh.mtime) != (entry.size, entry.mtime):
        raise _broken(f"{entry.name} changed at the source while it was copied.")


async def _proofs(sides: Sides, entry: Entry, *, reread: bool) -> list[Proof]:
    found = [await sides.target.staged_proof(entry, reread=reread), await sides.source.source_proof(entry)]
    return [proof for proof in found if proof is not None]


def _broken(sentence: str) -> TransferFailed:
    return TransferFailed(FailureClass.INTEGRITY, sentence)

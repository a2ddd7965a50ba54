"""Shows that staged files equal their sources, before they get their final names."""

from collections.abc import Sequence
from sys import intern

from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.terms import Verify
from tui.engine.sides import Sides
from tui.methods.base import Each, Entry, Proof, Staged


async def prove(sides: Sides, staged: Staged, verify: Verify) -> str:
    """How the staged file was shown to equal its source, in words. Raises TransferFailed (integrity) if it was not."""
    (proof,) = await prove_each(sides, [staged], verify)
    if isinstance(proof, TransferFailed):
        raise proof
    return proof


async def prove_each(sides: Sides, group: Sequence[Staged], verify: Verify) -> Each[str]:
    """`prove` of each of several files, with as few questions to both sides as they need."""
    entries = [staged.entry for staged in group]
    fresh = await sides.source.stat_each(entries)
    there = await sides.target.staged_size_each(entries)
    doubts = [_doubt(*facts) for facts in zip(group, fresh, there, strict=True)]
    sound = [entry for entry, doubt in zip(entries, doubts, strict=True) if doubt is None]
    proofs = iter([] if verify is Verify.SIZE else await _proofs(sides, sound, reread=verify is Verify.REREAD))
    verdicts: Each[str] = []
    for staged, doubt in zip(group, doubts, strict=True):
        verdicts.append(_verdict(staged, next(proofs, [])) if doubt is None else doubt)
    return verdicts


def _doubt(
    staged: Staged, fresh: Entry | TransferFailed | None, there: int | TransferFailed | None
) -> TransferFailed | None:
    """What sizes and times say against the file, if anything."""
    entry = staged.entry
    if isinstance(fresh, TransferFailed):
        return fresh
    if fresh is None:
        return _broken(f"{entry.name} vanished from the source while it was copied.")
    if (fresh.size, fresh.mtime) != (entry.size, entry.mtime):
        return _broken(f"{entry.name} changed at the source while it was copied.")
    if staged.size != entry.size:
        return _broken(f"{entry.name} has {entry.size} bytes, but {staged.size} could be read.")
    if isinstance(there, TransferFailed):
        return there
    if there != staged.size:
        return _broken(
            f"{staged.size} bytes of {entry.name} were written, but the other side has {there or 'no'} bytes."
        )
    return None


async def _proofs(sides: Sides, entries: Sequence[Entry], *, reread: bool) -> list[list[Proof | TransferFailed]]:
    """What each side says of the content of each file, where it says anything."""
    from_target = await sides.target.staged_proof_each(entries, reread=reread)
    from_source = await sides.source.source_proof_each(entries)
    return [[proof for proof in proofs if proof is not None] for proofs in zip(from_target, from_source, strict=True)]


def _verdict(staged: Staged, proofs: Sequence[Proof | TransferFailed]) -> str | TransferFailed:
    said = ["sizes equal on both sides"]
    for proof in proofs:
        if isinstance(proof, TransferFailed):
            return proof
        if proof.sha256 != staged.sha256:
            return _broken(
                f"{staged.entry.name} arrived with other content: SHA-256 {staged.sha256} was sent, "
                f"{proof.sha256} found ({proof.how})."
            )
        said.append(proof.how)
    # One text for all files that are proved alike: each record holds it to the end of the run.
    return intern("; ".join(said))


def _broken(sentence: str) -> TransferFailed:
    return TransferFailed(FailureClass.INTEGRITY, sentence)

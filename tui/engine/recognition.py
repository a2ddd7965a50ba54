"""Which of the files at the source the ledger knows, also under another key than it knows them by."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tui.domain.failure import TransferFailed
from tui.methods.base import Entry, Source, breaks
from tui.store.base import Delivery, Store


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger knows of files."""

    by_key: dict[str, Delivery]
    renumbered: list[Delivery]
    """Those of them that it knows under another key only, such as mails of a mailbox that was rebuilt."""


async def recognize(
    store: Store, name: str, source: Source, candidates: Sequence[Entry], alive: Callable[[], None]
) -> Known:
    """Look the candidates of a connection up. `alive` is called while files are read. Raises TransferFailed when the
    session breaks.

    An alias is no proof, for there are senders that use one Message-ID for every mail: a file that only its alias makes
    known is read, and known when a delivery under that alias had the same content.
    """
    by_key = await store.deliveries(name, [entry.key for entry in candidates])
    unknown = [entry for entry in candidates if entry.key not in by_key and entry.problem is None]
    aliases = {entry.alias for entry in unknown if entry.alias is not None}
    renumbered = []
    if aliases:
        deliveries = await store.deliveries_by_alias(name, sorted(aliases))
        for entry in unknown:
            alike = [one for one in deliveries if one.alias == entry.alias and one.size == entry.size]
            found = await _of_same_content(source, entry, alike, alive)
            if found is not None:
                renumbered.append(Delivery(entry.key, entry.size, entry.mtime, found.sha256, found.run_id, entry.alias))
    return Known(by_key | {line.key: line for line in renumbered}, renumbered)


async def content_digest(source: Source, entry: Entry, alive: Callable[[], None]) -> str:
    """The SHA-256 of what a file holds now, in hexadecimal. `alive` is called for each block. Raises TransferFailed."""
    digest = hashlib.sha256()
    async with source.read(entry) as blocks:
        async for block in blocks:
            alive()
            await asyncio.to_thread(digest.update, block)
    return digest.hexdigest()


async def _of_same_content(
    source: Source, entry: Entry, deliveries: Sequence[Delivery], alive: Callable[[], None]
) -> Delivery | None:
    if not deliveries:
        return None
    try:
        content = await content_digest(source, entry, alive)
    except TransferFailed as error:
        if breaks(error):
            raise
        # Told when the file is moved, as a failure of that file.
        return None
    return next((one for one in deliveries if one.sha256 == content), None)

"""Ends the after-action of files that a run, killed or cut off, has left set aside (`methods/after_action.py`).

That their deliveries are on record was the condition for touching them, so the ledger tells which of them are still
what was delivered. These go on their way; the others get their names back and are delivered like any new file.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from tui.domain.failure import TransferFailed
from tui.domain.naming import name_before_aside
from tui.engine.endings import Endings
from tui.engine.journal import Journal
from tui.engine.recognition import content_digest
from tui.engine.sides import Sides
from tui.methods.after_action import set_aside
from tui.methods.base import Entry, Source, breaks
from tui.store.base import Delivery, Store


class Leftovers:
    """Those of one connection, over open sides."""

    def __init__(self, sides: Sides, store: Store, name: str, journal: Journal, endings: Endings) -> None:
        self._source = sides.source
        self._alive = sides.alive
        self._narrator = sides.narrator
        self._store = store
        self._name = name
        self._journal = journal
        self._endings = endings

    async def settle(self, found: Sequence[Entry]) -> set[str]:
        """End what can be ended; `found` has the files as they are called now. Returns the keys of files that must not
        be set aside, because what was set aside of an earlier one of their names is still there. A failure that breaks
        the session is raised."""
        entries = [_before(entry) for entry in found]
        ledger = await self._store.deliveries(self._name, [entry.key for entry in entries])
        stuck = set()
        for entry in entries:
            delivery = ledger.get(entry.key)
            if delivery is None:
                # Another connection delivers from this folder as well.
                stuck.add(entry.key)
                self._narrator.tell("after", f"{set_aside(entry).name} was set aside by another connection")
                continue
            try:
                await self._settle(entry, delivery)
            except TransferFailed as error:
                stuck.add(entry.key)
                self._endings.not_settled(entry, error)
                if breaks(error):
                    raise
        return stuck

    async def _settle(self, entry: Entry, delivery: Delivery) -> None:
        delivered = await _is_what_was_delivered(self._source, entry, delivery, self._alive)
        if delivered is None:
            return
        await self._source.settle_aside(entry, delivered=delivered)
        if delivered:
            self._journal.settled(entry)
            self._narrator.tell("after", f"{entry.name}: finished with it, which an earlier run had begun")
        else:
            self._narrator.tell("after", f"{entry.name} had been set aside and is another file by now; it is back")


async def _is_what_was_delivered(
    source: Source, entry: Entry, delivery: Delivery, alive: Callable[[], None]
) -> bool | None:
    """None when it is gone. Where a rename changes times, or the other side tells none, only the content tells."""
    aside = await source.stat(set_aside(entry))
    if aside is None:
        return None
    if aside.size != delivery.size:
        return False
    if aside.mtime is not None and aside.mtime == delivery.mtime:
        return True
    content = await content_digest(source, replace(set_aside(entry), size=aside.size, mtime=aside.mtime), alive)
    return content == delivery.sha256


def _before(entry: Entry) -> Entry:
    """The file under the name that it had."""
    return Entry.named(name_before_aside(entry.name), entry.size, entry.mtime, name_before_aside(entry.key))

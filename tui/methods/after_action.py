"""What happens to a file at its source once its delivery is on record: it is deleted, or moved into another folder.

Its sender may write to it at any moment, and what is deleted cannot be put back. So the file is first set aside, under
a name that nobody else uses, and looked at there. From then on nobody finds it under the name he knows: what he writes
now is a file of its own. If it is still what was delivered it goes; if not, it gets its name back, and the next run
delivers it. A run that is killed in between leaves it set aside, where the next one finds it in its listing and knows
from the ledger what to do (`engine/leftovers.py`).

What remains is a sender that has held the file open all the time and writes to it after that look.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.naming import aside_name
from tui.domain.terms import After
from tui.methods.base import Each, Entry, Source, breaks
from tui.methods.narration import Narrator


class ChangedMeanwhile(TransferFailed):
    """The file is not the one that was delivered any more. It lies where it was."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(FailureClass.INTEGRITY, f"{entry.name} is another file by now; it is left for the next run.")


class LeftAside(TransferFailed):
    """The file had changed, was taken away undelivered and cannot be put back."""

    def __init__(self, entry: Entry, place: str, why: str) -> None:
        super().__init__(
            FailureClass.REJECTED,
            f"{entry.name} was changed while it was taken away after its delivery. As it is now, in {place}, it was "
            f"not delivered, and it cannot be put back: {why}",
            remedy=f"Move it from {place} back to where it came from; the next run delivers it.",
        )


class StillAside(TransferFailed):
    """The file stays where it is, because an earlier one of its name is set aside and does not go back."""

    def __init__(self, entry: Entry) -> None:
        aside = set_aside(entry)
        super().__init__(
            FailureClass.REJECTED,
            f"{entry.name} is delivered and stays where it is: an earlier file of its name, in {aside.key}, was not.",
            remedy=f"Give {aside.key} another name that matches; the next run delivers it.",
        )


class Places(Protocol):
    """Does with the files of a source folder what an after-action needs. Of several files nothing is done one after the
    other that can be done at once."""

    async def look_each(self, entries: Sequence[Entry]) -> Each[Entry | None]:
        """What lies under each name; None where there is nothing."""

    async def rename_each(self, files: Sequence[tuple[Entry, Entry]]) -> Each[None]:
        """Rename the first of each two to the second, of whose name there is nothing."""

    async def put_back(self, place: Entry, entry: Entry) -> None:
        """Rename it to what it was, unless there is something of that name again. Raises TransferFailed."""

    async def delete_each(self, entries: Sequence[Entry]) -> Each[None]:
        """Delete them. What is gone already is no failure."""

    async def store_each(self, files: Sequence[tuple[Entry, Entry]]) -> Each[Entry]:
        """Move the first of each two into the folder for delivered files, under the name of the second or, where that
        is taken, one like it. Returns where they are."""


@dataclass(slots=True)
class _Leaving:
    """One file on its way. `place` is where it is now, `gone` whether that is where it should end."""

    entry: Entry
    place: Entry
    gone: bool = False
    over: bool = False
    failure: TransferFailed | None = None

    def end(self, failure: TransferFailed | None = None) -> None:
        self.over = True
        self.failure = failure


class AfterAction:
    """That of one connection, at one source.

    Some servers, such as gateways to an object store, give a file a new time with every rename. Where a source was
    never seen to keep a time, and is not known to do so, another time alone says nothing of the content.
    """

    def __init__(self, after: After, places: Places, narrator: Narrator, *, keeps_times: bool = False) -> None:
        self._after = after
        self._places = places
        self._narrator = narrator
        self._keeps_times = keeps_times
        self._told = False

    async def do(self, entries: Sequence[Entry]) -> Each[None]:
        """Do it to files that are on record as delivered. ChangedMeanwhile stands for a file that is not what was
        delivered any more and lies where it was, LeftAside for one that lies elsewhere."""
        if self._after is After.KEEP:
            return [None] * len(entries)
        files = [_Leaving(entry, set_aside(entry)) for entry in entries]
        await self._set_aside(files)
        await self._look(_under_way(files))
        await self._let_go([file for file in _under_way(files) if not file.gone])
        return [file.failure for file in files]

    async def finish(self, entry: Entry) -> None:
        """Do the rest of it to a file that was set aside. Raises TransferFailed."""
        file = _Leaving(entry, set_aside(entry))
        await self._let_go([file])
        if file.failure is not None:
            raise file.failure

    async def put_back(self, entry: Entry) -> None:
        """Give a file its name back that was set aside and is not what was delivered. Raises TransferFailed."""
        file = _Leaving(entry, set_aside(entry))
        await self._put_back(file)
        if file.failure is not None and not isinstance(file.failure, ChangedMeanwhile):
            raise file.failure

    async def _set_aside(self, files: Sequence[_Leaving]) -> None:
        outcomes = await self._places.rename_each([(file.entry, file.place) for file in files])
        refused = []
        for file, outcome in zip(files, outcomes, strict=True):
            if outcome is None:
                continue
            if breaks(outcome):
                file.end(outcome)
            elif outcome.failure.failure_class is FailureClass.NOT_FOUND:
                # Somebody has taken it away himself.
                file.end()
            else:
                file.place = file.entry
                refused.append(file)
                self._tell_refusal(outcome)
        if refused and self._after is After.MOVE:
            await self._store(refused)

    def _tell_refusal(self, refusal: TransferFailed) -> None:
        if self._told:
            return
        self._told = True
        what = "before it is deleted" if self._after is After.DELETE else "once it is moved"
        self._narrator.tell("after", f"a file is not set aside here, only looked at {what}: {refusal}")

    async def _look(self, files: Sequence[_Leaving]) -> None:
        looks = await self._places.look_each([file.place for file in files])
        for file, found in zip(files, looks, strict=True):
            if isinstance(found, Entry) and (found.size, found.mtime) == (file.entry.size, file.entry.mtime):
                self._keeps_times = True
        for file, found in zip(files, looks, strict=True):
            if isinstance(found, TransferFailed):
                file.end(found)
            elif found is None:
                file.end()
            elif self._is_another(file.entry, found):
                await self._put_back(file)

    def _is_another(self, delivered: Entry, found: Entry) -> bool:
        return found.size != delivered.size or (self._keeps_times and found.mtime != delivered.mtime)

    async def _put_back(self, file: _Leaving) -> None:
        if file.place is not file.entry:
            try:
                await self._places.put_back(file.place, file.entry)
            except TransferFailed as error:
                # What is set aside is found again by the next attempt, once the session works again.
                waits = breaks(error) and not file.gone
                file.end(error if waits else LeftAside(file.entry, file.place.key, str(error)))
                return
        file.end(ChangedMeanwhile(file.entry))

    async def _let_go(self, files: Sequence[_Leaving]) -> None:
        if self._after is After.MOVE:
            await self._store(files)
        else:
            outcomes = await self._places.delete_each([file.place for file in files])
            for file, outcome in zip(files, outcomes, strict=True):
                file.end(outcome)
        for file in files:
            if file.failure is not None and not breaks(file.failure) and file.place is not file.entry:
                await self._leave_under_its_name(file)

    async def _store(self, files: Sequence[_Leaving]) -> None:
        for file, stored in zip(
            files, await self._places.store_each([(file.place, file.entry) for file in files]), strict=True
        ):
            if isinstance(stored, TransferFailed):
                file.end(stored)
            else:
                file.place, file.gone = stored, True

    async def _leave_under_its_name(self, file: _Leaving) -> None:
        try:
            await self._places.put_back(file.place, file.entry)
        except TransferFailed as error:
            # Why it could not go is what counts. The next run finds it set aside.
            self._narrator.tell("after", str(error), ok=False)


class SettingAside(Source):
    """A source that sets files aside for their after-action."""

    @property
    @abstractmethod
    def _after_action(self) -> AfterAction: ...

    async def settle(self, entry: Entry) -> None:
        (failure,) = await self.settle_each([entry])
        if failure is not None:
            raise failure

    async def settle_each(self, entries: Sequence[Entry]) -> Each[None]:
        return await self._after_action.do(entries)

    async def settle_aside(self, entry: Entry, *, delivered: bool) -> None:
        await (self._after_action.finish(entry) if delivered else self._after_action.put_back(entry))


def set_aside(entry: Entry) -> Entry:
    """The file as it is called while it is set aside."""
    return replace(entry, name=aside_name(entry.name), key=aside_name(entry.key))


def _under_way(files: Sequence[_Leaving]) -> list[_Leaving]:
    return [file for file in files if not file.over]

"""What a connection decides about a single file before it is published: its name, its room, its novelty."""

from collections.abc import Mapping

from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.figures import size as shown_size
from tui.domain.naming import unused_name
from tui.domain.terms import After, Conflict, Repeat
from tui.engine.sides import Sides
from tui.methods.base import Entry
from tui.store.base import Delivery, Partial, Store


class Policy:
    """The decisions of one connection over open sides. With `force`, everything is new."""

    def __init__(
        self, connection: Connection, sides: Sides, store: Store, partials: Mapping[str, Partial], *, force: bool
    ) -> None:
        self._name = connection.name
        self._conflict = connection.conflict
        self._repeat = Repeat.SEND if force else connection.repeat
        self._sides = sides
        self.touches_source = connection.after is not After.KEEP
        """Whether something happens to a file at its source once it is delivered."""
        self._store = store
        self._partials = partials

    @property
    def decides_one_by_one(self) -> bool:
        """Whether what becomes of a file depends on what has become of those before it."""
        return self._conflict is not Conflict.OVERWRITE or self._repeat is Repeat.SKIP

    async def named(self, entry: Entry) -> Entry:
        """The file under the name that it gets at the target. Raises TransferFailed (rejected) where that is taken."""
        partial = self._partials.get(entry.key)
        if self._conflict is Conflict.OVERWRITE:
            return entry
        target = self._sides.target
        if (
            self._conflict is Conflict.KEEP_BOTH
            and partial is not None
            and not await target.exists(partial.target_name)
        ):
            return entry.called(partial.target_name)
        if not await target.exists(entry.target_name):
            return entry
        if self._conflict is Conflict.FAIL:
            raise TransferFailed(
                FailureClass.REJECTED,
                f"{entry.target_name} exists already at the target.",
                remedy="Take the file away that is there, or set conflict to overwrite or keep-both.",
            )
        taken = {entry.target_name}
        while await target.exists(candidate := unused_name(entry.target_name, taken.__contains__)):
            taken.add(candidate)
        return entry.called(candidate)

    async def check_space(self, entry: Entry) -> None:
        """Raises TransferFailed (space) where the target says that the file cannot fit."""
        require_room(entry, await self._sides.target.free_space())

    async def known_before_copying(self, entry: Entry) -> str | None:
        """The SHA-256 of the source, where knowing it may spare the copy."""
        if self._repeat is Repeat.SEND:
            return None
        if self._sides.source is self._sides.local:
            return (await self._sides.local.prefix_digest(entry, entry.size)).hexdigest()
        proof = await self._sides.source.source_proof(entry)
        return None if proof is None else proof.sha256

    async def earlier(self, entry: Entry, sha256: str | None) -> Delivery | None:
        """The delivery that this content repeats, if the connection does not want it again."""
        if self._repeat is Repeat.SEND or sha256 is None or not entry.size:
            return None
        return await self._store.delivery_of(self._name, sha256)


def require_room(entry: Entry, free: int | None) -> None:
    """Raises TransferFailed (space) where the file does not fit into so many bytes; None is unknown."""
    if free is not None and free < entry.size:
        raise TransferFailed(
            FailureClass.SPACE,
            f"{entry.name} needs {shown_size(entry.size)}, but the target has {shown_size(free)} free.",
        )

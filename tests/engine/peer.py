"""A partner in memory: source and target behind the real interface, with faults to order."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.naming import part_name
from tui.domain.terms import After, Direction
from tui.methods.base import Entry, PartlyDelivered, Proof, Source, Staged, Surroundings, Target, Writer
from tui.methods.blocks import Block
from tui.methods.folder import LocalFolder


@dataclass
class Partner:
    """What the partner has, and what goes wrong there. Outlives the sessions, as a real one does."""

    files: dict[str, bytes] = field(default_factory=dict)
    mtime: float = 1_000_000.0
    tells_times: bool = True
    log: list[str] = field(default_factory=list)
    open_failures: list[TransferFailed] = field(default_factory=list)
    fail_reading: dict[str, list[TransferFailed]] = field(default_factory=dict)
    fail_publishing: list[TransferFailed] = field(default_factory=list)
    fail_settling: list[TransferFailed] = field(default_factory=list)
    fail_discarding: list[TransferFailed] = field(default_factory=list)
    short_by: int = 0
    lost_on_arrival: int = 0
    proof: Callable[[bytes], str] | None = None
    fail_writing_after: int | None = None
    lose_answer_to_publish: bool = False
    publish_before_losing: bool = False
    on_look: Callable[[str], None] | None = None
    free: int | None = None
    meeting: "asyncio.Barrier | None" = None
    """Where files have to be under way together, or nothing goes on."""
    blind: bool = False
    """Nothing can be looked at, and nothing staged outlives a session, as with mail."""
    tells_content: bool = True
    """A look at a published file shows what is in it, and not only its size."""
    in_one: bool = False
    """All files of a run are published together or not at all."""
    at_once: int = 1
    """Files that a session can have under way at the same time."""
    freeze: bool = False
    frozen: asyncio.Event = field(default_factory=asyncio.Event)
    silent_over: str | None = None
    """A file over whose content nothing is heard any more, whatever other sessions hear meanwhile."""
    trickling: dict[str, float] = field(default_factory=dict)
    """Seconds between two bytes of a file."""
    silent_doors: int = 0
    """So many sessions beside the first one are not answered when they are opened."""
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    on_block: Callable[[str], None] | None = None
    on_staged: Callable[[str], None] | None = None

    @property
    def told_time(self) -> float | None:
        """The time of the last change, of every file."""
        return self.mtime if self.tells_times else None

    def sides(self, connection: Connection, surroundings: Surroundings) -> tuple[Source, Target]:
        """In the place of `tui.methods.make_sides`."""
        peer, folder = PartnerSession(self, connection), LocalFolder(connection, surroundings)
        return (peer, folder) if connection.direction is Direction.INBOUND else (folder, peer)


class PartnerSession(Source, Target):
    def __init__(self, partner: Partner, connection: Connection) -> None:
        self._partner = partner
        self._connection = connection
        self._after = connection.after
        self._aborted = asyncio.Event()
        self._staged_here: set[str] = set()

    async def open(self) -> None:
        self._partner.log.append("open")
        if self._partner.open_failures:
            raise self._partner.open_failures.pop(0)
        if self._partner.silent_doors and self._partner.log.count("open") > 1:
            self._partner.silent_doors -= 1
            await self._aborted.wait()
            raise TransferFailed(FailureClass.NETWORK, "The connection was lost.")

    async def close(self) -> None:
        self._partner.log.append("close")
        self._partner.closed.set()

    @property
    def side_by_side(self) -> int:
        return self._partner.at_once

    def sibling(self, surroundings: Surroundings) -> Self:
        del surroundings
        return type(self)(self._partner, self._connection)

    def abort(self) -> None:
        self._partner.log.append("abort")
        self._aborted.set()

    async def list_files(self) -> list[Entry]:
        return [
            Entry.named(name, len(content), self._partner.told_time, f"/out/{name}")
            for name, content in self._partner.files.items()
            if not name.endswith(".wharf-part")
        ]

    @asynccontextmanager
    async def read(self, entry: Entry, offset: int = 0) -> AsyncIterator[AsyncIterator[bytes]]:
        self._partner.log.append(f"read {entry.name} from {offset}")
        yield self._blocks(entry, offset)

    async def _blocks(self, entry: Entry, offset: int) -> AsyncIterator[bytes]:
        content = self._partner.files[entry.name]
        content = content[offset : len(content) - self._partner.short_by]
        if entry.name == self._partner.silent_over:
            await self._aborted.wait()
            raise TransferFailed(FailureClass.NETWORK, "The connection was lost.")
        for byte in content if entry.name in self._partner.trickling else b"":
            yield bytes([byte])
            await asyncio.sleep(self._partner.trickling[entry.name])
            content = b""
        half = len(content) // 2
        yield content[:half]
        if self._partner.on_block is not None:
            self._partner.on_block(entry.name)
        if self._partner.fail_reading.get(entry.name):
            raise self._partner.fail_reading[entry.name].pop(0)
        await self._answer()
        yield content[half:]

    async def _answer(self) -> None:
        if self._partner.meeting is not None:
            await self._partner.meeting.wait()
        await self._thaw()

    async def _thaw(self) -> None:
        """Wait as for a peer that has frozen: neither cancel nor time ends it, only the loss of the connection."""
        if not self._partner.freeze:
            return
        self._partner.frozen.set()
        try:
            await self._aborted.wait()
        except asyncio.CancelledError:
            await self._aborted.wait()
            raise
        raise TransferFailed(FailureClass.NETWORK, "The connection was lost.")

    async def stat(self, entry: Entry) -> Entry | None:
        if self._partner.on_look is not None:
            self._partner.on_look(entry.name)
        content = self._partner.files.get(entry.name)
        return None if content is None else Entry.named(entry.name, len(content), self._partner.told_time, entry.key)

    async def settle(self, entry: Entry) -> None:
        if self._partner.fail_settling:
            raise self._partner.fail_settling.pop(0)
        self._partner.log.append(f"{self._after} {entry.name}")
        if self._after is not After.KEEP:
            del self._partner.files[entry.name]

    def batches(self, entries: Sequence[Entry]) -> list[list[Entry]]:
        return [list(entries)] if self._partner.in_one and entries else super().batches(entries)

    @property
    def all_or_none(self) -> bool:
        return self._partner.in_one

    @asynccontextmanager
    async def stage(self, entry: Entry, keep: int = 0) -> AsyncIterator[Writer]:
        name = part_name(entry.target_name)
        self._staged_here.add(name)
        self._partner.log.append(f"write {entry.name} from {keep}")
        writer = _Collector(self, self._partner.files.get(name, b"")[:keep])
        try:
            yield writer
        except BaseException:
            self._partner.files[name] = bytes(writer.content)
            raise
        content = bytes(writer.content)
        self._partner.files[name] = content[: len(content) - self._partner.lost_on_arrival]
        if self._partner.on_staged is not None:
            self._partner.on_staged(entry.name)

    @property
    def resumes(self) -> bool:
        return True

    async def read_staged(self, entry: Entry, offset: int, count: int) -> bytes:
        return self._partner.files[part_name(entry.target_name)][offset : offset + count]

    async def exists(self, name: str) -> bool:
        return name in self._partner.files

    async def free_space(self) -> int | None:
        return self._partner.free

    async def has_published(self, staged: Staged) -> bool | None:
        if self._partner.blind:
            return None
        content = self._partner.files.get(staged.entry.target_name)
        if not self._partner.tells_content:
            return content is not None and len(content) == staged.size
        return content is not None and hashlib.sha256(content).hexdigest() == staged.sha256

    async def staged_size(self, entry: Entry) -> int | None:
        name = part_name(entry.target_name)
        content = self._partner.files.get(name)
        is_gone = content is None or (self._partner.blind and name not in self._staged_here)
        return None if is_gone else len(content or b"")

    async def staged_proof(self, entry: Entry, *, reread: bool) -> Proof | None:
        content = self._partner.files[part_name(entry.target_name)]
        if self._partner.proof is not None:
            return Proof(self._partner.proof(content), "SHA-256 by HASH")
        return Proof(hashlib.sha256(content).hexdigest(), "read back") if reread else None

    async def publish(self, batch: Sequence[Staged]) -> None:
        self._partner.log.append(f"publish {batch[0].entry.target_name}")
        failure = self._partner.fail_publishing.pop(0) if self._partner.fail_publishing else None
        if failure is not None and type(failure) is not PartlyDelivered:
            raise failure
        lost = TransferFailed(FailureClass.NETWORK, "The answer was lost.")
        if self._partner.lose_answer_to_publish and not self._partner.publish_before_losing:
            raise lost
        for staged in batch:
            name = staged.entry.target_name
            self._partner.files[name] = self._partner.files.pop(part_name(name))
        if failure is not None:
            raise failure
        if self._partner.lose_answer_to_publish:
            raise lost

    async def discard(self, entry: Entry) -> None:
        if self._partner.fail_discarding:
            raise self._partner.fail_discarding.pop(0)
        self._partner.files.pop(part_name(entry.target_name), None)


class _Collector:
    def __init__(self, session: PartnerSession, kept: bytes) -> None:
        self._session = session
        self.content = bytearray(kept)

    @property
    def stored(self) -> int:
        return len(self.content)

    async def write(self, data: Block) -> None:
        limit = self._session._partner.fail_writing_after
        if limit is not None and len(self.content) + len(data) > limit:
            self.content += data[: limit - len(self.content)]
            raise TransferFailed(FailureClass.NETWORK, "Cut.")
        self.content += data
        await self._session._answer()

"""The one interface behind which every method stands.

A run copies files from a `Source` to a `Target`. One of the two is the partner's side, spoken to by a method; the
other is the connection's local folder (`methods/folder.py`). Inbound and outbound differ only in which is which, so
the engine has a single run loop.

    SftpSession, FtpSession, LocalFolder   are sources and targets
    ImapSession                            is a source
    SmtpSession                            is a target

All names given to a target and all names coming from a source are single, safe path segments; a source reports
unsafe ones as `Entry.problem` instead of dropping or mangling them. Every error that leaves a session is a
`TransferFailed`; library exceptions are translated where they occur. Cancellation passes through unchanged.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol, Self, TypeAlias, TypeVar

from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.naming import why_unsafe
from tui.methods.blocks import Block
from tui.methods.narration import Narrator

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")
Each: TypeAlias = list[_Answer | TransferFailed]
"""What has become of each of several files, in their order: a failure in the place of an answer."""

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

BLOCK_SIZE = 256 * 1024
"""Bytes per block between a source and a target."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file that a source offers.

    `key` identifies the file within its source (a path; for mail the mailbox, UIDVALIDITY, UID and part). `mtime` is
    in seconds since the epoch, as precise as the source can tell, or None. `target_name` is the name on the other
    side: the same, unless the source knows that it would collide.
    """

    name: str
    size: int
    mtime: float | None
    key: str
    target_name: str
    problem: str | None = None
    """Why the name must not be used, from `domain.naming.why_unsafe`."""
    alias: str | None = None
    """What names the file where its `key` has changed although the file has not: for mail, which gets new numbers when
    its mailbox is rebuilt, the Message-ID and the part."""

    @classmethod
    def named(cls, name: str, size: int, mtime: float | None, key: str) -> "Entry":
        return cls(name, size, mtime, key, name, why_unsafe(name))

    def called(self, target_name: str) -> "Entry":
        """The same file under another name on the other side."""
        return replace(self, target_name=target_name, problem=why_unsafe(target_name))


@dataclass(frozen=True, slots=True)
class Staged:
    """A file that lies complete, under its temporary name, at the target. `sha256` is of the bytes that were read."""

    entry: Entry
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What a target says of a staged file's content: its SHA-256 and how it was found."""

    sha256: str
    how: str


class CannotContinue(TransferFailed):
    """The other side says that it moves files from their middle, and then does not. From the start it can be tried."""


class PartlyDelivered(TransferFailed):
    """The delivery has happened for some and cannot happen for others, such as a mail refused for one recipient.

    It goes on record as a delivery, so that it is never made twice, and the run is a failed one all the same.
    """


class OutcomeUnknown(TransferFailed):
    """Publishing was cut short where only the answer was missing, and nothing can be looked at to find out whether it
    has happened. It is not done again without somebody's decision."""

    def __init__(self, message: str) -> None:
        super().__init__(
            FailureClass.INTERRUPTED,
            message,
            remedy=(
                "Ask the recipient whether it has come. If not, `wharf run --force NAME` sends it again, under the "
                "same Message-ID; resend = always does so by itself."
            ),
        )


def breaks(error: TransferFailed) -> bool:
    """Whether after this failure the other files have nothing to hope for on the same session."""
    return error.failure.failure_class in _BREAKS_THE_SESSION


async def come_to(call: Callable[[_Item], Awaitable[_Answer]], item: _Item) -> "_Answer | TransferFailed":
    """What a call has come to: its answer, or its failure in the place of one."""
    # Called here and not before: a task that is cancelled before its first step would leave a coroutine unawaited.
    try:
        return await call(item)
    except TransferFailed as error:
        return error


async def only(outcomes: "Awaitable[Each[_Answer]]") -> _Answer:
    """What has become of one file that was asked for alone. Raises its failure."""
    (outcome,) = await outcomes
    if isinstance(outcome, TransferFailed):
        raise outcome
    return outcome


async def together(call: Callable[[_Item], Awaitable[_Answer]], items: Sequence[_Item]) -> "Each[_Answer]":
    """Call for each at the same time."""
    if len(items) == 1:
        return [await come_to(call, items[0])]
    return list(await asyncio.gather(*(come_to(call, item) for item in items)))


async def in_turn(call: Callable[[_Item], Awaitable[_Answer]], items: Sequence[_Item]) -> "Each[_Answer]":
    """Call for each, one after the other."""
    return [await come_to(call, item) for item in items]


class Writer(Protocol):
    """Takes the bytes of one file, in order."""

    @property
    def stored(self) -> int:
        """The low-water mark: bytes from the beginning of the file that the other side is known to have, without a gap.
        Bytes beyond it may be there or not."""

    async def write(self, data: Block) -> None:
        """Take the next bytes. Returns when the writer is ready for more, which is not yet when they are stored."""


class Session(ABC):
    """One side of a run, from opening to closing. Not safe for use by more tasks at once than `side_by_side` says."""

    @property
    def side_by_side(self) -> int:
        """How many files the session can have under way at the same time."""
        return 1

    @property
    def at_a_time(self) -> int:
        """How many small files are given to the session together. More than it has under way at the same time spare the
        other side of the run some effort."""
        return self.side_by_side

    @abstractmethod
    async def open(self) -> None:
        """Reach the other side up to the point where files can be listed and moved.

        Narrates its steps: `resolve`, `connect`, `identity`, `login`, `folder`, as far as the method has them; before
        them those of what is on the way, such as `proxy connect` and `jump 1/2 login`. The secret is fetched only after
        `identity` has passed.
        """

    @property
    def resumes(self) -> bool:
        """Whether a file can be continued where an earlier attempt has stopped."""
        return False

    def sibling(self, surroundings: "Surroundings") -> Self | None:
        """Another session of this connection, not opened yet, for a task beside this one's, with surroundings of its
        own: over the same link where the protocol can. None where there is one at a time.
        """
        del surroundings
        return None

    async def offers(self) -> str | None:
        """What the other side says that it can do, in its own terms, for people. None where it says nothing. Asked
        only of a session that is open."""
        return None

    async def clock(self, fresh: str | None) -> float | None:
        """What time it is for the other side, in seconds since the epoch; None where it does not tell. `fresh` is the
        name of a file that was written there a moment ago, if one was."""
        del fresh
        return None

    async def _each(self, call: Callable[[_Item], Awaitable[_Answer]], items: Sequence[_Item]) -> "Each[_Answer]":
        """Ask for each, as many at the same time as the session stands. After a failure that breaks the session
        nothing more is asked: the others have failed in the same way."""
        answers: Each[_Answer] = []
        for start in range(0, len(items), self.side_by_side):
            some = items[start : start + self.side_by_side]
            answers += await together(call, some)
            broken = next((one for one in answers[start:] if isinstance(one, TransferFailed) and breaks(one)), None)
            if broken is not None:
                return answers + [broken] * (len(items) - len(answers))
        return answers

    @abstractmethod
    async def close(self) -> None:
        """Say good-bye and free everything. Bounded to a few seconds even when the peer is silent; never raises."""

    @abstractmethod
    def abort(self) -> None:
        """Drop the connection at once, so that whoever waits for the peer wakes up with an error. Never raises."""


class Source(Session):
    """Where files come from."""

    @abstractmethod
    async def list_files(self) -> list[Entry]:
        """Every regular file in the source folder, unfiltered. Raises not-found when there is no such folder."""

    @property
    def can_grow(self) -> bool:
        """Whether a file may be listed while its sender still writes it."""
        return True

    @abstractmethod
    def read(self, entry: Entry, offset: int = 0) -> AbstractAsyncContextManager[AsyncIterator[Block]]:
        """Open the file for reading from `offset`, to its true end: a peer that ends early is an error here or shows as
        a different number of bytes; it is never padded. An offset is given only to a source that `resumes`.

        After leaving the context, normally or not, the session can read the next file or is known to be broken and
        re-opens itself.
        """

    @abstractmethod
    async def stat(self, entry: Entry) -> Entry | None:
        """A fresh look at the same file: an equal entry when it is unchanged, None when it is gone."""

    async def read_each(self, entries: Sequence[Entry]) -> "Each[bytes]":
        """The bytes of small files, each to its true end, like `read`. A byte more than expected tells enough of a file
        that has grown."""
        return await self._each(self._read_whole, entries)

    async def _read_whole(self, entry: Entry) -> bytes:
        async with self.read(entry) as blocks:
            return b"".join([block async for block in blocks])

    async def stat_each(self, entries: Sequence[Entry]) -> "Each[Entry | None]":
        """`stat` of each."""
        return await self._each(self.stat, entries)

    async def source_proof(self, entry: Entry) -> Proof | None:
        """The SHA-256 of the file as the source itself computes it, if it can at no cost. None when it cannot."""
        del entry
        return None

    async def source_proof_each(self, entries: Sequence[Entry]) -> "Each[Proof | None]":
        """`source_proof` of each."""
        return await self._each(self.source_proof, entries)

    @abstractmethod
    async def settle(self, entry: Entry) -> None:
        """Do the connection's after-action (keep, delete, move) with a file whose delivery is on record."""

    async def settle_each(self, entries: Sequence[Entry]) -> "Each[None]":
        """`settle` of each, one after the other unless the source knows better."""
        return await in_turn(self.settle, entries)

    async def settle_aside(self, entry: Entry, *, delivered: bool) -> None:
        """End what an earlier run has begun, which has set the file aside for its after-action: go on with that when it
        is what was delivered, else give the file its name back. `entry` has the name from before. Asked only of a
        source in which there are such files. Raises TransferFailed.
        """
        raise NotImplementedError(f"{type(self).__name__} sets nothing aside")


class Target(Session):
    """Where files go."""

    def batches(self, entries: Sequence[Entry]) -> list[list[Entry]]:
        """Group the files into what is published together, in order. One by one, unless the method says otherwise."""
        return [[entry] for entry in entries]

    @property
    def can_stage_ahead(self) -> bool:
        """Whether files that are published one by one may all be staged before the first of them is published."""
        return True

    @property
    def all_or_none(self) -> bool:
        """Whether a batch is published as a whole or not at all; otherwise, what can be published of it is."""
        return False

    @abstractmethod
    def stage(self, entry: Entry, keep: int = 0) -> AbstractAsyncContextManager[Writer]:
        """Open `NAME.wharf-part` for writing after its first `keep` bytes, which are there; what lies beyond is cut off
        or overwritten. Leaving normally flushes and closes it: afterwards every byte is as durable as the other side
        can promise. Leaving with an exception closes without a promise. Only a target that `resumes` is asked to keep.
        """

    async def stage_each(self, files: Sequence[tuple[Entry, bytes]]) -> "Each[None]":
        """Stage small files as a whole, as durably as `stage` does."""
        return await self._each(self._stage_whole, files)

    async def _stage_whole(self, file: tuple[Entry, bytes]) -> None:
        entry, content = file
        async with self.stage(entry) as writer:
            await writer.write(content)

    async def read_staged(self, entry: Entry, offset: int, count: int) -> bytes:
        """These bytes of the staged file; fewer where it ends. Asked only of a target that `resumes`."""
        raise NotImplementedError(f"{type(self).__name__} does not resume")

    async def exists(self, name: str) -> bool:
        """Whether there is a file, or anything else, of this final name."""
        del name
        return False

    async def free_space(self) -> int | None:
        """Bytes that can still be written, where the other side tells."""
        return None

    async def has_published(self, staged: Staged) -> bool | None:
        """Whether the file lies complete under its final name, as far as a look can tell. None where nothing can be
        looked at: what became of a mail whose handing over was cut short cannot be known.
        """
        del staged
        return None

    @abstractmethod
    async def staged_size(self, entry: Entry) -> int | None:
        """A fresh look at the size of the staged file in bytes; None when it is not there."""

    async def staged_size_each(self, entries: Sequence[Entry]) -> "Each[int | None]":
        """`staged_size` of each."""
        return await self._each(self.staged_size, entries)

    async def staged_proof(self, entry: Entry, *, reread: bool) -> Proof | None:
        """The staged file's SHA-256 if the other side can give it at no cost, or by reading it back with `reread`.
        None when there is none to be had.
        """
        del entry, reread
        return None

    async def staged_proof_each(self, entries: Sequence[Entry], *, reread: bool) -> "Each[Proof | None]":
        """`staged_proof` of each."""
        return await self._each(partial(self.staged_proof, reread=reread), entries)

    @abstractmethod
    async def publish(self, batch: Sequence[Staged]) -> None:
        """Give the staged files their final names, each in one step, or hand the mail over. After this the delivery
        has happened. An existing file is replaced in one step where the other side can; otherwise this fails.
        """

    async def rehearse(self) -> str | None:
        """Go as far towards a delivery as can be undone, and say in words what was tried. None where files are staged
        under temporary names: there a file that means nothing can be written."""
        return None

    async def publish_each(self, group: Sequence[Staged]) -> "Each[None]":
        """`publish` of files that have nothing to do with one another."""
        return await self._each(lambda staged: self.publish([staged]), group)

    @abstractmethod
    async def discard(self, entry: Entry) -> None:
        """Remove a staged file that will not be published. Nothing to remove is no error."""


async def _no_other_secret(reference: str) -> str:
    raise TransferFailed(FailureClass.CONFIG, f"The secret {reference} cannot be had here.")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a session may use besides its connection."""

    narrator: Narrator
    secret: Callable[[], Awaitable[str | None]] = field(repr=False)
    """Fetches the connection's secret; called only once the server is trusted. Raises TransferFailed (config)."""
    known_hosts: Path
    """Wharf's own known-hosts file; consulted beside ~/.ssh/known_hosts."""
    certificate_seen: Callable[[datetime], None] = field(default=lambda _: None, repr=False)
    """Hears when the certificate of the server ends, once it was found to be trusted."""
    other_secret: Callable[[str], Awaitable[str]] = field(default=_no_other_secret, repr=False)
    """Fetches what another reference of the connection than `secret` refers to, as late as that. Raises TransferFailed
    (config)."""
    alive: Callable[[], None] = field(default=lambda: None, repr=False)
    """To be called at signs of life that the engine does not see by itself: while a long listing arrives, while a
    delivered file is read back. Blocks read and written and steps narrated need no call."""

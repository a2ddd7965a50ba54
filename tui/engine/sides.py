"""The two sides of a connection while something is done with them: opened, watched for silence, closed in the end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tui.domain.connection import Connection
from tui.domain.failure import TransferFailed
from tui.domain.run import Event
from tui.domain.scrubbing import Scrubber, scrubbing
from tui.engine.hosts import HostSlots
from tui.engine.stall import StallWatch
from tui.methods import make_sides
from tui.methods.base import Source, Surroundings, Target
from tui.methods.folder import LocalFolder
from tui.methods.narration import Narrator

_BEFORE_LOGIN = frozenset({"connect", "greeting", "identity"})
"""Steps that may quote the server while the secret is not known yet by which its words could be scrubbed."""


_UNSEARCHED = "what the server says is not shown: without the secret nobody can see whether it repeats it"


async def no_preparation(_: Connection) -> None:
    return


@dataclass(frozen=True, slots=True)
class Means:
    """What sessions need from outside: where secrets and trusted host keys are found."""

    secret: Callable[[Connection], Awaitable[str | None]] = field(repr=False)
    other_secret: Callable[[str], Awaitable[str]] = field(repr=False)
    """Fetches what another reference of a connection refers to, such as that for its jump hosts."""
    known_hosts: Path
    prepare: Callable[[Connection], Awaitable[None]] = field(default=no_preparation, repr=False)
    """What has to be done before a connection is opened, without telling any secret: a person may be asked for the
    passphrase of the vault, and no peer should wait for that. Raises TransferFailed."""
    hosts: HostSlots = field(default_factory=HostSlots)
    """Shared by all runs of the process."""
    scrubbers: dict[str, Scrubber] = field(default_factory=dict, repr=False)
    """By connection. Kept beyond a run: a server may repeat the password of the last session in its next greeting."""


class Sides:
    """Made for one attempt: `async with sides.watched(): await sides.open(); ...`."""

    def __init__(
        self,
        connection: Connection,
        means: Means,
        hear: Callable[[Event], None],
        begins: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`hear` is told of every step as it ends, `begins` of the timed ones as they begin."""
        self._connection = connection
        self._hear = hear
        self._begins = begins
        self._watch: StallWatch | None = None
        self.narrator = Narrator(self._heard, begins)
        self.certificate_ends: datetime | None = None
        """When the certificate of the partner ends, once it was seen and found to be trusted."""
        self._means = means
        self._scrubber = means.scrubbers.setdefault(connection.name, Scrubber())
        self.source: Source
        self.target: Target
        self.source, self.target = make_sides(connection, self._surroundings())
        self._twins: list[Sides] = []
        self._fetched = False
        """Whether the secret is known by which the words of the server can be searched."""
        self.large_file = asyncio.Lock()
        """Held while a file is copied that is large enough to keep the session busy by itself."""
        self._held_back: list[Event] = []

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            self.narrator,
            self._secret,
            self._means.known_hosts,
            certificate_seen=self._certificate_seen,
            other_secret=self._other_secret,
            alive=self.alive,
        )

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Until the end of the body, silence longer than the stall timeout ends it with TransferFailed (timeout).
        Both sides are closed afterwards; at once when the body was cancelled."""
        await self._means.prepare(self._connection)
        with scrubbing(self._scrubber):
            async with self.lane():
                try:
                    yield
                except asyncio.CancelledError:
                    self.abort()
                    raise

    @asynccontextmanager
    async def lane(self) -> AsyncIterator[None]:
        """As `watched`, for a twin in the body of that. A lane that is cancelled leaves in good order: where others
        share its link, they still have to find out how far they have come."""
        self._watch = StallWatch(self._connection.stall_timeout, self.abort)
        try:
            async with self._watch:
                yield
        finally:
            self._watch = None
            self._tell_held_back()
            for side in self._local_first():
                await side.close()

    async def open(self) -> None:
        """Open both. What is wrong with the local folder is known without troubling the partner, so it comes first."""
        for side in self._local_first():
            await side.open()

    def twin(self) -> "Sides | None":
        """Both sides once more, for another task of the same attempt, made of siblings of ours. They have a watch
        of their own (`lane`), and are dropped with these. The partner's side is still to be opened. None where there
        is one at a time."""
        twin = copy(self)
        surroundings = twin._begin_anew()  # noqa: SLF001 - of the same class
        source, target = self.source.sibling(surroundings), self.target.sibling(surroundings)
        if source is None or target is None:
            return None
        twin.source, twin.target = source, target
        self._twins.append(twin)
        return twin

    def _begin_anew(self) -> Surroundings:
        """What a copy has for itself."""
        self._watch, self._held_back, self._twins = None, [], []
        self.narrator = Narrator(self._heard, self._begins)
        self.large_file = asyncio.Lock()
        return self._surroundings()

    @property
    def side_by_side(self) -> int:
        """How many files can be under way between the two at the same time."""
        return min(self.source.side_by_side, self.target.side_by_side)

    @property
    def local(self) -> LocalFolder:
        """The side that is the connection's local folder."""
        return next(side for side in self._local_first() if isinstance(side, LocalFolder))

    @property
    def partner(self) -> Source | Target:
        """The side that is not the local folder."""
        return self.target if self.source is self.local else self.source

    def alive(self) -> None:
        """A sign of life: the stall timeout begins anew."""
        if self._watch is not None:
            self._watch.poke()

    def rest(self) -> None:
        """Nothing more is asked of the other side: from now on its silence means nothing."""
        if self._watch is not None:
            self._watch.rest()

    async def wait(self, seconds: float) -> None:
        """Let time pass by our own decision: that nothing is heard meanwhile is nobody's silence."""
        if self._watch is not None:
            self._watch.poke(ahead=seconds)
        await asyncio.sleep(seconds)

    def abort(self) -> None:
        """Drop the connection to the partner, so that whoever waits for it wakes up."""
        for side in (self.source, self.target):
            side.abort()
        for twin in self._twins:
            twin.abort()

    async def _secret(self) -> str | None:
        try:
            secret = await self._means.secret(self._connection)
        except TransferFailed:
            self._held_back = [event._replace(detail=_UNSEARCHED) for event in self._held_back]
            raise
        if secret is not None:
            self._scrubber.learn(secret)
        self._fetched = True
        self._tell_held_back()
        return secret

    async def _other_secret(self, reference: str) -> str:
        secret = await self._means.other_secret(reference)
        self._scrubber.learn(secret)
        return secret

    def _local_first(self) -> list[Source | Target]:
        return sorted((self.source, self.target), key=lambda side: not isinstance(side, LocalFolder))

    def _certificate_seen(self, ends: datetime) -> None:
        self.certificate_ends = ends

    def _heard(self, event: Event) -> None:
        self.alive()
        expects_secret = self._connection.endpoint.secret is not None and not self._fetched
        if event.ok and event.step in _BEFORE_LOGIN and expects_secret:
            self._held_back.append(event)
            return
        self._tell_held_back()
        self._hear(event)

    def _tell_held_back(self) -> None:
        held, self._held_back = self._held_back, []
        for event in held:
            self._hear(event._replace(detail=self._scrubber.scrub(event.detail)))

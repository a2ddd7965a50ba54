"""The cases of the matrix: which fault strikes what, where and when; all derived from a seed."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from tests.faults.benches import Subject
from tests.faults.proxy import (
    ByteFault,
    Channel,
    Cut,
    Delay,
    DelayReply,
    Drip,
    DropReply,
    DuplicateReply,
    Fault,
    Freeze,
    Meanwhile,
    Refuse,
    ReplyFault,
    Reset,
    Truncate,
    Way,
)
from tests.faults.servers import (
    DiskFull,
    EmptyListing,
    LostAnswer,
    LyingSize,
    ServerFault,
    ShortReads,
    SlowRename,
    Stale226,
)


class Kind(StrEnum):
    """The kinds of faults, as the table of outcomes lists them."""

    CUT = "cut"
    RESET = "reset"
    FREEZE = "freeze"
    TRUNCATE = "truncate"
    DRIP = "drip"
    DELAY = "delay"
    REFUSE = "refuse"
    DROP_REPLY = "drop reply"
    DUPLICATE_REPLY = "duplicate reply"
    DELAY_REPLY = "delay reply"
    SHRINK = "file shrinks"
    GROW = "file grows"
    CHANGE = "file changes"
    SHORT_READS = "short reads"
    DISK_FULL = "disk full"
    SLOW_RENAME = "slow rename"
    EMPTY_LISTING = "empty listing"
    LYING_SIZE = "lying size"
    STALE_226 = "stale 226"
    LOST_ANSWER = "lost answer"


BYTE_FAULTS: Mapping[Kind, type[ByteFault]] = {
    Kind.CUT: Cut,
    Kind.RESET: Reset,
    Kind.FREEZE: Freeze,
    Kind.TRUNCATE: Truncate,
    Kind.DRIP: Drip,
    Kind.SHRINK: Meanwhile,
    Kind.GROW: Meanwhile,
    Kind.CHANGE: Meanwhile,
}
REPLY_FAULTS: Mapping[Kind, type[ReplyFault]] = {
    Kind.DROP_REPLY: DropReply,
    Kind.DUPLICATE_REPLY: DuplicateReply,
    Kind.DELAY_REPLY: DelayReply,
}
TAMPERING = frozenset({Kind.SHRINK, Kind.GROW, Kind.CHANGE})
SILENT = frozenset({Kind.FREEZE, Kind.TRUNCATE, Kind.DROP_REPLY})
HARMLESS = frozenset({Kind.DRIP, Kind.DELAY, Kind.DELAY_REPLY, Kind.SLOW_RENAME})
"""Slow, but nothing that a run could fail for."""
SURE = frozenset(
    {Kind.DISK_FULL, Kind.SLOW_RENAME, Kind.EMPTY_LISTING, Kind.LYING_SIZE, Kind.STALE_226, Kind.LOST_ANSWER}
)
"""Whatever else is drawn, these strike."""

_NETWORK = (Kind.CUT, Kind.RESET, Kind.FREEZE, Kind.TRUNCATE, Kind.DRIP, Kind.DELAY, Kind.REFUSE)
_REPLIES = (Kind.DROP_REPLY, Kind.DUPLICATE_REPLY, Kind.DELAY_REPLY)
_CHANGES = (Kind.SHRINK, Kind.GROW, Kind.CHANGE)
_FTP_IN = (Kind.EMPTY_LISTING, Kind.LYING_SIZE, Kind.STALE_226)
_FTP_OUT = (Kind.DISK_FULL, Kind.SLOW_RENAME, Kind.LYING_SIZE, Kind.STALE_226)

KINDS: Mapping[Subject, tuple[Kind, ...]] = {
    Subject.SFTP_IN: (*_NETWORK, *_CHANGES, Kind.SHORT_READS, Kind.EMPTY_LISTING),
    Subject.SFTP_OUT: (*_NETWORK, *_CHANGES, Kind.DISK_FULL, Kind.SLOW_RENAME, Kind.SHORT_READS),
    Subject.FTP_IN: (*_NETWORK, *_REPLIES, *_CHANGES, *_FTP_IN),
    Subject.FTP_OUT: (*_NETWORK, *_REPLIES, *_CHANGES, *_FTP_OUT),
    Subject.FTPS_IN: (*_NETWORK, *_CHANGES, *_FTP_IN),
    Subject.FTPS_OUT: (*_NETWORK, *_CHANGES, *_FTP_OUT),
    Subject.SMTP_OUT: (*_NETWORK, *_REPLIES, *_CHANGES, Kind.LOST_ANSWER),
    Subject.IMAP_IN: (*_NETWORK, *_REPLIES, Kind.SHORT_READS, Kind.EMPTY_LISTING),
}

_PATTERNS: Mapping[str, tuple[str, ...]] = {
    "ftp": ("^220", "^230", "^200", "^229", "^150", "^226", "^250", "^213", "^350", "^221", "^257"),
    "smtp": ("^220", "^250 ", "^354", "Queued", "^221"),
    "imap": (r"^\* OK", "OK LOGIN", "OK EXAMINE", "OK FETCH", r"^\* \d+ FETCH", "OK LOGOUT", r"^\)"),
}
"""Replies worth losing, by method."""

_LARGE = 700_000
_LARGE_MAIL = 60_000
"""Smaller, because the time that Wharf gives a mail server for its answer grows with the mail."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case. `seed` and `number` make it again."""

    seed: int
    subject: Subject
    number: int
    kind: Kind
    fraction: float
    """How much of the traffic, or of the file, has passed when the fault strikes."""
    way: Way
    channel: Channel
    stays: bool
    pattern: str
    nth: int
    retries: int
    after: str
    verify: str
    resend: str | None
    """What is done with a mail that was not confirmed."""

    @property
    def label(self) -> str:
        """What `python -m tests.faults --case` takes."""
        return f"{self.subject}/{self.number}@{self.seed}"

    def __str__(self) -> str:
        where = f"{self.channel} {self.way} at {self.fraction:.3f}"
        if self.kind in REPLY_FAULTS:
            where = f"{self.pattern!r} number {self.nth}"
        stays = " stays" if self.stays else ""
        options = f"retries {self.retries}, after {self.after}, verify {self.verify}"
        if self.resend is not None:
            options += f", resend {self.resend}"
        return f"{self.label}: {self.kind} {where}{stays}, {options}"

    @property
    def stall_timeout(self) -> int:
        """Seconds. Long where nobody falls silent, so that a machine under load is not taken for a silent peer."""
        return 1 if self.silent else 20

    @property
    def silent(self) -> bool:
        """Whether somebody may wait for ever. A server whose data connection was refused waits for it."""
        return self.kind in SILENT or (self.kind is Kind.REFUSE and self.channel is Channel.DATA)

    @property
    def time_limit(self) -> float:
        """Seconds in which a run has to end, whatever happens to it: per attempt the stall timeout and what saying
        good-bye may take, and some for a machine under load."""
        silence = self.stall_timeout if self.silent else 0
        return 10 + (self.retries + 1) * (silence + 4)

    def files(self) -> dict[str, bytes]:
        """What is to be delivered: an empty file, a small one and a large one."""
        content = random.Random(f"content of {self.label}")
        large = _LARGE_MAIL if self.subject is Subject.SMTP_OUT else _LARGE
        return {"empty.csv": b"", "large.csv": content.randbytes(large), "small.csv": content.randbytes(1000)}

    def fault(self, passed: Mapping[tuple[Channel, Way], int]) -> Fault | ServerFault:
        """The fault, given the traffic of an undisturbed run."""
        after = round(self.fraction * passed[self.channel, self.way])
        if self.kind in BYTE_FAULTS:
            return BYTE_FAULTS[self.kind](after, self.way, self.channel, self.stays)
        if self.kind in REPLY_FAULTS:
            return REPLY_FAULTS[self.kind](self.pattern, self.nth, self.stays)
        if self.kind is Kind.DELAY:
            return Delay(0.01, self.way, self.channel)
        if self.kind is Kind.REFUSE:
            return Refuse(self.nth if self.channel is Channel.DATA else 1, self.channel, self.stays)
        return self._server_fault(round(self.fraction * _LARGE))

    def _server_fault(self, size: int) -> ServerFault:
        match self.kind:
            case Kind.SHORT_READS:
                return ShortReads(10_000 + size // 10)
            case Kind.DISK_FULL:
                return DiskFull(size, "452" if self.nth % 2 else "552")
            case Kind.SLOW_RENAME:
                return SlowRename(0.2)
            case Kind.EMPTY_LISTING:
                return EmptyListing()
            case Kind.LYING_SIZE:
                return LyingSize(-1 if self.nth % 2 else 1000)
            case Kind.STALE_226:
                return Stale226(size)
            case _:
                return LostAnswer()

    def tampered(self, content: bytes) -> bytes:
        """What the large file becomes when it shrinks, grows or changes."""
        match self.kind:
            case Kind.SHRINK:
                return content[: len(content) // 2]
            case Kind.GROW:
                return content + b"one more line\n" * 100
            case _:
                return bytes(reversed(content))


def make_case(seed: int, subject: Subject, number: int) -> Case:
    """The kinds take turns; everything else is drawn."""
    draw = random.Random(f"{seed} {subject} {number}")
    kinds = KINDS[subject]
    kind = kinds[number % len(kinds)]
    # Most of what happens, happens to data.
    channel = draw.choice([*subject.channels, subject.channels[-1]])
    return Case(
        seed,
        subject,
        number,
        kind,
        fraction=draw.choice([0.0, draw.random(), draw.random(), draw.random(), draw.uniform(0.95, 1.0)]),
        way=_likely_way(draw, subject, channel),
        channel=channel,
        # A duplicate of everything is no fault that happens, and a fault that is over at once shows what retries do.
        stays=kind is not Kind.DUPLICATE_REPLY and draw.random() < 0.4,
        pattern=draw.choice(_PATTERNS.get(subject.method, ("",))),
        nth=draw.choice([1, 1, 2, 3]),
        retries=draw.choice([0, 1]),
        after=draw.choice(["keep", "keep", "delete", "move"] if subject is not Subject.IMAP_IN else ["keep", "delete"]),
        verify=draw.choice(["auto", "size", "reread"] if subject is not Subject.SMTP_OUT else ["auto", "size"]),
        resend=draw.choice(["never", "always"]) if subject is Subject.SMTP_OUT else None,
    )


def _likely_way(draw: random.Random, subject: Subject, channel: Channel) -> Way:
    data = Way.DOWN if subject.inbound else Way.UP
    if channel is Channel.DATA:
        # The other way of a data connection carries nothing, except for TLS and listings.
        return data
    return draw.choice([Way.UP, Way.DOWN, data])


def case_named(label: str) -> Case:
    """The case of a label such as `sftp-inbound/17@1`. Raises ValueError."""
    place, _, seed = label.partition("@")
    subject, _, number = place.partition("/")
    return make_case(int(seed), Subject(subject), int(number))

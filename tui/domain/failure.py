"""Why something failed, whether trying again can help, and what to do about it.

The exception tree:

    WharfError            anything Wharf says on purpose; str() of it is a sentence fit to be shown
    ├── UsageProblem      the request cannot be carried out as asked (exit code 2)
    │   ├── UnknownConnection
    │   ├── NameTaken
    │   └── ReadOnly
    ├── StoreProblem      the durable state cannot be read or written
    └── TransferFailed    carries a Failure
        └── AlreadyRunning
"""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from tui.domain.text import printable

_LONGEST_MESSAGE = 500


class FailureClass(StrEnum):
    """What kind of thing went wrong. The value is part of the JSON and of the history."""

    CONFIG = "config"
    AUTH = "auth"
    HOST_KEY = "host-key"
    TLS = "tls"
    NETWORK = "network"
    TIMEOUT = "timeout"
    NOT_FOUND = "not-found"
    PERMISSION = "permission"
    SPACE = "space"
    INTEGRITY = "integrity"
    REJECTED = "rejected"
    """The peer understood and said no for good: file type, size, recipient."""
    REFUSED = "refused"
    """The peer said no for now: closed port, too many connections, try again later."""
    UNSAFE_NAME = "unsafe-name"
    BUSY = "busy"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def retryable(self) -> bool:
        """Whether the same attempt, made again, can succeed without anybody changing anything."""
        return self in _RETRYABLE

    @property
    def remedy(self) -> str:
        """One sentence that says what an operator can do."""
        return _REMEDIES[self]


_RETRYABLE = frozenset(
    {
        FailureClass.NETWORK,
        FailureClass.TIMEOUT,
        FailureClass.INTEGRITY,
        FailureClass.REFUSED,
        FailureClass.BUSY,
        FailureClass.INTERRUPTED,
    }
)

_REMEDIES = {
    FailureClass.CONFIG: "Correct the connection (key e), then run it again.",
    FailureClass.AUTH: "Check the username and the secret with the partner; a refused login is not retried.",
    FailureClass.HOST_KEY: (
        "Compare the fingerprint with the partner by another channel, then accept it: key t (Test) asks, or "
        "`wharf trust NAME --fingerprint SHA256:...`."
    ),
    FailureClass.TLS: (
        "Ask the partner for a valid certificate, or name its CA file or fingerprint in the connection. Key t (Test) "
        "shows what the server has."
    ),
    FailureClass.NETWORK: "Check the host name, the port and the way there (firewall, VPN), then run it again.",
    FailureClass.TIMEOUT: "The other side stopped answering; run it again, or raise stall_timeout if it is slow.",
    FailureClass.NOT_FOUND: "Create the folder or file, or correct its name in the connection.",
    FailureClass.PERMISSION: "Ask for the right to read or write there, or correct the folder.",
    FailureClass.SPACE: "Make room on the disk that is full, then run it again.",
    FailureClass.INTEGRITY: "Run it again; if it happens twice, the source changes while it is sent.",
    FailureClass.REJECTED: "Read the answer of the other side above; it will not take this as it is.",
    FailureClass.REFUSED: "The other side takes no connections now; check its address or try later.",
    FailureClass.UNSAFE_NAME: "Ask the sender to rename the file; Wharf does not use such names.",
    FailureClass.BUSY: "Wait for the other run to end, or cancel it.",
    FailureClass.CANCELLED: "Run it again when ready; nothing unfinished has a final name.",
    FailureClass.INTERRUPTED: "Run it again; what was delivered is not sent twice.",
}


class Failure(NamedTuple):
    """One failure as it is shown, stored and exported."""

    failure_class: FailureClass
    message: str
    remedy: str

    @property
    def retryable(self) -> bool:
        return self.failure_class.retryable

    def as_json(self) -> dict[str, str | bool]:
        return {
            "class": self.failure_class.value,
            "message": self.message,
            "remedy": self.remedy,
            "retryable": self.retryable,
        }


class WharfError(Exception):
    """The root of everything Wharf raises on purpose."""


class UsageProblem(WharfError):
    """The request cannot be carried out as asked."""


class UnknownConnection(UsageProblem):
    """No connection has this name."""

    def __init__(self, name: str, nearest: list[str]) -> None:
        hint = f" Did you mean {' or '.join(nearest)}?" if nearest else " `wharf list` shows all names."
        super().__init__(f"There is no connection named “{printable(name, 80)}”.{hint}")
        self.name = name
        self.nearest = nearest


class NameTaken(UsageProblem):
    """Another connection has this name already."""

    def __init__(self, name: str) -> None:
        super().__init__(f"A connection named “{printable(name, 80)}” exists already; choose another name.")
        self.name = name


class ChangedElsewhere(UsageProblem):
    """The stored connection is not the one that was seen by whoever wants to put another in its place."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"“{printable(name, 80)}” has been changed by somebody else meanwhile, so nothing was saved; look at it "
            "once more."
        )
        self.name = name


class ReadOnly(UsageProblem):
    """Wharf was asked to run or change something where it only looks."""

    def __init__(self) -> None:
        super().__init__(
            "Wharf is read-only here, so nothing was run or changed; start it without --read-only, and without "
            "read_only in config.toml, to do that."
        )


class StoreProblem(WharfError):
    """The durable state cannot be read or written: a full disk, a damaged file, a newer Wharf's store."""


class TransferFailed(WharfError):
    """A run, a file or a step of one failed; `failure` says why.

    The message is a sentence. Text from outside in it is made printable and cut here, so that no caller has to
    remember it; where it ends with the words of a peer that has no full stop, it gets one. `remedy` replaces the
    general remedy of the class where a better one is known.
    """

    def __init__(self, failure_class: FailureClass, message: str, *, remedy: str | None = None) -> None:
        shown = printable(" ".join(message.split()), _LONGEST_MESSAGE)
        if not shown.endswith((".", "!", "?", "…")):
            shown += "."
        super().__init__(shown)
        self.failure = Failure(failure_class, shown, remedy or failure_class.remedy)


class AlreadyRunning(TransferFailed):
    """The connection has a run in progress, here or in another process that shares the store."""

    def __init__(self, connection: str, since: datetime, pid: int, host: str) -> None:
        super().__init__(
            FailureClass.BUSY,
            f"{connection} is already running since {since:%Y-%m-%d %H:%M:%S} UTC (pid {pid} on host {host}).",
        )

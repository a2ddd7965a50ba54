"""What was told in passing, kept so that it can be read again."""

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal, NamedTuple, TypeAlias

from tui.domain.text import printable

Severity: TypeAlias = Literal["information", "warning", "error"]

_KEPT = 500
"""Messages that are kept; older ones are forgotten."""


class Message(NamedTuple):
    """One notification: when it was shown, how grave it is, and its sentence, safe to be shown."""

    at: datetime
    severity: Severity
    sentence: str

    def __str__(self) -> str:
        return f"{self.at.astimezone():%Y-%m-%d %H:%M:%S} {self.severity}: {self.sentence}"


class MessageLog:
    """The latest messages, oldest first."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque(maxlen=_KEPT)

    def add(self, sentence: str, severity: Severity) -> None:
        """Keep a message of now."""
        self._messages.append(Message(datetime.now(UTC), severity, printable(sentence)))

    def __iter__(self) -> Iterator[Message]:
        return iter(self._messages)

    def __len__(self) -> int:
        return len(self._messages)

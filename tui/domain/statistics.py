"""What was moved over a period. Only runs that have ended count."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class DayTotals:
    """One connection on one day of this machine's calendar; a run belongs to the day on which it began."""

    connection: str
    day: date
    runs: int
    failed: int
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ConnectionTotals:
    """One connection over the whole period."""

    connection: str
    runs: int
    failed: int
    files: int
    bytes: int
    median_seconds: float | None
    """Of the runs that completed; None without any."""

    @property
    def success_rate(self) -> float:
        """The part of the runs that completed, from 0 to 1."""
        return (self.runs - self.failed) / self.runs


@dataclass(frozen=True, slots=True)
class Statistics:
    """A period: its days in order, and its connections by name."""

    days: list[DayTotals]
    connections: list[ConnectionTotals]

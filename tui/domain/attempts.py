"""The attempts of one run, to be compared side by side: which step went how in which of them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tui.domain.run import Event

RETRY = "retry"
"""The step that tells of the next attempt, as the last thing of the one before."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a step went in one attempt, over all the times that it was done there."""

    times: int
    failed: int
    ms: float
    """Milliseconds that the timed ones took together."""
    detail: str
    """What it has found: of the first that failed, or else of the last."""

    @property
    def ok(self) -> bool:
        return self.failed == 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. `steps` by name, in the order in which they first came."""

    began: datetime
    ended: datetime
    steps: dict[str, StepResult]


def attempts_of(events: Sequence[Event]) -> list[Attempt]:
    """Split the event log of a run, which is in the order of time, into its attempts."""
    parts: list[list[Event]] = [[]]
    for event in events:
        parts[-1].append(event)
        if event.step == RETRY:
            parts.append([])
    return [_attempt(part) for part in parts if part]


def steps_of(attempts: Sequence[Attempt]) -> list[str]:
    """The steps that any of the attempts has, in the order in which they first came."""
    return list(dict.fromkeys(step for attempt in attempts for step in attempt.steps))


def _attempt(events: Sequence[Event]) -> Attempt:
    by_step: dict[str, list[Event]] = {}
    for event in events:
        by_step.setdefault(event.step, []).append(event)
    return Attempt(events[0].at, events[-1].at, {step: _result(own) for step, own in by_step.items()})


def _result(events: Sequence[Event]) -> StepResult:
    failed = [event for event in events if not event.ok]
    telling = failed[0] if failed else events[-1]
    return StepResult(len(events), len(failed), sum(event.ms or 0.0 for event in events), telling.detail)

"""The attempts of one run, to be compared side by side: which step went how in which of them. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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


class AttemptLog:
    """The attempts that an event log tells of. It grows with the log: what was added is not looked at again."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._attempts: list[Attempt] = []
        self._goes_on = False
        self.add(events)

    @property
    def attempts(self) -> Sequence[Attempt]:
        return self._attempts

    def add(self, events: Iterable[Event]) -> None:
        """What has happened next, in the order of time."""
        for event in events:
            if self._goes_on:
                self._attempts[-1] = replace(self._attempts[-1], ended=event.at)
            else:
                self._attempts.append(Attempt(event.at, event.at, {}))
            steps = self._attempts[-1].steps
            steps[event.step] = _with(steps.get(event.step), event)
            self._goes_on = event.step != RETRY


def steps_of(attempts: Sequence[Attempt]) -> list[str]:
    """The steps that any of the attempts has, in the order in which they first came."""
    return list(dict.fromkeys(step for attempt in attempts for step in attempt.steps))


def _with(result: StepResult | None, event: Event) -> StepResult:
    """The result of a step after it was done once more."""
    ms = event.ms or 0.0
    if result is None:
        return StepResult(1, int(not event.ok), ms, event.detail)
    return StepResult(
        result.times + 1,
        result.failed + (not event.ok),
        result.ms + ms,
        event.detail if result.ok else result.detail,
    )

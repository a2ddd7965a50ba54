"""A run's event log as attempts side by side."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tui.domain.attempts import Attempt, AttemptLog, steps_of
from tui.domain.run import Event

START = datetime(2026, 3, 4, tzinfo=UTC)


def event(second: int, step: str, detail: str = "", *, ok: bool = True, ms: float | None = None) -> Event:
    return Event(START + timedelta(seconds=second), step, detail, ok, ms)


def attempts_of(events: list[Event]) -> list[Attempt]:
    return list(AttemptLog(events).attempts)


def test_attempts_are_told_apart_and_their_steps_summed_up() -> None:
    first, second = attempts_of(
        [
            event(0, "connect", "to a", ms=12),
            event(1, "transfer", "a.csv", ms=100),
            event(2, "transfer", "b.csv: cut", ok=False, ms=50),
            event(3, "transfer", "c.csv: cut too", ok=False, ms=1),
            event(4, "retry", "retry 1 of 3 in 2 s"),
            event(6, "connect", "to a again", ms=11),
            event(9, "end", "done"),
        ]
    )
    assert ((first.began - START).seconds, (first.ended - START).seconds) == (0, 4)
    assert ((second.began - START).seconds, (second.ended - START).seconds) == (6, 9)
    transfer = first.steps["transfer"]
    assert (transfer.times, transfer.failed, transfer.ms, transfer.detail) == (3, 2, 151, "b.csv: cut")
    assert not transfer.ok
    assert second.steps["connect"].detail == "to a again"
    assert steps_of([first, second]) == ["connect", "transfer", "retry", "end"]


def test_a_run_without_a_retry_has_one_attempt_and_one_without_events_none() -> None:
    assert len(attempts_of([event(0, "connect")])) == 1
    assert attempts_of([]) == []


@given(st.lists(st.tuples(st.sampled_from(["connect", "transfer", "retry", "end"]), st.booleans())))
def test_no_event_is_lost(log: list[tuple[str, bool]]) -> None:
    attempts = attempts_of([event(second, step, ok=ok) for second, (step, ok) in enumerate(log)])
    results = [result for attempt in attempts for result in attempt.steps.values()]
    assert sum(result.times for result in results) == len(log)
    assert sum(result.failed for result in results) == sum(not ok for _, ok in log)
    assert len(attempts) <= 1 + sum(step == "retry" for step, _ in log)


@given(st.lists(st.sampled_from(["connect", "transfer", "retry", "end"])), st.integers(0, 20))
def test_a_log_that_grows_tells_the_same_as_a_whole_one(steps: list[str], first: int) -> None:
    log = [event(second, step, str(second), ok=second % 3 > 0, ms=second) for second, step in enumerate(steps)]
    growing = AttemptLog(log[:first])
    growing.add(log[first:])
    assert growing.attempts == AttemptLog(log).attempts

"""Over a slow line the screens follow once a second, by themselves or when asked to, and say so."""

from itertools import pairwise
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.console.conftest import lines_of, settle
from tests.console.fakes import FakeEngine
from tui.console.app import WharfApp
from tui.console.pace import INTERVAL, RECOVERY, SLOW_INTERVAL, Pace
from tui.engine import Engine
from tui.settings import Settings


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def looks(pace: Pace, clock: Clock, congested: list[bool]) -> list[float]:
    """The times of the looks that are taken, with a tick every INTERVAL."""
    taken = []
    for each in congested:
        if pace.is_due(congested=each):
            taken.append(clock.now)
        clock.now += INTERVAL
    return taken


def test_a_fast_line_is_followed_at_every_tick() -> None:
    clock = Clock()
    assert len(looks(Pace("auto", clock), clock, [False] * 40)) == 40


def test_a_slow_line_is_followed_once_a_second_until_it_has_flowed_for_a_while() -> None:
    clock = Clock()
    pace = Pace("auto", clock)
    taken = looks(pace, clock, [True] * 40)
    assert len(taken) == 10
    assert pace.slow
    looks(pace, clock, [False] * int(RECOVERY / INTERVAL + 1))
    assert not pace.slow
    assert len(looks(pace, clock, [False] * 8)) == 8


@pytest.mark.parametrize(("setting", "number"), [(True, 10), (False, 40)])
def test_it_can_be_decided_once_for_all(setting: bool, number: int) -> None:
    clock = Clock()
    pace = Pace(setting, clock)
    assert len(looks(pace, clock, [not setting] * 40)) == number
    assert pace.slow is setting


@given(st.lists(st.booleans(), max_size=200))
def test_a_look_is_never_more_than_a_second_away(congested: list[bool]) -> None:
    clock = Clock()
    taken = looks(Pace("auto", clock), clock, congested)
    gaps = [after - before for before, after in pairwise(taken)]
    assert all(INTERVAL <= gap <= SLOW_INTERVAL for gap in gaps)


@pytest.mark.parametrize("forced", [True, False])
async def test_a_slow_line_has_a_badge(engine: FakeEngine, forced: bool) -> None:
    app = WharfApp(cast("Engine", engine), Settings(low_bandwidth=forced))
    async with app.run_test() as pilot:
        app.look()
        await settle(pilot)
        assert ("SLOW LINE" in lines_of(app)[0]) is forced

"""kill -9 of the process that runs a connection, at moments spread over the whole of a run.

The moments are drawn from a seed, one from each of equal parts of a run's duration, in random order. Several kills hit
one batch, one after the other, so that runs which continue are killed as well; what a run still has to do is estimated
from what an undisturbed one took.
"""

import random
from dataclasses import dataclass

import pytest

from tests.crash.exchange import Exchange, opened, watched
from tests.crash.partners import Partner
from tests.crash.victims import CommandLine, Victims, open_driver
from tui.domain.failure import FailureClass
from tui.domain.run import Status
from tui.domain.terms import After
from tui.paths import Paths

SEED = 1
FORKS = 7
COMMANDS = 5
IN_A_ROW = 4
"""Kills that one batch has to bear."""
SOONER = 0.7


@dataclass(frozen=True)
class Pace:
    """What runs of a batch take, in seconds."""

    whole: float
    idle: float
    """With nothing to move."""

    def of(self, exchange: Exchange) -> float:
        """The next run of an exchange that is partly done."""
        return self.idle + (self.whole - self.idle) * exchange.left()


@pytest.mark.parametrize("after", list(After), ids=str)
async def test_a_killed_run_changes_nothing_about_the_end(partner: Partner, after: After, paths: Paths) -> None:
    async with open_driver() as driver:
        await _kill_often(driver, partner, after, FORKS, paths)


async def test_a_killed_command_changes_nothing_about_the_end(partner: Partner, paths: Paths) -> None:
    await _kill_often(CommandLine(), partner, After.KEEP, COMMANDS, paths)


async def _kill_often(victims: Victims, partner: Partner, after: After, kills: int, paths: Paths) -> None:
    pace = await _measure(victims, partner, paths)
    moments = _moments(f"{SEED} {partner.way} {after}", kills)
    while moments:
        exchange = partner.exchange(after)
        await victims.keep(exchange, paths)
        with watched(exchange):
            cut = await _kill_in_a_row(victims, exchange, pace, moments, paths)
            await victims.run(exchange.name)
        await exchange.check_delivered(paths, failed=[FailureClass.INTERRUPTED] * len(cut))


async def _kill_in_a_row(
    victims: Victims, exchange: Exchange, pace: Pace, moments: list[float], paths: Paths
) -> set[int]:
    """Takes the moments that it has used from the end of the list; returns the runs that were cut short. A run that was
    too fast for its moment ends the row, and its moment comes again, a little sooner."""
    cut = set[int]()
    for _ in range(IN_A_ROW):
        if not moments:
            break
        moment = moments.pop()
        if not await victims.killed_after(moment * pace.of(exchange), exchange.name):
            moments.append(moment * SOONER)
            break
        exchange.check_anytime()
        async with opened(paths) as store:
            # A process that dies before its run has begun leaves the one before it as it was.
            cut |= {run.run_id for run in await store.runs(exchange.name, status=Status.IN_PROGRESS)}
    return cut


async def _measure(victims: Victims, partner: Partner, paths: Paths) -> Pace:
    exchange = partner.exchange()
    await victims.keep(exchange, paths)
    pace = Pace(await victims.run(exchange.name), await victims.run(exchange.name))
    await exchange.check_delivered(paths)
    return pace


def _moments(seed: str, count: int) -> list[float]:
    """Shares of a run's duration."""
    chance = random.Random(seed)
    moments = [(part + chance.random()) / count for part in range(count)]
    chance.shuffle(moments)
    return moments

"""Threads leave the interpreter to an event loop that is at work, and lose nothing while it sleeps."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tui.methods import loop_turns
from tui.methods.loop_turns import SHARE, LoopTurns, Share, new_event_loop

PIECE = SHARE // 4


class Waits(LoopTurns):
    """Tells when a thread begins to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = threading.Semaphore(0)

    def wait(self) -> None:
        self.waiting.release()
        super().wait()


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits too long has not been told."""
    monkeypatch.setattr(loop_turns, "_PATIENCE", 30.0)


def _moves(share: Share, pieces: int) -> Callable[[], int]:
    def move() -> int:
        for _ in range(pieces):
            share.use(PIECE)
        return pieces

    return move


def test_a_thread_moves_its_share_in_a_turn_and_goes_on_in_the_next() -> None:
    turns = Waits()
    turns.begin()
    with ThreadPoolExecutor(1) as executor:
        moved = executor.submit(_moves(Share(turns), 9))
        for _ in range(2):
            turns.waiting.acquire()
            assert not moved.done()
            turns.end()
            turns.begin()
        assert moved.result(10) == 9
        assert not turns.waiting.acquire(blocking=False)


def test_several_threads_that_wait_all_go_on() -> None:
    turns = Waits()
    turns.begin()
    with ThreadPoolExecutor(8) as executor:
        moved = [executor.submit(_moves(Share(turns), 4)) for _ in range(8)]
        for _ in moved:
            turns.waiting.acquire()
        turns.end()
        assert [each.result(10) for each in moved] == [4] * 8


def test_there_is_no_limit_while_the_loop_sleeps() -> None:
    turns = Waits()
    turns.begin()
    turns.end()
    _moves(Share(turns), 100)()
    assert not turns.waiting.acquire(blocking=False)


def test_nobody_waits_for_good_for_a_loop_that_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_turns, "_PATIENCE", 0.001)
    turns = Waits()
    turns.begin()
    _moves(Share(turns), 8)()
    assert turns.waiting.acquire(blocking=False)


def test_the_turns_of_a_loop_are_known_and_over_when_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Waits()
    monkeypatch.setattr(loop_turns, "loop_turns", turns)

    async def turn() -> tuple[bool, int, int]:
        before = turns.number
        at_work = turns.is_at_work
        # In a thread, so that the loop sleeps meanwhile.
        await asyncio.to_thread(_moves(Share(turns), 100))
        return at_work, before, turns.number

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        at_work, before, after = runner.run(turn())
    assert at_work
    assert after > before
    assert not turns.is_at_work

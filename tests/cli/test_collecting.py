"""Cycles of unused objects are not looked for while a command starts, and are once it lasts."""

import asyncio
import gc
from collections.abc import Iterator

import pytest

from tui.commands import collecting
from tui.commands.interruption import run_async


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)
    gc.enable()


async def _after(seconds: float) -> tuple[bool, int]:
    later = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, later.set)
    await later.wait()
    return gc.isenabled(), gc.get_freeze_count()


def test_no_cycles_are_looked_for_while_a_command_starts() -> None:
    # Python 3.12 has some set aside from the beginning.
    before = gc.get_freeze_count()
    collecting.put_off_collecting()
    assert not gc.isenabled()
    assert run_async(_after(0)) == (False, before)


def test_a_command_that_lasts_looks_for_cycles_among_what_is_made_after_its_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collecting, "_START", 0.0)
    before = gc.get_freeze_count()
    collecting.put_off_collecting()
    collects, left_alone = run_async(_after(0.01))
    assert collects
    assert left_alone > before


def test_where_nothing_was_put_off_nothing_is_set_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "_START", 0.0)
    before = gc.get_freeze_count()
    assert run_async(_after(0.01)) == (True, before)

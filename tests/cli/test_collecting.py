"""Cycles of unused objects are not looked for while a command starts, and are once it lasts."""

import asyncio
import gc
from contextlib import suppress

import pytest

from tui.commands import collecting
from tui.commands.interruption import run_async


async def _after(seconds: float) -> tuple[bool, int]:
    later = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, later.set)
    await later.wait()
    return gc.isenabled(), gc.get_freeze_count()


def test_no_cycles_are_looked_for_while_a_command_starts() -> None:
    # Python 3.12 has some set aside from the beginning.
    before = gc.get_freeze_count()
    with collecting.uncollected():
        assert not gc.isenabled()
        assert run_async(_after(0)) == (False, before)


def test_a_command_that_lasts_looks_for_cycles_among_what_is_made_after_its_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collecting, "_START", 0.0)
    before = gc.get_freeze_count()
    with collecting.uncollected():
        collects, left_alone = run_async(_after(0.01))
        assert collects
        assert left_alone > before


@pytest.mark.parametrize("error", [None, RuntimeError])
def test_everything_is_as_before_after_a_command(error: type[Exception] | None) -> None:
    before = gc.get_threshold()
    with suppress(RuntimeError), collecting.uncollected():
        gc.freeze()
        if error is not None:
            raise error
    assert (gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()) == (True, before, 0)

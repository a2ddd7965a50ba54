"""What sessions ask for of several files at the same time."""

import asyncio

import pytest

from tui.methods.base import together


async def test_what_is_cancelled_before_it_has_begun_is_never_called() -> None:
    """A coroutine made beforehand would be left unawaited, of which Python warns, and warnings are errors here."""
    called: list[int] = []

    async def call(item: int) -> None:
        called.append(item)

    asking = asyncio.create_task(together(call, [1, 2]))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert called == []

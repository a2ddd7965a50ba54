"""Leaving a session whose other side has frozen."""

import asyncio
import time
from typing import Any

import pytest

from tui.methods.base import Session


async def assert_left_in_time(
    waiting: "asyncio.Task[Any]", session: Session, *, silence: float = 0.3, abort: bool = True
) -> None:
    """What waits for the other side, and goes on waiting for so many seconds, can be cancelled and the session closed
    within two seconds; with `abort` as the engine does it, without as one that only closes it."""
    done, _ = await asyncio.wait({waiting}, timeout=silence)
    assert not done
    began = time.monotonic()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    if abort:
        session.abort()
    await session.close()
    assert time.monotonic() - began < 2

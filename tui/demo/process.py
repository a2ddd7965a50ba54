"""Starts and ends the process in which the demo's servers run."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tui.demo.partners import Places, Ports
from tui.domain.failure import UsageProblem

_START_LIMIT = 30
"""Seconds until all servers must be listening."""


@asynccontextmanager
async def running_servers(places: Places) -> AsyncIterator[Ports]:
    """The demo's servers, listening. Raises UsageProblem when they do not start, with what they said."""
    log = places.root / "servers.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tui.demo.servers",
            str(places.root),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            # A ctrl-c on the terminal is for Wharf; the servers end when it has ended.
            start_new_session=True,
        )
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - asked for above
    try:
        async with asyncio.timeout(_START_LIMIT):
            line = await process.stdout.readline()
        if not line:
            raise UsageProblem(f"The demo's servers did not start; {log} says why.")
        yield Ports(**json.loads(line))
    finally:
        process.stdin.close()
        await process.wait()

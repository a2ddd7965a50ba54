"""An engine in a process of its own, to be measured from outside: `python -m tests.bench.worker`.

Says `idle` once it is ready. Each name on standard input is run to its end, which is answered with how it ended.
"""

import asyncio
import sys

from tui.engine import open_engine
from tui.paths import Paths


async def _serve() -> None:
    async with open_engine(Paths.from_environment()) as engine:
        print("idle", flush=True)
        while name := (await asyncio.to_thread(sys.stdin.readline)).strip():
            begun = await engine.start(name)
            ended = await engine.wait(begun.run_id)
            print(f"{ended.status}: {ended.failure.message if ended.failure else ended.message}", flush=True)


if __name__ == "__main__":
    asyncio.run(_serve())

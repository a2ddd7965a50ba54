"""Runs connections in processes that start at once, to be killed: `python -m tests.crash.driver`.

Everything is imported once. Each name on standard input is run by a fork that leads a process group of its own; the
answers are its pid, and its exit code once it has ended.
"""

import asyncio
import os
import sys

from tui.domain.run import Status
from tui.engine import open_engine
from tui.paths import Paths


def main() -> None:
    """See the module's text."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os._exit(asyncio.run(_run(line.strip())))
        # Here and not in the fork: whoever reads the pid may kill the group at once.
        os.setpgid(pid, pid)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


async def _run(name: str) -> int:
    async with open_engine(Paths.from_environment()) as engine:
        begun = await engine.start(name)
        ended = await engine.wait(begun.run_id)
    return 0 if ended.status is Status.COMPLETED else 1


if __name__ == "__main__":
    main()

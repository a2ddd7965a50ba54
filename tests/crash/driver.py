"""Runs connections in processes that start at once, to be killed: `python -m tests.crash.driver`.

Everything is imported once. Each name on standard input is run by a fork that leads a process group of its own; the
answers are its pid, and its exit code once it has ended. A name may be followed by the `Point` at which the fork kills
itself and the folder of the source, with tabs between the three; or by a tab and the bytes for `die_when_stored`.
"""

import asyncio
import os
import sys
from pathlib import Path

from tests.crash.deaths import Point, die_at, die_when_stored
from tui.domain.run import Status
from tui.engine import open_engine
from tui.paths import Paths


def main() -> None:
    """See the module's text."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            name, *death = line.rstrip("\n").split("\t")
            if len(death) == 1:
                die_when_stored(int(death[0]))
            elif death:
                die_at(Point[death[0]], Path(death[1]))
            os._exit(asyncio.run(_run(name)))
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

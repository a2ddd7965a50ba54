"""Another process that shares a store, for tests: `python -m tests.store.other PATH`.

It says `ready`, then obeys one command on its standard input and says how it went, then waits until it is killed or
its input ends.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.store.samples import connection
from tui.domain.connection import Connection
from tui.domain.failure import AlreadyRunning
from tui.domain.run import Trigger
from tui.store.process import this_process
from tui.store.sqlite import SqliteStore


class Deadly(list[Connection]):
    """Connections of which the last one kills the process that reads it."""

    def __iter__(self) -> Iterator[Connection]:
        yield from super().__iter__()
        os.kill(os.getpid(), signal.SIGKILL)


async def main(path: Path) -> None:
    print("ready", flush=True)
    command, argument = (await asyncio.to_thread(sys.stdin.readline)).split()
    store = SqliteStore(path)
    await store.open()
    match command:
        case "save":
            await store.save(connection(argument))
            print("saved", flush=True)
        case "begin":
            try:
                run = await store.begin_run(argument, Trigger.MANUAL, this_process())
                print("begun", run.run_id, flush=True)
            except AlreadyRunning as error:
                print("busy", error, flush=True)
        case "die-while-saving":
            count = int(argument)
            await store.save_all(Deadly(connection(f"c{number}") for number in range(count)), replace=False)
    await asyncio.to_thread(sys.stdin.read)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))

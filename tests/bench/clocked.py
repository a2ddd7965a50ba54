"""Runs a program from its start to its end, and tells what that took."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Thread, Timer
from time import perf_counter, sleep

from tests.bench.peers import Command

_PATIENCE = 900.0
"""Seconds after which a program is taken for stuck."""
_LOOK = 0.02
"""Seconds between two looks at how much memory a program has had at most."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a whole process took, those that it started and waited for included."""

    seconds: float
    cpu: float
    """Seconds of processor."""
    peak: float
    """Megabytes of resident memory at most, of the process itself."""


def wharf(*arguments: str) -> Command:
    """Wharf on its command line, from this checkout."""
    return Command([sys.executable, "-m", "tui", *arguments])


def run_clocked(command: Command, environment: Mapping[str, str], log: Path) -> Usage:
    """Run it; what it says goes to the log. Raises RuntimeError with the end of that when it does not exit with 0."""
    os.sync()
    with log.open("wb") as said, (command.stdin or Path(os.devnull)).open("rb") as heard:
        began = perf_counter()
        process = subprocess.Popen(
            command.argv,
            stdin=heard,
            stdout=said,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment, **command.environment},
        )
        memory = _Memory(process.pid)
        guard = Timer(_PATIENCE, process.kill)
        guard.start()
        memory.start()
        _, status, usage = os.wait4(process.pid, 0)
        took = perf_counter() - began
        guard.cancel()
        memory.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        end = log.read_text(errors="replace")[-600:]
        raise RuntimeError(f"{command.argv[0]} ended with {process.returncode}: {end.strip()}")
    return Usage(took, usage.ru_utime + usage.ru_stime, memory.peak)


class _Memory(Thread):
    """Looks at the high-water mark of a process until that is gone. (The one that wait4 tells of is not the program's
    alone: it begins with what the parent had when it was forked.)"""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._status = Path(f"/proc/{pid}/status")
        self.peak = 0.0

    def run(self) -> None:
        while True:
            try:
                text = self._status.read_text()
            except (FileNotFoundError, ProcessLookupError):
                return
            found = re.search(r"VmHWM:\s+(\d+) kB", text)
            if found is None:
                # Ended, not reaped yet.
                return
            self.peak = int(found[1]) / 1024
            sleep(_LOOK)

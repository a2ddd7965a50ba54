"""An engine in a process of its own, whose memory is measured from outside while it runs connections.

Idle is an engine that is open and has run nothing; libraries that the first run loads count as growth. The kernel keeps
the highest figure, so that nothing is missed between two looks.
"""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class MeasuredEngine:
    """The process under measurement. Figures in megabytes of resident memory."""

    process: asyncio.subprocess.Process
    idle: float = 0.0

    @property
    def over_idle(self) -> float:
        """The highest figure until now, over idle."""
        return self.highest - self.idle

    @property
    def highest(self) -> float:
        """The highest figure until now."""
        return self._figure("VmHWM")

    async def run(self, name: str) -> str:
        """Run a connection to its end; returns how it ended, such as `Completed: 2 files`."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{name}\n".encode())
        return await self.answer()

    async def answer(self) -> str:
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode().strip()

    def take_as_idle(self) -> None:
        # Asks the kernel to forget what it took to get here (proc(5), clear_refs).
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        self.idle = self._figure("VmRSS")

    def _figure(self, name: str) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
        assert found is not None
        return int(found[1]) / 1024


@asynccontextmanager
async def measured_engine() -> AsyncIterator[MeasuredEngine]:
    """An idle engine over the store that the environment names."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.worker"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    engine = MeasuredEngine(process)
    try:
        assert await engine.answer() == "idle"
        engine.take_as_idle()
        yield engine
    finally:
        process.kill()
        await process.wait()

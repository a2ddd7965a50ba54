"""Resident memory of a process that transfers, over what it has when it is idle.

Each transfer has a process of its own, so that none profits from what another has left.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from tests.bench.measured import measured_engine
from tests.bench.table import MB, print_table
from tests.crash.exchange import OLD, opened
from tests.servers.openssh import OpenSsh, run_openssh
from tui.domain.connection import Connection
from tui.paths import Paths

LIMIT = 64
"""Megabytes over idle that are ours to use."""


@dataclass(frozen=True)
class Load:
    """What is moved."""

    what: str
    direction: str
    files: int
    size: int


def main(argv: Sequence[str]) -> None:
    """Run all three loads and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench memory")
    parser.add_argument("--size", type=int, default=2048, help="megabytes of the large file (default 2048)")
    parser.add_argument("--files", type=int, default=20_000, help="how many small files (default 20000)")
    args = parser.parse_args(argv)
    loads = [
        Load(f"one file of {args.size} MB, inbound", "inbound", 1, args.size * MB),
        Load(f"one file of {args.size} MB, outbound", "outbound", 1, args.size * MB),
        Load(f"{args.files} files of 1 kB, inbound", "inbound", args.files, 1024),
    ]
    rows = [asyncio.run(_measured(load)) for load in loads]
    print_table(
        ("SFTP with OpenSSH", "seconds", "MB/s", "idle MB", "highest MB", "over idle", f"within {LIMIT} MB"), rows
    )


async def _measured(load: Load) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory(prefix="wharf-bench-") as name:
        folder = Path(name)
        os.environ["WHARF_HOME"] = str(folder / "wharf")
        os.environ["HOME"] = name
        async with run_openssh(folder / "ssh") as server:
            await _prepare(load, server, folder)
            async with measured_engine() as engine:
                began = monotonic()
                said = await engine.run("bench")
                took = monotonic() - began
                highest, over = engine.highest, engine.over_idle
        if not said.startswith("Completed"):
            sys.exit(f"{load.what}: {said}")
        speed = load.files * load.size / MB / took
        figures = f"{took:.1f}", f"{speed:.1f}", f"{engine.idle:.1f}", f"{highest:.1f}", f"{over:.1f}"
        return load.what, *figures, "yes" if over <= LIMIT else "NO"


async def _prepare(load: Load, server: OpenSsh, folder: Path) -> None:
    """The source, and the connection in the store."""
    local, remote = folder / "local", folder / "remote"
    for place in (local, remote):
        place.mkdir()
    _fill(remote if load.direction == "inbound" else local, load)
    connection = {
        "name": "bench",
        "direction": load.direction,
        "method": "sftp",
        "local_dir": str(local),
        "retries": 0,
        "sftp": {
            "host": "127.0.0.1",
            "port": server.port,
            "username": server.user,
            "key": str(server.key),
            "host_key": server.host_key.get_fingerprint(),
            "directory": str(remote),
        },
    }
    paths = Paths.from_environment()
    paths.prepare()
    async with opened(paths) as store:
        await store.save(Connection.model_validate(connection))


def _fill(source: Path, load: Load) -> None:
    for number in range(load.files):
        path = source / f"batch_{number:05}.csv"
        with path.open("wb") as file:
            if load.files == 1:
                # Sparse: reading it costs no disk.
                file.truncate(load.size)
            else:
                file.write(os.urandom(load.size))
        os.utime(path, (OLD, OLD))

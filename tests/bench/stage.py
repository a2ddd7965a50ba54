"""The servers, folders and files of the benchmark of transfers."""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.delay import DelayedWay, delayed
from tests.bench.peers import Move
from tests.bench.table import MB
from tests.bench.works import Work
from tests.crash.exchange import OLD, opened
from tests.servers.certificates import Certificates, make_certificates
from tests.servers.ftp import PASSWORD, FtpServer, vsftpd
from tests.servers.openssh import OpenSsh, run_openssh
from tui.domain.connection import Connection
from tui.domain.terms import FtpTls
from tui.paths import Paths

NAME = "bench"
"""Of the connection."""
_LINGERING = 10.0
"""Seconds that may pass between the end of a program and the arrival of what it has sent."""


@dataclass
class Stage:
    """Servers that are started when the first work needs them; all end with the stage."""

    root: Path
    stack: AsyncExitStack
    certificates: Certificates
    _openssh: OpenSsh | None = None
    _ftp: dict[str, FtpServer] = field(default_factory=dict)
    _late: dict[float, DelayedWay] = field(default_factory=dict)

    @property
    def environment(self) -> Mapping[str, str]:
        """For every program that is run: nothing of the user's."""
        return {"HOME": str(self.root / "home"), "WHARF_HOME": str(self.root / "wharf"), "SSH_AUTH_SOCK": ""}

    @property
    def log(self) -> Path:
        return self.root / "said"

    async def openssh(self) -> OpenSsh:
        if self._openssh is None:
            self._openssh = await self.stack.enter_async_context(run_openssh(self.root / "ssh"))
        return self._openssh

    async def late(self, round_trip: float) -> DelayedWay:
        """The way to OpenSSH, made longer."""
        if round_trip not in self._late:
            server = await self.openssh()
            way = await self.stack.enter_async_context(delayed(server.port, round_trip))
            print(f"delay proxy: {way.round_trip * 1000:.1f} ms round trip, passes {way.speed / MB:.0f} MB/s")
            self._late[round_trip] = way
        return self._late[round_trip]

    async def prepare(self, work: Work) -> "Round":
        """What the rounds of a work have in common. Raises what pytest raises for a skip when its server is absent."""
        return await self._prepare_sftp(work) if work.method == "sftp" else self._prepare_ftp(work)

    def _scratch(self) -> Path:
        scratch = self.root / "scratch"
        scratch.mkdir(exist_ok=True)
        return scratch

    async def _prepare_sftp(self, work: Work) -> "Round":
        server = await self.openssh()
        port = (await self.late(work.round_trip)).port if work.round_trip else server.port
        known_hosts = self.root / "known_hosts"
        known_hosts.write_text(server.known_hosts_line + server.known_hosts_line.replace(str(server.port), str(port)))
        source, target = self._data(work), self.root / "target"
        local, remote = (target, source) if work.inbound else (source, target)
        move = Move(
            *(work, port, server.user, local, str(remote), _names(work), self._scratch()),
            key=server.key,
            known_hosts=known_hosts,
        )
        endpoint = {"key": str(server.key), "host_key": server.host_key.get_fingerprint()}
        return Round(self, move, source, target, endpoint)

    def _prepare_ftp(self, work: Work) -> "Round":
        tls = FtpTls.EXPLICIT if work.method == "ftps" else FtpTls.NONE
        if work.method not in self._ftp:
            self._ftp[work.method] = self.stack.enter_context(vsftpd(tls, self.certificates.good))
        server = self._ftp[work.method]
        ours = self._data(work)
        if work.inbound:
            source, target = server.files / ours.name, self.root / "target"
            local, remote = target, f"/in/{source.name}"
            if not source.exists():
                shutil.copytree(ours, source, copy_function=os.link)
        else:
            source, target = ours, server.files / "target"
            local, remote = source, "/in/target"
        secret = self._secret(PASSWORD)
        move = Move(
            *(work, server.port, server.username, local, remote, _names(work), self._scratch()),
            password=PASSWORD,
            ca_file=self.certificates.ca_file,
        )
        endpoint = {"tls": tls.value, "secret": f"file:{secret}"}
        if tls is not FtpTls.NONE:
            endpoint["ca_file"] = str(self.certificates.ca_file)
        return Round(self, move, source, target, endpoint)

    def _secret(self, text: str) -> Path:
        path = self.root / "secret"
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    def _data(self, work: Work) -> Path:
        """The files of a work, made once."""
        folder = self.root / f"data-{work.files}x{work.size}"
        if not folder.exists():
            folder.mkdir()
            folder.chmod(0o755)
            for name in _names(work):
                _write_noise(folder / name, work.size)
        return folder


@dataclass
class Round:
    """What a program gets for one try, again and again: the same source, an empty target, a fresh WHARF_HOME."""

    stage: Stage
    move: Move
    source: Path
    target: Path
    endpoint: dict[str, Any]

    async def keep_template(self) -> None:
        """Put the connection of this work into a store, of which each round gets a copy."""
        template = self.template
        shutil.rmtree(template, ignore_errors=True)
        paths = Paths(template / "config", template / "data", template / "state")
        paths.prepare()
        async with opened(paths) as store:
            await store.save(Connection.model_validate(self._connection()))

    def clear(self) -> None:
        home = self.stage.root / "wharf"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self.template, home)
        shutil.rmtree(self.target, ignore_errors=True)
        self.target.mkdir()
        # The FTP server serves as another user.
        self.target.chmod(0o777)

    def wait_for_arrival(self) -> float:
        """Wait until everything is there; seconds waited. Raises RuntimeError when it does not come."""
        began = time.perf_counter()
        while not self._has_arrived():
            if time.perf_counter() - began > _LINGERING:
                raise RuntimeError(f"{self.move.work.title}: not everything has arrived")
            time.sleep(0.001)
        return time.perf_counter() - began

    def _has_arrived(self) -> bool:
        found = {item.name: item.stat().st_size for item in os.scandir(self.target)}
        return found == dict.fromkeys(self.move.names, self.move.work.size)

    @property
    def template(self) -> Path:
        """The store that `clear` copies."""
        return self.stage.root / "template"

    def _connection(self) -> dict[str, Any]:
        move = self.move
        method = "sftp" if move.work.method == "sftp" else "ftp"
        place = {"host": "127.0.0.1", "port": move.port, "username": move.username, "directory": move.remote}
        return {
            "name": NAME,
            "direction": "inbound" if move.work.inbound else "outbound",
            "method": method,
            "local_dir": str(move.local),
            "retries": 0,
            # Several sessions, as the peers open several for many files.
            "parallel": 8 if method == "ftp" and move.work.files > 1 else 1,
            method: place | self.endpoint,
        }


@asynccontextmanager
async def open_stage(root: Path) -> AsyncIterator[Stage]:
    """A stage in the folder, which others may enter: the FTP server serves as another user."""
    root.chmod(0o755)
    (root / "home").mkdir()
    async with AsyncExitStack() as stack:
        yield Stage(root, stack, await asyncio.to_thread(make_certificates, root))


def _names(work: Work) -> list[str]:
    return [f"batch_{number:06}.csv" for number in range(work.files)]


def _write_noise(path: Path, size: int) -> None:
    with path.open("wb") as file:
        for start in range(0, size, MB):
            file.write(os.urandom(min(MB, size - start)))
    os.utime(path, (OLD, OLD))

"""The partner's real server, and fresh exchanges with it."""

import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.crash.exchange import Exchange, Way
from tests.outside import descendants, seen_meanwhile
from tests.servers.certificates import Certificates
from tests.servers.debian import find_program
from tests.servers.ftp import PASSWORD, FtpServer, running, vsftpd
from tests.servers.openssh import OpenSsh, run_openssh
from tui.domain.terms import After, FtpTls


@dataclass
class Partner:
    """A running server for one way. `endpoint` lacks only the folder."""

    way: Way
    folder: Path
    """For the local side of the exchanges."""
    served: Path
    """What the server serves."""
    listener: int
    """The process that takes connections."""
    endpoint: dict[str, Any]
    _start_again: Callable[[], AbstractContextManager[subprocess.Popen[bytes]]]
    _served_as: str
    """`served`, as the server calls it."""
    _exchanges: int = 0
    _second: list[int] = field(default_factory=list)
    """The listeners that came after the first."""
    _killed: set[int] = field(default_factory=set)

    def exchange(self, after: After = After.KEEP, files: Mapping[str, bytes] | None = None) -> Exchange:
        """A connection of its own, with its folders, the source filled with these files, or with the batch."""
        exchange = self.folders(after)
        if files is not None:
            exchange = replace(exchange, files=files)
        exchange.fill()
        return exchange

    def folders(self, after: After = After.KEEP) -> Exchange:
        """The same with an empty source."""
        self._exchanges += 1
        name = f"batch-{self._exchanges}"
        local, remote = self.folder / name, self.served / name
        for folder in (local, remote):
            folder.mkdir()
            # The FTP server serves as another user.
            folder.chmod(0o777)
        source, target = (remote, local) if self.way.direction == "inbound" else (local, remote)
        endpoint = self.endpoint | {"directory": f"{self._served_as}/{name}"}
        return Exchange(name, self.way, source, target, endpoint, after)

    def sessions(self) -> list[int]:
        """The processes that serve connections now."""
        return [pid for listener in (self.listener, *self._second) for pid in descendants(listener)]

    async def until_serving(self) -> None:
        """Wait until somebody is served who was not when the last was killed."""
        await seen_meanwhile(lambda: set(self.sessions()) - self._killed, "the server to serve somebody")

    def kill_sessions(self) -> None:
        self._killed.update(self.sessions())
        _send(self.sessions(), signal.SIGKILL)

    def freeze(self) -> None:
        """Stop the whole server: connections are still taken, by the system, and hear nothing."""
        _send([self.listener, *self.sessions()], signal.SIGSTOP)

    def thaw_listener(self) -> None:
        """New connections are served again, those of before are not."""
        _send([self.listener], signal.SIGCONT)

    def thaw(self) -> None:
        if not self.way.over_ssh:
            # vsftpd takes the notice that a child was stopped for one that it has died, and hangs from then on.
            self.kill_sessions()
        _send([self.listener, *self.sessions()], signal.SIGCONT)

    @contextmanager
    def restarted(self) -> Iterator[None]:
        """Kill the whole server and start another on the same port, which serves until the end of the context."""
        self.kill_sessions()
        _send([self.listener], signal.SIGKILL)
        with self._start_again() as process:
            self._second.append(process.pid)
            yield


@asynccontextmanager
async def open_partner(way: Way, folder: Path, certificates: Certificates) -> AsyncIterator[Partner]:
    """Start the server of the way: OpenSSH with a key, or vsftpd with explicit TLS."""
    local = folder / "local"
    local.mkdir()
    if way.over_ssh:
        async with run_openssh(folder / "ssh") as openssh:
            yield _behind_openssh(way, local, openssh)
    else:
        secret = folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o600)
        with vsftpd(FtpTls.EXPLICIT, certificates.good) as server:
            yield _behind_vsftpd(way, local, server, certificates, secret)


def _behind_openssh(way: Way, local: Path, server: OpenSsh) -> Partner:
    served = local.parent / "served"
    served.mkdir()
    sshd = find_program("sshd", "openssh-server")
    command = [str(sshd), "-D", "-e", "-f", str(server.key.parent / "sshd_config")]
    endpoint = {
        "host": "127.0.0.1",
        "port": server.port,
        "username": server.user,
        "key": str(server.key),
        "host_key": server.host_key.get_fingerprint(),
    }
    return Partner(
        way,
        local,
        served,
        server.process.pid,
        endpoint,
        lambda: running(command, "openssh-server", server.port),
        str(served),
    )


def _behind_vsftpd(way: Way, local: Path, server: FtpServer, certificates: Certificates, secret: Path) -> Partner:
    command = server.process.args
    assert isinstance(command, list)
    endpoint = {
        "host": "127.0.0.1",
        "port": server.port,
        "tls": "explicit",
        "ca_file": str(certificates.ca_file),
        "username": server.username,
        "secret": f"file:{secret}",
    }
    return Partner(
        way,
        local,
        server.files,
        server.process.pid,
        endpoint,
        lambda: running(command, "vsftpd", server.port),
        "/in",
    )


def _send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)

"""A real OpenSSH server on loopback, run by whoever runs the tests, with keys and a configuration of its own."""

import asyncio
import getpass
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from tests.outside import descendants
from tests.servers.debian import find_program, free_port


@dataclass(slots=True)
class OpenSsh:
    """A running sshd. The user's key is in `key`; there is no password login, which would need a system account."""

    port: int
    user: str
    key: Path
    host_key: asyncssh.SSHKey
    process: asyncio.subprocess.Process
    log: list[str] = field(default_factory=list)
    log_grew: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def known_hosts_line(self) -> str:
        return f"[127.0.0.1]:{self.port} {self.host_key.export_public_key().decode().strip()}\n"

    async def logged(self, words: str) -> str:
        """The first line of its log that holds the words, as soon as it is there."""

        def found() -> str | None:
            return next((line for line in self.log if words in line), None)

        async with asyncio.timeout(10), self.log_grew:
            return str(await self.log_grew.wait_for(found))

    def freeze(self) -> None:
        """Stop all processes that serve connections: their sockets stay open and say nothing any more."""
        for pid in descendants(self.process.pid):
            # A command of a session may end at any moment.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def kill_sessions(self) -> None:
        """End all processes that serve connections."""
        for pid in descendants(self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@asynccontextmanager
async def run_openssh(
    folder: Path, *, options: Sequence[str] = (), sftp: str = "internal-sftp"
) -> AsyncIterator[OpenSsh]:
    """Run sshd with its files in the folder. `options` are lines of sshd_config(5) that go before the others; `sftp` is
    the command of its SFTP subsystem."""
    sshd = find_program("sshd", "openssh-server")
    folder.mkdir(parents=True, exist_ok=True)
    host_key, user_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    for name, key in (("host_key", host_key), ("id_user", user_key)):
        (folder / name).touch(mode=0o600)
        key.write_private_key(folder / name)
    user_key.write_public_key(folder / "authorized_keys")
    port = free_port()
    (folder / "sshd_config").write_text("\n".join([*options, *_options(folder, port), f"Subsystem sftp {sftp}"]) + "\n")
    if os.geteuid() == 0:
        # Where sshd shuts its unprivileged half in; its package's service makes this folder when it starts.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        str(sshd), "-D", "-e", "-f", str(folder / "sshd_config"), stderr=asyncio.subprocess.PIPE
    )
    server = OpenSsh(port, getpass.getuser(), folder / "id_user", host_key.convert_to_public(), process)
    reader = asyncio.create_task(_read_log(server))
    try:
        await _until_listening(server, reader)
        yield server
    finally:
        for pid in [*descendants(process.pid), process.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await process.wait()
        await reader


def _options(folder: Path, port: int) -> list[str]:
    return [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {folder / 'host_key'}",
        f"AuthorizedKeysFile {folder / 'authorized_keys'}",
        "PidFile none",
        "StrictModes no",
        "UsePAM no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin yes",
        "LogLevel VERBOSE",
        # A command is run by the user's shell, which would do first what this user has it do at a login.
        f"SetEnv HOME={folder}",
    ]


async def _read_log(server: OpenSsh) -> None:
    assert server.process.stderr is not None
    async for line in server.process.stderr:
        async with server.log_grew:
            server.log.append(line.decode(errors="replace").rstrip())
            server.log_grew.notify_all()


async def _until_listening(server: OpenSsh, log_ended: asyncio.Task[None]) -> None:
    listening = asyncio.create_task(server.logged("Server listening"))
    await asyncio.wait({listening, log_ended}, return_when=asyncio.FIRST_COMPLETED)
    assert not log_ended.done(), server.log
    await listening

"""Two real OpenSSH servers as jump hosts in a row, with one key that opens both."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh

from tests.servers.openssh import OpenSsh, run_openssh


@dataclass(frozen=True, slots=True)
class Jumps:
    hops: tuple[OpenSsh, OpenSsh]
    key: Path

    @property
    def route(self) -> dict[str, Any]:
        """The keys of an endpoint that lead over both."""
        return {"jump": [f"{hop.user}@127.0.0.1:{hop.port}" for hop in self.hops], "jump_key": str(self.key)}

    @property
    def known_hosts(self) -> str:
        return "".join(hop.known_hosts_line for hop in self.hops)

    def forwarded(self, hop: int) -> int:
        """How many connections this hop was asked to pass on. Its log must be that of LogLevel DEBUG1."""
        return sum("server_request_direct_tcpip" in line for line in self.hops[hop].log)


@asynccontextmanager
async def run_jumps(folder: Path, *, options: Sequence[str] = ()) -> AsyncIterator[Jumps]:
    """Run both; `options` are lines of sshd_config(5) for each."""
    folder.mkdir(parents=True, exist_ok=True)
    key = folder / "id_jump"
    key.touch(mode=0o600)
    made = asyncssh.generate_private_key("ssh-ed25519")
    made.write_private_key(key)
    made.write_public_key(folder / "authorized_keys")
    lines = [*options, f"AuthorizedKeysFile {folder / 'authorized_keys'}", "LogLevel DEBUG1"]
    async with (
        run_openssh(folder / "outer", options=lines) as outer,
        run_openssh(folder / "inner", options=lines) as inner,
    ):
        yield Jumps((outer, inner), key)

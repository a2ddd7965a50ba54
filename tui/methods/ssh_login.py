"""The client's side of an SSH handshake: first the server proves who it is, then the user logs in.

asyncssh calls these methods in this order (RFC 4252 section 1: authentication runs over a transport whose server is
known already), and an exception raised in one of them ends the handshake and reaches whoever started it. Secrets and
keys are fetched in the login methods and nowhere else, so nothing is fetched for a server that is not trusted.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncssh
from asyncssh.misc import MaybeAwait

from tui.domain.failure import FailureClass, TransferFailed
from tui.methods.ssh_config import SshServer
from tui.trust.hostkeys import HostKeys, fingerprint_of

_PUBLIC_ENDINGS = (".pub", "-cert.pub")


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """What the server has shown and what was made of it."""

    version: str
    key: str
    algorithms: frozenset[str]
    """The host key algorithms that lead to this key."""
    why: str
    refusal: TransferFailed | None = None


class Login(asyncssh.SSHClient):
    """One handshake. `identity` is set as soon as the server's key was judged."""

    def __init__(self, connection: str, server: SshServer, known: HostKeys) -> None:
        self.identity: asyncio.Future[ServerIdentity] = asyncio.get_running_loop().create_future()
        self.tried: list[str] = []
        """The ways that were tried, in words. After success the last one is the one that was accepted."""
        self._connection = connection
        self._user = server.user
        self._known = known
        self._ways = server.ways
        self._secret = server.secret
        self._link: asyncssh.SSHClientConnection | None = None
        self._keys = self._offered_keys()
        self._password_sent = False

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self._link = conn

    def abort(self) -> None:
        """Drop the connection, if there is one yet."""
        if self._link is not None:
            self._link.abort()

    def refusal(self) -> TransferFailed:
        """The failure to report when the server has refused the login."""
        tried = ", then ".join(self.tried) or f"it takes none of {', '.join(self._ways.methods)}"
        return TransferFailed(
            FailureClass.AUTH, f"{self._known.where} has refused the login of {self._user} ({tried})."
        )

    # Identity

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        del host, addr, port
        try:
            why = self._known.why_trusted(key, self._connection)
        except TransferFailed as refusal:
            self._identified(key, "", refusal)
            raise
        self._identified(key, why)
        return True

    def validate_host_ca_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        del host, addr, port
        try:
            why = self._known.why_authority_trusted(key)
        except TransferFailed as refusal:
            self._identified(key, "", refusal)
            raise
        self._identified(key, why)
        return True

    def _identified(self, key: asyncssh.SSHKey, why: str, refusal: TransferFailed | None = None) -> None:
        # A later key exchange on the same connection judges again; the first verdict is the one that is narrated.
        if not self.identity.done():
            version = self._link.get_extra_info("server_version", "") if self._link is not None else ""
            shown = f"{key.get_algorithm()} {fingerprint_of(key)}"
            algorithms = frozenset(name.decode() for name in key.sig_algorithms)
            self.identity.set_result(ServerIdentity(version, shown, algorithms, why, refusal))

    # Login by key

    async def public_key_auth_requested(self) -> list[asyncssh.SSHKeyPair] | None:
        async for key in self._keys:
            return [key]
        return None

    async def _offered_keys(self) -> AsyncIterator[asyncssh.SSHKeyPair]:
        """Every key to try, one at a time, so that it is known which one was accepted."""
        for path in self._ways.key_files:
            for key in await self._read_keys(path):
                self.tried.append(f"{'certificate' if key.has_cert else 'key'} {path}")
                yield key
        if self._ways.agent:
            async with self._agent() as agent:
                for key in await self._agent_keys(agent):
                    self.tried.append(f"agent key {key.get_comment()}")
                    yield key

    async def _read_keys(self, path: Path) -> Sequence[asyncssh.SSHKeyPair]:
        passphrase = None if self._ways.password else await self._secret()
        certificates = [str(certificate) for certificate in self._ways.certificates]
        try:
            # In a thread: deriving the key from a passphrase is slow on purpose.
            return await asyncio.to_thread(asyncssh.load_keypairs, [str(path)], passphrase, certificates)
        except (OSError, asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            if self._ways.lenient:
                self.tried.append(f"key {path}, which cannot be used: {reason}")
                return []
            raise TransferFailed(
                FailureClass.CONFIG,
                f"The key file {path} cannot be used: {reason}.",
                remedy="Name a private key file as key of the connection, and its passphrase, if any, as secret.",
            ) from None

    @asynccontextmanager
    async def _agent(self) -> AsyncIterator[asyncssh.SSHAgentClient | None]:
        path = self._ways.agent_path or os.environ.get("SSH_AUTH_SOCK", "")
        try:
            if not path:
                raise FileNotFoundError(0, "SSH_AUTH_SOCK is not set")
            agent = await asyncssh.connect_agent(path)
        except OSError as error:
            if not self._ways.lenient:
                raise TransferFailed(
                    FailureClass.CONFIG,
                    f"The ssh-agent cannot be reached: {error.strerror or error}.",
                    remedy="Start ssh-agent in the session that runs Wharf, or name a key file in the connection.",
                ) from error
            yield None
            return
        async with agent:
            yield agent

    async def _agent_keys(self, agent: asyncssh.SSHAgentClient | None) -> list[asyncssh.SSHKeyPair]:
        """The agent's keys or, with IdentitiesOnly, those whose public halves are named."""
        if agent is None:
            return []
        keys = list(await agent.get_keys())
        if self._ways.agent_keys is None:
            return keys
        wanted = await asyncio.to_thread(_public_halves, self._ways.agent_keys)
        return [key for key in keys if key.public_data in wanted]

    # Login by password

    async def password_auth_requested(self) -> str | None:
        return await self._password("password")

    def password_change_requested(self, prompt: str, lang: str) -> MaybeAwait[tuple[str, str]]:
        del prompt, lang
        raise TransferFailed(
            FailureClass.AUTH,
            f"The password of {self._user} at {self._known.where} has expired: the server asks for a new one.",
            remedy="Change the password with the partner, then store the new one.",
        )

    def kbdint_auth_requested(self) -> str | None:
        return "" if self._ways.password and not self._password_sent else None

    async def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str] | None:
        del name, instructions, lang
        if not prompts:
            return []
        # One hidden answer is the password. Everything else, such as a one-time code, nobody is here to give.
        [(_, echoed), *more] = prompts
        password = None if echoed or more else await self._password("password (keyboard-interactive)")
        return None if password is None else [password]

    async def _password(self, way: str) -> str | None:
        """The password, once: a second attempt with the same one could only help to lock the account."""
        if self._password_sent or not self._ways.password:
            return None
        self._password_sent = True
        self.tried.append(way)
        return await self._secret()


def _public_halves(paths: Sequence[Path]) -> set[bytes]:
    """The public keys and certificates that belong to these files; those of which nothing is there are left out."""
    found = set()
    for path in paths:
        names = [path] if path.suffix == ".pub" else [path.with_name(f"{path.name}{end}") for end in _PUBLIC_ENDINGS]
        for name in names:
            for read in (asyncssh.read_public_key, asyncssh.read_certificate):
                with suppress(OSError, asyncssh.KeyImportError):
                    found.add(read(str(name)).public_data)
    return found

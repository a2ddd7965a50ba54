"""What is known of an SSH server before it is reached, from the connection and from ~/.ssh/config.

Without an alias nothing of the user's own SSH set-up has a say but ~/.ssh/known_hosts. With one, what the connection
says itself goes first; then holds what `ssh ALIAS` would do, except that nothing is trusted that nobody has looked at:
StrictHostKeyChecking and UpdateHostKeys are not read.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import asyncssh

from tui.domain.endpoint import Endpoint, SftpEndpoint
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.hosts import in_address
from tui.domain.route import JumpHost, parse_jump
from tui.methods.base import Surroundings
from tui.paths import expanded

_SSH_PORT = 22
_MOST_HOPS = 16
_DEFAULT_IDENTITIES = ("id_ed25519", "id_ecdsa", "id_rsa")
_SYSTEM_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways to log in that a connection names, or the alias where the connection names none. No other is tried."""

    key_files: Sequence[Path] = ()
    certificates: Sequence[Path] = ()
    """User certificates besides those that lie beside their keys."""
    agent: bool = False
    agent_path: str | None = None
    """None: where SSH_AUTH_SOCK points to."""
    agent_keys: Sequence[Path] | None = None
    """With IdentitiesOnly: the keys of the agent that may be offered, by their public halves."""
    password: bool = False
    """Whether the secret is the password. If not, it is the passphrase of the key files."""
    lenient: bool = False
    """Whether a key file or an agent that cannot be used is passed over, as ssh does with what its configuration
    names. What the connection names must be there."""

    @property
    def methods(self) -> list[str]:
        """What is offered to the server, the preferred first (names of RFC 4252 and RFC 4256)."""
        keys = ["publickey"] if self.key_files or self.agent else []
        return keys + (["password", "keyboard-interactive"] if self.password else [])


@dataclass(frozen=True, slots=True)
class SshServer:
    """Where to connect to and as whom."""

    host: str
    """As known_hosts files name it."""
    address: str
    """What to resolve."""
    port: int
    user: str
    ways: Ways
    secret: Callable[[], Awaitable[str | None]] = field(repr=False)
    known_hosts: tuple[Path, ...]
    """Of the user and of the machine; Wharf's own comes before them."""
    options: dict[str, Any]
    """For asyncssh: those that name the host, and where else it may read options from."""
    pin: str | None = None
    has_key_alias: bool = False
    """Whether `host` is a HostKeyAlias, which stands in known_hosts files without a port."""
    jump: str | None = None
    """ProxyJump."""
    command: str | None = None
    """ProxyCommand."""

    def __str__(self) -> str:
        return f"{in_address(self.address)}:{self.port}"


Secret: TypeAlias = Callable[[], Awaitable[str | None]]


def find_target(endpoint: SftpEndpoint, surroundings: Surroundings) -> SshServer:
    """The server of an SFTP connection. Reads files. Raises TransferFailed (config)."""
    named = Ways(
        [expanded(endpoint.key)] if endpoint.key else [],
        [expanded(endpoint.certificate)] if endpoint.certificate else [],
        agent=endpoint.agent,
        password=bool(endpoint.secret and not endpoint.key),
    )
    if endpoint.ssh_config is None:
        assert endpoint.host is not None and endpoint.username is not None  # noqa: S101, PT018 - the model demands both
        server = _by_name(JumpHost(endpoint.username, endpoint.host, endpoint.port), named, surroundings.secret)
        return replace(server, pin=endpoint.host_key)
    port = endpoint.port if "port" in endpoint.model_fields_set else None
    server = _by_alias(JumpHost(endpoint.username, endpoint.ssh_config, port), named, surroundings.secret)
    if endpoint.host is not None:
        key_name = server.host if server.has_key_alias else endpoint.host
        server = replace(server, address=endpoint.host, host=key_name)
    return replace(server, pin=endpoint.host_key)


def find_hops(endpoint: Endpoint, surroundings: Surroundings, proxy_jump: str | None = None) -> list[SshServer]:
    """The jump hosts in the order in which they are reached: those of the connection or else of ProxyJump, with those
    that ssh_config puts before the first of them. Reads files. Raises TransferFailed (config)."""
    if endpoint.jump:
        found = [_find_hop(parse_jump(text), endpoint, surroundings) for text in endpoint.jump]
    else:
        found = _proxy_jump(proxy_jump)
    while found and found[0].jump is not None:
        found = [*_proxy_jump(found[0].jump), replace(found[0], jump=None), *found[1:]]
        if len(found) > _MOST_HOPS:
            raise _unusable(f"ProxyJump leads over more than {_MOST_HOPS} hosts, or in a circle")
    return found


def _find_hop(hop: JumpHost, endpoint: Endpoint, surroundings: Surroundings) -> SshServer:
    """A jump host of the connection, with how it is logged in to: by `jump_key`; else by `jump_secret` as the password;
    else, where it is no alias, as the partner's server is, unless by password; else by the keys of the agent. The
    password for the partner's server is never sent to a jump host."""

    async def secret() -> str | None:
        return None if endpoint.jump_secret is None else await surroundings.other_secret(endpoint.jump_secret)

    named = Ways()
    if endpoint.jump_key:
        named = Ways([expanded(endpoint.jump_key)])
    elif endpoint.jump_secret:
        named = Ways(password=True)
    if hop.user is None:
        return _by_alias(hop, named, secret)
    if named.methods:
        return _by_name(hop, named, secret)
    if isinstance(endpoint, SftpEndpoint) and endpoint.key:
        files = [expanded(endpoint.key)]
        certificates = [expanded(endpoint.certificate)] if endpoint.certificate else []
        return _by_name(hop, Ways(files, certificates, agent=endpoint.agent), surroundings.secret)
    return _by_name(hop, Ways(agent=True), secret)


async def _none() -> None:
    return None


def _proxy_jump(text: str | None) -> list[SshServer]:
    """The hosts that ProxyJump names: each an alias, which may have another user."""
    if text is None:
        return []
    try:
        hops = [parse_jump(part.strip().removeprefix("ssh://")) for part in text.split(",")]
    except ValueError as error:
        raise _unusable(f"a part of ProxyJump {error}") from error
    return [_by_alias(hop, Ways(), _none) for hop in hops]


def _by_name(place: JumpHost, ways: Ways, secret: Secret) -> SshServer:
    port = place.port or _SSH_PORT
    return SshServer(
        host=place.host,
        address=place.host,
        port=port,
        user=place.user or "",
        ways=ways,
        secret=secret,
        known_hosts=(_in_ssh_folder("known_hosts"),),
        # Nothing of the user's own SSH set-up has a say unless the connection asks for it.
        options={"host": place.host, "port": port, "config": None},
    )


def _by_alias(place: JumpHost, named: Ways, secret: Secret) -> SshServer:
    options: dict[str, Any] = {"host": place.host, "config": [str(_in_ssh_folder("config"))]}
    options |= {} if place.port is None else {"port": place.port}
    options |= {} if place.user is None else {"username": place.user}
    found = _look_up(options)
    known_hosts = _listed(found, "UserKnownHostsFile", [str(_in_ssh_folder("known_hosts"))])
    known_hosts += _listed(found, "GlobalKnownHostsFile", list(_SYSTEM_KNOWN_HOSTS))
    return SshServer(
        host=str(found.host_key_alias or found.host),
        address=found.host,
        port=found.port,
        user=found.username,
        ways=_ways_by_alias(named, found),
        secret=secret,
        known_hosts=tuple(expanded(name) for name in known_hosts),
        options=options,
        has_key_alias=found.host_key_alias is not None,
        jump=_text(found, "ProxyJump"),
        command=_checked_command(_text(found, "ProxyCommand"), found.username),
    )


def _look_up(options: dict[str, Any]) -> asyncssh.SSHClientConnectionOptions:
    unused: dict[str, Any] = {"x509_trusted_certs": None, "x509_trusted_cert_paths": ()}
    unused |= dict.fromkeys(("known_hosts", "client_keys", "agent_path", "pkcs11_provider", "gss_host"))
    try:
        found = asyncssh.SSHClientConnectionOptions(**options, **unused)
        if found.config.has_match_final():
            found.update(reload=True, final=True)
    except (OSError, ValueError) as error:
        raise _unusable(f"it cannot be used for the host {options['host']}: {error}") from error
    return found


def _ways_by_alias(named: Ways, found: asyncssh.SSHClientConnectionOptions) -> Ways:
    """What the connection names; else what `ssh ALIAS` would use, which are keys. A file of the alias takes the secret
    as its passphrase."""
    certificates = [expanded(name) for name in _listed(found, "CertificateFile", [])]
    if named.key_files:
        return replace(named, certificates=[*named.certificates, *certificates])
    files = [expanded(name) for name in _listed(found, "IdentityFile", [])]
    if not named.methods and not files:
        files = [_in_ssh_folder(name) for name in _DEFAULT_IDENTITIES]
    agent = found.config.get("IdentityAgent", "SSH_AUTH_SOCK")
    return Ways(
        [path for path in files if path.suffix != ".pub"],
        certificates,
        agent=agent is not None and (named.agent or not named.methods),
        agent_path=None if agent == "SSH_AUTH_SOCK" else str(expanded(str(agent))),
        agent_keys=files if found.config.get("IdentitiesOnly") else None,
        password=named.password and not files,
        lenient=True,
    )


def _checked_command(command: str | None, user: str) -> str | None:
    """As ssh does: a user name from elsewhere must not become a part of what the shell runs (CVE-2023-51385)."""
    if command is not None and not re.fullmatch(r"[A-Za-z0-9_.@+][A-Za-z0-9_.@+-]*", user):
        raise _unusable("a user name with special characters is not put into a ProxyCommand")
    return command


def _text(found: asyncssh.SSHClientConnectionOptions, option: str) -> str | None:
    value = found.config.get(option)
    return value if isinstance(value, str) else None


def _listed(found: asyncssh.SSHClientConnectionOptions, option: str, default: list[str]) -> list[str]:
    """The values of the option; an empty list when it is `none`."""
    value = found.config.get(option)
    return [str(item) for item in value] if isinstance(value, list) else default


def _in_ssh_folder(name: str) -> Path:
    return expanded("~/.ssh") / name


def _unusable(reason: str) -> TransferFailed:
    return TransferFailed(
        FailureClass.CONFIG,
        f"{_in_ssh_folder('config')}: {reason}.",
        remedy="Correct the file, or name host and username in the connection instead of an alias.",
    )

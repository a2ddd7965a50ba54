"""The way to a server as a connection describes it: SSH jump hosts, and a SOCKS5 proxy before all else."""

import re
from dataclasses import dataclass

from tui.domain.hosts import host_name, in_address

_SOCKS_PORT = 1080
"""RFC 1928, section 3."""


@dataclass(frozen=True, slots=True)
class JumpHost:
    """An SSH server that connects us further."""

    user: str | None
    """None: `host` is an alias in ~/.ssh/config, which then says who logs in, and where."""
    host: str
    port: int | None

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        return f"{user}{in_address(self.host)}{port}"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A SOCKS5 proxy."""

    user: str | None
    host: str
    port: int

    def __str__(self) -> str:
        return f"{in_address(self.host)}:{self.port}"


def parse_jump(text: str) -> JumpHost:
    """Read `user@host`, `user@host:port` or an alias of ssh_config. Raises ValueError with a sentence, which does not
    repeat the text: it may hold a password."""
    user, host, port = _parts(text)
    if user is not None and not re.fullmatch(r"[^\s:/,-][^\s:/,]*", user):
        raise ValueError("must be user@host:port or an alias of ssh_config, without a password; several are a list")
    return JumpHost(user, host_name(host), port)


def parse_proxy(text: str) -> Proxy:
    """Read `socks5://host:port` or `socks5://user@host:port`. Raises ValueError with a sentence, as `parse_jump`."""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.lower() != "socks5":
        raise ValueError("must be socks5://host:port; Wharf knows no other kind of proxy")
    user, host, port = _parts(rest.removesuffix("/"))
    if user is not None and (not user or ":" in user):
        raise ValueError("must be socks5://user@host:port; the password belongs into proxy_secret, as a reference")
    return Proxy(user, host_name(host), port or _SOCKS_PORT)


def _parts(text: str) -> tuple[str | None, str, int | None]:
    user, at, place = text.rpartition("@")
    found = re.fullmatch(r"(?:\[(?P<bracketed>[^\[\]]*)\]|(?P<plain>[^\[\]:]*))(?::(?P<port>[0-9]{1,5}))?", place)
    if found is None:
        raise ValueError("must end with host or host:port; an IPv6 address stands in brackets, as in [2001:db8::1]:22")
    port = None if found["port"] is None else int(found["port"])
    if port is not None and not 1 <= port <= 65535:
        raise ValueError("must have a port from 1 to 65535")
    return user if at else None, found["bracketed"] or found["plain"] or "", port

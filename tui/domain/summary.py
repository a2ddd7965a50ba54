"""What lists and screens show of a connection, read from its document without judging it.

A document is a connection as JSON has it (`Connection.document`). What is in the store was judged when it was saved; to
judge ten thousand connections again only to list them would take longer than all the rest.
"""

from collections.abc import Mapping
from functools import lru_cache
from sys import intern
from typing import Any, NamedTuple, TypeAlias

from tui.domain.hosts import in_address
from tui.domain.terms import After, Direction, FtpTls, MailTls, Method, ftp_port, mail_port
from tui.domain.text import plain_text

Document: TypeAlias = Mapping[str, Any]

# To look a choice up takes a tenth of the time that asking its class for it does.
_DIRECTIONS = {each.value: each for each in Direction}
_METHODS = {each.value: each for each in Method}
_AFTERS = {each.value: each for each in After}


class Summary(NamedTuple):
    """A connection as a line of a list, or the pane beside it, shows it."""

    name: str
    type: str
    direction: Direction
    method: Method
    enabled: bool
    encrypted: bool
    """Whether what goes between the two sides can be read on its way by nobody else."""
    host: str
    """The host of the other side, or its alias in ssh_config."""
    address: str
    """The other side in one short text, such as `sftp://wharf@sftp.acme.example:22/outgoing`."""
    way: str | None
    """What the connection itself puts between the two sides, in the order in which it is met."""
    local_dir: str
    pattern: tuple[str, ...]
    after: After
    move_to: str | None


def summary_of(document: Document) -> Summary:
    """Raises LookupError, TypeError, ValueError or AttributeError for what is not a whole document of a connection."""
    direction, method = _DIRECTIONS[document["direction"]], _METHODS[document["method"]]
    endpoint = document[method]
    return Summary(
        # One text for all that have it: there may be ten thousand connections.
        name=intern(plain_text(document["name"])),
        type=intern(plain_text(document["type"])),
        direction=direction,
        method=method,
        enabled=document["enabled"],
        encrypted=method is Method.SFTP or endpoint["tls"] != "none",
        host=intern(host_in(endpoint)),
        address=intern(_address(method, direction, endpoint)),
        way=_way(endpoint),
        local_dir=document["local_dir"],
        pattern=_pattern(*document["pattern"]),
        after=_AFTERS[document["after"]],
        move_to=document.get("move_to"),
    )


@lru_cache(maxsize=1000)
def _pattern(*parts: str) -> tuple[str, ...]:
    """The same for all that have it, as texts are: most patterns are one of a few."""
    return parts


def host_in(endpoint: Document) -> str:
    """The host of the other side, or its alias in ssh_config."""
    return str(endpoint.get("ssh_config") or endpoint.get("host") or "")


def port_in(method: Method, direction: Direction, endpoint: Document) -> int:
    """The port of the other side: the one given, or the usual one for how the connection is encrypted."""
    given = endpoint.get("port")
    match method:
        case Method.SFTP:
            return int(endpoint["port"])
        case Method.FTP:
            return ftp_port(given, FtpTls(endpoint["tls"]))
        case Method.EMAIL:
            return mail_port(given, MailTls(endpoint["tls"]), direction)


def _address(method: Method, direction: Direction, endpoint: Document) -> str:
    match method:
        case Method.SFTP:
            scheme, where = "sftp", "/" + endpoint["directory"].lstrip("/")
        case Method.FTP:
            scheme = "ftp" if endpoint["tls"] == "none" else "ftps"
            where = "/" + endpoint["directory"].lstrip("/")
        case Method.EMAIL if direction is Direction.INBOUND:
            scheme, where = "imap", f"/{endpoint.get('folder') or 'INBOX'}"
        case Method.EMAIL:
            scheme, where = "smtp", ""
    user = f"{endpoint['username']}@" if endpoint.get("username") else ""
    host = in_address(endpoint.get("host")) or host_in(endpoint)
    return f"{scheme}://{user}{host}:{port_in(method, direction, endpoint)}{where}"


def _way(endpoint: Document) -> str | None:
    hops = [f"jump host {hop}" for hop in endpoint.get("jump") or ()]
    if proxy := endpoint.get("proxy"):
        from tui.domain.route import parse_proxy

        hops.insert(0, f"proxy {parse_proxy(proxy)}")
    return ", then ".join(hops) or None

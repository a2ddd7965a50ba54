"""Looks at what a server shows, and keeps it as trusted once somebody has said so."""

import asyncio
from dataclasses import dataclass

from tui.domain.connection import Connection
from tui.domain.endpoint import SftpEndpoint
from tui.engine.sides import Means
from tui.methods import identify
from tui.methods.base import Surroundings
from tui.methods.narration import SILENT
from tui.trust.identity import Doubt, Identity


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of an acceptance."""

    connection: Connection
    """To be saved if it differs: its pin is now what was accepted."""
    place: str
    """Where it stands that the server is trusted."""


async def look_at(connection: Connection, means: Means) -> Identity:
    """What the server shows, judged. Raises TransferFailed."""
    surroundings = Surroundings(
        SILENT, lambda: means.secret(connection), means.known_hosts, other_secret=means.other_secret
    )
    return await identify(connection, surroundings)


def place_for(connection: Connection, identity: Identity, means: Means) -> str:
    """Where it would be kept that this is trusted."""
    if identity.is_host_key and not identity.by_pin:
        return str(means.known_hosts)
    return f"the connection, as {_pin_key(connection)}"


async def accept(connection: Connection, identity: Identity, means: Means) -> Accepted:
    """Trust what was shown, and nothing else. What was known in its place in Wharf's own file is forgotten; a file of
    the user is never changed. Raises TransferFailed (config)."""
    place = place_for(connection, identity, means)
    if identity.known_hosts_line is not None and not identity.by_pin:
        from tui.trust.hostkeys import remember

        changed = identity.doubt is Doubt.CHANGED
        await asyncio.to_thread(remember, means.known_hosts, identity.known_hosts_line, replacing=changed)
        return Accepted(connection, place)
    table, _, key = _pin_key(connection).partition(".")
    endpoint = connection.endpoint.model_copy(update={key: identity.fingerprint})
    return Accepted(connection.model_copy(update={table: endpoint}), place)


def _pin_key(connection: Connection) -> str:
    """The key of a connection file that holds the pin."""
    pin = "host_key" if isinstance(connection.endpoint, SftpEndpoint) else "fingerprint"
    return f"{connection.method.value}.{pin}"

"""`wharf trust`: shows and accepts the key or certificate of a server."""

import argparse
import asyncio
import re

from tui.commands.asking import confirmed
from tui.commands.interruption import run_async
from tui.commands.opening import open_store
from tui.commands.output import COMPLETED, narrate, say
from tui.domain.connection import Connection, Method
from tui.domain.endpoint import SftpEndpoint
from tui.domain.failure import FailureClass, ReadOnly, TransferFailed, UsageProblem
from tui.domain.text import printable
from tui.methods import identify
from tui.methods.base import Identity
from tui.paths import Paths


def trust(args: argparse.Namespace, paths: Paths) -> int:
    """Accept what the server shows: by the fingerprint given, or by asking. Raises TransferFailed (host-key, tls) when
    the server shows another one, UsageProblem when nobody can be asked, ReadOnly.
    """
    if paths.read_only:
        raise ReadOnly
    expected = _fingerprint(args.fingerprint) if args.fingerprint is not None else None
    connection, identity = run_async(_meet(paths, args.name))
    where = printable(connection.address)
    say(f"{where} shows {printable(identity.kind)} {printable(identity.fingerprint)}")
    if identity.detail:
        say(printable(identity.detail))
    pin = _pin(connection)
    if pin is not None and pin != identity.fingerprint:
        say(f"The connection pins another one: {pin}")
    if expected is None:
        _ask(where)
    elif expected != identity.fingerprint:
        raise TransferFailed(
            FailureClass.HOST_KEY if connection.method is Method.SFTP else FailureClass.TLS,
            f"{where} shows {identity.fingerprint}, not {expected}; nothing was accepted.",
            remedy="Ask the partner which of the two is right before any secret goes there.",
        )
    narrate(run_async(_accept(paths, connection, identity)))
    return COMPLETED


def _fingerprint(text: str) -> str:
    if not re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}=?", text):
        raise UsageProblem("A fingerprint is SHA256: followed by 43 characters, as `ssh-keygen -l` shows it.")
    return text.rstrip("=")


def _ask(where: str) -> None:
    question = f"Compare it with the partner by another channel. Trust {where}?"
    if not confirmed(question, otherwise="--fingerprint SHA256:... accepts exactly that one without asking"):
        raise UsageProblem("Nothing was accepted.")


async def _meet(paths: Paths, name: str) -> tuple[Connection, Identity]:
    async with open_store(paths) as store:
        connection = await store.connection(name)
    return connection, await identify(connection)


def _pin(connection: Connection) -> str | None:
    endpoint = connection.endpoint
    return endpoint.host_key if isinstance(endpoint, SftpEndpoint) else endpoint.fingerprint


async def _accept(paths: Paths, connection: Connection, identity: Identity) -> str:
    """Keep what was shown where the connection's method looks for it; returns the sentence that says where."""
    endpoint = connection.endpoint
    if isinstance(endpoint, SftpEndpoint):
        if identity.known_hosts_line is not None and endpoint.host_key is None:
            return await _remember_host_key(paths, identity.known_hosts_line)
        # A pin overrules the known hosts, so a new key counts only there.
        pinned = connection.model_copy(update={"sftp": endpoint.model_copy(update={"host_key": identity.fingerprint})})
        key = "sftp.host_key"
    else:
        table = connection.method.value
        pin = endpoint.model_copy(update={"fingerprint": identity.fingerprint})
        pinned = connection.model_copy(update={table: pin})
        key = f"{table}.fingerprint"
    async with open_store(paths) as store:
        await store.save(pinned, replacing=connection.name)
    return f"Trusted: {key} of the connection “{printable(connection.name)}” is now {identity.fingerprint}."


async def _remember_host_key(paths: Paths, line: str) -> str:
    from tui.trust.hostkeys import remember

    await asyncio.to_thread(remember, paths.known_hosts, line)
    return f"Trusted: the key is stored in {paths.known_hosts}."

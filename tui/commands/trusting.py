"""`wharf trust`: shows and accepts the key or certificate of a server."""

import argparse
import re
import shlex
from collections.abc import Iterator
from itertools import zip_longest

from tui.commands.asking import confirmed, passphrase_asker
from tui.commands.interruption import run_async
from tui.commands.opening import open_logged_engine
from tui.commands.output import COMPLETED, narrate, say
from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, ReadOnly, TransferFailed, UsageProblem
from tui.domain.text import printable
from tui.engine import Engine
from tui.paths import Paths
from tui.trust.identity import Doubt, Identity

_COLUMN = 24
"""Characters from one picture to the next beside it."""


def trust(args: argparse.Namespace, paths: Paths) -> int:
    """Accept what the server shows: by the fingerprint given, or by asking. Raises TransferFailed (host-key, tls) when
    the server shows another one or one that takes the place of a trusted one, UsageProblem when nobody can be asked,
    ReadOnly.
    """
    if paths.read_only:
        raise ReadOnly
    expected = _fingerprint(args.fingerprint) if args.fingerprint is not None else None
    connection, identity, place = run_async(_meet(paths, args.name))
    say("\n".join(map(printable, _shown(identity))))
    if expected is not None and expected != identity.fingerprint:
        raise _refusal(
            identity,
            f"{identity.where} shows {identity.fingerprint}, not {expected}; nothing was accepted.",
            "Ask the partner which of the two is right before any secret goes there.",
        )
    if identity.doubt is Doubt.REVOKED:
        raise _refusal(
            identity,
            f"This key is {identity.reason}; it is not accepted.",
            "Do not connect. Ask the partner by another channel what has happened to this key.",
        )
    if expected is None:
        if identity.doubt is None:
            narrate(f"It is trusted already: {printable(identity.reason)}.")
            return COMPLETED
        _ask(connection, identity, place)
    narrate(run_async(_accept(paths, connection, identity)))
    return COMPLETED


def _fingerprint(text: str) -> str:
    if not re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}=?", text):
        raise UsageProblem("A fingerprint is SHA256: followed by 43 characters, as `ssh-keygen -l` shows it.")
    return text.rstrip("=")


def _ask(connection: Connection, identity: Identity, place: str) -> None:
    if identity.doubt is Doubt.CHANGED:
        raise _refusal(
            identity,
            f"{identity.where} shows another one than was trusted until now; nothing was accepted.",
            "Ask the partner by another channel whether it was changed. If not, somebody may be in between. Only if it "
            f"was: `wharf trust {shlex.quote(connection.name)} --fingerprint` and what the partner tells you.",
        )
    question = (
        f"It is not trusted: {printable(identity.reason)}. Compare it with the partner by another channel.\n"
        f"Trust {printable(identity.where)}, and keep that in {printable(place)}?"
    )
    if not confirmed(question, otherwise="--fingerprint SHA256:... accepts exactly that one without asking"):
        raise UsageProblem("Nothing was accepted.")


def _refusal(identity: Identity, message: str, remedy: str) -> TransferFailed:
    return TransferFailed(FailureClass.HOST_KEY if identity.is_host_key else FailureClass.TLS, message, remedy=remedy)


def _shown(identity: Identity) -> Iterator[str]:
    """What the server shows, and what was trusted until now beside it."""
    yield f"{identity.where} shows {identity.kind} {identity.fingerprint}"
    facts = identity.certificate
    if facts is not None:
        yield f"  Subject  {facts.subject}"
        yield f"  Issuer   {facts.issuer}"
        yield f"  Names    {', '.join(facts.names) or 'none'}"
        yield f"  Valid    {facts.begins:%Y-%m-%d} to {facts.ends:%Y-%m-%d}"
    for old in identity.known:
        yield f"Trusted until now: {f'{old.kind} ' if old.kind else ''}{old.fingerprint}"
        yield f"  in {old.place}"
    if identity.is_host_key:
        before = [("trusted until now", old.picture) for old in identity.known]
        yield from _side_by_side([*before, ("shown now", identity.picture)])


def _side_by_side(pictures: list[tuple[str, list[str]]]) -> Iterator[str]:
    if len(pictures) > 1:
        yield "".join(heading.ljust(_COLUMN) for heading, _ in pictures).rstrip()
    for lines in zip_longest(*(picture for _, picture in pictures), fillvalue=""):
        yield "".join(line.ljust(_COLUMN) for line in lines).rstrip()


async def _meet(paths: Paths, name: str) -> tuple[Connection, Identity, str]:
    async with open_logged_engine(paths, passphrase_asker()) as engine:
        connection = await engine.store.connection(name)
        identity = await engine.identify(connection)
        return connection, identity, engine.place_for(connection, identity)


async def _accept(paths: Paths, connection: Connection, identity: Identity) -> str:
    """Keep what was shown where the connection's method looks for it; returns what to tell of that."""
    async with open_logged_engine(paths) as engine:
        accepted = await engine.accept(connection, identity)
        if accepted.connection != connection:
            await engine.store.save(accepted.connection, replacing=connection.name, seen=connection)
        told = f"Trusted: {printable(identity.fingerprint)} is now in {printable(accepted.place)}."
        return "\n".join([told, *await _still_trusted(engine, accepted.connection, identity)])


async def _still_trusted(engine: Engine, connection: Connection, identity: Identity) -> list[str]:
    """What was trusted in the place of the new key and stands in a file that Wharf does not change."""
    own = engine.place_for(connection, identity)
    return [
        f"The old key is still trusted too: remove it from {printable(old.place)}, if nobody else needs it."
        for old in identity.known
        if not identity.by_pin and not old.place.startswith(f"{own}, ")
    ]

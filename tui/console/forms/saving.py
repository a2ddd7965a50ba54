"""Saves a connection together with the secret that was typed for it. No widgets here."""

import asyncio
from collections.abc import Iterator
from itertools import count

from tui.domain.connection import Connection
from tui.engine import Engine
from tui.trust.vault import Vault


def with_reference(connection: Connection, reference: str) -> Connection:
    """The connection with its secret at another place."""
    endpoint = connection.endpoint.model_copy(update={"secret": reference})
    return connection.model_copy(update={connection.method.value: endpoint})


async def save_connection(
    engine: Engine, connection: Connection, original: Connection | None, typed: str
) -> Connection:
    """Add the connection, or put it in the place of the original. Returns it as it is stored.

    A typed secret goes to the vault, and the connection refers to it there; both are stored or neither is. Once begun,
    that is so even when the caller is cancelled. Raises NameTaken, UnknownConnection, ChangedElsewhere when the
    original is not what is stored any more, StoreProblem and VaultProblem.
    """
    if not typed:
        await _save(engine, connection, original)
        return connection
    await engine.open_vault()
    name = await _name_in_vault(engine, connection, original)
    referring = with_reference(connection, f"vault:{name}")
    await asyncio.shield(asyncio.create_task(_save_both(engine, referring, original, name, typed)))
    return referring


async def _save(engine: Engine, connection: Connection, original: Connection | None) -> None:
    replacing = None if original is None else original.name
    await engine.store.save(connection, replacing=replacing, seen=original)


async def _save_both(
    engine: Engine, connection: Connection, original: Connection | None, name: str, typed: str
) -> None:
    before = await asyncio.to_thread(_exchange, engine.vault, name, typed)
    try:
        await _save(engine, connection, original)
    except BaseException:
        await asyncio.to_thread(_put_back, engine.vault, name, before)
        raise


def _exchange(vault: Vault, name: str, secret: str) -> str | None:
    before = vault.get(name) if name in vault.names() else None
    vault.set(name, secret)
    return before


def _put_back(vault: Vault, name: str, before: str | None) -> None:
    if before is None:
        vault.delete(name)
    else:
        vault.set(name, before)


async def _name_in_vault(engine: Engine, connection: Connection, original: Connection | None) -> str:
    """Where the secret goes: never over one that another connection uses."""
    used_by_others = {
        reference
        for other in await engine.store.connections()
        if original is None or other.name != original.name
        for reference in other.references
    }
    return next(name for name in _names(connection, original) if f"vault:{name}" not in used_by_others)


def _names(connection: Connection, original: Connection | None) -> Iterator[str]:
    """The place that the original has already, so that no secret stays behind that nobody uses; or else a new one."""
    if original is not None and original.method is connection.method:
        scheme, _, name = str(original.endpoint.secret).partition(":")
        if scheme == "vault":
            yield name
    usual = f"{connection.name}-{connection.method}"
    yield usual
    yield from (f"{usual}-{number}" for number in count(2))

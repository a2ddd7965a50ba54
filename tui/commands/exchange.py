"""`wharf import`, `wharf export` and `wharf delete`."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tui.commands.asking import confirmed
from tui.commands.interruption import run_async
from tui.commands.opening import open_store
from tui.commands.output import COMPLETED, USAGE, narrate, say, say_bytes
from tui.domain.connection import Connection
from tui.domain.connection_file import WrongConnectionFile, changed_keys, read_connections, write_connections
from tui.domain.failure import UsageProblem
from tui.domain.figures import count
from tui.domain.text import printable
from tui.paths import Paths
from tui.store.base import Store, Unreadable


@dataclass(frozen=True, slots=True)
class _Change:
    """What importing one connection means for the store."""

    connection: Connection
    kind: str
    """`add`, `replace` or `unchanged`."""
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind:<9}  {printable(self.connection.name)}{f': {self.detail}' if self.detail else ''}"


def import_file(args: argparse.Namespace, paths: Paths) -> int:
    """Take over all connections of a file or none. Raises UsageProblem, with every wrong place of the file."""
    where = "<stdin>" if args.file == "-" else printable(args.file)
    try:
        connections = read_connections(_read(args.file, where))
    except WrongConnectionFile as error:
        for problem in error.problems:
            narrate(f"{where}: {problem}")
        raise UsageProblem(f"{count(len(error.problems), 'problem')} in {where}; nothing was imported.") from None
    if not connections:
        raise UsageProblem(f"{where} holds no [[connection]]; nothing was imported.")
    changes = run_async(_import(paths, connections, where, replace=args.replace, dry_run=args.dry_run))
    for change in changes:
        say(str(change))
    if args.dry_run:
        narrate("Nothing was changed; this is what an import would do.")
    return COMPLETED


async def _import(
    paths: Paths, connections: Sequence[Connection], where: str, *, replace: bool, dry_run: bool
) -> list[_Change]:
    async with open_store(paths) as store:
        changes = await _compare(store, connections)
        taken = [change for change in changes if change.kind == "replace"]
        if taken and not replace and not dry_run:
            for change in taken:
                name = printable(change.connection.name)
                narrate(f'{where}: connection "{name}": exists already and differs ({change.detail})')
            raise UsageProblem("Nothing was imported; --replace replaces connections of the same name.")
        if not dry_run:
            wanted = [change.connection for change in changes if change.kind != "unchanged"]
            await store.save_all(wanted, replace=replace)
        return changes


async def _compare(store: Store, connections: Sequence[Connection]) -> list[_Change]:
    stored = {connection.name: connection for connection in await store.connections()}
    unreadable = {one.name for one in await store.unreadable()}
    return [_change(connection, stored.get(connection.name), unreadable) for connection in connections]


def _change(new: Connection, old: Connection | None, unreadable: set[str]) -> _Change:
    if old is not None:
        keys = changed_keys(old, new)
        return _Change(new, "replace", ", ".join(keys)) if keys else _Change(new, "unchanged")
    if new.name in unreadable:
        return _Change(new, "replace", "the stored one cannot be read")
    return _Change(new, "add")


def _read(file: str, where: str) -> str:
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise UsageProblem(f"{where} cannot be read: {error.strerror}.") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageProblem(f"{where}: line {line}: is not UTF-8 text, as TOML must be.") from None


def export(args: argparse.Namespace, paths: Paths) -> int:
    """Print connections as a file that `wharf import` takes. Raises UnknownConnection."""
    connections, unreadable = run_async(_chosen(paths, list(dict.fromkeys(args.names))))
    say_bytes(write_connections(connections).encode())
    for one in unreadable:
        narrate(f"wharf: “{printable(one.name)}” cannot be read and is left out: {printable(one.reasons)}.")
    return USAGE if unreadable else COMPLETED


async def _chosen(paths: Paths, names: Sequence[str]) -> tuple[list[Connection], list[Unreadable]]:
    async with open_store(paths) as store:
        if names:
            return [await store.connection(name) for name in names], []
        return await store.connections(), await store.unreadable()


def delete(args: argparse.Namespace, paths: Paths) -> int:
    """Delete a connection after asking. Raises UnknownConnection; AlreadyRunning while it runs."""
    run_async(_require(paths, args.name))
    name = printable(args.name)
    question = (
        f"Delete the connection “{name}”? Its history stays, but Wharf forgets which files it has delivered: created "
        "anew it would deliver them again."
    )
    if not args.yes and not confirmed(question, otherwise="--yes deletes without asking"):
        raise UsageProblem(f"“{name}” was not deleted.")
    run_async(_delete(paths, args.name))
    narrate(f"“{name}” is deleted.")
    return COMPLETED


async def _require(paths: Paths, name: str) -> None:
    async with open_store(paths) as store:
        if name not in {one.name for one in await store.unreadable()}:
            await store.connection(name)


async def _delete(paths: Paths, name: str) -> None:
    async with open_store(paths) as store:
        await store.delete(name)

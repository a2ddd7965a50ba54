"""`wharf list` and `wharf show`."""

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tui.commands.narrowing import understood
from tui.commands.opening import open_reading
from tui.commands.output import COMPLETED, narrate, say, say_json, status_text, table, time_text
from tui.domain.as_json import connection_json, time_json
from tui.domain.expiry import EXPIRY_SIGN, expiry_warning
from tui.domain.figures import UNENCRYPTED_SIGN, count
from tui.domain.filter import Facts
from tui.domain.filter_facts import connection_facts, connection_vocabulary
from tui.domain.summary import Document
from tui.domain.terms import type_title
from tui.domain.text import printable
from tui.paths import Paths
from tui.store.base import ConnectionState

if TYPE_CHECKING:
    from tui.domain.connection import Connection

_HEAD = ("Name", "Type", "Direction", "Method", "Status", "Last Active (UTC)")

_LABELS = {"tls": "TLS", "ca_file": "CA file", "ssh_config": "SSH config alias", "from": "From (filter)"}


def list_connections(args: argparse.Namespace, paths: Paths) -> int:
    """Print all connections with their status, or those that the filter means. Raises UsageProblem for a wrong one."""
    with open_reading(paths) as store:
        everything, unreadable = store.overview(), store.unshown()
        documents = store.documents({state.connection.name for state in everything}) if args.json else {}
    vocabulary = connection_vocabulary(state.connection.type for state in everything)
    wanted = understood(args.filter, vocabulary, paths, "connections")
    states = [state for state in everything if wanted.accepts(_facts(state))] if wanted else everything
    for one in unreadable:
        narrate(f"wharf: The stored connection “{printable(one.name)}” cannot be read: {printable(one.reasons)}.")
    if args.json:
        say_json([_as_json(state, documents[state.connection.name]) for state in states])
    elif states:
        say(table(_HEAD, [_row(state) for state in states]))
    elif everything:
        narrate(f"None of {count(len(everything), 'connection')} is meant by this filter.")
    elif not unreadable:
        narrate("There are no connections yet. `wharf import FILE` adds some; `wharf` has a form for one.")
    return COMPLETED


def show_connection(args: argparse.Namespace, paths: Paths) -> int:
    """Print everything about one connection; of its secret only the reference. Raises UnknownConnection."""
    with open_reading(paths) as store:
        connection = store.connection(args.name)
        state = next(state for state in store.overview() if state.connection.name == connection.name)
    if args.json:
        say_json(_as_json(state, connection.document))
        return COMPLETED
    lines = list(_words(state, connection))
    width = max(len(label) for label, _ in lines)
    say("\n".join(f"{label:<{width}}  {printable(text)}" for label, text in lines))
    return COMPLETED


def _facts(state: ConnectionState) -> Facts:
    return connection_facts(state.connection, state.status, state.last_active, state.latest)


def _as_json(state: ConnectionState, document: Document) -> dict[str, object]:
    expiry = _expiry(state)
    return connection_json(document, state.status, state.last_active) | {
        "certificate_ends": time_json(state.certificate_ends),
        "warnings": [] if expiry is None else [expiry],
    }


def _expiry(state: ConnectionState) -> str | None:
    return expiry_warning(state.certificate_ends, datetime.now(UTC))


def _row(state: ConnectionState) -> tuple[str, ...]:
    connection = state.connection
    return (
        connection.name,
        type_title(connection.type),
        connection.direction.label,
        connection.method.label
        + ("" if connection.encrypted else f" {UNENCRYPTED_SIGN}")
        + ("" if _expiry(state) is None else f" {EXPIRY_SIGN}"),
        status_text(state.status) + ("" if connection.enabled else " (disabled)"),
        time_text(state.last_active),
    )


def _words(state: ConnectionState, connection: "Connection") -> Iterator[tuple[str, str]]:
    yield "Name", connection.name
    yield "Type", type_title(connection.type)
    yield "Direction", connection.direction.label
    yield "Method", connection.method.label
    if not connection.encrypted:
        yield "Encryption", f"{UNENCRYPTED_SIGN} none: anybody on the way can read along and change what is sent"
    if state.certificate_ends is not None:
        expiry = _expiry(state)
        yield "Certificate", f"{EXPIRY_SIGN} {expiry}" if expiry else f"until {state.certificate_ends:%Y-%m-%d}"
    yield "Status", status_text(state.status)
    yield "Last active", f"{time_text(state.last_active)} UTC" if state.last_active else "never"
    if state.latest is not None and state.latest.failure is not None:
        yield "Failure", state.latest.failure.message
        yield "Remedy", state.latest.failure.remedy
    yield "Enabled", "yes" if connection.enabled else "no"
    yield "Address", connection.address
    if connection.way is not None:
        yield "Way there", connection.way
    yield "Local folder", connection.local_dir
    yield "File pattern", ", ".join(connection.pattern)
    yield "After success", f"move to {connection.move_to}" if connection.move_to else connection.after.value
    yield "Verify", connection.verify.value
    yield "Retries", str(connection.retries)
    yield "Stall timeout", f"{connection.stall_timeout} s"
    for key, value in connection.document[connection.method].items():
        yield _LABELS.get(key, key.replace("_", " ").capitalize()), _value(value)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
